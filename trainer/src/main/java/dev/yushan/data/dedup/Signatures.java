package dev.yushan.data.dedup;

import dev.yushan.data.DataException;
import dev.yushan.io.DurableFiles;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/// The signatures of many documents in order: 24 + 8 × bands bytes each. Not for several threads
/// while it grows.
///
/// A file is little-endian: `YUSIGNS1`, number of documents, words a document, bytes of the
/// settings, 8 bytes each; for each document two words of hash, number of n-grams, band keys; the
/// settings in UTF-8; CRC-32C of all before, in 8 bytes.
public final class Signatures {
  private static final long MAGIC = 0x31534E4749535559L; // YUSIGNS1
  private static final int HEADER_BYTES = 32;
  private static final int DOCUMENTS_A_CHUNK = 1 << 12;
  private static final int HASH = 0;
  private static final int SHINGLES = 2;
  private static final int KEYS = 3;
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String settings;
  private final int words;
  private final List<long[]> chunks = new ArrayList<>();
  private int size;

  /// No signatures yet, for those that a [Signer] of `config` makes.
  public Signatures(DedupConfig config) {
    settings = config.signatureSettings();
    words = KEYS + config.bands();
  }

  /// How many there are.
  public int size() {
    return size;
  }

  /// Appends one.
  public void add(Signature signature) {
    long[] chunk = grow();
    int at = at(size++);
    chunk[at + HASH] = signature.hashHigh();
    chunk[at + HASH + 1] = signature.hashLow();
    chunk[at + SHINGLES] = signature.shingles();
    System.arraycopy(signature.bandKeys(), 0, chunk, at + KEYS, words - KEYS);
  }

  /// Appends all that the file `path` holds, from [#write].
  ///
  /// @throws DataException if it is damaged or of other settings; then nothing is appended
  public void addAll(Path path) {
    try (Arena arena = Arena.ofConfined();
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      MemorySegment file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      int documents = checked(file, path);
      for (int d = 0; d < documents; d++) {
        long[] chunk = grow();
        MemorySegment.copy(file, LONG, HEADER_BYTES + 8L * words * d, chunk, at(size++), words);
      }
    } catch (IOException e) {
      throw new DataException(path + " cannot be read: " + e.getMessage(), e);
    }
  }

  private int checked(MemorySegment file, Path path) {
    long size = file.byteSize();
    if (size < HEADER_BYTES + 8 || file.get(LONG, 0) != MAGIC) {
      throw refused(path, "is no file of signatures");
    }
    if (file.get(LONG, size - 8) != checksum(file.asSlice(0, size - 8))) {
      throw refused(path, "is damaged (its checksum is wrong)");
    }
    long documents = file.get(LONG, 8);
    long settingsAt = HEADER_BYTES + 8 * documents * file.get(LONG, 16);
    byte[] made = file.asSlice(settingsAt, file.get(LONG, 24)).toArray(ValueLayout.JAVA_BYTE);
    if (!settings.equals(new String(made, StandardCharsets.UTF_8))) {
      throw refused(path, "was made with other settings");
    }
    return Math.toIntExact(documents);
  }

  private static DataException refused(Path path, String why) {
    return new DataException(path + " " + why + "; delete it, so that it is made again");
  }

  /// Writes all of them to the file `path`, whole or not at all.
  public void write(Path path) {
    byte[] made = settings.getBytes(StandardCharsets.UTF_8);
    DurableFiles.write(
        path,
        channel -> {
          CRC32C crc = new CRC32C();
          put(channel, crc, MAGIC, size, words, made.length);
          for (int c = 0; c < chunks.size(); c++) {
            int documents = Math.min(DOCUMENTS_A_CHUNK, size - c * DOCUMENTS_A_CHUNK);
            put(channel, crc, java.util.Arrays.copyOf(chunks.get(c), documents * words));
          }
          put(channel, crc, ByteBuffer.wrap(made));
          put(channel, crc, crc.getValue());
        });
  }

  private static void put(FileChannel channel, CRC32C crc, long... values) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(values);
    put(channel, crc, bytes);
  }

  private static void put(FileChannel channel, CRC32C crc, ByteBuffer bytes) throws IOException {
    crc.update(bytes.duplicate());
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private static long checksum(MemorySegment bytes) {
    CRC32C crc = new CRC32C();
    for (long at = 0; at < bytes.byteSize(); at += 1 << 30) {
      crc.update(bytes.asSlice(at, Math.min(1 << 30, bytes.byteSize() - at)).asByteBuffer());
    }
    return crc.getValue();
  }

  private long[] grow() {
    if (size % DOCUMENTS_A_CHUNK == 0) {
      chunks.add(new long[DOCUMENTS_A_CHUNK * words]);
    }
    return chunks.getLast();
  }

  private int at(int document) {
    return document % DOCUMENTS_A_CHUNK * words;
  }

  private long word(int document, int word) {
    return chunks.get(document / DOCUMENTS_A_CHUNK)[at(document) + word];
  }

  String settings() {
    return settings;
  }

  int shingles(int document) {
    return (int) word(document, SHINGLES);
  }

  long bandKey(int document, int band) {
    return word(document, KEYS + band);
  }

  /// 64 bits of the hash, for tables.
  long hashLow(int document) {
    return word(document, HASH + 1);
  }

  boolean sameHash(int a, int b) {
    return word(a, HASH) == word(b, HASH) && word(a, HASH + 1) == word(b, HASH + 1);
  }
}
