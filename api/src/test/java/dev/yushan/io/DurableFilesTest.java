package dev.yushan.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DurableFilesTest {
  @TempDir Path temp;

  private List<String> names() throws IOException {
    try (Stream<Path> paths = Files.list(temp)) {
      return paths.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  private static void halfAFile(Path path) throws IOException {
    Files.writeString(path, "half");
    throw new IOException("No space left on device");
  }

  @Test
  void writesAndReplacesAFile() throws IOException {
    Path file = temp.resolve("state.json");
    DurableFiles.write(file, "one");
    DurableFiles.write(file, "玉山");
    assertThat(file).hasContent("玉山");
    assertThat(names()).containsExactly("state.json");
  }

  @Test
  void theFormerFileStaysUntilTheNewOneIsWhole() throws IOException {
    Path file = temp.resolve("state.json");
    DurableFiles.write(file, "one");
    DurableFiles.write(
        file,
        channel -> {
          channel.write(ByteBuffer.wrap("tw".getBytes()));
          assertThat(file).hasContent("one");
          channel.write(ByteBuffer.wrap("o".getBytes()));
        });
    assertThat(file).hasContent("two");
  }

  @Test
  void aFailureLeavesTheFormerFileAndNothingElse() throws IOException {
    Path file = temp.resolve("state.json");
    DurableFiles.write(file, "one");
    assertThatThrownBy(
            () ->
                DurableFiles.write(
                    file,
                    channel -> {
                      channel.write(ByteBuffer.wrap("tw".getBytes()));
                      throw new IOException("No space left on device");
                    }))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageStartingWith("cannot write " + file + ": No space left on device")
        .hasMessageContaining("free some space");
    assertThat(file).hasContent("one");
    assertThat(names()).containsExactly("state.json");
  }

  @Test
  void aMissingDirectoryIsNamed() {
    Path file = temp.resolve("none/state.json");
    assertThatThrownBy(() -> DurableFiles.write(file, "one"))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("cannot write " + file)
        .hasMessageContaining("no such file or directory");
  }

  @Test
  void writesAndReplacesADirectory() throws IOException {
    Path directory = temp.resolve("checkpoint-1");
    DurableFiles.writeDirectory(
        directory,
        draft -> {
          Files.writeString(draft.resolve("a"), "1");
          Files.createDirectory(draft.resolve("sub"));
          Files.writeString(draft.resolve("sub/b"), "2");
          assertThat(directory).doesNotExist();
        });
    assertThat(directory.resolve("sub/b")).hasContent("2");
    DurableFiles.writeDirectory(directory, draft -> Files.writeString(draft.resolve("c"), "3"));
    assertThat(Files.list(directory)).containsExactly(directory.resolve("c"));
    assertThat(names()).containsExactly("checkpoint-1");
  }

  @Test
  void aFailureLeavesTheFormerDirectoryAndNothingElse() throws IOException {
    Path directory = temp.resolve("checkpoint-1");
    DurableFiles.writeDirectory(directory, draft -> Files.writeString(draft.resolve("a"), "1"));
    assertThatThrownBy(
            () -> DurableFiles.writeDirectory(directory, draft -> halfAFile(draft.resolve("a"))))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("cannot write " + directory + ": No space left on device");
    assertThatThrownBy(
            () ->
                DurableFiles.writeDirectory(
                    directory,
                    draft -> {
                      throw new IllegalStateException("not about files");
                    }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("not about files");
    assertThat(directory.resolve("a")).hasContent("1");
    assertThat(names()).containsExactly("checkpoint-1");
  }

  @Test
  void deletesADirectoryButNotWhatItLinksTo() throws IOException {
    Path outside = Files.writeString(temp.resolve("outside"), "kept");
    Path directory = Files.createDirectories(temp.resolve("d/e")).getParent();
    Files.writeString(directory.resolve("e/f"), "x");
    Files.createSymbolicLink(directory.resolve("link"), outside);
    DurableFiles.deleteDirectory(directory);
    DurableFiles.deleteDirectory(directory);
    assertThat(names()).containsExactly("outside");
    assertThat(outside).hasContent("kept");
  }

  @Test
  void leftoversAreClearedOrPutBack() throws IOException {
    Files.writeString(temp.resolve(".state.json.0123456789abcdef.partial"), "half");
    Files.createDirectories(temp.resolve(".checkpoint-1.0123456789abcdef.partial/sub"));
    Files.createDirectories(temp.resolve(".checkpoint-2.0123456789abcdef.replaced/sub"));
    Files.createDirectories(temp.resolve(".checkpoint-3.0123456789abcdef.replaced/sub"));
    Files.createDirectories(temp.resolve("checkpoint-3"));
    Files.createDirectories(temp.resolve(".checkpoint-4.0123456789abcdef.deleted/sub"));
    Files.createDirectories(temp.resolve(".git"));
    Files.writeString(temp.resolve(".notes.partial"), "mine");
    assertThat(DurableFiles.clearLeftovers(temp))
        .containsExactly(
            "checkpoint-1", "checkpoint-2", "checkpoint-3", "checkpoint-4", "state.json");
    assertThat(names()).containsExactly(".git", ".notes.partial", "checkpoint-2", "checkpoint-3");
    assertThat(temp.resolve("checkpoint-2/sub")).exists();
    assertThat(temp.resolve("checkpoint-3/sub")).doesNotExist();
  }

  @Test
  void aLinkStaysOneAndADeviceIsNotReplaced() throws IOException {
    Path file = Files.writeString(temp.resolve("file"), "old");
    Path link = Files.createSymbolicLink(temp.resolve("link"), file);
    DurableFiles.write(link, "new");
    assertThat(link).isSymbolicLink();
    assertThat(file).hasContent("new");
    Path sink = Path.of("/dev/null");
    if (Files.exists(sink)) {
      Path device = Files.createSymbolicLink(temp.resolve("device"), sink);
      assertThatThrownBy(() -> DurableFiles.write(device, "lost"))
          .hasMessageContaining("is no regular file");
    }
  }
}
