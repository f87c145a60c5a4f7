package dev.yushan.io.hub;

import dev.yushan.io.DurableFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// A file that is being downloaded, with the checksum of what is there. It stays when this is
/// closed, to go on from; it gets its name when it is whole and right.
///
/// All failures are of the disk, and are thrown as [HubException].
final class PartialFile implements AutoCloseable {
  private final RepoFile file;
  private final Path path;
  private final FileChannel channel;
  private MessageDigest digest;
  private long length;

  private PartialFile(RepoFile file, Path path, FileChannel channel) {
    this.file = file;
    this.path = path;
    this.channel = channel;
  }

  /// Opens what an earlier download left, or begins anew.
  static PartialFile open(RepoFile file, Path path) {
    try {
      FileChannel channel =
          FileChannel.open(
              path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      PartialFile partial = new PartialFile(file, path, channel);
      partial.digest = partial.emptyDigest();
      if (channel.size() > file.size()) {
        partial.restart();
      }
      partial.readAgain();
      return partial;
    } catch (IOException e) {
      throw RepoCache.failed(path, e);
    }
  }

  private void readAgain() throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
    while (channel.read(buffer) >= 0) {
      digest.update(buffer.flip());
      length += buffer.limit();
      buffer.clear();
    }
  }

  /// Git's checksum of a file is that of its length and its bytes.
  private MessageDigest emptyDigest() {
    try {
      if (file.sha256().isPresent()) {
        return MessageDigest.getInstance("SHA-256");
      }
      MessageDigest git = MessageDigest.getInstance("SHA-1");
      git.update(("blob " + file.size() + "\0").getBytes(StandardCharsets.US_ASCII));
      return git;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has both
    }
  }

  long length() {
    return length;
  }

  boolean isWhole() {
    return length == file.size();
  }

  void append(byte[] bytes, int count) {
    try {
      ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, count);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
    } catch (IOException e) {
      throw RepoCache.failed(path, e);
    }
    digest.update(bytes, 0, count);
    length += count;
  }

  /// Gives up what is there.
  void restart() {
    try {
      channel.truncate(0);
    } catch (IOException e) {
      throw RepoCache.failed(path, e);
    }
    digest = emptyDigest();
    length = 0;
  }

  /// Gives the file its name if its bytes are right; else all of them are given up.
  boolean finish(Path name) {
    String sum = HexFormat.of().formatHex(digest.digest());
    if (!sum.equals(file.blob())) {
      restart();
      return false;
    }
    try {
      channel.force(true);
      Files.move(path, name, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      DurableFiles.sync(name.getParent());
      return true;
    } catch (IOException e) {
      throw RepoCache.failed(name, e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
      if (length == 0) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      throw RepoCache.failed(path, e);
    }
  }
}
