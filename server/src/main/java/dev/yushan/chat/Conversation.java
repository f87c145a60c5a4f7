package dev.yushan.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Messages as a request has them, made into what templates are written for.
final class Conversation {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Conversation() {}

  /// @param parts whether the template goes over the parts of a content; otherwise the texts are
  ///   joined with line breaks
  static List<Object> of(List<? extends Map<String, ?>> messages, boolean parts) {
    List<Object> out = new ArrayList<>();
    for (var message : messages) {
      @SuppressWarnings("unchecked")
      var copy = (Map<Object, Object>) Value.of(message);
      if (!(copy.get("role") instanceof String)) {
        throw new IllegalArgumentException(
            "message " + out.size() + " has no role; give it one, such as \"user\"");
      }
      Object content = copy.get("content");
      if (content instanceof List<?> list) {
        String joined = joined(list, out.size());
        copy.put("content", parts ? list : joined);
      } else if (content == Value.None.NONE || content == null) {
        copy.put("content", "");
      } else if (!(content instanceof String)) {
        throw new IllegalArgumentException(
            "the content of message " + out.size() + " is neither a text nor a list of parts");
      }
      if (copy.get("tool_calls") instanceof List<?> calls && !calls.isEmpty()) {
        copy.put("tool_calls", calls.stream().map(Conversation::call).toList());
      } else {
        copy.remove("tool_calls"); // templates ask whether there is one, as vLLM sees to as well
      }
      out.add(copy);
    }
    return out;
  }

  private static String joined(List<?> parts, int message) {
    List<String> texts = new ArrayList<>();
    for (Object part : parts) {
      if (part instanceof String text) {
        texts.add(text);
      } else if (part instanceof Map<?, ?> map && map.get("text") instanceof String text) {
        texts.add(text);
      } else {
        Object type = part instanceof Map<?, ?> map ? map.get("type") : part;
        throw new IllegalArgumentException(
            "message "
                + message
                + " has a part of the type '"
                + type
                + "'; only parts of the type 'text' are taken");
      }
    }
    return String.join("\n", texts);
  }

  /// Arguments come as JSON in a text; templates take the object.
  private static Object call(Object call) {
    if (!(call instanceof Map<?, ?> map)
        || !(map.get("function") instanceof Map<?, ?> function)
        || !(function.get("arguments") instanceof String arguments)) {
      return call;
    }
    Map<Object, Object> copy = new LinkedHashMap<>(map);
    Map<Object, Object> inner = new LinkedHashMap<>(function);
    try {
      String json = arguments.isBlank() ? "{}" : arguments;
      inner.put("arguments", Value.of(JSON.readValue(json, Object.class)));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "the arguments of the tool call '"
              + function.get("name")
              + "' are not JSON: "
              + e.getOriginalMessage());
    }
    copy.put("function", inner);
    return copy;
  }
}
