package dev.yushan.http;

import static dev.yushan.http.Field.honoured;
import static dev.yushan.http.Field.ignored;
import static dev.yushan.http.Field.refused;

import dev.yushan.http.Field.Kind;
import dev.yushan.http.Field.Range;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/// The fields of all requests: those of vLLM's protocol (`entrypoints/openai/*/protocol.py`), older
/// names of theirs that clients still send, and `typical_p` of transformers.
final class Fields {
  /// The most probable tokens that a request may ask for at each place, as `--max-logprobs` of
  /// vLLM.
  static final int MAX_LOGPROBS = 20;

  /// The keys of objects that may have others, which have no effect. Events are never padded, as
  /// `include_obfuscation` has those of OpenAI.
  static final Map<String, Set<String>> KEYS =
      Map.of(
          "stream_options",
          Set.of("include_usage", "continuous_usage_stats", "include_obfuscation"));

  private static final Range LOGPROBS = Range.between(0, MAX_LOGPROBS);
  private static final Range INT = Range.between(Integer.MIN_VALUE, Integer.MAX_VALUE);
  private static final Range POSITIVE = Range.between(1, Integer.MAX_VALUE);
  private static final Range NOT_NEGATIVE = Range.between(0, Integer.MAX_VALUE);

  private static final List<Field> SAMPLING =
      List.of(
          honoured("model", Kind.STRING, "A name of the served model; the model if left out."),
          honoured(
              "frequency_penalty",
              Kind.NUMBER,
              Range.between(-2, 2),
              "Subtracted from the logit of a token for each time it was written."),
          honoured(
              "presence_penalty",
              Kind.NUMBER,
              Range.between(-2, 2),
              "Subtracted from the logits of tokens that were written."),
          honoured(
              "repetition_penalty",
              Kind.NUMBER,
              Range.above(0, Double.POSITIVE_INFINITY),
              "Divides (multiplies, if negative) the logits of tokens of prompt and text."),
          honoured(
              "logit_bias", Kind.NUMBERS_BY_NAME, "Added to logits, by token id; -100 to 100."),
          honoured("n", Kind.INTEGER, POSITIVE, "Continuations of each prompt."),
          honoured(
              "seed",
              Kind.LONG,
              "Of the random numbers; the i-th continuation draws with seed + i."),
          honoured("stop", Kind.STRING_OR_STRINGS, "Texts that end a continuation; no part of it."),
          honoured(
              "stop_token_ids",
              Kind.IDS,
              "Ids that end a continuation, beside those of the model."),
          honoured(
              "include_stop_str_in_output",
              Kind.BOOLEAN,
              "Whether the stop text belongs to the continuation after all."),
          honoured("ignore_eos", Kind.BOOLEAN, "Goes on after the ids that end a text."),
          honoured(
              "skip_special_tokens",
              Kind.BOOLEAN,
              "Leaves special tokens out of the text: true if left out."),
          honoured("min_tokens", Kind.INTEGER, NOT_NEGATIVE, "No end before so many tokens."),
          honoured("stream", Kind.BOOLEAN, "Answers with server-sent events as tokens come."),
          honoured(
              "stream_options",
              Kind.OBJECT,
              "`include_usage`: a last event with token counts; with it `continuous_usage_stats`:"
                  + " in every event."),
          honoured(
              "temperature",
              Kind.NUMBER,
              Range.atLeast(0),
              "0 takes the most probable token; logits are divided by it otherwise."),
          honoured(
              "top_p",
              Kind.NUMBER,
              Range.above(0, 1),
              "Only the most probable tokens that together reach this probability."),
          honoured(
              "top_k",
              Kind.INTEGER,
              Range.between(-1, Integer.MAX_VALUE),
              "Only so many of the most probable tokens; 0 and -1 for all."),
          honoured(
              "min_p",
              Kind.NUMBER,
              Range.between(0, 1),
              "Only tokens at least this share as probable as the most probable."),
          honoured(
              "typical_p",
              Kind.NUMBER,
              Range.above(0, 1),
              "Only the tokens of most typical information that together reach this probability."),
          honoured("allowed_token_ids", Kind.IDS, "Only these ids."),
          honoured("bad_words", Kind.STRINGS, "Texts that the output never completes."),
          honoured(
              "prompt_logprobs",
              Kind.INTEGER,
              LOGPROBS,
              "Log probabilities of the prompt's tokens, and of so many of the most probable"
                  + " ones."),
          honoured(
              "truncate_prompt_tokens",
              Kind.INTEGER,
              Range.between(-1, Integer.MAX_VALUE),
              "Keeps so many tokens of the prompt, of a text with the BOS in front; -1 for as many"
                  + " as fit beside the answer."),
          honoured(
              "truncation_side",
              Kind.STRING,
              "`left` keeps the last tokens (default), `right` the first."),
          honoured(
              "add_special_tokens",
              Kind.BOOLEAN,
              "Whether the tokenizer adds BOS to the prompt: true for texts, false for chats."),
          honoured(
              "response_format",
              Kind.OBJECT,
              "`type`: `text`, `json_object`, or `json_schema` with `json_schema.schema`."),
          honoured(
              "structured_outputs",
              Kind.OBJECT,
              "One of `json`, `regex`, `choice`, `json_object`."),
          honoured("guided_json", Kind.ANY, "Older name of `structured_outputs.json`."),
          honoured("guided_regex", Kind.STRING, "Older name of `structured_outputs.regex`."),
          honoured("guided_choice", Kind.STRINGS, "Older name of `structured_outputs.choice`."),
          honoured("priority", Kind.INTEGER, INT, "Lower ones are served first."),
          honoured(
              "request_id",
              Kind.STRING,
              "Used in the answer's id, unless there is an `X-Request-Id`, or it is"
                  + " not printable ASCII of at most 128 characters: then a new one is."),
          honoured(
              "return_tokens_as_token_ids",
              Kind.BOOLEAN,
              "Writes `token_id:N` for tokens in log probabilities."),
          honoured(
              "return_token_ids",
              Kind.BOOLEAN,
              "Adds `token_ids` to each choice, and `prompt_token_ids` there or, of a chat, beside"
                  + " the choices."),
          ignored("user", Kind.STRING, "for the caller's own use."),
          ignored("session_id", Kind.STRING, "there is one engine."),
          ignored("metadata", Kind.OBJECT, "for the caller's own use."),
          ignored("store", Kind.BOOLEAN, "nothing is stored."),
          ignored("service_tier", Kind.STRING, "there is one."),
          ignored(
              "spaces_between_special_tokens",
              Kind.BOOLEAN,
              "byte-level tokenizers add no spaces."),
          ignored(
              "stream_interval",
              Kind.INTEGER,
              "each event has what is there when the client can take it."),
          ignored(
              "return_token_offsets", Kind.BOOLEAN, "of use on the render routes of vLLM only."),
          ignored("return_mm_kwargs", Kind.BOOLEAN, "of use on the render routes of vLLM only."),
          ignored("routed_experts_prompt_start", Kind.INTEGER, "the model has no experts."),
          ignored("length_penalty", Kind.NUMBER, "of use to beam search only."),
          ignored("early_stopping", Kind.BOOLEAN, "of use to beam search only."),
          refused("use_beam_search", Kind.BOOLEAN, "use `n` with a temperature", "false"),
          refused("best_of", Kind.INTEGER, "use `n` and choose by `logprobs`", "1"),
          refused("watermarking", Kind.BOOLEAN, "leave it out", "false"),
          refused("logprob_token_ids", Kind.IDS, "use `logprobs`"),
          refused(
              "cache_salt",
              Kind.STRING,
              "start the server without prefix caching to keep prompts apart"),
          refused("kv_transfer_params", Kind.OBJECT, "there is one engine", "{}"),
          refused("ec_transfer_params", Kind.OBJECT, "there is one engine", "{}"),
          refused("vllm_xargs", Kind.OBJECT, "there are no extensions", "{}"),
          refused("repetition_detection", Kind.OBJECT, "use `repetition_penalty`"),
          refused("thinking_token_budget", Kind.INTEGER, "use `max_tokens`", "-1"),
          refused("logits_processors", Kind.ANY, "use `logit_bias`", "[]"),
          refused("guided_grammar", Kind.STRING, "use `structured_outputs.regex` or `.json`"),
          refused("structural_tag", Kind.ANY, "use `structured_outputs.regex` or `.json`"),
          refused("guided_decoding_backend", Kind.STRING, "there is one"),
          refused(
              "guided_whitespace_pattern",
              Kind.STRING,
              "write the white space into `guided_regex`"));

