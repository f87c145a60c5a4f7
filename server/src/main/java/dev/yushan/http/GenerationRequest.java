package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.engine.EngineConfig;
import dev.yushan.engine.EngineRequest;
import dev.yushan.generate.TokenConstraint;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizer.Specials;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;

/// What a request to complete or to chat asks for, checked.
///
/// @param id of the answer
/// @param requests one for each continuation; the i-th of the p-th prompt is number `p * n + i`
/// @param prompts as text (if they are needed) and ids
/// @param logprobs how many of the most probable tokens to show; empty shows none at all
record GenerationRequest(
    String id,
    String model,
    boolean chat,
    boolean stream,
    boolean usage,
    boolean usageInEvents,
    boolean echo,
    int n,
    OptionalInt logprobs,
    OptionalInt promptLogprobs,
    boolean tokenIds,
    boolean tokensAsIds,
    int maxTokens,
    List<Prompt> prompts,
    List<EngineRequest> requests) {

  /// @param text empty where the request had ids and nobody asked for it
  record Prompt(String text, int[] ids) {}

  /// What all requests are read with.
  ///
  /// @param names of the model
  /// @param choices that a request may ask for
  /// @param longestToken in bytes
  record Reader(
      LoadedModel model,
      List<String> names,
      int choices,
      Optional<Duration> timeout,
      int longestToken) {

    static Reader of(LoadedModel model, ServerConfig config) {
      Tokenizer tokenizer = model.tokenizer();
      int longest =
          IntStream.range(0, tokenizer.vocabSize())
              .map(id -> tokenizer.bytes(id).length)
              .max()
              .orElse(1);
      return new Reader(
          model, config.modelNames(), config.limits().choices(), config.requestTimeout(), longest);
    }

    /// Throws a 400, or a 404 for an unknown model.
    GenerationRequest completion(Body body, String id) {
      return read(body, id, false);
    }

    GenerationRequest chat(Body body, String id) {
      return read(body, id, true);
    }

    private GenerationRequest read(Body body, String id, boolean chat) {
      String name = requireModel(body);
      boolean stream = body.flag("stream", false);
      boolean echo = !chat && body.flag("echo", false);
      OptionalInt logprobs = chat ? chatLogprobs(body) : body.integer("logprobs");
      OptionalInt shown = body.integer("prompt_logprobs");
      if (stream && shown.orElse(0) > 0) {
        throw ApiException.badRequest(
            "prompt_logprobs", "`prompt_logprobs` are not available with `stream`");
      }
      OptionalInt scored = shown.isEmpty() && echo ? logprobs : shown;
      Optional<TokenConstraint> constraint = Constraints.of(body, model.structured());
      int n = body.integer("n", 1);
      requireFew(chat ? 1 : prompts(body), n);
      List<Prompt> prompts = chat ? List.of(conversation(body)) : prompts(body, echo);
      SamplingFields sampling =
          new SamplingFields(body, model.samplingDefaults(), model.tokenizer());
      long seed = sampling.seed();
      List<EngineRequest> requests = new ArrayList<>();
      int longest = 0;
      for (Prompt prompt : prompts) {
        int maxTokens = maxTokens(body, chat, echo, prompt.ids().length);
        longest = Math.max(longest, maxTokens);
        for (int i = 0; i < n; i++) {
          requests.add(
              new EngineRequest(
                  id + "-" + requests.size(),
                  prompt.ids(),
                  sampling.params(maxTokens, seed, i),
                  body.integer("priority", 0),
                  logprobs,
                  scored,
                  constraint,
                  timeout));
        }
      }
      Optional<JsonNode> options = streamOptions(body, stream);
      boolean usage = options.map(node -> node.path("include_usage").asBoolean(true)).orElse(false);
      return new GenerationRequest(
          id,
          name,
          chat,
          stream,
          usage,
          usage && options.orElseThrow().path("continuous_usage_stats").asBoolean(false),
          echo,
          n,
          logprobs,
          shown,
          body.flag("return_token_ids", false),
          body.flag("return_tokens_as_token_ids", false),
          longest,
          prompts,
          requests);
    }

    /// The name that the answer carries.
    String requireModel(Body body) {
      String name = body.text("model").orElse(names.getFirst());
      if (!names.contains(name)) {
        throw ApiException.unknownModel(name);
      }
      return name;
    }

    private static Optional<JsonNode> streamOptions(Body body, boolean stream) {
      Optional<JsonNode> options = body.find("stream_options");
      if (options.isPresent() && !stream) {
        throw ApiException.badRequest(
            "stream_options", "`stream_options` are for requests with `stream` = true");
      }
      for (String flag : List.of("include_usage", "continuous_usage_stats")) {
        options
            .map(node -> node.get(flag))
            .filter(value -> !value.isBoolean() && !value.isNull())
            .ifPresent(
                value -> {
                  throw ApiException.badRequest(
                      "stream_options", "`stream_options.%s` must be true or false", flag);
                });
      }
      return options;
    }

    private static OptionalInt chatLogprobs(Body body) {
      boolean wanted = body.flag("logprobs", false);
      int top = body.integer("top_logprobs", 0);
      if (top > 0 && !wanted) {
        throw ApiException.badRequest("top_logprobs", "`top_logprobs` needs `logprobs` = true");
      }
      return wanted ? OptionalInt.of(top) : OptionalInt.empty();
    }

    /// How many a request to complete has.
    private static int prompts(Body body) {
      JsonNode prompt = body.require("prompt");
      return prompt.isArray() && !prompt.path(0).isNumber() ? prompt.size() : 1;
    }

    /// Refuses what no engine of this size could ever take, before time is spent on it.
    private void requireFew(int prompts, int n) {
      long places = (long) config().maxNumSeqs() + config().maxWaiting();
      long texts = (long) prompts * n;
      if (texts > choices) {
        throw ApiException.badRequest(
            n > 1 ? "n" : "prompt",
            "%d prompts times n = %d are more than the %d texts that one request may ask for",
            prompts,
            n,
            choices);
      }
      if (texts > places) {
        throw ApiException.badRequest(
            n > 1 ? "n" : "prompt",
            "%d prompts times n = %d are more than can ever be taken at once: %d that are computed"
                + " (--max-num-seqs) and %d that wait (--max-waiting); send fewer, or start the"
                + " server with more",
            prompts,
            n,
            config().maxNumSeqs(),
            config().maxWaiting());
      }
    }

    private List<Prompt> prompts(Body body, boolean echo) {
      JsonNode prompt = body.require("prompt");
      if (prompt.isTextual()) {
        return List.of(ofText(body, prompt.textValue(), true));
      }
      if (prompt.isEmpty()) {
        throw ApiException.badRequest("prompt", "`prompt` must not be empty");
      }
      if (prompt.get(0).isNumber()) {
        return List.of(ofIds(body, prompt, echo));
      }
      return StreamSupport.stream(prompt.spliterator(), false)
          .map(
              one -> one.isTextual() ? ofText(body, one.textValue(), true) : ofIds(body, one, echo))
          .toList();
    }

    private Prompt conversation(Body body) {
      ChatPrompt.requireNoCalls(body);
      return ofText(body, ChatPrompt.render(body, model), false);
    }

    private Prompt ofText(Body body, String text, boolean specials) {
      Texts.requireWhole(promptField(body), text);
      // no token is longer, and no character shorter than a byte
      requireRoom(body, text.length() / longestToken);
      int[] ids =
          body.flag("add_special_tokens", specials)
              ? model.tokenizer().encodeWithTemplate(text, Specials.PARSE)
              : model.tokenizer().encode(text, Specials.PARSE);
      requireTokens(body, ids);
      int[] around =
          body.flag("add_special_tokens", specials)
              ? model.tokenizer().encodeWithTemplate("", Specials.PARSE)
              : new int[0];
      int same = Arrays.mismatch(ids, around);
      int before = same < 0 ? ids.length : same;
      int behind = around.length - before;
      int[] kept = truncation(body).cut(ids, before, behind);
      return new Prompt(
          kept.length == ids.length ? text : text(kept, before, kept.length - behind), kept);
    }

    /// Of the tokens of a text, as it had them: special ones too.
    private String text(int[] ids, int from, int to) {
      return from < to ? model.tokenizer().decode(Arrays.copyOfRange(ids, from, to), false) : "";
    }

    private static String promptField(Body body) {
      return body.has("messages") ? "messages" : "prompt";
    }

    /// Refuses what is far too long before time is spent on it, unless it is to be cut.
    ///
    /// @param least how many tokens it has at least
    private void requireRoom(Body body, int least) {
      if (least > config().maxModelLen() && !body.has("truncate_prompt_tokens")) {
        throw ApiException.badRequest(
            promptField(body),
            "This model's maximum context length is %d tokens. The prompt has %d or more. Please"
                + " shorten it.",
            config().maxModelLen(),
            least);
      }
    }

    private Prompt ofIds(Body body, JsonNode list, boolean echo) {
      requireRoom(body, list.size());
      int[] ids = new int[list.size()];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = list.get(i).intValue();
      }
      int size = model.tokenizer().vocabSize();
      for (int id : ids) {
        if (id >= size) {
          throw ApiException.badRequest(
              "prompt", "the token id %d is out of the vocabulary (0 to %d)", id, size - 1);
        }
      }
      requireTokens(body, ids);
      int[] kept = truncation(body).cut(ids, 0, 0);
      return new Prompt(
          echo ? model.tokenizer().decode(kept, body.flag("skip_special_tokens", true)) : "", kept);
    }

    private static void requireTokens(Body body, int[] ids) {
      if (ids.length == 0) {
        throw ApiException.badRequest(promptField(body), "the prompt has no tokens");
      }
    }

    private Truncation truncation(Body body) {
      return Truncation.of(body, roomBeside(body));
    }

    /// How long a prompt may be for all tokens that are asked for to fit beside it.
    private int roomBeside(Body body) {
      int asked =
          body.has("max_completion_tokens")
              ? body.integer("max_completion_tokens", 1)
              : body.integer("max_tokens", 1);
      return Math.max(1, config().maxModelLen() - Math.max(1, asked));
    }

    private EngineConfig config() {
      return model.engine().config();
    }

    private int maxTokens(Body body, boolean chat, boolean echo, int promptTokens) {
      int context = config().maxModelLen();
      String name =
          chat && body.has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
      OptionalInt asked = body.integer(name);
      if (asked.orElse(1) == 0 && !echo) {
        throw ApiException.badRequest(name, "`max_tokens` must be at least 1 without `echo`");
      }
      int least = asked.orElse(1) == 0 ? 0 : 1;
      if (promptTokens + least > context) {
        throw ApiException.badRequest(
            chat ? "messages" : "prompt",
            "This model's maximum context length is %d tokens. The prompt has %d, which leaves none"
                + " for the answer. Please shorten it.",
            context,
            promptTokens);
      }
      int room = context - promptTokens;
      if (asked.orElse(0) > room) {
        throw ApiException.badRequest(
            name,
            "This model's maximum context length is %d tokens. However, you requested %d tokens (%d"
                + " in the prompt, %d in the completion). Please reduce one of them.",
            context,
            (long) promptTokens + asked.getAsInt(),
            promptTokens,
            asked.getAsInt());
      }
      int usual = Math.min(chat ? room : 16, room);
      JsonNode preset = model.samplingDefaults().path("max_new_tokens");
      return asked.orElse(chat && preset.isInt() ? Math.min(preset.intValue(), room) : usual);
    }
  }
}
