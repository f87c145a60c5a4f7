package dev.yushan.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpResponse;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.StreamHandler;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Everything that is answered with an error, and the body that says what is to blame.
@Timeout(120)
class RefusalsTest {
  private static ServiceFixture fixture;

  @BeforeAll
  static void start() {
    fixture = ServiceFixture.start();
  }

  @AfterAll
  static void stop() {
    fixture.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "temperature | 'hot'",
        "temperature | -0.1",
        "temperature | true",
        "top_p | 0",
        "top_p | 1.1",
        "top_k | -2",
        "top_k | 1.5",
        "min_p | 2",
        "typical_p | 0",
        "repetition_penalty | 0",
        "presence_penalty | 2.5",
        "frequency_penalty | -3",
        "n | 0",
        "n | 100000",
        "n | '2'",
        "seed | 1e30",
        "seed | 0.5",
        "seed | 9223372036854775808",
        "structural_tag | {'begin': '<a>'}",
        "max_tokens | -1",
        "max_tokens | 0",
        "max_tokens | 100000",
        "max_tokens | 99999999999999999999",
        "min_tokens | -1",
        "stop | 5",
        "stop | ['a', 5]",
        "stop | ['']",
        "stop_token_ids | [-1]",
        "stop_token_ids | 'a'",
        "allowed_token_ids | [0.5]",
        "allowed_token_ids | []",
        "bad_words | 'a'",
        "logit_bias | [1]",
        "logit_bias | {'a': 1}",
        "logit_bias | {'1': 101}",
        "logit_bias | {'100000': 1}",
        "allowed_token_ids | [100000]",
        "min_tokens | 17",
        "logit_bias | {'1': 'a'}",
        "stream | 'yes'",
        "stream_options | {'include_usage': true}",
        "echo | 1",
        "logprobs | 21",
        "logprobs | -1",
        "logprobs | true",
        "prompt_logprobs | 21",
        "model | 5",
        "truncate_prompt_tokens | 0",
        "truncate_prompt_tokens | -2",
        "truncation_side | 'middle'",
        "response_format | {'type': 'xml'}",
        "response_format | {'type': 'json_schema'}",
        "response_format | 'text'",
        "structured_outputs | {'grammar': 'a'}",
        "guided_choice | [1]",
        "guided_choice | []",
        "structured_outputs | {'regex': '('}",
        "structured_outputs | {}",
        "guided_json | '{'",
        "guided_json | '[]'",
        "structured_outputs | {'json': {'type': 'string', 'not': {}}}",
        "guided_regex | 5",
        "best_of | 2",
        "use_beam_search | true",
        "suffix | 'end'",
        "prompt_embeds | 'AAAA'",
        "skip_special_tokens | 'no'",
        "logprob_token_ids | [1]",
        "cache_salt | 'salt'",
        "kv_transfer_params | {'a': 1}",
        "vllm_xargs | {'a': 1}",
        "repetition_detection | {'a': 1}",
        "thinking_token_budget | 5",
        "logits_processors | ['a']",
        "priority | 'high'",
        "request_id | 5",
      })
  void aFieldThatCannotBeFollowedIsNamed(String field, String value) {
    JsonNode error =
        fixture.error("/v1/completions", "{'prompt':'a','%s':%s}".formatted(field, value), 400);
    assertThat(error.path("param").asText()).isEqualTo(field);
    assertThat(error.path("type").asText()).isEqualTo("BadRequestError");
  }

  /// Found only when the first token is to be chosen: still the request's fault, not the server's.
  @Test
  void constraintsThatLeaveNoTokenAreRefused() {
    String body =
        "{'prompt':'a','max_tokens':4,'guided_regex':'[一-龥]+','allowed_token_ids':[7,9]%s}";
    JsonNode error = fixture.error("/v1/completions", body.formatted(""), 400);
    assertThat(error.path("message").asText()).contains("leave no token to choose");
    assertThat(
            fixture
                .post("/v1/completions", body.formatted(",'stream':true").replace('\'', '"'))
                .body())
        .contains("leave no token to choose")
        .contains("BadRequestError");
  }

  @Test
  void aStreamEndsWithTheFirstOfItsTextsThatFails() {
    List<String> logged = new CopyOnWriteArrayList<>();
    Logger vertx = Logger.getLogger("io.vertx");
    Handler handler =
        new StreamHandler() {
          @Override
          public void publish(LogRecord line) {
            logged.add(line.getMessage());
          }
        };
    vertx.addHandler(handler);
    String body =
        "{'prompt':'a','n':2,'stream':true,'guided_regex':'[一-龥]+','allowed_token_ids':[7,9]}";
    HttpResponse<String> answer = fixture.post("/v1/completions", body.replace('\'', '"'));
    fixture.get("/health"); // over the same connection: what came before it is done
    vertx.removeHandler(handler);
    assertThat(answer.body()).containsOnlyOnce("BadRequestError").endsWith("data: [DONE]\n\n");
    assertThat(logged).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{}",
        "{'prompt': null}",
        "{'prompt': []}",
        "{'prompt': [[]]}",
        "{'prompt': [1, 'a']}",
        "{'prompt': [[1], 'a', {}]}",
        "{'prompt': {'a': 1}}",
        "{'prompt': [100000]}",
        "{'prompt': [-1]}",
        "{'prompt': [1.5]}",
        "{'prompt': 'half a pair \\ud83d'}",
        "{'prompt': '', 'add_special_tokens': false}",
      })
  void aPromptThatCannotBeReadIsNamed(String body) {
    assertThat(fixture.error("/v1/completions", body, 400).path("param").asText())
        .isEqualTo("prompt");
  }

  @Test
  void aPromptThatFillsTheContextIsRefused() {
    String ids = Collections.nCopies(ServiceFixture.CONTEXT, 5).toString();
    JsonNode error = fixture.error("/v1/completions", "{'prompt':%s}".formatted(ids), 400);
    assertThat(error.path("param").asText()).isEqualTo("prompt");
    assertThat(error.path("message").asText()).contains("maximum context length is 400 tokens");
    JsonNode both = fixture.error("/v1/completions", "{'prompt':'abc','max_tokens':400}", 400);
    assertThat(both.path("param").asText()).isEqualTo("max_tokens");
  }

  @Test
  void whatIsFarTooLongIsRefusedBeforeItIsCutIntoTokens() {
    String text = "台".repeat(500 * ServiceFixture.CONTEXT); // no token has so many as 500
    JsonNode error = fixture.error("/v1/completions", "{'prompt':'%s'}".formatted(text), 400);
    assertThat(error.path("param").asText()).isEqualTo("prompt");
    assertThat(error.path("message").asText()).contains(" or more. Please shorten it.");
    String cut = "{'prompt':'%s','truncate_prompt_tokens':5,'max_tokens':1}".formatted(text);
    assertThat(fixture.ok("/v1/completions", cut).at("/usage/prompt_tokens").asInt()).isEqualTo(5);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "messages | {}",
        "messages | {'messages': []}",
        "messages | {'messages': 'hello'}",
        "messages | {'messages': [{'content': 'a'}]}",
        "messages | {'messages': [{'role': 'user', 'content': 5}]}",
        "messages | {'messages': [{'role': 'user', 'content': [{'type': 'image_url', 'image_url':"
            + " {'url': 'x'}}]}]}",
        "messages | {'messages': [{'role': 'user', 'content': 'a'}]}",
        "tools | {'messages': [{'role': 'user', 'content': 'a'}], 'tools': [{'type':"
            + " 'function'}]}",
        "tool_choice | {'messages': [{'role': 'user', 'content': 'a'}], 'tool_choice': 'required'}",
        "top_logprobs | {'messages': [{'role': 'user', 'content': 'a'}], 'top_logprobs': 2}",
        "chat_template | {'messages': [{'role': 'user', 'content': 'a'}], 'chat_template': '{{ 1"
            + " }}'}",
        "reasoning_effort | {'messages': [{'role': 'user', 'content': 'a'}], 'reasoning_effort':"
            + " 'high'}",
        "continue_final_message | {'messages': [{'role': 'user', 'content': 'a'}],"
            + " 'continue_final_message': true, 'add_generation_prompt': true}",
        "max_completion_tokens | {'messages': [{'role': 'user', 'content': 'a'}],"
            + " 'max_completion_tokens': 0}",
      })
  void aChatThatCannotBeFollowedNamesItsField(String field, String body) {
    assertThat(fixture.error("/v1/chat/completions", body, 400).path("param").asText())
        .isEqualTo(field);
  }

  @Test
  void aBaseModelSaysWhatToDoAboutChats() {
    JsonNode error =
        fixture.error("/v1/chat/completions", "{'messages':[{'role':'user','content':'a'}]}", 400);
    assertThat(error.path("message").asText()).contains("no chat template", "--chat-template");
  }

  @ParameterizedTest
  @CsvSource({"/v1/completions,prompt", "/tokenize,prompt", "/v1/chat/completions,messages"})
  void anUnknownModelIs404(String path, String needed) {
    String value = needed.equals("prompt") ? "'a'" : "[{'role':'user','content':'a'}]";
    String body = "{'model':'../../etc/passwd','%s':%s}".formatted(needed, value);
    JsonNode error = fixture.error(path, body, 404);
    assertThat(error.path("param").asText()).isEqualTo("model");
    assertThat(error.path("type").asText()).isEqualTo("NotFoundError");
  }

  @Test
  void whatCanNeverBeTakenIsRefusedByItsField() {
    JsonNode n = fixture.error("/v1/completions", "{'prompt':'a','n':117}", 400);
    assertThat(n.path("param").asText()).isEqualTo("n");
    assertThat(n.path("message").asText()).contains("16 that are computed", "100 that wait");
    String prompts = Collections.nCopies(117, "'a'").toString();
    JsonNode many = fixture.error("/v1/completions", "{'prompt':%s}".formatted(prompts), 400);
    assertThat(many.path("param").asText()).isEqualTo("prompt");
    fixture.ok("/v1/completions", "{'prompt':'a','n':116,'max_tokens':1}");
  }

  @Test
  void aSlashTooManyIsSentWhereItIsMeant() {
    for (String path : List.of("/v1/completions", "/v1/models", "/health", "/v1/models/tiny")) {
      HttpResponse<String> response = fixture.get(path + "/?a=b&c=%20");
      assertThat(response.statusCode()).as(path).isEqualTo(307);
      assertThat(response.headers().firstValue("location")).contains(path + "?a=b&c=%20");
    }
    ServiceFixture.error(fixture.get("//nowhere/"), 404);
    ServiceFixture.error(fixture.get("/nowhere/"), 404);
    JsonNode seed =
        fixture.error("/v1/completions", "{'prompt':'a','seed':9223372036854775808}", 400);
    assertThat(seed.path("message").asText()).contains("from -2^63 to 2^63 - 1");
    fixture.ok("/v1/completions", "{'prompt':'a','seed':-9223372036854775808,'max_tokens':1}");
  }

  @Test
  void unknownPathsAndMethodsSayWhatThereIs() {
    ServiceFixture.error(fixture.get("/v1/embeddings"), 404);
    ServiceFixture.error(fixture.get("/v1/models/nobody"), 404);
    assertThat(ServiceFixture.error(fixture.get("/v1/completions"), 405).path("message").asText())
        .contains("POST");
    ServiceFixture.error(fixture.post("/v1/models", "{}"), 405);
    assertThat(fixture.send(fixture.request("/ping").DELETE().build()).headers().map())
        .containsEntry("allow", List.of("GET, POST"));
  }

  @Test
  void fieldsThatChangeNothingPass() {
    String neutral =
        "'best_of':1,'suffix':null,'use_beam_search':false,'user':'me','skip_special_tokens':true,"
            + "'logit_bias':{},'stop':null,'n':1,'presence_penalty':0,'logprobs':null,"
            + "'stream_options':null,'max_tokens':2.0,'stream':false,'thinking_token_budget':-1";
    assertThat(
            fixture
                .ok("/v1/completions", "{'prompt':'a'," + neutral + "}")
                .at("/usage/completion_tokens")
                .asInt())
        .isEqualTo(2);
  }

  @Test
  void everyRefusedFieldIsRefusedAndEveryIgnoredOnePasses() {
    for (Field field : Fields.COMPLETION) {
      String value = sample(field);
      String body = "{\"prompt\":\"a\",\"max_tokens\":1,\"%s\":%s}".formatted(field.name(), value);
      if (field.use() == Field.Use.REFUSED) {
        JsonNode error = ServiceFixture.error(fixture.post("/v1/completions", body), 400);
        assertThat(error.path("param").asText()).isEqualTo(field.name());
      } else if (field.use() == Field.Use.IGNORED) {
        HttpResponse<String> response = fixture.post("/v1/completions", body);
        assertThat(response.statusCode()).as(body).isEqualTo(200);
        assertThat(response.headers().firstValue("x-ignored-fields")).isEmpty();
      }
    }
  }

  /// A value of the right type that would change something.
  private static String sample(Field field) {
    return switch (field.kind()) {
      case STRING -> "\"x\"";
      case BOOLEAN -> field.accepted().contains("true") ? "false" : "true";
      case INTEGER, LONG -> "3";
      case NUMBER -> "0.5";
      case STRINGS, STRING_OR_STRINGS -> "[\"x\"]";
      case IDS, PROMPT -> "[3]";
      case OBJECT, NUMBERS_BY_NAME -> "{\"3\":1}";
      case OBJECTS -> "[{\"x\":1}]";
      case ANY -> "\"x\"";
    };
  }

  @Test
  void theWrongTypeOfEveryFieldIsNamed() {
    for (Field field : Fields.COMPLETION) {
      for (String value : List.of("\"x\"", "true", "0.25", "[true]", "{\"a\":[]}")) {
        JsonNode node = ServiceFixture.json(value);
        boolean fits = fits(field, node);
        if (!fits) {
          String prompt = field.name().equals("prompt") ? "" : "\"prompt\":\"a\",";
          String body = "{%s\"%s\":%s}".formatted(prompt, field.name(), value);
          JsonNode error = ServiceFixture.error(fixture.post("/v1/completions", body), 400);
          assertThat(error.path("param").asText()).as(body).isEqualTo(field.name());
        }
      }
    }
  }

  private static boolean fits(Field field, JsonNode value) {
    return switch (field.kind()) {
      case STRING -> value.isTextual();
      case BOOLEAN -> value.isBoolean();
      case INTEGER, LONG, STRINGS, IDS, OBJECTS -> false;
      case NUMBER -> value.isNumber();
      case STRING_OR_STRINGS, PROMPT -> value.isTextual();
      case OBJECT -> value.isObject();
      case NUMBERS_BY_NAME -> false;
      case ANY -> true;
    };
  }
}
