package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/// Makes the prompt of a conversation: the model's chat template.
@FunctionalInterface
public interface ChatFormat {
  /// @param messages a list of objects with `role` and `content`
  /// @param variables what the template may use beside them: `tools`, `documents`,
  ///   `add_generation_prompt`, `continue_final_message`, and those of `chat_template_kwargs`
  /// @throws IllegalArgumentException if the template refuses them
  String render(JsonNode messages, Map<String, JsonNode> variables);
}
