package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.chat.ChatTemplate;
import java.util.LinkedHashMap;
import java.util.Map;

/// Makes the prompt of a conversation: the model's chat template.
@FunctionalInterface
public interface ChatFormat {
  /// @param messages a list of objects with `role` and `content`
  /// @param variables what the template may use beside them: `tools`, `documents`,
  ///   `add_generation_prompt`, `continue_final_message`, and those of `chat_template_kwargs`
  /// @throws IllegalArgumentException if the template refuses them
  String render(JsonNode messages, Map<String, JsonNode> variables);

  /// By a template in Jinja.
  static ChatFormat of(ChatTemplate template) {
    return (messages, variables) -> {
      Map<String, JsonNode> others = new LinkedHashMap<>(variables);
      JsonNode tools = others.remove("tools");
      boolean begin = flag(others.remove("add_generation_prompt"));
      boolean more = flag(others.remove("continue_final_message"));
      return template.render(
          Json.objects(messages), Json.objects(tools), begin, more, Json.values(others));
    };
  }

  private static boolean flag(JsonNode value) {
    return value != null && value.asBoolean();
  }
}
