package dev.yushan.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The JSON at the head of a safetensors file, checked: every tensor of a known type, the bytes
/// between its offsets exactly what type and dimensions ask for, the tensors side by side from the
/// first byte of the data to the last, without overlap or hole.
///
/// Source: the format's description at <https://github.com/huggingface/safetensors>.
///
/// @param metadata the `__metadata__` object, empty if absent
/// @param slots the tensors in the order of their data
record SafetensorsHeader(Map<String, String> metadata, List<Slot> slots) {
  /// More than this many bytes of header are refused, as the reference implementation does.
  static final long MAX_BYTES = 100_000_000;

  private static final String METADATA = "__metadata__";
  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /// A tensor and where its bytes are, counted from the end of the header.
  record Slot(TensorHeader tensor, long begin, long end) {}

  /// Lays out tensors one after the other in the given order.
  static SafetensorsHeader layOut(List<TensorHeader> tensors, Map<String, String> metadata) {
    List<Slot> slots = new ArrayList<>();
    long begin = 0;
    for (TensorHeader tensor : tensors) {
      long end = Math.addExact(begin, tensor.bytes());
      slots.add(new Slot(tensor, begin, end));
      begin = end;
    }
    return new SafetensorsHeader(metadata, List.copyOf(slots));
  }

  /// Parses and checks the header of `file`, whose data section has `dataBytes`.
  static SafetensorsHeader parse(Path file, byte[] json, long dataBytes) {
    JsonNode root = parseJson(file, json);
    Map<String, String> metadata = Map.of();
    List<Slot> slots = new ArrayList<>();
    for (Map.Entry<String, JsonNode> field : root.properties()) {
      if (field.getKey().equals(METADATA)) {
        metadata = parseMetadata(file, field.getValue());
      } else {
        slots.add(parseSlot(file, field.getKey(), field.getValue()));
      }
    }
    // Sorting is stable: the order of the header decides among tensors without elements.
    slots.sort(Comparator.comparingLong(Slot::begin).thenComparingLong(Slot::end));
    checkLayout(file, slots, dataBytes);
    return new SafetensorsHeader(metadata, List.copyOf(slots));
  }

  /// The head of a file: the length, the JSON, padded with spaces so that the data begin at a
  /// multiple of 8.
  ByteBuffer encode() {
    byte[] json = toJson().getBytes(StandardCharsets.UTF_8);
    int padded = Math.ceilDiv(json.length, 8) * 8;
    if (padded > MAX_BYTES) {
      throw new IllegalArgumentException(
          "a safetensors header of %d bytes is over the limit of %d; write more shards"
              .formatted(padded, MAX_BYTES));
    }
    byte[] head = Arrays.copyOf(json, padded);
    Arrays.fill(head, json.length, padded, (byte) ' ');
    return ByteBuffer.allocate(Long.BYTES + padded)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(padded)
        .put(head)
        .flip();
  }

  /// Bytes of all tensors.
  long dataBytes() {
    return slots.isEmpty() ? 0 : slots.getLast().end();
  }

  private String toJson() {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writePOJOField(METADATA, metadata);
      }
      for (Slot slot : slots) {
        json.writeObjectFieldStart(slot.tensor().name());
        json.writeStringField("dtype", slot.tensor().type().name());
        json.writePOJOField("shape", slot.tensor().dims());
        json.writePOJOField("data_offsets", List.of(slot.begin(), slot.end()));
        json.writeEndObject();
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }

  private static JsonNode parseJson(Path file, byte[] json) {
    try {
      // Jackson would guess at encodings; the format knows UTF-8 alone.
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
      JsonNode root = JSON.readTree(text);
      if (!root.isObject()) {
        throw new FileFormatException(file, "the header is no JSON object; is it safetensors?");
      }
      return root;
    } catch (CharacterCodingException e) {
      throw new FileFormatException(file, "the header is no UTF-8; is it safetensors?", e);
    } catch (JsonProcessingException e) {
      String reason = "the header is no valid JSON: " + JsonFault.of(e);
      throw new FileFormatException(file, reason, e);
    }
  }

