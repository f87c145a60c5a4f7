package dev.yushan.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.chat.ChatTemplate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// `/v1/chat/completions`, `/tokenize` and what else a model with a template does, with a template
/// written here.
@Timeout(120)
class ChatTest {
  private static final String PATH = "/v1/chat/completions";
  private static final String HELLO = "'messages':[{'role':'user','content':'玉山'}]";
  private static ServiceFixture fixture;

  @BeforeAll
  static void start() {
    ObjectNode defaults =
        ServiceFixture.JSON.createObjectNode().put("temperature", 0).put("max_new_tokens", 7);
    fixture =
        ServiceFixture.start(
            config -> config,
            new ServiceFixture.Extras(
                () -> {},
                Optional.of(ChatFormat.of(ChatTemplate.of(TEMPLATE, Map.of()))),
                defaults));
  }

  @AfterAll
  static void stop() {
    fixture.close();
  }

  private static final String TEMPLATE =
      "{%- for m in messages -%}{%- if m.role == 'wizard' -%}"
          + "{{ raise_exception('no wizards') }}{%- endif -%}"
          + "{{ m.role + ': ' + m.content }}{%- endfor -%}"
          + "{%- if add_generation_prompt -%}{{ '\\nassistant:' }}{%- endif -%}";

  @Test
  void aChatIsTheCompletionOfItsPromptWithTheDefaultsOfTheModel() {
    JsonNode chat = fixture.ok(PATH, "{%s}".formatted(HELLO));
    JsonNode text =
        fixture.ok(
            "/v1/completions",
            "{'prompt':'user: 玉山\\nassistant:','add_special_tokens':false,'max_tokens':7}");
    assertThat(chat.path("object").asText()).isEqualTo("chat.completion");
    assertThat(chat.path("id").asText()).startsWith("chatcmpl-");
    assertThat(chat.at("/choices/0/message/role").asText()).isEqualTo("assistant");
    assertThat(chat.at("/choices/0/message/content")).isEqualTo(text.at("/choices/0/text"));
    assertThat(chat.at("/usage/completion_tokens").asInt()).isEqualTo(7);
    assertThat(chat.at("/usage/prompt_tokens")).isEqualTo(text.at("/usage/prompt_tokens"));
  }

  @Test
  void eventsBeginWithTheRoleAndJoinToTheAnswer() {
    String whole =
        fixture.ok(PATH, "{%s}".formatted(HELLO)).at("/choices/0/message/content").asText();
    List<JsonNode> events =
        fixture.events(
            PATH,
            "{%s,'stream':true,'stream_options':{'include_usage':true,'continuous_usage_stats':true}}"
                .formatted(HELLO));
    assertThat(events.getFirst().at("/choices/0/delta/role").asText()).isEqualTo("assistant");
    assertThat(events.stream().filter(e -> e.at("/choices/0/delta").has("role"))).hasSize(1);
    assertThat(
            events.stream()
                .map(e -> e.at("/choices/0/delta/content").asText())
                .collect(Collectors.joining()))
        .isEqualTo(whole);
    assertThat(events)
        .allSatisfy(
            e -> {
              assertThat(e.path("object").asText()).isEqualTo("chat.completion.chunk");
              assertThat(e.at("/usage/prompt_tokens").asInt()).isPositive();
            });
  }

  /// Of a chat they stand beside the choices, of a completion in each, as vLLM has it.
  @Test
  void theIdsOfThePromptStandBesideTheChoices() {
    String body = "{%s,'return_token_ids':true,'n':2%s}";
    JsonNode whole = fixture.ok(PATH, body.formatted(HELLO, ""));
    JsonNode prompt = fixture.ok("/tokenize", "{%s}".formatted(HELLO)).path("tokens");
    assertThat(whole.path("prompt_token_ids")).isEqualTo(prompt);
    assertThat(whole.path("choices"))
        .hasSize(2)
        .allSatisfy(
            choice -> {
              assertThat(choice.path("token_ids")).hasSize(7);
              assertThat(choice.has("prompt_token_ids")).isFalse();
            });
    List<JsonNode> events = fixture.events(PATH, body.formatted(HELLO, ",'stream':true"));
    for (int i = 0; i < 2; i++) {
      int index = i;
      List<JsonNode> choice =
          events.stream().filter(e -> e.at("/choices/0/index").asInt() == index).toList();
      assertThat(choice.getFirst().path("prompt_token_ids")).isEqualTo(prompt);
      assertThat(choice.subList(1, choice.size()))
          .noneMatch(event -> event.has("prompt_token_ids"));
    }
    assertThat(events)
        .allSatisfy(event -> assertThat(event.at("/choices/0").has("prompt_token_ids")).isFalse());
  }

