package dev.yushan.io;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/// The weights in a model directory, mapped: `model.safetensors`, or the shards that
/// `model.safetensors.index.json` names. Where both are there the single file counts, as in
/// `transformers`. Safe for concurrent use.
public final class SafetensorsDirectory implements AutoCloseable {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private final Path path;
  private final List<Safetensors> files;
  private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();

  private SafetensorsDirectory(Path path, List<Safetensors> files) {
    this.path = path;
    this.files = files;
  }

  /// Maps the weights in `directory`. Throws [FileFormatException] if there are none, a shard is
  /// missing, a file is malformed, or the index and the shards disagree about a tensor.
  public static SafetensorsDirectory open(Path directory) {
    Path single = directory.resolve(SafetensorsWriter.SINGLE_FILE);
    Path index = directory.resolve(SafetensorsWriter.INDEX_FILE);
    SafetensorsDirectory weights = new SafetensorsDirectory(directory, new ArrayList<>());
    try {
      if (present(single)) {
        weights.addSingle(single);
      } else if (present(index)) {
        weights.addShards(index);
      } else {
        throw noWeights(directory);
      }
      return weights;
    } catch (RuntimeException | Error e) {
      weights.close();
      throw e;
    }
  }

  /// The directory.
  public Path path() {
    return path;
  }

  /// The files the weights are in.
  public List<Path> files() {
    return files.stream().map(Safetensors::path).toList();
  }

  /// All tensors, file by file, in the order of their data.
  public List<StoredTensor> tensors() {
    return List.copyOf(tensors.values());
  }

  /// The tensor of that name, if there is one.
  public Optional<StoredTensor> find(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /// The tensor of that name; throws [FileFormatException] naming those present if there is none.
  public StoredTensor tensor(String name) {
    return find(name)
        .orElseThrow(() -> Safetensors.absent(path, name, List.copyOf(tensors.keySet())));
  }

  /// The file a tensor is in; throws like [#tensor] if there is none of that name.
  public Path fileOf(String name) {
    return files.stream()
        .filter(file -> file.find(name).isPresent())
        .findFirst()
        .map(Safetensors::path)
        .orElseThrow(() -> Safetensors.absent(path, name, List.copyOf(tensors.keySet())));
  }

  /// Bytes of all tensors together.
  public long totalBytes() {
    return tensors.values().stream().mapToLong(tensor -> tensor.header().bytes()).sum();
  }

  /// Throws [FileFormatException] naming file, tensor and index if a value of a tensor is infinite
  /// or NaN. Reads every byte of the weights.
  public void requireFinite() {
    for (Safetensors file : files) {
      file.requireFinite();
    }
  }

  /// Unmaps all files: the segments of their tensors can no longer be read.
  @Override
  public void close() {
    files.forEach(Safetensors::close);
  }

  private void addSingle(Path single) {
    Safetensors file = Safetensors.open(single);
    files.add(file);
    file.tensors().forEach(tensor -> tensors.put(tensor.name(), tensor));
  }

  private void addShards(Path index) {
    Map<String, String> weightMap = weightMap(index);
    TreeSet<String> shards = new TreeSet<>(weightMap.values());
    List<String> missing = shards.stream().filter(shard -> !present(path.resolve(shard))).toList();
    if (!missing.isEmpty()) {
      String reason = "it names %d shards of which %d are missing: %s; fetch them";
      throw new FileFormatException(
          index, reason.formatted(shards.size(), missing.size(), missing));
    }
    for (String shard : shards) {
      Safetensors file = Safetensors.open(path.resolve(shard));
      files.add(file);
      for (StoredTensor tensor : file.tensors()) {
        checkMapped(file.path(), tensor.name(), shard, weightMap.get(tensor.name()));
        tensors.put(tensor.name(), tensor);
      }
    }
    weightMap.forEach(
        (name, shard) -> {
          if (!tensors.containsKey(name)) {
            String reason =
                "the index places it in this file, which does not hold it; fetch both again";
            throw FileFormatException.ofTensor(path.resolve(shard), name, reason);
          }
        });
  }

  private static void checkMapped(Path file, String name, String shard, String mapped) {
    if (mapped == null) {
      throw FileFormatException.ofTensor(
          file,
          name,
          "the index does not know it; the two do not belong together: fetch both again");
    }
    if (!mapped.equals(shard)) {
      String reason =
          "the index places it in %s; it must be in one file only: fetch both again"
              .formatted(mapped);
      throw FileFormatException.ofTensor(file, name, reason);
    }
  }

  private static Map<String, String> weightMap(Path index) {
    JsonNode map;
    try {
      map = JSON.readTree(Files.readAllBytes(index)).path("weight_map");
    } catch (JsonProcessingException e) {
      String reason = "no valid JSON: %s: fetch it again".formatted(JsonFault.of(e));
      throw new FileFormatException(index, reason, e);
    } catch (IOException e) {
      throw DurableFiles.failed("read", index, e);
    }
    if (!map.isObject() || map.isEmpty()) {
      throw new FileFormatException(
          index, "no weight_map with at least one tensor: fetch it again");
    }
    Map<String, String> weightMap = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : map.properties()) {
      String shard = field.getValue().asText();
      if (!field.getValue().isTextual() || !shard.matches("[^/\\\\]+\\.safetensors")) {
        String reason = "%s is no name of a safetensors file in the same directory";
        throw FileFormatException.ofTensor(
            index, field.getKey(), reason.formatted(field.getValue()));
      }
      weightMap.put(field.getKey(), shard);
    }
    return weightMap;
  }

  /// Whether the file exists, or a link to one does: in the cache of a hub a link without a file
  /// means a download that did not finish.
  private static boolean present(Path file) {
    if (Files.isSymbolicLink(file) && !Files.exists(file)) {
      throw new FileFormatException(
          file, "a link to a file that does not exist: the download is incomplete; fetch it again");
    }
    return Files.exists(file, LinkOption.NOFOLLOW_LINKS);
  }

  private static FileFormatException noWeights(Path directory) {
    if (!Files.isDirectory(directory)) {
      return new FileFormatException(directory, "no such directory");
    }
    List<String> found;
    try (var files = Files.list(directory)) {
      found = files.map(file -> file.getFileName().toString()).sorted().limit(10).toList();
    } catch (IOException e) {
      throw DurableFiles.failed("read", directory, e);
    }
    boolean pickled = found.stream().anyMatch(name -> name.matches(".*\\.(bin|pth?|ckpt)"));
    return new FileFormatException(
        directory,
        "neither %s nor %s is there, only %s; %s"
            .formatted(
                SafetensorsWriter.SINGLE_FILE,
                SafetensorsWriter.INDEX_FILE,
                found,
                pickled
                    ? "pickled weights are not read, convert them to safetensors"
                    : "name a directory with the weights of a model"));
  }
}
