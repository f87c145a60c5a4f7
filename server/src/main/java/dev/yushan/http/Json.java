package dev.yushan.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.io.JsonFault;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;

/// Reading and writing of JSON, for bodies that anybody may send.
final class Json {
  private static final int MAX_DEPTH = 100;

  /// Values, names and brackets: each takes up to 50 bytes of the heap, if only two of the body.
  private static final int MAX_PIECES = 1 << 20;

  private static final ObjectMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxTokenCount(MAX_PIECES)
                          .maxStringLength(Integer.MAX_VALUE) // the body limit holds it
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private Json() {}

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  static ArrayNode array() {
    return JsonNodeFactory.instance.arrayNode();
  }

  static byte[] bytes(JsonNode node) {
    try {
      return MAPPER.writeValueAsBytes(node);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The objects of a list, as plain Java values.
  static List<Map<String, Object>> maps(JsonNode list) {
    return MAPPER.convertValue(list, new TypeReference<>() {});
  }

  static Map<String, Object> values(Map<String, JsonNode> nodes) {
    return MAPPER.convertValue(nodes, new TypeReference<>() {});
  }

  /// The object that a body holds.
  static ObjectNode parse(byte[] body) {
    return parse(body, "", "the body");
  }

  /// The object that a text holds.
  ///
  /// @param field to blame, empty for none
  /// @param what it is, in words
  static ObjectNode parse(byte[] text, String field, String what) {
    try {
      if (MAPPER.readTree(text) instanceof ObjectNode object) {
        return object;
      }
    } catch (StreamConstraintsException e) {
      throw ApiException.badRequest(field, "%s is more than is read: %s", what, JsonFault.of(e));
    } catch (JsonProcessingException e) {
      throw ApiException.badRequest(field, "%s is not JSON: %s", what, JsonFault.of(e));
    } catch (IOException e) {
      throw ApiException.badRequest(field, "%s is not JSON in UTF-8: %s", what, e.getMessage());
    }
    throw ApiException.badRequest(field, "%s must be a JSON object", what);
  }
}