  private static Map<String, String> parseMetadata(Path file, JsonNode node) {
    if (!node.isObject()) {
      throw new FileFormatException(file, METADATA + " is no JSON object");
    }
    Map<String, String> metadata = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      if (!field.getValue().isTextual()) {
        String reason = "%s.%s is %s, not a string";
        throw new FileFormatException(
            file, reason.formatted(METADATA, field.getKey(), field.getValue()));
      }
      metadata.put(field.getKey(), field.getValue().textValue());
    }
    return Collections.unmodifiableMap(metadata);
  }

  private static Slot parseSlot(Path file, String name, JsonNode node) {
    if (!node.isObject()) {
      throw FileFormatException.ofTensor(file, name, "its entry in the header is no JSON object");
    }
    String typeName = node.path("dtype").asText();
    StorageType type =
        StorageType.named(typeName)
            .orElseThrow(
                () ->
                    FileFormatException.ofTensor(
                        file,
                        name,
                        "dtype %s is unknown; known are %s"
                            .formatted(node.path("dtype"), Arrays.toString(StorageType.values()))));
    List<Long> dims = parseCounts(file, name, "shape", node.path("shape"));
    List<Long> offsets = parseCounts(file, name, "data_offsets", node.path("data_offsets"));
    if (offsets.size() != 2 || offsets.get(1) < offsets.get(0)) {
      String reason = "data_offsets %s are no begin and end".formatted(offsets);
      throw FileFormatException.ofTensor(file, name, reason);
    }
    TensorHeader tensor;
    try {
      tensor = new TensorHeader(name, type, dims);
    } catch (ArithmeticException e) {
      String reason = "shape %s has more bytes than a long can count".formatted(dims);
      throw FileFormatException.ofTensor(file, name, reason);
    }
    long bytes = offsets.get(1) - offsets.get(0);
    if (bytes != tensor.bytes()) {
      String reason = "%s %s takes %d bytes but data_offsets %s hold %d";
      throw FileFormatException.ofTensor(
          file, name, reason.formatted(type, dims, tensor.bytes(), offsets, bytes));
    }
    return new Slot(tensor, offsets.get(0), offsets.get(1));
  }

  private static List<Long> parseCounts(Path file, String name, String key, JsonNode node) {
    if (!node.isArray()) {
      String reason = node.isMissingNode() ? key + " is missing" : key + " is no array";
      throw FileFormatException.ofTensor(file, name, reason);
    }
    List<Long> counts = new ArrayList<>();
    for (JsonNode count : node) {
      if (!count.isIntegralNumber() || !count.canConvertToLong() || count.longValue() < 0) {
        String reason = "%s %s has an entry that is no count: %s".formatted(key, node, count);
        throw FileFormatException.ofTensor(file, name, reason);
      }
      counts.add(count.longValue());
    }
    return List.copyOf(counts);
  }

  private static void checkLayout(Path file, List<Slot> slots, long dataBytes) {
    long end = 0;
    for (Slot slot : slots) {
      String name = slot.tensor().name();
      if (slot.begin() < end) {
        String reason = "its bytes begin at %d, inside the tensor before it, which ends at %d";
        throw FileFormatException.ofTensor(file, name, reason.formatted(slot.begin(), end));
      }
      if (slot.begin() > end) {
        String reason = "%d bytes before it, from %d, belong to no tensor";
        throw FileFormatException.ofTensor(file, name, reason.formatted(slot.begin() - end, end));
      }
      if (slot.end() > dataBytes) {
        String reason =
            "its bytes end at %d but the file holds only %d bytes of data: it is truncated;"
                + " fetch it again";
        throw FileFormatException.ofTensor(file, name, reason.formatted(slot.end(), dataBytes));
      }
      end = slot.end();
    }
    if (end < dataBytes) {
      throw new FileFormatException(
          file, "%d bytes after the last tensor belong to none".formatted(dataBytes - end));
    }
  }
}