  static final List<Field> COMPLETION =
      concat(
          List.of(
              honoured(
                  "prompt", Kind.PROMPT, "What to continue: text or token ids, one or several."),
              honoured(
                  "max_tokens",
                  Kind.INTEGER,
                  NOT_NEGATIVE,
                  "At most so many new tokens; 16 if left out. 0 needs `echo`."),
              honoured(
                  "echo",
                  Kind.BOOLEAN,
                  "Puts the prompt before the text, and before its `logprobs`."),
              honoured(
                  "logprobs",
                  Kind.INTEGER,
                  LOGPROBS,
                  "Log probabilities of the tokens, and of so many of the most probable ones."),
              refused("suffix", Kind.STRING, "the model continues texts and fills no gaps", "\"\""),
              refused("prompt_embeds", Kind.ANY, "send text or token ids", "[]")),
          SAMPLING);

  static final List<Field> CHAT =
      concat(
          List.of(
              honoured(
                  "messages",
                  Kind.OBJECTS,
                  "The conversation: `role` and `content` (text, or a list of parts of text)."),
              honoured(
                  "max_tokens",
                  Kind.INTEGER,
                  POSITIVE,
                  "At most so many new tokens; up to the end of the context if left out."),
              honoured(
                  "max_completion_tokens",
                  Kind.INTEGER,
                  POSITIVE,
                  "The newer name of `max_tokens`, which it overrides."),
              honoured("logprobs", Kind.BOOLEAN, "Log probabilities of the tokens."),
              honoured(
                  "top_logprobs",
                  Kind.INTEGER,
                  LOGPROBS,
                  "So many of the most probable tokens at each place; needs `logprobs`."),
              honoured(
                  "tools",
                  Kind.OBJECTS,
                  "For the template. Calls are not parsed: needs `tool_choice` = `none`."),
              honoured("tool_choice", Kind.ANY, "`none` only."),
              honoured(
                  "add_generation_prompt",
                  Kind.BOOLEAN,
                  "Whether the template begins the answer; true if left out."),
              honoured(
                  "continue_final_message",
                  Kind.BOOLEAN,
                  "Continues the last message; not with `add_generation_prompt` = true."),
              honoured("documents", Kind.OBJECTS, "For the template."),
              honoured("chat_template_kwargs", Kind.OBJECT, "Variables for the template."),
              ignored("parallel_tool_calls", Kind.BOOLEAN, "calls are not parsed."),
              ignored("include_reasoning", Kind.BOOLEAN, "reasoning is not told from the text."),
              refused("echo", Kind.BOOLEAN, "use `continue_final_message`", "false"),
              refused(
                  "chat_template",
                  Kind.STRING,
                  "the template is that of the server (--chat-template)"),
              refused(
                  "reasoning_effort", Kind.STRING, "the model does not reason apart", "\"none\""),
              refused("return_prompt_text", Kind.BOOLEAN, "use POST /tokenize", "false"),
              refused("media_io_kwargs", Kind.OBJECT, "the model reads text only", "{}"),
              refused("mm_processor_kwargs", Kind.OBJECT, "the model reads text only", "{}"),
              refused("modalities", Kind.STRINGS, "the model writes text only", "[\"text\"]"),
              refused("audio", Kind.OBJECT, "the model writes text only"),
              refused("functions", Kind.OBJECTS, "use `tools`", "[]"),
              refused("function_call", Kind.ANY, "use `tool_choice`", "\"none\"")),
          SAMPLING);

