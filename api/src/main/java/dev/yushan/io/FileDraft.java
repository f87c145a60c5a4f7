package dev.yushan.io;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/// A file under construction beside its target: renamed onto it by [#commit()], deleted by
/// [#close()] if that never came, unless [#keep()] was called.
final class FileDraft implements AutoCloseable {
  private final Path target;
  private final Path draft;
  private final FileChannel channel;
  private boolean committed;
  private boolean kept;

  private FileDraft(Path target, Path draft, FileChannel channel) {
    this.target = target;
    this.draft = draft;
    this.channel = channel;
  }

  /// A link is followed, so that it stays one. A device or a pipe is not replaced.
  static FileDraft of(Path name) throws IOException {
    Path target = Files.exists(name) ? name.toRealPath() : name;
    if (Files.exists(target) && !Files.isRegularFile(target) && !Files.isDirectory(target)) {
      throw new FileSystemException(
          target.toString(), null, "is no regular file; name one that may be replaced");
    }
    Path draft = Leftovers.sibling(target, Leftovers.PARTIAL);
    // Not Files.createTempFile: its files are readable by their owner alone.
    FileChannel channel =
        FileChannel.open(draft, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    return new FileDraft(target, draft, channel);
  }

  Path target() {
    return target;
  }

  FileChannel channel() {
    return channel;
  }

  /// Forces the content to the disk: from here on a full disk can no longer strike.
  void seal() throws IOException {
    if (channel.isOpen()) {
      channel.force(true);
      channel.close();
    }
  }

  /// Makes the content visible under the target's name. The caller syncs the directory.
  void commit() throws IOException {
    seal();
    Files.move(draft, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    committed = true;
  }

  /// Lets the file lie, whole, where nothing else has its content; empty if it has its name by now.
  Optional<Path> keep() {
    kept = true;
    return committed ? Optional.empty() : Optional.of(draft);
  }

  @Override
  public void close() throws IOException {
    channel.close();
    if (!committed && !kept) {
      Files.deleteIfExists(draft);
    }
  }
}
