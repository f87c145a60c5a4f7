package dev.yushan.http;

import static dev.yushan.http.ServiceFixture.CONTEXT;
import static dev.yushan.http.ServiceFixture.MODEL;
import static dev.yushan.http.ServiceFixture.TEXT;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.engine.Completion;
import dev.yushan.engine.EngineListener;
import dev.yushan.engine.EngineRequest;
import dev.yushan.engine.TokenScore;
import dev.yushan.generate.SamplingParams;
import dev.yushan.text.Tokenizer.Specials;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// `/v1/completions` against the engine asked directly.
@Timeout(120)
class CompletionsTest {
  private static final String PATH = "/v1/completions";
  private static ServiceFixture fixture;

  @BeforeAll
  static void start() {
    fixture = ServiceFixture.start();
  }

  @AfterAll
  static void stop() {
    fixture.close();
  }

  /// What the engine says to a greedy request.
  private static List<TokenScore> direct(String prompt, int tokens) {
    List<TokenScore> scores = new ArrayList<>();
    CompletableFuture<Completion> end = new CompletableFuture<>();
    fixture.engine[0].submit(
        new EngineRequest(
            "direct",
            fixture.tokenizer.encodeWithTemplate(prompt, Specials.PARSE),
            SamplingParams.greedy(tokens),
            0,
            OptionalInt.of(0),
            OptionalInt.empty(),
            Optional.empty(),
            Optional.empty()),
        new EngineListener() {
          @Override
          public void token(TokenScore token, String text) {
            scores.add(token);
          }

          @Override
          public void finished(Completion completion, String text) {
            end.complete(completion);
          }
        });
    end.join();
    return scores;
  }

  private static String text(List<TokenScore> scores) {
    // the model has more rows than the tokenizer has ids: those have no text
    int size = fixture.tokenizer.vocabSize();
    int[] ids = scores.stream().mapToInt(TokenScore::id).filter(id -> id < size).toArray();
    return fixture.tokenizer.decode(ids, true);
  }

  @Test
  void aGreedyCompletionIsWhatTheEngineSays() {
    List<TokenScore> expected = direct(TEXT, 12);
    JsonNode answer =
        fixture.ok(
            PATH,
            "{'model':'%s','prompt':'%s','max_tokens':12,'temperature':0,'return_token_ids':true}"
                .formatted(MODEL, TEXT));
    JsonNode choice = answer.at("/choices/0");
    assertThat(answer.path("object").asText()).isEqualTo("text_completion");
    assertThat(answer.path("id").asText()).startsWith("cmpl-");
    assertThat(answer.path("model").asText()).isEqualTo(MODEL);
    assertThat(choice.path("text").asText()).isEqualTo(text(expected));
    assertThat(ServiceFixture.ids(choice.path("token_ids")))
        .isEqualTo(expected.stream().map(TokenScore::id).toList());
    assertThat(choice.path("finish_reason").asText()).isEqualTo("length");
    assertThat(choice.path("logprobs").isNull()).isTrue();
    int prompt = fixture.tokenizer.encodeWithTemplate(TEXT, Specials.PARSE).length;
    assertThat(answer.at("/usage/prompt_tokens").asInt()).isEqualTo(prompt);
    assertThat(answer.at("/usage/completion_tokens").asInt()).isEqualTo(12);
    assertThat(answer.at("/usage/total_tokens").asInt()).isEqualTo(prompt + 12);
  }

