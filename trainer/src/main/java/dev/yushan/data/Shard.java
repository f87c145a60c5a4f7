package dev.yushan.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/// Documents of token ids in a memory-mapped file.
///
/// Little-endian: magic, number of documents n, number of tokens m, flags (1: labels), length of
/// the JSON description, as 8-byte integers; positions in the source, 8 bytes each, `[n]`; offsets,
/// 8 bytes each, `[n + 1]`; ids, 4 bytes each, `[m]`; labels likewise if flagged; the description;
/// CRC-32C of all before, as an 8-byte integer.
final class Shard {
  static final long MAGIC = 0x3144524148535559L; // YUSHARD1
  static final int HEADER_BYTES = 40;
  static final int LABELS = 1;

  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MemorySegment file;
  private final ShardInfo info;
  private final int documents;
  private final long tokens;
  private final boolean hasLabels;

  private Shard(MemorySegment file, ShardInfo info) {
    this.file = file;
    this.info = info;
    documents = Math.toIntExact(file.get(LONG, 8));
    tokens = file.get(LONG, 16);
    hasLabels = (file.get(LONG, 24) & LABELS) != 0;
  }

  /// Maps the shard at `path` and checks every byte of it.
  ///
  /// @throws DamagedException if it is damaged or another shard than `key` and `index` say; the
  ///   message says what is wrong
  static Shard open(Path path, String key, int index, Arena arena) throws IOException {
    MemorySegment file;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    }
    long size = file.byteSize();
    if (size < HEADER_BYTES + 8 || file.get(LONG, 0) != MAGIC) {
      throw new DamagedException("it is no shard");
    }
    if (file.get(LONG, size - 8) != checksum(file.asSlice(0, size - 8))) {
      throw new DamagedException("its checksum is wrong");
    }
    ShardInfo info = ShardInfo.parse(description(file));
    if (!info.key().equals(key) || info.index() != index) {
      throw new DamagedException("it is another shard: " + info.key() + ", " + info.index());
    }
    return new Shard(file, info);
  }

  private static byte[] description(MemorySegment file) throws IOException {
    long length = file.get(LONG, 32);
    long at = file.byteSize() - 8 - length;
    if (length < 0 || at < HEADER_BYTES) {
      throw new DamagedException("its lengths are wrong");
    }
    return file.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
  }

  private static long checksum(MemorySegment bytes) {
    CRC32C crc = new CRC32C();
    for (long at = 0; at < bytes.byteSize(); at += 1 << 30) {
      crc.update(bytes.asSlice(at, Math.min(1 << 30, bytes.byteSize() - at)).asByteBuffer());
    }
    return crc.getValue();
  }

  /// A file that is no whole shard.
  static final class DamagedException extends IOException {
    private static final long serialVersionUID = 1L;

    DamagedException(String message) {
      super(message);
    }
  }

  ShardInfo info() {
    return info;
  }

  /// Bytes of the file.
  long bytes() {
    return file.byteSize();
  }

  int documents() {
    return documents;
  }

  long tokens() {
    return tokens;
  }

  boolean hasLabels() {
    return hasLabels;
  }

  /// Where document `d` was in its source.
  long position(int d) {
    return file.get(LONG, HEADER_BYTES + 8L * d);
  }

  /// The first token of document `d`; of `documents()`, the number of tokens.
  long offset(int d) {
    return file.get(LONG, HEADER_BYTES + 8L * documents + 8L * d);
  }

  /// The document that token `token` is in.
  int documentAt(long token) {
    int low = 0;
    int high = documents - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (offset(middle) <= token) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  private long idsAt() {
    return HEADER_BYTES + 16L * documents + 8;
  }

  /// Copies the ids of tokens `from …` into `ids[at … at + n - 1]`.
  void copyIds(long from, int[] ids, int at, int n) {
    MemorySegment.copy(file, INT, idsAt() + 4 * from, ids, at, n);
  }

  /// Copies their labels, which are the ids where there are none.
  void copyLabels(long from, int[] labels, int at, int n) {
    MemorySegment.copy(file, INT, idsAt() + 4 * (hasLabels ? tokens + from : from), labels, at, n);
  }
}
