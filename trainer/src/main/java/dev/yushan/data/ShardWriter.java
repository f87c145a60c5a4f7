package dev.yushan.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import java.util.zip.CRC32C;

/// Writes a shard: beside, flushed to the disk, renamed. A file under its final name is complete.
final class ShardWriter implements AutoCloseable {
  /// The ending of files not yet complete.
  static final String TEMPORARY = ".tmp";

  private final FileChannel channel;
  private final CRC32C crc = new CRC32C();
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(1 << 18).order(ByteOrder.LITTLE_ENDIAN);

  private ShardWriter(FileChannel channel) {
    this.channel = channel;
  }

  static void write(Path path, ShardBuilder documents, ShardInfo info) throws IOException {
    atomically(
        path,
        temporary -> {
          try (ShardWriter writer = new ShardWriter(open(temporary))) {
            writer.write(documents, info.toJson());
          }
        });
  }

  /// What fills a file that does not have its name yet.
  @FunctionalInterface
  interface Filler {
    void fill(Path temporary) throws IOException;
  }

  /// Creates or replaces `path` all at once.
  static void atomically(Path path, Filler filler) throws IOException {
    Path temporary = path.resolveSibling(path.getFileName() + "." + UUID.randomUUID() + TEMPORARY);
    try {
      filler.fill(temporary);
      Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  static FileChannel open(Path path) throws IOException {
    return FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  private void write(ShardBuilder shard, byte[] description) throws IOException {
    putLong(Shard.MAGIC);
    putLong(shard.documents());
    putLong(shard.tokens());
    putLong(shard.hasLabels() ? Shard.LABELS : 0);
    putLong(description.length);
    putLongs(shard.positions(), shard.documents());
    putLongs(shard.offsets(), shard.documents() + 1);
    putInts(shard.ids(), shard.tokens());
    if (shard.hasLabels()) {
      putInts(shard.labels(), shard.tokens());
    }
    for (byte b : description) {
      room(1);
      buffer.put(b);
    }
    flush();
    putLong(crc.getValue());
    flush();
    channel.force(true);
  }

  private void putLong(long value) throws IOException {
    room(8);
    buffer.putLong(value);
  }

  private void putLongs(long[] values, int n) throws IOException {
    for (int i = 0; i < n; i++) {
      putLong(values[i]);
    }
  }

  private void putInts(int[] values, int n) throws IOException {
    for (int i = 0; i < n; i++) {
      room(4);
      buffer.putInt(values[i]);
    }
  }

  private void room(int bytes) throws IOException {
    if (buffer.remaining() < bytes) {
      flush();
    }
  }

  private void flush() throws IOException {
    buffer.flip();
    crc.update(buffer.duplicate());
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
