package dev.yushan.io.gguf;

import dev.yushan.io.FileFormatException;
import dev.yushan.tensor.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A GGUF file, mapped into memory: the metadata are read, the tensors only when their bytes are.
///
/// Source: `docs/gguf.md` of ggml. Versions 2 and 3, little-endian.
///
/// Metadata values are [Long] (all integers), [Double] (all floats), [Boolean], [String], or a
/// [List] of those.
public final class Gguf implements AutoCloseable {
  /// The bytes `GGUF`.
  static final int MAGIC = 0x46554747;

  /// Where tensors begin, in bytes, unless `general.alignment` says otherwise.
  static final int ALIGNMENT = 32;

  /// What messages call the types of metadata.
  private static final Map<Class<?>, String> KINDS =
      Map.of(
          Long.class, "whole number",
          Double.class, "number",
          Boolean.class, "flag",
          String.class, "text",
          List.class, "list");

  /// A tensor as it lies in the file.
  ///
  /// @param dims slowest first, as in safetensors (the file has them the other way round)
  /// @param data its blocks, row by row; valid until the file is closed
  public record Entry(String name, GgufType type, List<Long> dims, MemorySegment data) {
    /// The dimensions as a shape.
    public Shape shape() {
      return Shape.of(dims.stream().mapToLong(Long::longValue).toArray());
    }

    /// Number of elements.
    public long elements() {
      return dims.stream().reduce(1L, Math::multiplyExact);
    }
  }

  private final Path path;
  private final Arena arena;
  private final Map<String, Object> metadata = new LinkedHashMap<>();
  private final Map<String, Entry> tensors = new LinkedHashMap<>();

  private Gguf(Path path, Arena arena) {
    this.path = path;
    this.arena = arena;
  }

  /// Whether a file is named as one of these.
  public static boolean named(Path file) {
    return file.toString().endsWith(".gguf");
  }

  /// Maps a file.
  ///
  /// @throws FileFormatException if it is no sound GGUF file, with the reason
  /// @throws UncheckedIOException if it cannot be read
  public static Gguf open(Path path) {
    Gguf file = new Gguf(path, Arena.ofShared());
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), file.arena);
      file.read(new GgufReader(path, all));
      return file;
    } catch (IOException e) {
      file.close();
      throw new UncheckedIOException("cannot read " + path, e);
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  private void read(GgufReader in) {
    if (in.i32() != MAGIC) {
      throw new FileFormatException(path, "does not begin with GGUF; is it a GGUF file?");
    }
    int version = in.i32();
    if (version != 2 && version != 3) {
      throw new FileFormatException(
          path, "has GGUF version %d; 2 and 3 are read".formatted(version));
    }
    long tensorCount = in.count("tensors", 24);
    long keys = in.count("metadata", 12);
    for (long i = 0; i < keys; i++) {
      String key = in.string();
      if (metadata.put(key, in.value(in.i32())) != null) {
        throw new FileFormatException(path, "has the key %s twice".formatted(key));
      }
    }
    List<Slot> slots = new ArrayList<>();
    for (long i = 0; i < tensorCount; i++) {
      slots.add(slot(in));
    }
    long alignment = integer("general.alignment").orElse((long) ALIGNMENT);
    if (alignment < 1 || alignment > 1 << 20) {
      throw new FileFormatException(
          path,
          "general.alignment is %d, not 1 to 1,048,576: the file is damaged, get it again"
              .formatted(alignment));
    }
    MemorySegment data = in.rest(alignment);
    for (Slot slot : slots) {
      add(slot, data);
    }
  }

  private record Slot(String name, GgufType type, List<Long> dims, long offset) {}

  private Slot slot(GgufReader in) {
    String name = in.string();
    int rank = in.i32();
    if (rank < 1 || rank > 4) {
      throw new FileFormatException(path, "tensor %s has %d dimensions".formatted(name, rank));
    }
    Long[] dims = new Long[rank];
    for (int i = rank - 1; i >= 0; i--) {
      dims[i] = in.i64();
    }
    int code = in.i32();
    GgufType type =
        GgufType.of(code)
            .orElseThrow(
                () ->
                    new FileFormatException(
                        path,
                        "tensor %s has type number %d, which is not known; convert the file to F16, BF16, Q8_0 or Q4_0"
                            .formatted(name, code)));
    return new Slot(name, type, List.of(dims), in.i64());
  }

  private void add(Slot slot, MemorySegment data) {
    List<Long> dims = slot.dims;
    boolean sound = dims.stream().allMatch(d -> d > 0 && d < 1L << 40);
    long elements = sound ? dims.stream().reduce(1L, (a, b) -> a > 1L << 50 ? a : a * b) : -1;
    sound &= elements < 1L << 50 && dims.getLast() % slot.type.blockLength() == 0;
    long bytes = sound ? slot.type.bytes(elements) : 0;
    if (!sound || slot.offset < 0 || slot.offset > data.byteSize() - bytes) {
      throw new FileFormatException(
          path,
          "tensor %s: %s %s at %d does not fit the file; it is damaged or cut off: get it again"
              .formatted(slot.name, slot.type, dims, slot.offset));
    }
    Entry entry = new Entry(slot.name, slot.type, dims, data.asSlice(slot.offset, bytes));
    if (tensors.put(slot.name, entry) != null) {
      throw new FileFormatException(path, "has the tensor %s twice".formatted(slot.name));
    }
  }

  /// The file.
  public Path path() {
    return path;
  }

  /// All metadata, in the order of the file.
  public Map<String, Object> metadata() {
    return metadata;
  }

  /// All tensors by name, in the order of the file.
  public Map<String, Entry> tensors() {
    return tensors;
  }

  /// A string of the metadata.
  public Optional<String> text(String key) {
    return value(key, String.class);
  }

  /// A whole number of the metadata.
  public Optional<Long> integer(String key) {
    return value(key, Long.class);
  }

  /// A number of the metadata that may have a fraction.
  public Optional<Double> number(String key) {
    return value(key, Double.class);
  }

  /// A flag of the metadata.
  public Optional<Boolean> flag(String key) {
    return value(key, Boolean.class);
  }

  /// A list of the metadata; empty if it is not there.
  public <T> List<T> list(String key, Class<T> type) {
    List<?> list = value(key, List.class).orElse(List.of());
    if (!list.stream().allMatch(type::isInstance)) {
      throw new FileFormatException(
          path, "%s is not a list of %ss".formatted(key, KINDS.get(type)));
    }
    return list.stream().map(type::cast).toList();
  }

  private <T> Optional<T> value(String key, Class<T> type) {
    Object value = metadata.get(key);
    if (value != null && !type.isInstance(value)) {
      throw new FileFormatException(
          path, "%s is %s, not a %s".formatted(key, shown(value), KINDS.get(type)));
    }
    return Optional.ofNullable(value).map(type::cast);
  }

  private static String shown(Object value) {
    String text = String.valueOf(value);
    return text.length() > 40 ? text.substring(0, 40) + "…" : text;
  }

  /// A value that the file cannot do without.
  public <T> T require(String key, Optional<T> value) {
    return value.orElseThrow(
        () ->
            new FileFormatException(
                path, "lacks %s, which a model of its kind needs".formatted(key)));
  }

  /// Unmaps the file.
  @Override
  public void close() {
    arena.close();
  }
}
