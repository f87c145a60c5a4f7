package dev.yushan.data;

import dev.yushan.io.DurableFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/// Writes a shard. A file under its final name is complete.
final class ShardWriter {
  private final FileChannel channel;
  private final CRC32C crc = new CRC32C();
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(1 << 18).order(ByteOrder.LITTLE_ENDIAN);

  private ShardWriter(FileChannel channel) {
    this.channel = channel;
  }

  static void write(Path path, ShardBuilder documents, ShardInfo info) {
    DurableFiles.write(path, channel -> new ShardWriter(channel).write(documents, info.toJson()));
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
}
