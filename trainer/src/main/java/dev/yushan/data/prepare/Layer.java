package dev.yushan.data.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.luben.zstd.Zstd;
import dev.yushan.io.DurableFiles;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/// What one stage made of the documents of one shard: an entry each, in a file.
///
/// A file is little-endian: `YUSHLAY2`; entries n, blocks b and bytes of the statistics, 4 bytes
/// each; n kinds, a byte each; for each block its first entry, its bytes and its compressed bytes,
/// 4 each; the blocks, entries of about 128 KiB together, by zstd; statistics as JSON; CRC-32C of
/// all before, in 8 bytes. An entry is the number of its fields and, for each, its length in UTF-16
/// units and these, numbers in 4 bytes. UTF-16 is what strings hold in memory: nothing is encoded,
/// and Chinese takes less room than in UTF-8.
final class Layer {
  /// What an entry says, and its fields.
  enum Kind {
    /// A document as read: id, place, text.
    READ,
    /// A record that is no document: id, place, reason, detail.
    UNREAD,
    /// As before this stage.
    SAME,
    /// Another text.
    CHANGED,
    /// Gone: reason, detail.
    DROPPED,
    /// In its place are so many texts.
    SPLIT
  }

  /// An entry.
  record Entry(Kind kind, List<String> fields) {
    static final Entry SAME = new Entry(Kind.SAME, List.of());

    Entry(Kind kind, String... fields) {
      this(kind, List.of(fields));
    }
  }

  private static final long MAGIC = 0x3259414C48535559L; // YUSHLAY2
  private static final int BLOCK = 1 << 17;
  private static final int HEADER = 20;
  private static final int LEVEL = 1;
  private static final Kind[] KINDS = Kind.values();
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MemorySegment file;
  private final int[] firsts;
  private final int[] sizes;
  private final long[] starts;

  private Layer(MemorySegment file) {
    this.file = file;
    int blocks = file.get(INT, 12);
    long table = HEADER + size();
    firsts = new int[blocks];
    sizes = new int[blocks];
    starts = new long[blocks + 1];
    starts[0] = table + 12L * blocks;
    for (int b = 0; b < blocks; b++) {
      firsts[b] = file.get(INT, table + 12L * b);
      sizes[b] = file.get(INT, table + 12L * b + 4);
      starts[b + 1] = starts[b] + file.get(INT, table + 12L * b + 8);
    }
  }

  // ---- writing ---------------------------------------------------------------------------------

  /// Writes a file, whole or not at all.
  static void write(Path path, List<Entry> entries, JsonNode statistics) {
    List<byte[]> blocks = new ArrayList<>();
    ByteBuffer table = littleEndian(12 * (entries.size() + 1));
    ByteArrayOutputStream block = new ByteArrayOutputStream(BLOCK + (BLOCK >> 1));
    int first = 0;
    for (int i = 0; i < entries.size(); i++) {
      put(entries.get(i), block);
      if (block.size() >= BLOCK || i == entries.size() - 1) {
        byte[] compressed = Zstd.compress(block.toByteArray(), LEVEL);
        table.putInt(first).putInt(block.size()).putInt(compressed.length);
        blocks.add(compressed);
        block.reset();
        first = i + 1;
      }
    }
    byte[] end = statistics.toString().getBytes(StandardCharsets.UTF_8);
    byte[] kinds = new byte[entries.size()];
    for (int i = 0; i < kinds.length; i++) {
      kinds[i] = (byte) entries.get(i).kind().ordinal();
    }
    ByteBuffer header = littleEndian(HEADER + kinds.length + table.position());
    header.putLong(MAGIC).putInt(entries.size()).putInt(blocks.size()).putInt(end.length);
    header.put(kinds).put(table.flip()).flip();
    ShardPool.createDirectories(path.getParent());
    DurableFiles.write(
        path,
        channel -> {
          CRC32C crc = new CRC32C();
          put(channel, crc, header);
          for (byte[] compressed : blocks) {
            put(channel, crc, ByteBuffer.wrap(compressed));
          }
          put(channel, crc, ByteBuffer.wrap(end));
          put(channel, new CRC32C(), littleEndian(8).putLong(crc.getValue()).flip());
        });
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void put(Entry entry, ByteArrayOutputStream block) {
    putInt(entry.fields().size(), block);
    for (String field : entry.fields()) {
      byte[] bytes = new byte[field.length() * Character.BYTES];
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asCharBuffer().put(field.toCharArray());
      putInt(field.length(), block);
      block.writeBytes(bytes);
    }
  }

  private static void putInt(int value, ByteArrayOutputStream block) {
    for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
      block.write(value >>> shift);
    }
  }