  @Test
  void eventsJoinToTheWholeAnswerWithoutATornCharacter() {
    String body = "{'prompt':'%s','max_tokens':40,'temperature':0%s}";
    String whole = fixture.ok(PATH, body.formatted(TEXT, "")).at("/choices/0/text").asText();
    List<JsonNode> events =
        fixture.events(
            PATH, body.formatted(TEXT, ",'stream':true,'stream_options':{'include_usage':true}"));
    String joined =
        events.stream().map(e -> e.at("/choices/0/text").asText()).collect(Collectors.joining());
    assertThat(joined).isEqualTo(whole);
    JsonNode last = events.getLast();
    assertThat(last.path("choices")).isEmpty();
    assertThat(last.at("/usage/completion_tokens").asInt()).isEqualTo(40);
    assertThat(events.get(events.size() - 2).at("/choices/0/finish_reason").asText())
        .isEqualTo("length");
    assertThat(events.subList(0, events.size() - 2))
        .allSatisfy(
            event -> {
              assertThat(event.at("/choices/0/finish_reason").isNull()).isTrue();
              assertThat(event.has("usage") && event.path("usage").isNull()).isTrue();
              assertThat(event.path("id")).isEqualTo(last.path("id"));
            });
  }

  @Test
  void aStreamSaysWhatItIs() {
    HttpResponse<String> response =
        fixture.post(PATH, "{\"prompt\":\"a\",\"max_tokens\":2,\"stream\":true}");
    assertThat(response.headers().firstValue("content-type"))
        .contains("text/event-stream; charset=utf-8");
    assertThat(response.headers().firstValue("cache-control")).contains("no-cache");
    assertThat(ServiceFixture.events(response.body()))
        .allSatisfy(event -> assertThat(event.has("usage")).isFalse());
  }

  @Test
  void allShapesOfPromptsAreAnswered() {
    int[] ids = fixture.tokenizer.encodeWithTemplate("abc", Specials.PARSE);
    String list = java.util.Arrays.toString(ids);
    String rest = ",'max_tokens':5,'temperature':0}";
    String expected = text(direct("abc", 5));
    for (String prompt : List.of("'abc'", "['abc']", list, "[" + list + "]")) {
      JsonNode answer = fixture.ok(PATH, "{'prompt':" + prompt + rest);
      assertThat(answer.path("choices")).hasSize(1);
      assertThat(answer.at("/choices/0/text").asText()).as(prompt).isEqualTo(expected);
    }
    JsonNode two = fixture.ok(PATH, "{'prompt':['abc','%s'],'n':2".formatted(TEXT) + rest);
    assertThat(two.path("choices")).hasSize(4);
    assertThat(two.at("/choices/1/text").asText()).isEqualTo(expected);
    assertThat(two.at("/choices/3/text").asText()).isEqualTo(text(direct(TEXT, 5)));
    assertThat(two.at("/choices/3/index").asInt()).isEqualTo(3);
  }

  @Test
  void seedsDecideAndContinuationsDiffer() {
    String body = "{'prompt':'abc','max_tokens':10,'n':3,'seed':7,'temperature':1.5}";
    JsonNode first = fixture.ok(PATH, body).path("choices");
    JsonNode again = fixture.ok(PATH, body).path("choices");
    assertThat(again).isEqualTo(first);
    assertThat(first.get(0).path("text")).isNotEqualTo(first.get(1).path("text"));
    JsonNode second =
        fixture.ok(PATH, "{'prompt':'abc','max_tokens':10,'seed':8,'temperature':1.5}");
    assertThat(second.at("/choices/0/text")).isEqualTo(first.get(1).path("text"));
  }

  @Test
  void aPresetSeedThatIsNoNumberIsNone() {
    Body none = Body.parse("{}".getBytes(StandardCharsets.UTF_8), Fields.COMPLETION);
    for (String preset : List.of("null", "\"7\"")) {
      JsonNode defaults = ServiceFixture.json("{\"seed\":%s}".formatted(preset));
      SamplingFields fields = new SamplingFields(none, defaults, fixture.tokenizer);
      assertThat(fields.seed()).as(preset).isNotEqualTo(fields.seed());
    }
    JsonNode seven = ServiceFixture.json("{\"seed\":7}");
    assertThat(new SamplingFields(none, seven, fixture.tokenizer).seed()).isEqualTo(7);
  }

