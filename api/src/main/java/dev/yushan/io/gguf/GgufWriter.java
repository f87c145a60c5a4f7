package dev.yushan.io.gguf;

import dev.yushan.io.DurableFiles;
import dev.yushan.io.TensorSource;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Writes GGUF files, version 3: beside the target, then renamed onto it.
///
/// Of the metadata, an [Integer] is written as uint32, a [Float] as float32, and a list of integers
/// as int32, as llama.cpp has them.
public final class GgufWriter {
  private static final int PIECE = 4 << 20;

  private GgufWriter() {}

  /// A tensor to write.
  ///
  /// @param dims slowest first
  /// @param source gives whole rows, in ascending order
  public record Entry(String name, GgufType type, List<Long> dims, TensorSource source) {
    long bytes() {
      return type.bytes(dims.stream().reduce(1L, Math::multiplyExact));
    }

    long rowBytes() {
      return type.bytes(dims.getLast());
    }
  }

  /// Writes or replaces `file`.
  public static void write(Path file, Map<String, Object> metadata, List<Entry> tensors) {
    byte[] head = head(metadata, tensors);
    DurableFiles.write(
        file.toAbsolutePath(),
        channel -> {
          DurableFiles.writeFully(channel, ByteBuffer.wrap(head));
          pad(channel);
          try (Arena arena = Arena.ofConfined()) {
            for (Entry entry : tensors) {
              stream(channel, entry, arena);
              pad(channel);
            }
          }
        });
  }

  private static void stream(FileChannel channel, Entry entry, Arena arena) throws IOException {
    long row = entry.rowBytes();
    long most = Math.max(1, PIECE / row) * row;
    MemorySegment piece = arena.allocate(Math.min(most, entry.bytes()), 64);
    for (long at = 0; at < entry.bytes(); at += most) {
      MemorySegment part = piece.asSlice(0, Math.min(most, entry.bytes() - at));
      entry.source().fill(at, part);
      DurableFiles.writeFully(channel, part.asByteBuffer());
    }
  }

  private static void pad(FileChannel channel) throws IOException {
    int over = (int) (channel.position() % Gguf.ALIGNMENT);
    if (over > 0) {
      DurableFiles.writeFully(channel, ByteBuffer.allocate(Gguf.ALIGNMENT - over));
    }
  }

  private static byte[] head(Map<String, Object> metadata, List<Entry> tensors) {
    Bytes out = new Bytes();
    out.i32(Gguf.MAGIC).i32(3).i64(tensors.size()).i64(metadata.size());
    metadata.forEach(
        (key, value) -> {
          out.text(key);
          out.typed(value);
        });
    long offset = 0;
    for (Entry entry : tensors) {
      out.text(entry.name()).i32(entry.dims().size());
      List<Long> fastestFirst = new ArrayList<>(entry.dims()).reversed();
      fastestFirst.forEach(out::i64);
      out.i32(entry.type().code()).i64(offset);
      offset = (offset + entry.bytes() + Gguf.ALIGNMENT - 1) / Gguf.ALIGNMENT * Gguf.ALIGNMENT;
    }
    return out.bytes.toByteArray();
  }

  private static final class Bytes {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Bytes i32(int value) {
      bytes.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
      return this;
    }

    Bytes i64(long value) {
      bytes.writeBytes(
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
      return this;
    }

    Bytes text(String text) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      i64(utf8.length);
      bytes.writeBytes(utf8);
      return this;
    }

    void typed(Object value) {
      switch (value) {
        case Integer i -> i32(4).i32(i);
        case Float f -> i32(6).i32(Float.floatToRawIntBits(f));
        case Boolean b -> i32(7).bytes.write(b ? 1 : 0);
        case String s -> i32(8).text(s);
        case List<?> list -> {
          boolean texts = list.isEmpty() || list.getFirst() instanceof String;
          i32(9).i32(texts ? 8 : 5).i64(list.size());
          list.forEach(
              element -> {
                if (texts) {
                  text((String) element);
                } else {
                  i32((Integer) element);
                }
              });
        }
        default -> throw new IllegalArgumentException("no metadata value: " + value.getClass());
      }
    }
  }
}
