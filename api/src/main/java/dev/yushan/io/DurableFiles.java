package dev.yushan.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Files and directories that are there whole or not at all, across a crash, a `kill -9` or a full
/// disk: written under a hidden name beside the target, forced to the disk, renamed.
///
/// Whatever fails leaves the previous content in place and throws an [UncheckedIOException] that
/// names the target. What a killed process left behind is cleared by [#clearLeftovers].
public final class DurableFiles {
  private static final Logger LOG = LoggerFactory.getLogger(DurableFiles.class);

  /// Writes the content of a file.
  @FunctionalInterface
  public interface FileContent {
    void writeTo(FileChannel channel) throws IOException;
  }

  /// Writes the files of a directory.
  @FunctionalInterface
  public interface DirectoryContent {
    /// `directory` exists and is empty. It is renamed afterwards: keep no path into it.
    void writeTo(Path directory) throws IOException;
  }

  private DurableFiles() {}

  /// Writes or replaces `target` with text in UTF-8.
  public static void write(Path target, String text) {
    write(target, text.getBytes(StandardCharsets.UTF_8));
  }

  /// Writes or replaces `target`.
  public static void write(Path target, byte[] content) {
    write(target, channel -> writeFully(channel, ByteBuffer.wrap(content)));
  }

  /// Writes or replaces `target`, whose directory exists.
  public static void write(Path target, FileContent content) {
    Path file = target.toAbsolutePath();
    try (FileDraft draft = FileDraft.of(file)) {
      content.writeTo(draft.channel());
      draft.commit();
      sync(file.getParent());
    } catch (IOException | UncheckedIOException e) {
      throw failed("write", file, e);
    }
  }

  /// Writes the directory `target`, whose parent is created if absent. A directory already there is
  /// replaced; for the moment between two renames neither is under the name, and [#clearLeftovers]
  /// puts the former one back if a crash hits that moment.
  public static void writeDirectory(Path target, DirectoryContent content) {
    Path directory = target.toAbsolutePath();
    Path draft = Leftovers.sibling(directory, Leftovers.PARTIAL);
    try {
      Files.createDirectories(directory.getParent());
      Files.createDirectory(draft);
      content.writeTo(draft);
      syncTree(draft);
      replace(directory, draft);
    } catch (IOException | RuntimeException | Error e) {
      discard(draft, e);
      throw failed("write", directory, e);
    }
  }

  /// Deletes a directory and all in it; at no moment is half of it there under its name. Does
  /// nothing if it does not exist. Symbolic links are deleted, not followed.
  public static void deleteDirectory(Path target) {
    Path directory = target.toAbsolutePath();
    try {
      Optional<Path> aside = moveAside(directory, Leftovers.DELETED);
      if (aside.isPresent()) {
        sync(directory.getParent());
        deleteTree(aside.get());
      }
    } catch (IOException e) {
      throw failed("delete", directory, e);
    }
  }

  /// Clears `directory` of what interrupted writes left directly in it: deletes unfinished files
  /// and directories, and puts back a directory that was being replaced when its successor had not
  /// arrived. Only for a directory that nobody else is writing to.
  ///
  /// Returns the names under which something was unfinished.
  public static List<String> clearLeftovers(Path directory) {
    List<String> names = new ArrayList<>();
    try (Stream<Path> children = Files.list(directory)) {
      for (Path child : children.sorted().toList()) {
        Optional<Leftovers> leftover = Leftovers.parse(child);
        if (leftover.isEmpty()) {
          continue;
        }
        Path target = child.resolveSibling(leftover.get().name());
        if (leftover.get().kind().equals(Leftovers.REPLACED) && !Files.exists(target)) {
          Files.move(child, target, StandardCopyOption.ATOMIC_MOVE);
        } else {
          deleteTree(child);
        }
        names.add(leftover.get().name());
      }
      sync(directory);
    } catch (IOException e) {
      throw failed("clear", directory, e);
    }
    return List.copyOf(names);
  }

  /// Forces a directory's entries to the disk, so that a rename in it survives a power cut.
  public static void sync(Path directory) throws IOException {
    if (System.getProperty("os.name").startsWith("Windows")) {
      return; // Directories cannot be opened there; NTFS journals its renames.
    }
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /// Writes all of `bytes`.
  public static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /// The exception to throw for `cause`: what was to be done, with which file, and a remedy.
  /// Exceptions that are not about IO pass unchanged.
  static RuntimeException failed(String verb, Path target, Throwable cause) {
    if (cause instanceof Error error) {
      throw error;
    }
    IOException io = cause instanceof UncheckedIOException u ? u.getCause() : null;
    if (cause instanceof IOException checked) {
      io = checked;
    }
    if (io == null) {
      return (RuntimeException) cause;
    }
    String message = "cannot %s %s: %s".formatted(verb, target, reason(io));
    return new UncheckedIOException(message, io);
  }

  private static String reason(IOException e) {
    String text =
        e instanceof FileSystemException f
            ? (f.getReason() == null ? e.getClass().getSimpleName() : f.getReason())
                + " ("
                + f.getFile()
                + ")"
            : e.getMessage();
    if (e instanceof NoSuchFileException) {
      return "no such file or directory: " + e.getMessage() + "; create it or correct the path";
    }
    if (text == null) {
      return e.getClass().getSimpleName();
    }
    if (text.contains("No space left")) {
      return text + "; the previous content is untouched, free some space and try again";
    }
    boolean forbidden =
        e instanceof AccessDeniedException
            || text.contains("not permitted")
            || text.contains("Read-only file system");
    return forbidden ? text + "; make it writable and try again" : text;
  }

  private static void replace(Path directory, Path draft) throws IOException {
    Optional<Path> former = moveAside(directory, Leftovers.REPLACED);
    try {
      Files.move(draft, directory, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      if (former.isPresent()) {
        Files.move(former.get(), directory, StandardCopyOption.ATOMIC_MOVE);
      }
      throw e;
    }
    sync(directory.getParent());
    former.ifPresent(DurableFiles::tryDelete);
  }

  /// What is in the way of nothing may stay: [Leftovers] finds it later.
  private static void tryDelete(Path tree) {
    try {
      deleteTree(tree);
    } catch (IOException e) {
      LOG.warn("{} cannot be deleted ({}); delete it by hand", tree, e.toString());
    }
  }

  private static Optional<Path> moveAside(Path directory, String kind) throws IOException {
    if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      return Optional.empty();
    }
    Path aside = Leftovers.sibling(directory, kind);
    Files.move(directory, aside, StandardCopyOption.ATOMIC_MOVE);
    return Optional.of(aside);
  }

  private static void discard(Path draft, Throwable cause) {
    try {
      deleteTree(draft);
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }

  private static void syncTree(Path root) throws IOException {
    try (Stream<Path> paths = Files.walk(root)) {
      for (Path path : paths.toList()) {
        if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
          sync(path);
        } else if (Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
          try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.force(true);
          }
        }
      }
    }
  }

  private static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path dir, IOException e) throws IOException {
            if (e != null) {
              throw e;
            }
            Files.delete(dir);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