  /// The answer and the log both wait for it.
  @Test
  void whatWaitsForTheEndOfAllTextsRunsOnce() {
    LoadedModel model = fixture.service.ready().join();
    Body body =
        Body.parse(
            "{\"prompt\":\"a\",\"n\":3,\"max_tokens\":5}".getBytes(StandardCharsets.UTF_8),
            Fields.COMPLETION);
    GenerationRequest request =
        GenerationRequest.Reader.of(model, ServerConfig.of(MODEL)).completion(body, "id");
    AtomicInteger answers = new AtomicInteger();
    CompletableFuture<Boolean> logged = new CompletableFuture<>();
    try (Metrics metrics = new Metrics(model.engine(), MODEL)) {
      Generation generation = new Generation(request, metrics, 1000);
      generation.whenDone(answers::incrementAndGet);
      generation.whenDone(() -> logged.complete(true));
      generation.submit(model.engine());
      assertThat(logged.orTimeout(60, TimeUnit.SECONDS).join()).isTrue();
      assertThat(answers).hasValue(1);
      generation.whenDone(answers::incrementAndGet);
      assertThat(answers).hasValue(2);
    }
  }

  @Test
  void logprobsAreThoseOfTheEngineWithTheTokenItselfFirst() {
    List<TokenScore> expected = direct("abc", 4);
    JsonNode logprobs =
        fixture
            .ok(PATH, "{'prompt':'abc','max_tokens':4,'temperature':0,'logprobs':3}")
            .at("/choices/0/logprobs");
    for (int i = 0; i < 4; i++) {
      assertThat(logprobs.path("token_logprobs").get(i).floatValue())
          .isEqualTo(expected.get(i).logProbability());
      assertThat(logprobs.path("tokens").get(i).asText()).isEqualTo(token(expected.get(i).id()));
      assertThat(logprobs.path("top_logprobs").get(i).size()).isBetween(1, 3);
    }
    assertThat(ServiceFixture.ids(logprobs.path("text_offset")).getFirst()).isZero();
    JsonNode asIds =
        fixture.ok(
            PATH,
            "{'prompt':'abc','max_tokens':1,'temperature':0,'logprobs':0,'return_tokens_as_token_ids':true}");
    assertThat(asIds.at("/choices/0/logprobs/tokens/0").asText())
        .isEqualTo("token_id:" + expected.getFirst().id());
  }

  private static String token(int id) {
    return id >= fixture.tokenizer.vocabSize()
        ? ""
        : new String(fixture.tokenizer.bytes(id), java.nio.charset.StandardCharsets.UTF_8);
  }

  @Test
  void echoBeginsWithThePromptAndItsScores() {
    int[] ids = fixture.tokenizer.encodeWithTemplate(TEXT, Specials.PARSE);
    String body = "{'prompt':'%s','max_tokens':%d,'temperature':0,'echo':true,'logprobs':1%s}";
    JsonNode scored = fixture.ok(PATH, body.formatted(TEXT, 0, "")).at("/choices/0");
    assertThat(scored.path("text").asText()).isEqualTo(TEXT);
    JsonNode values = scored.at("/logprobs/token_logprobs");
    assertThat(values).hasSize(ids.length);
    assertThat(values.get(0).isNull()).isTrue();
    assertThat(values.get(1).doubleValue()).isNegative();

    JsonNode more = fixture.ok(PATH, body.formatted(TEXT, 3, "")).at("/choices/0");
    assertThat(more.path("text").asText()).isEqualTo(TEXT + text(direct(TEXT, 3)));
    assertThat(more.at("/logprobs/token_logprobs")).hasSize(ids.length + 3);
    for (int i = 1; i < ids.length; i++) {
      assertThat(more.at("/logprobs/token_logprobs").get(i)).isEqualTo(values.get(i));
    }

    List<JsonNode> events = fixture.events(PATH, body.formatted(TEXT, 3, ",'stream':true"));
    String joined =
        events.stream().map(e -> e.at("/choices/0/text").asText()).collect(Collectors.joining());
    assertThat(joined).isEqualTo(more.path("text").asText());
    List<JsonNode> offsets = new ArrayList<>();
    events.forEach(e -> e.at("/choices/0/logprobs/text_offset").forEach(offsets::add));
    assertThat(offsets)
        .hasSize(ids.length + 3)
        .containsExactlyElementsOf(more.at("/logprobs/text_offset"));
  }