  @Test
  void logprobsCarryBytes() {
    JsonNode content =
        fixture
            .ok(
                PATH,
                "{%s,'logprobs':true,'top_logprobs':2,'max_completion_tokens':3}".formatted(HELLO))
            .at("/choices/0/logprobs/content");
    assertThat(content).hasSize(3);
    JsonNode first = content.get(0);
    assertThat(first.path("top_logprobs")).hasSize(2);
    assertThat(first.at("/top_logprobs/0/logprob")).isEqualTo(first.path("logprob"));
    assertThat(first.path("bytes").isArray()).isTrue();
  }

  @Test
  void partsOfTextAreJoinedAndTheTemplateMayRefuse() {
    JsonNode tokens =
        fixture.ok(
            "/tokenize",
            "{'messages':[{'role':'user','content':[{'type':'text','text':'a'},{'type':'text','text':'b'}]}],'add_generation_prompt':false}");
    JsonNode plain = fixture.ok("/tokenize", "{'prompt':'user: a\\nb','add_special_tokens':false}");
    assertThat(tokens).isEqualTo(plain);
    var refused = fixture.post(PATH, "{\"messages\":[{\"role\":\"wizard\",\"content\":\"a\"}]}");
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(ServiceFixture.json(refused.body()).at("/error/message").asText())
        .contains("no wizards");
  }

  @Test
  void tokenizeTakesToolsForTheTemplate() {
    String body = "{%s,'tools':[{'type':'function','function':{'name':'f'}}]}".formatted(HELLO);
    assertThat(fixture.ok("/tokenize", body).path("count").asInt()).isPositive();
  }

  @Test
  void tokenizeAndDetokenizeAreInverse() {
    JsonNode tokens =
        fixture.ok(
            "/tokenize",
            "{'model':'tiny','prompt':'%s','return_token_strs':true}"
                .formatted(ServiceFixture.TEXT));
    assertThat(tokens.path("count").asInt()).isEqualTo(tokens.path("tokens").size());
    assertThat(tokens.path("token_strs").size()).isEqualTo(tokens.path("tokens").size());
    assertThat(tokens.path("max_model_len").asInt()).isEqualTo(ServiceFixture.CONTEXT);
    JsonNode text = fixture.ok("/detokenize", "{'tokens':%s}".formatted(tokens.path("tokens")));
    assertThat(text.path("prompt").asText()).isEqualTo("<|begin_of_text|>" + ServiceFixture.TEXT);
    assertThat(fixture.post("/tokenize", "{}").statusCode()).isEqualTo(400);
    assertThat(fixture.post("/detokenize", "{}").statusCode()).isEqualTo(400);
    assertThat(fixture.post("/detokenize", "{\"tokens\":[9999]}").statusCode()).isEqualTo(400);
  }

  @Test
  void modelsAreListedUnderAllTheirNames() {
    JsonNode list = ServiceFixture.json(fixture.get("/v1/models").body());
    assertThat(list.path("object").asText()).isEqualTo("list");
    assertThat(list.at("/data/0/id").asText()).isEqualTo(ServiceFixture.MODEL);
    assertThat(list.at("/data/1/id").asText()).isEqualTo("tiny");
    assertThat(list.at("/data/0/max_model_len").asInt()).isEqualTo(ServiceFixture.CONTEXT);
    for (String path : List.of("/v1/models/org/tiny-llama-a", "/v1/models/org%2Ftiny-llama-a")) {
      assertThat(ServiceFixture.json(fixture.get(path).body())).isEqualTo(list.at("/data/0"));
    }
  }
}