  private static void put(FileChannel channel, CRC32C crc, ByteBuffer bytes) throws IOException {
    crc.update(bytes.duplicate());
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  // ---- reading ---------------------------------------------------------------------------------

  /// Maps the file for as long as `arena` lives; empty if it is not there or not what was written.
  static Optional<Layer> open(Path path, Arena arena) {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      if (channel.size() < HEADER + 8) {
        return Optional.empty();
      }
      MemorySegment file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      CRC32C crc = new CRC32C();
      crc.update(file.asSlice(0, file.byteSize() - 8).asByteBuffer());
      boolean sound =
          file.get(LONG, 0) == MAGIC && file.get(LONG, file.byteSize() - 8) == crc.getValue();
      return sound ? Optional.of(new Layer(file)) : Optional.empty();
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException(
          path + " cannot be read: check its permissions and the disk", e);
    }
  }

  /// Entries.
  int size() {
    return file.get(INT, 8);
  }

  Kind kind(int entry) {
    return KINDS[file.get(ValueLayout.JAVA_BYTE, HEADER + entry)];
  }

  JsonNode statistics() {
    int bytes = file.get(INT, 16);
    byte[] json = file.asSlice(starts[starts.length - 1], bytes).toArray(ValueLayout.JAVA_BYTE);
    try {
      return JSON.readTree(json);
    } catch (IOException e) {
      throw new IllegalStateException("the checksum was right", e);
    }
  }

  Cursor cursor() {
    return new Cursor();
  }

  /// Reads fields. It holds the block it was at, so that going through all entries in order takes
  /// each block once; for one thread.
  final class Cursor {
    private int block = -1;
    private ByteBuffer bytes = ByteBuffer.allocate(0);
    private int[] offsets = {};

    List<String> fields(int entry) {
      int count = find(entry);
      List<String> fields = new ArrayList<>(count);
      for (int f = 0; f < count; f++) {
        fields.add(next());
      }
      return fields;
    }

    /// One of its fields: the others, which may be long texts, are passed over.
    String field(int entry, int field) {
      find(entry);
      for (int f = 0; f < field; f++) {
        skip();
      }
      return next();
    }

    /// Goes to an entry; its fields.
    private int find(int entry) {
      int found = Arrays.binarySearch(firsts, entry);
      int b = found >= 0 ? found : -found - 2;
      if (b != block) {
        load(b);
      }
      bytes.position(offsets[entry - firsts[b]]);
      return bytes.getInt();
    }

    private String next() {
      char[] chars = new char[bytes.getInt()];
      bytes.asCharBuffer().get(chars);
      bytes.position(bytes.position() + chars.length * Character.BYTES);
      return new String(chars);
    }

    private void skip() {
      int length = bytes.getInt();
      bytes.position(bytes.position() + length * Character.BYTES);
    }

    private void load(int b) {
      byte[] compressed =
          file.asSlice(starts[b], starts[b + 1] - starts[b]).toArray(ValueLayout.JAVA_BYTE);
      bytes = ByteBuffer.wrap(Zstd.decompress(compressed, sizes[b])).order(ByteOrder.LITTLE_ENDIAN);
      int end = b + 1 < firsts.length ? firsts[b + 1] : size();
      offsets = new int[end - firsts[b]];
      for (int i = 0; i < offsets.length; i++) {
        offsets[i] = bytes.position();
        int count = bytes.getInt();
        for (int f = 0; f < count; f++) {
          skip();
        }
      }
      block = b;
    }
  }
}
