package dev.yushan.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A safetensors file, mapped into memory: nothing is read but the header until a tensor's bytes
/// are, and nothing is copied. Files may be of any size. Safe for concurrent use.
///
/// ```java
/// try (Safetensors file = Safetensors.open(Path.of("model.safetensors"))) {
///   MemorySegment weights = file.tensor("lm_head.weight").data();
/// }
/// ```
public final class Safetensors implements AutoCloseable {
  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path path;
  private final Arena arena;
  private final Map<String, String> metadata;
  private final Map<String, StoredTensor> tensors;

  private Safetensors(
      Path path, Arena arena, Map<String, String> metadata, Map<String, StoredTensor> tensors) {
    this.path = path;
    this.arena = arena;
    this.metadata = metadata;
    this.tensors = tensors;
  }

  /// Maps `path`. Throws [FileFormatException] if it is no sound safetensors file, naming the
  /// tensor and the reason, and [UncheckedIOException] if it cannot be read.
  public static Safetensors open(Path path) {
    Arena arena = Arena.ofShared();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size < Long.BYTES) {
        String reason = "%d bytes are too few for a safetensors file; it is truncated";
        throw new FileFormatException(path, reason.formatted(size));
      }
      MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
      return read(path, arena, all);
    } catch (IOException e) {
      arena.close();
      throw DurableFiles.failed("read", path, e);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  private static Safetensors read(Path path, Arena arena, MemorySegment all) {
    long length = all.get(LENGTH, 0);
    if (length < 0 || length > SafetensorsHeader.MAX_BYTES) {
      String reason = "it declares a header of %s bytes, over the limit of %d; is it safetensors?";
      throw new FileFormatException(
          path, reason.formatted(Long.toUnsignedString(length), SafetensorsHeader.MAX_BYTES));
    }
    long start = Long.BYTES + length;
    if (start > all.byteSize()) {
      String reason = "it declares a header of %d bytes but has only %d; it is truncated";
      throw new FileFormatException(path, reason.formatted(length, all.byteSize() - Long.BYTES));
    }
    byte[] json = all.asSlice(Long.BYTES, length).toArray(ValueLayout.JAVA_BYTE);
    MemorySegment data = all.asSlice(start);
    SafetensorsHeader header = SafetensorsHeader.parse(path, json, data.byteSize());
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    for (SafetensorsHeader.Slot slot : header.slots()) {
      MemorySegment bytes = data.asSlice(slot.begin(), slot.end() - slot.begin());
      tensors.put(slot.tensor().name(), new StoredTensor(slot.tensor(), bytes));
    }
    return new Safetensors(path, arena, header.metadata(), tensors);
  }

  /// The file.
  public Path path() {
    return path;
  }

  /// The file's `__metadata__`: for model weights usually `format` = `pt`.
  public Map<String, String> metadata() {
    return metadata;
  }

  /// All tensors, in the order of their data.
  public List<StoredTensor> tensors() {
    return List.copyOf(tensors.values());
  }

  /// The tensor of that name, if the file has it.
  public Optional<StoredTensor> find(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /// The tensor of that name; throws [FileFormatException] naming those present if there is none.
  public StoredTensor tensor(String name) {
    return find(name).orElseThrow(() -> absent(path, name, List.copyOf(tensors.keySet())));
  }

  /// Throws [FileFormatException] naming tensor and index if a value of a tensor is infinite or
  /// NaN. Reads every byte of the file. Integer tensors and 8-bit floats are not looked at.
  public void requireFinite() {
    for (StoredTensor tensor : tensors.values()) {
      if (!tensor.type().real()) {
        continue;
      }
      FloatFormats.firstNonFinite(tensor.type(), tensor.data(), tensor.header().elements())
          .ifPresent(
              index -> {
                String reason = "element %d of %s %s is infinite or NaN; take sound weights";
                throw FileFormatException.ofTensor(
                    path,
                    tensor.name(),
                    reason.formatted(index, tensor.type(), tensor.header().dims()));
              });
    }
  }

  /// Unmaps the file: the segments of its tensors can no longer be read.
  @Override
  public void close() {
    arena.close();
  }

  static FileFormatException absent(Path path, String name, List<String> present) {
    int shown = Math.min(8, present.size());
    String more = present.size() > shown ? " and %d more".formatted(present.size() - shown) : "";
    return FileFormatException.ofTensor(
        path,
        name,
        "not there; there are %s%s; take the weights that belong to this config.json"
            .formatted(present.subList(0, shown), more));
  }
}
