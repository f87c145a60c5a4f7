package dev.yushan.data;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/// What a file holds, as a number: SHA-256 over the SHA-256 of its 16 MiB blocks, so that several
/// threads can hash one large file.
public final class ContentHash {
  private static final int BLOCK = 16 << 20;

  private ContentHash() {}

  /// The hash of `file` as 64 hexadecimal digits.
  public static String of(Path file) {
    return start(file, Runnable::run).join();
  }

  /// The same, computed on `executor`.
  static CompletableFuture<String> start(Path file, Executor executor) {
    long size = size(file);
    List<CompletableFuture<byte[]>> blocks = new ArrayList<>();
    for (long at = 0; at < size; at += BLOCK) {
      long from = at;
      int length = (int) Math.min(BLOCK, size - at);
      blocks.add(CompletableFuture.supplyAsync(() -> block(file, from, length), executor));
    }
    return CompletableFuture.allOf(blocks.toArray(CompletableFuture[]::new))
        .thenApply(
            done -> {
              MessageDigest digest = sha256();
              digest.update(ByteBuffer.allocate(8).putLong(size).flip());
              blocks.forEach(block -> digest.update(block.join()));
              return HexFormat.of().formatHex(digest.digest());
            });
  }

  /// The hash of a text as 64 hexadecimal digits.
  public static String ofText(String text) {
    return HexFormat.of().formatHex(sha256().digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static long size(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.size();
    } catch (IOException e) {
      throw new DataException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static byte[] block(Path file, long from, int length) {
    MessageDigest digest = sha256();
    ByteBuffer buffer = ByteBuffer.allocate(Math.min(length, 1 << 18));
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      for (int done = 0; done < length; ) {
        buffer.clear().limit(Math.min(buffer.capacity(), length - done));
        int n = channel.read(buffer, from + done);
        if (n < 0) {
          throw new EOFException("it became shorter while it was read");
        }
        digest.update(buffer.flip());
        done += n;
      }
      return digest.digest();
    } catch (IOException e) {
      throw new DataException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
