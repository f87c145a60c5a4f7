package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.chat.ChatTemplate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Makes the prompt of a conversation: the model's chat template.
@FunctionalInterface
public interface ChatFormat {
  /// @param messages a list of objects with `role` and `content`, which is text or parts of text
  /// @param variables what the template may use beside them: `tools`, `documents`,
  ///   `add_generation_prompt`, `continue_final_message`, and those of `chat_template_kwargs`
  /// @throws IllegalArgumentException if the template refuses them
  String render(JsonNode messages, Map<String, JsonNode> variables);

  /// That of a chat template.
  static ChatFormat of(ChatTemplate template) {
    return (messages, variables) -> {
      Map<String, JsonNode> more = new LinkedHashMap<>(variables);
      boolean begin = more.remove("add_generation_prompt").booleanValue();
      boolean goOn = more.remove("continue_final_message").booleanValue();
      JsonNode tools = more.remove("tools");
      return template.render(
          Json.maps(messages),
          tools == null ? List.of() : Json.maps(tools),
          begin,
          goOn,
          Json.values(more));
    };
  }
}
