package dev.yushan.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// A value in a JSON file together with where it stands, so that every refusal can name it.
record JsonField(String file, String path, JsonNode node) {
  /// No vocabulary has more: a table by id is never larger than this.
  static final int MOST_IDS = 1 << 24;

  JsonField get(String name) {
    JsonNode child = node.get(name);
    return new JsonField(
        file, path.isEmpty() ? name : path + "." + name, child == null ? missing() : child);
  }

  List<JsonField> elements() {
    if (!node.isArray()) {
      throw refuse("must be a list, but is " + shown());
    }
    List<JsonField> elements = new ArrayList<>(node.size());
    for (int i = 0; i < node.size(); i++) {
      elements.add(new JsonField(file, path + "[" + i + "]", node.get(i)));
    }
    return elements;
  }

  /// Absent and `null` are the same to the Hugging Face reader of optional fields.
  boolean isNull() {
    return node.isMissingNode() || node.isNull();
  }

  String string() {
    if (!node.isTextual()) {
      throw refuse("must be a string, but is " + shown());
    }
    return node.textValue();
  }

  int id() {
    if (!node.isInt() || node.intValue() < 0 || node.intValue() >= MOST_IDS) {
      throw refuse("must be an id (0 to %d), but is %s".formatted(MOST_IDS - 1, shown()));
    }
    return node.intValue();
  }

  boolean flag(boolean ifAbsent) {
    if (isNull()) {
      return ifAbsent;
    }
    if (!node.isBoolean()) {
      throw refuse("must be true or false, but is " + shown());
    }
    return node.booleanValue();
  }

  /// Refuses the object if it holds a field that nobody here knows the meaning of.
  void allowOnly(String... names) {
    if (!node.isObject()) {
      throw refuse("must be an object, but is " + shown());
    }
    Set<String> known = Set.of(names);
    node.fieldNames()
        .forEachRemaining(
            name -> {
              if (!known.contains(name)) {
                throw get(name).refuse("is unknown here, and may change ids");
              }
            });
  }

  /// Refuses anything but absent, null or one of `values` (compared as JSON text).
  void require(String remedy, String... values) {
    if (!isNull() && !List.of(values).contains(node.toString())) {
      throw refuse("is " + shown() + ", which is not supported; " + remedy);
    }
  }

  TokenizerFormatException refuse(String problem) {
    return new TokenizerFormatException(file, path.isEmpty() ? "(root)" : path, problem);
  }

  String shown() {
    String text = node.isMissingNode() ? "absent" : node.toString();
    return text.length() <= 80 ? text : text.substring(0, 77) + "...";
  }

  private static JsonNode missing() {
    return MissingNode.getInstance();
  }
}
