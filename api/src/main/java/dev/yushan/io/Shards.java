package dev.yushan.io;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/// How the weights of a model are divided into files, and the index that says so: both as
/// `huggingface_hub` and `transformers` do it.
final class Shards {
  private static final Pattern NAME = Pattern.compile("model-\\d{5,}-of-\\d{5,}\\.safetensors");

  private Shards() {}

  /// Whether a file name is one that [#assign] gives to a shard.
  static boolean isShard(String fileName) {
    return NAME.matcher(fileName).matches();
  }

  /// File names with their tensors, in the order of the names.
  static Map<String, List<SafetensorsWriter.Entry>> assign(
      List<SafetensorsWriter.Entry> tensors, long maxBytes) {
    if (maxBytes <= 0) {
      throw new IllegalArgumentException("a shard of at most " + maxBytes + " bytes holds nothing");
    }
    List<List<SafetensorsWriter.Entry>> shards = divide(tensors, maxBytes);
    if (shards.size() <= 1) {
      return Map.of(SafetensorsWriter.SINGLE_FILE, tensors);
    }
    Map<String, List<SafetensorsWriter.Entry>> named = new LinkedHashMap<>();
    for (List<SafetensorsWriter.Entry> shard : shards) {
      String name = "model-%05d-of-%05d.safetensors".formatted(named.size() + 1, shards.size());
      named.put(name, shard);
    }
    return named;
  }

  private static List<List<SafetensorsWriter.Entry>> divide(
      List<SafetensorsWriter.Entry> tensors, long maxBytes) {
    List<List<SafetensorsWriter.Entry>> shards = new ArrayList<>();
    List<SafetensorsWriter.Entry> current = new ArrayList<>();
    long currentBytes = 0;
    for (SafetensorsWriter.Entry entry : tensors) {
      long bytes = entry.header().bytes();
      if (bytes > maxBytes) {
        shards.add(List.of(entry));
        continue;
      }
      if (currentBytes + bytes > maxBytes) {
        shards.add(current);
        current = new ArrayList<>();
        currentBytes = 0;
      }
      current.add(entry);
      currentBytes += bytes;
    }
    if (!current.isEmpty()) {
      shards.add(current);
    }
    return shards;
  }

  /// The text of `model.safetensors.index.json`.
  static String index(Map<String, List<SafetensorsWriter.Entry>> shards) {
    long elements = 0;
    long bytes = 0;
    Map<String, String> weightMap = new TreeMap<>(Utf8Order.COMPARATOR);
    for (Map.Entry<String, List<SafetensorsWriter.Entry>> shard : shards.entrySet()) {
      for (SafetensorsWriter.Entry entry : shard.getValue()) {
        elements += entry.header().elements();
        bytes += entry.header().bytes();
        weightMap.put(entry.header().name(), shard.getKey());
      }
    }
    Map<String, Object> index = new LinkedHashMap<>();
    Map<String, Long> sizes = new LinkedHashMap<>();
    sizes.put("total_parameters", elements);
    sizes.put("total_size", bytes);
    index.put("metadata", sizes);
    index.put("weight_map", weightMap);
    Separators separators =
        Separators.createDefaultInstance().withObjectFieldValueSpacing(Separators.Spacing.AFTER);
    DefaultPrettyPrinter printer =
        new DefaultPrettyPrinter(separators).withObjectIndenter(new DefaultIndenter("  ", "\n"));
    try {
      return new JsonMapper().writer(printer).writeValueAsString(index) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
