package dev.yushan.data;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.CharacterCodingException;
import java.util.List;
import java.util.Map;

/// What a JSON object holds as a training record: `input_ids` (and `labels`) if it has them, else
/// the columns of the text.
final class JsonRecords {
  static final String INPUT_IDS = "input_ids";
  static final String LABELS = "labels";

  /// Documents have no size limit of their own.
  static final ObjectMapper MAPPER =
      new ObjectMapper(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxStringLength(Integer.MAX_VALUE)
                          .maxDocumentLength(-1)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private JsonRecords() {}

  /// One line of a `.jsonl` file.
  static RecordContent parse(byte[] line, TextColumns columns) {
    try {
      return content(MAPPER.readTree(Utf8.decode(line)), columns);
    } catch (CharacterCodingException e) {
      return Utf8.bad(line);
    } catch (JsonProcessingException e) {
      return new RecordContent.Bad("broken JSON: " + reason(e));
    }
  }

  static String reason(JsonProcessingException e) {
    String column = e.getLocation() == null ? "" : " at column " + e.getLocation().getColumnNr();
    return e.getOriginalMessage().lines().findFirst().orElse("") + column;
  }

  static RecordContent content(JsonNode node, TextColumns columns) {
    if (!node.isObject()) {
      return new RecordContent.Bad("is no JSON object but " + type(node));
    }
    if (node.has(INPUT_IDS)) {
      return ids(node);
    }
    return columns.content(i -> value(node, columns.columns().get(i)));
  }

  private static Column.Value value(JsonNode node, Column column) {
    JsonNode value = node.path(column.name());
    if (value.isTextual() || value.isIntegralNumber() && !column.textOnly()) {
      return new Column.Value.Text(value.asText());
    }
    if (value.isMissingNode()) {
      List<String> names = node.propertyStream().map(Map.Entry::getKey).toList();
      return new Column.Value.Missing(
          "has no field %s (key %s); it has %s".formatted(column.name(), column.key(), names));
    }
    String why = "field %s is no %s but %s".formatted(column.name(), column.kind(), type(value));
    return value.isNull()
        ? new Column.Value.Missing(why)
        : new Column.Value.Bad(why, value.toString());
  }

  private static String type(JsonNode node) {
    return switch (node.getNodeType()) {
      case NULL -> "null";
      case ARRAY -> "an array";
      case OBJECT -> "an object";
      case STRING -> "a string";
      case NUMBER -> "a number";
      case BOOLEAN -> "a boolean";
      default -> "nothing";
    };
  }

  private static RecordContent ids(JsonNode node) {
    JsonNode ids = node.get(INPUT_IDS);
    JsonNode labels = node.path(LABELS);
    for (JsonNode list : new JsonNode[] {ids, labels}) {
      String field = list == ids ? INPUT_IDS : LABELS;
      if (list.isMissingNode()) {
        continue;
      }
      if (!list.isArray()) {
        return new RecordContent.Bad("field " + field + " is no array but " + type(list));
      }
      for (int i = 0; i < list.size(); i++) {
        if (!list.get(i).isIntegralNumber() || !list.get(i).canConvertToInt()) {
          return new RecordContent.Bad(
              "%s[%d] is no token id but %s".formatted(field, i, list.get(i)));
        }
      }
    }
    return ids(ints(ids), labels.isArray(), ints(labels));
  }

  private static int[] ints(JsonNode list) {
    int[] ints = new int[list.size()];
    for (int i = 0; i < ints.length; i++) {
      ints[i] = list.get(i).intValue();
    }
    return ints;
  }

  /// Ids with labels (`hasLabels`) or without.
  static RecordContent ids(int[] ids, boolean hasLabels, int[] labels) {
    if (hasLabels && ids.length != labels.length) {
      return new RecordContent.Bad(
          "has %d input_ids but %d labels".formatted(ids.length, labels.length));
    }
    return ids.length == 0
        ? new RecordContent.Empty("input_ids is empty")
        : new RecordContent.Ids(ids, labels);
  }
}
