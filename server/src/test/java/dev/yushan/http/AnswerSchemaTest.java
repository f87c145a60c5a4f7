package dev.yushan.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.chat.ChatTemplate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Real answers against their schemas in the OpenAPI document: nothing is there that a schema does
/// not have, and nothing is missing that it requires.
@Timeout(120)
class AnswerSchemaTest {
  private static final String CHAT = "'messages':[{'role':'user','content':'玉山'}],'max_tokens':3";
  private static ServiceFixture fixture;
  private static JsonNode document;

  @BeforeAll
  static void start() {
    ChatTemplate template = ChatTemplate.of("{{ messages[0].content }}", Map.of());
    fixture =
        ServiceFixture.start(
            config -> config,
            new ServiceFixture.Extras(
                () -> {},
                Optional.of(ChatFormat.of(template)),
                ServiceFixture.JSON.createObjectNode()));
    document = ServiceFixture.json(fixture.get("/openapi.json").body());
  }

  @AfterAll
  static void stop() {
    fixture.close();
  }

  private static JsonNode schema(String path, String method) {
    return document
        .path("paths")
        .path(path)
        .path(method)
        .at("/responses/200/content/application~1json/schema");
  }

  private static JsonNode posted(String path, String body) {
    JsonNode answer = fixture.ok(path, body);
    check(answer, schema(path, "post"), path);
    return answer;
  }

  @Test
  void completions() {
    posted("/v1/completions", "{'prompt':'a','max_tokens':1}");
    JsonNode all =
        posted(
            "/v1/completions",
            "{'prompt':['a','玉山'],'max_tokens':3,'n':2,'echo':true,'logprobs':2,'prompt_logprobs':1,'return_token_ids':true}");
    assertThat(all.at("/choices/3/prompt_logprobs/1")).isNotEmpty();
    assertThat(all.at("/choices/3/prompt_token_ids")).isNotEmpty();
  }

  @Test
  void chats() {
    posted("/v1/chat/completions", "{%s}".formatted(CHAT));
    JsonNode all =
        posted(
            "/v1/chat/completions",
            "{%s,'n':2,'logprobs':true,'top_logprobs':2,'prompt_logprobs':1,'return_token_ids':true}"
                .formatted(CHAT));
    assertThat(all.path("prompt_logprobs")).isNotEmpty();
    assertThat(all.at("/choices/1/logprobs/content/0/top_logprobs")).isNotEmpty();
  }

  @Test
  void modelsAndTokens() {
    JsonNode models = ServiceFixture.json(fixture.get("/v1/models").body());
    check(models, schema("/v1/models", "get"), "models");
    check(models.at("/data/0"), schema("/v1/models/{model}", "get"), "model");
    posted("/tokenize", "{'prompt':'玉山'}");
    posted("/tokenize", "{%s,'return_token_strs':true}".formatted(CHAT));
    posted("/detokenize", "{'tokens':[5,6]}");
  }

  /// As far as the schemas of the document go, and stricter: what has no schema may not be there.
  private static void check(JsonNode value, JsonNode schema, String place) {
    assertThat(schema.isObject()).as(place + " has a schema").isTrue();
    if (schema.has("$ref")) {
      check(value, document.at(schema.path("$ref").asText().substring(1)), place);
      return;
    }
    if (schema.has("const")) {
      assertThat(value).as(place).isEqualTo(schema.path("const"));
      return;
    }
    assertThat(types(schema)).as(place + " is " + value).anyMatch(type -> is(value, type));
    if (schema.has("enum")) {
      assertThat(schema.path("enum")).as(place).contains(value);
    }
    for (JsonNode item : value.isArray() ? value : List.<JsonNode>of()) {
      check(item, schema.path("items"), place + "[]");
    }
    if (value.isObject()) {
      JsonNode others = schema.path("additionalProperties");
      value
          .properties()
          .forEach(
              e ->
                  check(
                      e.getValue(),
                      schema.path("properties").path(e.getKey()).isObject()
                          ? schema.path("properties").path(e.getKey())
                          : others,
                      place + "." + e.getKey()));
      for (JsonNode name : schema.path("required")) {
        assertThat(value.has(name.asText())).as(place + "." + name.asText()).isTrue();
      }
    }
  }

  private static List<String> types(JsonNode schema) {
    JsonNode type = schema.path("type");
    return type.isTextual()
        ? List.of(type.asText())
        : StreamSupport.stream(type.spliterator(), false).map(JsonNode::asText).toList();
  }

  private static boolean is(JsonNode value, String type) {
    return switch (type) {
      case "object" -> value.isObject();
      case "array" -> value.isArray();
      case "string" -> value.isTextual();
      case "integer" -> value.isIntegralNumber();
      case "number" -> value.isNumber();
      case "null" -> value.isNull();
      default -> throw new AssertionError(type);
    };
  }
}
