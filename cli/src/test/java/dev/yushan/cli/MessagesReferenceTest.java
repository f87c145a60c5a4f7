package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The messages of `docs/reference/messages.md` are those of the code.
class MessagesReferenceTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

  @Test
  void everyMessageOfThePageIsInTheCode() throws IOException {
    String code =
        Stream.of("api", "trainer", "cli")
            .map(module -> ROOT.resolve(module).resolve("src/main/java"))
            .flatMap(MessagesReferenceTest::sources)
            .collect(Collectors.joining());
    List<String> messages =
        Files.readAllLines(ROOT.resolve("docs/reference/messages.md")).stream()
            .filter(line -> line.startsWith("| `"))
            .map(line -> line.substring(3, line.indexOf("` |")))
            .toList();
    assertThat(messages).hasSizeGreaterThan(30);
    for (String message : messages) {
      for (String fragment : message.split("…")) {
        assertThat(code.contains(fragment.strip())).as("%s, of: %s", fragment, message).isTrue();
      }
    }
  }

  /// Literals in one piece, with the places for values as the page shows them.
  private static Stream<String> sources(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      return files
          .filter(file -> file.toString().endsWith(".java"))
          .map(MessagesReferenceTest::read)
          .toList()
          .stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String read(Path file) {
    try {
      String text = Files.readString(file).replaceAll("\"\\s*\\+\\s*\"", "");
      return Arrays.stream(text.split("%,?\\.?\\d*[sdfg]")).collect(Collectors.joining("…"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
