package dev.yushan.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Chat templates beside transformers: `bench/peers/chat_templates.py` made `cases.json`.
class ChatTemplateTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Map<String, String> TOKENS = Map.of("bos_token", "<s>", "eos_token", "</s>");
  private static final List<Map<String, String>> HI =
      List.of(Map.of("role", "user", "content", "Hi"));

  @TempDir Path model;

  private static String resource(String name) {
    try (var in = ChatTemplateTest.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static ChatTemplate template(String source) {
    var clock = Clock.fixed(Instant.parse("2024-07-26T08:00:00Z"), ZoneOffset.UTC);
    return new ChatTemplate(Map.of("default", source), TOKENS, clock);
  }

  private static String render(String source) {
    return template(source)
        .render(HI, List.of(), false, false, Map.of("d", Map.of(), "e", List.of()));
  }

  private static String render(JsonNode of) {
    String source =
        of.has("template")
            ? resource(of.get("template").asText())
            : of.get("expression").asText().replace('⏎', '\n');
    return template(source)
        .render(
            list(of.path("messages")),
            list(of.path("tools")),
            of.path("add_generation_prompt").asBoolean(true),
            of.path("continue_final_message").asBoolean(),
            map(of.path("variables")));
  }

  @SuppressWarnings("unchecked")
  private static List<Map<String, Object>> list(JsonNode node) {
    return node.isArray() ? JSON.convertValue(node, List.class) : List.of();
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> map(JsonNode node) {
    return node.isObject() ? JSON.convertValue(node, Map.class) : Map.of();
  }

  @Test
  void whatTransformersRendersIsRenderedAndWhatItRefusesIsRefused() throws IOException {
    JsonNode cases = JSON.readTree(resource("cases.json"));
    assertThat(cases).hasSizeGreaterThan(200);
    var soft = new SoftAssertions();
    for (JsonNode of : cases) {
      String name =
          of.path("template").asText()
              + " "
              + of.path("name").asText(of.path("expression").asText());
      if (of.has("text")) {
        soft.assertThatCode(
                () -> assertThat(render(of)).as(name).isEqualTo(of.get("text").asText()))
            .as(name)
            .doesNotThrowAnyException();
      } else if (of.has("raised")) {
        soft.assertThatThrownBy(() -> render(of)).as(name).hasMessage(of.get("raised").asText());
      } else {
        soft.assertThatThrownBy(() -> render(of))
            .as(name)
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageMatching("(?s)(chat template, line \\d+: |continue_final_message: ).+");
      }
    }
    soft.assertAll();
  }

  @Test
  void whatIsNotSupportedIsNamed() {
    for (String row : resource("unsupported.txt").lines().toList()) {
      String[] parts = row.split("\t");
      assertThatThrownBy(() -> render(parts[0]))
          .as(row)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("chat template, line 1: ")
          .hasMessageContaining(parts[1]);
    }
  }

  @Test
  void errorsNameTheLine() {
    assertThatThrownBy(() -> template("a\n{% if x %}\n\n{{ 1 + }}\n{% endif %}"))
        .hasMessage("chat template, line 4: a value is expected, not }}");
    assertThatThrownBy(() -> render("a\n{% if true %}\n\n{{ x.y }}\n{% endif %}"))
        .hasMessage("chat template, line 4: 'x' is undefined");
    assertThatThrownBy(() -> template("{% for a in b %}\n{% if c %}\n{% endfor %}"))
        .hasMessageContaining("line 3")
        .hasMessageContaining("endif");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% set n = namespace(x='aaaaaaaa') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{%"
            + " endfor %}",
        "{{ 'ab' * 9000000000 }}",
        "{{ 'ab' * 9223372036854775807 }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% set n = namespace(x=[]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor"
            + " %}{{ n.x }}",
        "{% set n = namespace(x=[]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor"
            + " %}{{ n.x|tojson }}",
        "{% set n = namespace(x=[],y=[]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}"
            + "{% set n.y = [n.y, n.y] %}{% endfor %}{{ n.x == n.y }}",
        "{% set n = namespace(x=[]) %}{% for i in range(9999) %}{% set n.x = [n.x] %}{% endfor %}{{"
            + " n.x|tojson }}",
        "{% for a in range(100000) %}{% for b in range(400) %}aaaaaaaaaaaaaaaaaaaaaaaa{% endfor"
            + " %}{% endfor %}",
        "{{ range(1000000) }}"
      })
  void workDepthAndOutputAreBounded(String source) {
    assertThatThrownBy(() -> render(source))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("chat template, line 1: ");
  }

  @Test
  void deepSourceIsRefused() {
    for (String source :
        List.of(
            "{{ " + "(".repeat(5000) + "1" + ")".repeat(5000) + " }}",
            "{{ " + "-".repeat(5000) + "1 }}",
            "{{ " + "[".repeat(5000) + "]".repeat(5000) + " }}",
            "{% if a %}".repeat(5000))) {
      assertThatThrownBy(() -> template(source))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("nested too deep");
    }
  }

  @Test
  void contentInPartsIsJoinedUnlessTheTemplateGoesOverIt() {
    var parts =
        List.of(
            Map.of(
                "role",
                "user",
                "content",
                List.of(Map.of("type", "text", "text", "a"), Map.of("type", "text", "text", "b"))));
    assertThat(
            template("{{ messages[0].content }}").render(parts, List.of(), false, false, Map.of()))
        .isEqualTo("a\nb");
    assertThat(template(resource("gemma.jinja")).render(parts, List.of(), false, false, Map.of()))
        .isEqualTo("<s><start_of_turn>user\nab<end_of_turn>\n");
    var image = List.of(Map.of("role", "user", "content", List.of(Map.of("type", "image_url"))));
    for (String source : List.of("{{ messages }}", resource("gemma.jinja"))) {
      assertThatThrownBy(() -> template(source).render(image, List.of(), false, false, Map.of()))
          .hasMessage(
              "message 0 has a part of the type 'image_url'; only parts of the type 'text' are"
                  + " taken");
    }
    var number = List.of(Map.of("role", "user", "content", 5));
    assertThatThrownBy(
            () -> template("{{ messages }}").render(number, List.of(), false, false, Map.of()))
        .hasMessage("the content of message 0 is neither a text nor a list of parts");
  }

  @Test
  void argumentsOfCallsAreHandedOnAsObjects() {
    var call = Map.of("function", Map.of("name", "f", "arguments", "{\"a\": [1, null]}"));
    var message = Map.of("role", "assistant", "tool_calls", List.of(call));
    assertThat(
            template(
                    "{{ messages[0].content }}{{ messages[0].tool_calls[0].function.arguments.a }}")
                .render(List.of(message), List.of(), false, false, Map.of()))
        .isEqualTo("[1, None]");
    var none = Map.of("role", "assistant", "content", "c", "tool_calls", List.of());
    assertThat(
            template("{{ 'tool_calls' in messages[0] }}")
                .render(List.of(none), List.of(), false, false, Map.of()))
        .isEqualTo("False");
    var broken =
        Map.of(
            "role",
            "assistant",
            "tool_calls",
            List.of(Map.of("function", Map.of("name", "f", "arguments", "{"))));
    assertThatThrownBy(
            () -> template("x").render(List.of(broken), List.of(), false, false, Map.of()))
        .hasMessageContaining("the tool call 'f' are not JSON");
  }

  @Test
  void templatesAreFoundInAModelsDirectory() throws IOException {
    assertThat(ChatTemplate.load(model, Map.of())).isEmpty();
    write("tokenizer_config.json", "{\"bos_token\": null, \"eos_token\": {\"content\": \"<e>\"}}");
    assertThat(ChatTemplate.load(model, Map.of())).isEmpty();
    write(
        "tokenizer_config.json",
        "{\"eos_token\": {\"content\": \"<e>\"}, \"chat_template\": \"c{{ eos_token }}{{ bos_token"
            + " is defined }}\"}");
    assertThat(loaded(List.of())).isEqualTo("c<e>False");
    write(
        "tokenizer_config.json",
        "{\"chat_template\": [{\"name\": \"default\", \"template\": \"d\"}, {\"name\":"
            + " \"tool_use\", \"template\": \"t\"}]}");
    assertThat(loaded(List.of())).isEqualTo("d");
    assertThat(loaded(List.of(Map.of("type", "function")))).isEqualTo("t");
    write("chat_template.jinja", "file\n");
    assertThat(loaded(List.of(Map.of("type", "function")))).isEqualTo("file");
    write("tokenizer_config.json", "{");
    assertThatThrownBy(() -> ChatTemplate.load(model, Map.of()))
        .hasMessageContaining("fetch it again");
  }

  @Test
  void aTemplateIsGivenAsAFileOrItself() throws IOException {
    write("mine.jinja", "mine");
    var file = ChatTemplate.load(model, model.resolve("mine.jinja").toString(), Map.of());
    assertThat(file.render(HI, List.of(), false, false, Map.of())).isEqualTo("mine");
    var literal = ChatTemplate.load(model, "{{ messages[0].content }}", Map.of());
    assertThat(literal.render(HI, List.of(), false, false, Map.of())).isEqualTo("Hi");
    assertThatThrownBy(() -> ChatTemplate.load(model, "/no/such.jinja", Map.of()))
        .hasMessageContaining("there is no such file");
  }

  @Test
  void specialTokensComeFromElsewhereOnlyIfNoFileCouldNameThem() throws IOException {
    Map<String, String> otherwise = Map.of("bos_token", "<b>");
    String source = "{{ bos_token is defined and bos_token }}";
    assertThat(
            ChatTemplate.load(model, source, otherwise)
                .render(HI, List.of(), false, false, Map.of()))
        .isEqualTo("<b>");
    write("tokenizer_config.json", "{\"bos_token\": null}");
    assertThat(
            ChatTemplate.load(model, source, otherwise)
                .render(HI, List.of(), false, false, Map.of()))
        .isEqualTo("False");
  }

  @Test
  void threadsShareATemplate() throws Exception {
    var template = template(resource("chatml.jinja"));
    try (var pool = Executors.newFixedThreadPool(4)) {
      List<Callable<String>> tasks = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        var message = List.of(Map.of("role", "user", "content", "m" + i));
        tasks.add(() -> template.render(message, List.of(), true, false, Map.of()));
      }
      var results = pool.invokeAll(tasks);
      for (int i = 0; i < results.size(); i++) {
        assertThat(results.get(i).get())
            .isEqualTo("<|im_start|>user\nm" + i + "<|im_end|>\n<|im_start|>assistant\n");
      }
    }
  }

  private String loaded(List<Map<String, String>> tools) {
    return ChatTemplate.load(model, Map.of())
        .orElseThrow()
        .render(HI, tools, false, false, Map.of());
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(model.resolve(name), text);
  }
}
