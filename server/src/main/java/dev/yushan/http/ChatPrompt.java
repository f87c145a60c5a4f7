package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// From the fields of a chat to the text of its prompt.
final class ChatPrompt {
  private ChatPrompt() {}

  static String render(Body body, LoadedModel model) {
    JsonNode messages = body.require("messages");
    boolean more = body.flag("continue_final_message", false);
    boolean begin = body.flag("add_generation_prompt", true);
    if (more && begin && body.has("add_generation_prompt")) {
      throw ApiException.badRequest(
          "continue_final_message",
          "`continue_final_message` and `add_generation_prompt` cannot both be true");
    }
    ChatFormat format =
        model
            .chatFormat()
            .orElseThrow(
                () ->
                    ApiException.badRequest(
                        "messages",
                        "the model has no chat template: it is a base model. Use /v1/completions,"
                            + " or start the server with --chat-template"));
    Map<String, JsonNode> variables = new LinkedHashMap<>();
    body.find("chat_template_kwargs")
        .ifPresent(
            object -> object.properties().forEach(e -> variables.put(e.getKey(), e.getValue())));
    for (String name : List.of("tools", "documents")) {
      body.find(name).ifPresent(value -> variables.put(name, value));
    }
    variables.put("add_generation_prompt", BooleanNode.valueOf(begin && !more));
    variables.put("continue_final_message", BooleanNode.valueOf(more));
    try {
      return format.render(messages, variables);
    } catch (IllegalArgumentException e) {
      throw ApiException.badRequest("messages", "%s", String.valueOf(e.getMessage()));
    }
  }

  /// What a model writes is not looked through for calls.
  static void requireNoCalls(Body body) {
    boolean tools = body.find("tools").filter(list -> !list.isEmpty()).isPresent();
    JsonNode choice = body.find("tool_choice").orElse(null);
    boolean none = choice != null && "none".equals(choice.textValue());
    if (tools && !none
        || choice != null && !none && !(choice.isTextual() && "auto".equals(choice.textValue()))) {
      throw ApiException.badRequest(
          choice == null ? "tools" : "tool_choice",
          "calls of tools are not parsed: set `tool_choice` to \"none\"");
    }
  }
}