  @Test
  void promptLogprobsAreById() {
    int[] ids = fixture.tokenizer.encodeWithTemplate("abc", Specials.PARSE);
    JsonNode scores =
        fixture
            .ok(PATH, "{'prompt':'abc','max_tokens':1,'prompt_logprobs':2}")
            .at("/choices/0/prompt_logprobs");
    assertThat(scores).hasSize(ids.length);
    assertThat(scores.get(0).isNull()).isTrue();
    JsonNode entry = scores.get(1).path(Integer.toString(ids[1]));
    assertThat(entry.path("logprob").doubleValue()).isNegative();
    assertThat(entry.path("rank").intValue()).isPositive();
    assertThat(entry.path("decoded_token").asText()).isEqualTo(token(ids[1]));
  }

  @Test
  void aStopStringEndsTheTextAndIsNamed() {
    String whole = text(direct("abc", 30));
    String stop = whole.substring(whole.length() / 2, whole.length() / 2 + 1);
    String body =
        ServiceFixture.JSON
            .createObjectNode()
            .put("prompt", "abc")
            .put("max_tokens", 30)
            .put("temperature", 0)
            .put("stop", stop)
            .toString();
    JsonNode choice = ServiceFixture.json(fixture.post(PATH, body).body()).at("/choices/0");
    assertThat(choice.path("text").asText()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
    assertThat(choice.path("finish_reason").asText()).isEqualTo("stop");
    assertThat(choice.path("stop_reason").asText()).isEqualTo(stop);
    String included = body.replace("}", ",\"include_stop_str_in_output\":true}");
    assertThat(
            ServiceFixture.json(fixture.post(PATH, included).body()).at("/choices/0/text").asText())
        .isEqualTo(whole.substring(0, whole.indexOf(stop)) + stop);
  }

  @Test
  void whatIsChosenFromIsDecidedByTheRequest() {
    String body = "{'prompt':'abc','max_tokens':6,'temperature':0,'return_token_ids':true,%s}";
    assertThat(
            ServiceFixture.ids(
                fixture
                    .ok(PATH, body.formatted("'allowed_token_ids':[7,9],'ignore_eos':true"))
                    .at("/choices/0/token_ids")))
        .hasSize(6)
        .isSubsetOf(7, 9);
    assertThat(
            ServiceFixture.ids(
                fixture
                    .ok(PATH, body.formatted("'logit_bias':{'11':100}"))
                    .at("/choices/0/token_ids")))
        .containsOnly(11);
    JsonNode stopped =
        fixture
            .ok(PATH, body.formatted("'logit_bias':{'11':100},'stop_token_ids':[11]"))
            .at("/choices/0");
    assertThat(stopped.path("finish_reason").asText()).isEqualTo("stop");
    assertThat(stopped.path("stop_reason").asInt()).isEqualTo(11);
  }

  @Test
  void specialTokensAreWrittenOnWish() {
    int end = fixture.tokenizer.eosId().orElseThrow();
    String name = new String(fixture.tokenizer.bytes(end), StandardCharsets.UTF_8);
    String body =
        "{'prompt':[%d],'echo':true,'max_tokens':2,'ignore_eos':true,'allowed_token_ids':[%d]%s}";
    assertThat(fixture.ok(PATH, body.formatted(end, end, "")).at("/choices/0/text").asText())
        .isEmpty();
    String wish = ",'skip_special_tokens':false";
    assertThat(fixture.ok(PATH, body.formatted(end, end, wish)).at("/choices/0/text").asText())
        .isEqualTo(name.repeat(3));
  }

  @Test
  void aTextMayHaveToBeOfAForm() {
    int end = fixture.tokenizer.eosId().orElseThrow();
    String body =
        "{'prompt':'abc','max_tokens':30,'temperature':0,'stop_token_ids':[" + end + "],%s}";
    for (String form :
        List.of(
            "'structured_outputs':{'choice':['yes','no']}",
            "'structured_outputs':{'regex':'yes|no'}",
            "'guided_choice':['yes','no']",
            "'response_format':{'type':'json_schema','json_schema':{'name':'a','schema':{'enum':['yes','no']}}}")) {
      JsonNode choice = fixture.ok(PATH, body.formatted(form)).at("/choices/0");
      assertThat(choice.path("text").asText()).as(form).matches("\"?(yes|no)\"?");
      assertThat(choice.path("finish_reason").asText()).as(form).isEqualTo("stop");
    }
  }

  /// Bytes of characters have the same text, U+FFFD.
  @Test
  void ofTokensWithTheSameTextTheLikeliestIsShown() {
    int[] bytes = IntStream.range(0, 512).filter(id -> token(id).equals("\uFFFD")).toArray();
    String body =
        "{'prompt':'abc','max_tokens':8,'temperature':0,'logprobs':20,'ignore_eos':true,'allowed_token_ids':%s%s}";
    String allowed = Arrays.toString(bytes);
    JsonNode tops =
        fixture.ok(PATH, body.formatted(allowed, "")).at("/choices/0/logprobs/top_logprobs");
    JsonNode each =
        fixture
            .ok(PATH, body.formatted(allowed, ",'return_tokens_as_token_ids':true"))
            .at("/choices/0/logprobs/top_logprobs");
    for (int i = 0; i < 8; i++) {
      double likeliest =
          each.get(i)
              .propertyStream()
              .filter(e -> token(Integer.parseInt(e.getKey().substring(9))).equals("\uFFFD"))
              .mapToDouble(e -> e.getValue().doubleValue())
              .max()
              .orElseThrow();
      assertThat(tops.get(i).path("\uFFFD").doubleValue()).isEqualTo(likeliest);
    }
  }

  @Test
  void countsComeInEachEventOnlyIfTheyComeAtAll() {
    String body = "{'prompt':'a','max_tokens':3,'stream':true,'stream_options':%s}";
    String without = "{'include_usage':false,'continuous_usage_stats':true}";
    assertThat(fixture.events(PATH, body.formatted(without)))
        .allSatisfy(event -> assertThat(event.has("usage")).isFalse());
    String with = "{'include_usage':true,'continuous_usage_stats':true}";
    assertThat(fixture.events(PATH, body.formatted(with)))
        .allSatisfy(event -> assertThat(event.path("usage").isObject()).isTrue());
  }

  @Test
  void theContextIsFilledToItsLastToken() {
    String prompt = java.util.Collections.nCopies(CONTEXT - 3, 5).toString();
    JsonNode full =
        fixture.ok(PATH, "{'prompt':%s,'max_tokens':3,'ignore_eos':true}".formatted(prompt));
    assertThat(full.at("/usage/total_tokens").asInt()).isEqualTo(CONTEXT);
    assertThat(full.at("/choices/0/finish_reason").asText()).isEqualTo("length");
  }

  @Test
  void aMistypedFieldIsTold() {
    HttpResponse<String> response =
        fixture.post(PATH, "{\"prompt\":\"a\",\"max_tokens\":1,\"temprature\":0.5,\"colour\":1}");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("x-ignored-fields")).contains("temprature, colour");
    String options =
        "{\"include_usage\":true,\"include_obfuscation\":false,\"include_usages\":true}";
    assertThat(
            fixture
                .post(
                    PATH,
                    "{\"prompt\":\"a\",\"max_tokens\":1,\"stream\":true,\"stream_options\":%s}"
                        .formatted(options))
                .headers()
                .firstValue("x-ignored-fields"))
        .contains("stream_options.include_usages");
  }
}