  private static final List<Field> CHAT_PROMPT =
      CHAT.stream()
          .filter(
              field ->
                  List.of(
                          "messages",
                          "add_generation_prompt",
                          "continue_final_message",
                          "chat_template",
                          "chat_template_kwargs",
                          "mm_processor_kwargs",
                          "media_io_kwargs")
                      .contains(field.name()))
          .toList();

  static final List<Field> TOKENIZE =
      concat(
          List.of(
              honoured("model", Kind.STRING, "A name of the served model; the model if left out."),
              honoured("prompt", Kind.STRING, "The text. One of `prompt` and `messages`."),
              honoured(
                  "add_special_tokens",
                  Kind.BOOLEAN,
                  "Whether the tokenizer adds BOS: true for a prompt, false for messages."),
              honoured(
                  "return_token_strs",
                  Kind.BOOLEAN,
                  "Adds the texts of the tokens (vLLM: their names in the vocabulary)."),
              honoured("tools", Kind.OBJECTS, "For the template.")),
          CHAT_PROMPT);

  static final List<Field> DETOKENIZE =
      List.of(
          honoured("model", Kind.STRING, "A name of the served model; the model if left out."),
          honoured("tokens", Kind.IDS, "The ids."));

  private Fields() {}

  private static List<Field> concat(List<Field> first, List<Field> second) {
    return Stream.concat(first.stream(), second.stream()).toList();
  }
}
