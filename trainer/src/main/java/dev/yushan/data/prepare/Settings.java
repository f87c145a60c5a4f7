package dev.yushan.data.prepare;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.cfg.EnumFeature;
import com.fasterxml.jackson.databind.deser.DeserializationProblemHandler;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.config.NearestKey;
import dev.yushan.data.DataException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// Records of settings from YAML: the components are keys in snake case, and what is not set stays
/// as it is in the defaults.
final class Settings {
  static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
          .enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE)
          .enable(DeserializationFeature.ACCEPT_SINGLE_VALUE_AS_ARRAY)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
          .addHandler(new Off())
          .build();

  /// YAML takes a bare `off` for false: where a word is wanted and `off` is one, it is meant.
  private static final class Off extends DeserializationProblemHandler {
    @Override
    public Object handleUnexpectedToken(
        DeserializationContext context,
        JavaType type,
        JsonToken token,
        JsonParser parser,
        String message) {
      return token == JsonToken.VALUE_FALSE && type.isEnumType()
          ? Arrays.<Object>stream(type.getRawClass().getEnumConstants())
              .filter(constant -> word((Enum<?>) constant).equals("off"))
              .findFirst()
              .orElse(NOT_HANDLED)
          : NOT_HANDLED;
    }
  }

  private Settings() {}

  /// `defaults` with what `given` sets.
  ///
  /// @param where it stands, to begin messages with
  /// @throws DataException for a key that there is not or a value that will not do
  static <C> C over(C defaults, JsonNode given, String where) {
    ObjectNode merged = MAPPER.valueToTree(defaults);
    if (given.isNull() || given.isMissingNode()) {
      return defaults;
    }
    if (!given.isObject()) {
      throw new DataException(
          "%s: has settings of the form key: value, not %s; it knows %s"
              .formatted(where, given, keys(merged)));
    }
    merge(merged, given, where);
    try {
      @SuppressWarnings("unchecked")
      Class<C> type = (Class<C>) defaults.getClass();
      return MAPPER.treeToValue(merged, type);
    } catch (ValueInstantiationException e) {
      if (e.getCause() instanceof DataException wrong) {
        throw new DataException(where + ": " + wrong.getMessage(), wrong);
      }
      throw new DataException(where + ": " + e.getOriginalMessage(), e);
    } catch (MismatchedInputException e) {
      // without the cause: that speaks of classes
      throw new DataException(
          "%s: %s: %s will not do; give %s"
              .formatted(where, path(e), value(merged, e), wanted(e.getTargetType())));
    } catch (JsonProcessingException e) {
      throw new DataException(where + ": " + e.getOriginalMessage(), e);
    }
  }

  private static void merge(ObjectNode into, JsonNode given, String where) {
    given
        .properties()
        .forEach(
            entry -> {
              String key = entry.getKey();
              if (!into.has(key)) {
                throw unknown(key, names(into), where);
              }
              if (entry.getValue().isNull()) {
                throw new DataException(
                    "%s: %s: has no value; give one, or leave the key out".formatted(where, key));
              }
              // an empty object is one of free keys, not a nested record
              if (into.get(key).isObject()
                  && !into.get(key).isEmpty()
                  && entry.getValue().isObject()) {
                merge((ObjectNode) into.get(key), entry.getValue(), where + ": " + key);
              } else {
                into.set(key, entry.getValue());
              }
            });
  }

  /// For a key that there is not.
  static DataException unknown(String key, List<String> known, String where) {
    return new DataException(
        "%s: there is no key %s; %s".formatted(where, key, nearest(key, known)));
  }

  /// What might have been meant, to end a message with.
  static String nearest(String name, List<String> known) {
    return NearestKey.of(name, known)
        .map("did you mean %s?"::formatted)
        .orElse("there are " + String.join(", ", known));
  }

  static List<String> names(ObjectNode node) {
    List<String> names = new ArrayList<>();
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }

  private static String keys(ObjectNode node) {
    return String.join(", ", names(node));
  }

  private static String path(JsonMappingException e) {
    return e.getPath().stream()
        .map(
            part -> part.getFieldName() == null ? "[" + part.getIndex() + "]" : part.getFieldName())
        .collect(Collectors.joining(": "));
  }

  /// What stands in the place that `e` is about.
  private static JsonNode value(JsonNode root, JsonMappingException e) {
    JsonNode node = root;
    for (JsonMappingException.Reference part : e.getPath()) {
      node =
          part.getFieldName() == null ? node.path(part.getIndex()) : node.path(part.getFieldName());
    }
    return node;
  }

  /// What a value of `type` looks like in a file.
  private static String wanted(Class<?> type) {
    if (type.isEnum()) {
      return Arrays.stream(type.getEnumConstants())
          .map(constant -> word((Enum<?>) constant))
          .collect(Collectors.joining(", ", "one of ", ""));
    }
    return switch (type.getSimpleName()) {
      case "int", "long" -> "a whole number";
      case "double" -> "a number";
      case "boolean" -> "true or false";
      case "String" -> "a text";
      case "List" -> "a list of texts";
      default -> "settings of the form key: value";
    };
  }

  /// `e`, of whatever names files in the place of `dataset` in training, about `key` instead.
  static DataException about(String key, DataException e) {
    return new DataException(e.getMessage().replaceFirst("^dataset: ", key + ": "));
  }

  /// How a file spells the value of an enum.
  static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
