package dev.yushan.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class FormatCommandTest {
  @TempDir private Path directory;

  @Test
  void standardInputGoesThrough() {
    Cli run = Cli.runWith("你好嗎Jack這是我們的10c.c\n\n\n\n他說:\"Hello, how are you?\"", "format");
    assertThat(run.err()).isEmpty();
    assertThat(run.exit()).isZero();
    assertThat(run.out()).isEqualTo("你好嗎 Jack 這是我們的 10 c.c\n\n他說:\"Hello, how are you?\"");
  }

  @Test
  void filesAreTextsOfTheirOwn() throws IOException {
    Path one = Files.writeString(directory.resolve("one.txt"), "```\n甲A\n");
    Path two = Files.writeString(directory.resolve("two.txt"), "\n乙B\n");
    assertThat(Cli.runWith("丙C\n", "format", one, "-", two).out()).isEqualTo("```\n甲A\n丙 C\n乙 B\n");
  }

  @Test
  void rulesAreListedAndSwitched() {
    Cli list = Cli.run("format", "--rules", "--enable", "corner-quotes", "--disable", "nfc");
    assertThat(list.out().lines())
        .anyMatch(line -> line.matches("corner-quotes +on +Quot.*"))
        .anyMatch(line -> line.matches("nfc +off .*"))
        .anyMatch(line -> line.matches("join-lines +off .*"));
    Cli switched =
        Cli.runWith(
            "他說\"好,\"A", "format", "--enable", "corner-quotes", "--disable", "word-space,nfc");
    assertThat(switched.out()).isEqualTo("他說「好，」A");
    Cli unknown = Cli.run("format", "--enable", "quotes");
    assertThat(unknown.exit()).isEqualTo(2);
    assertThat(unknown.err()).contains("--enable: there is no formatting rule 'quotes'", "nfc");
  }

  @Test
  void explainsPlaceByPlace() {
    Cli run = Cli.runWith("好\n用Java,好\u200B\n", "format", "--explain");
    assertThat(run.exit()).isZero();
    assertThat(run.out())
        .isEqualTo(
            """
            standard input:2:8\tzero-width\t"\\u200B"\t""
            standard input:2:6\tfull-width-punctuation\t","\t"，"
            standard input:2:2\tword-space\t""\t" "
            """);
  }

  @Test
  void checkNamesWhatWouldChange() throws IOException {
    Path tidy = Files.writeString(directory.resolve("tidy.txt"), "用 Java。\n");
    Path untidy = Files.writeString(directory.resolve("untidy.txt"), "用Java.\n");
    Cli both = Cli.run("format", "--check", tidy, untidy);
    assertThat(both.exit()).isEqualTo(1);
    assertThat(both.out()).isEqualTo(untidy + "\n");
    assertThat(both.err()).isEmpty();
    Cli one = Cli.run("format", "--check", tidy);
    assertThat(one.exit()).isZero();
    assertThat(one.out()).isEmpty();
  }

  @Test
  void whatIsNoTextIsAnErrorWithItsLine() throws IOException {
    Path big5 =
        Files.write(
            directory.resolve("big5.txt"),
            new byte[] {'a', '\n', 'b', (byte) 0xA5, (byte) 0xC9, '\n'});
    Cli run = Cli.run("format", big5);
    assertThat(run.exit()).isEqualTo(1);
    assertThat(run.err()).contains("big5.txt line 2: no UTF-8 at byte 2", "iconv").hasLineCount(1);
    assertThat(run.out()).as("what is before it").isEqualTo("a\n");
    assertThat(Cli.run("format", directory.resolve("absent")).err()).contains("no such file");
    assertThat(Cli.run("format", directory).err()).contains(directory + " is a directory");
  }

  /// As in `tail -f log | yushan format`: a line comes out before the next goes in.
  @Test
  void aLineIsOutBeforeTheNextIsIn() throws Exception {
    Process process = start(ProcessBuilder.Redirect.PIPE);
    try (OutputStream in = process.getOutputStream();
        BufferedReader out =
            new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
      for (String word : new String[] {"A", "B"}) {
        in.write(("甲" + word + "\n").getBytes(UTF_8));
        in.flush();
        assertThat(out.readLine()).isEqualTo("甲 " + word);
      }
    }
    assertThat(process.waitFor()).isZero();
  }

  /// As in `yushan format big | head -1`.
  @Test
  void aReaderThatGoesEndsItQuietly() throws Exception {
    Process process = start(ProcessBuilder.Redirect.PIPE);
    byte[] line = "甲A,乙\n".repeat(10_000).getBytes(UTF_8);
    process.getInputStream().close();
    try (OutputStream in = process.getOutputStream()) {
      for (int i = 0; i < 100; i++) {
        in.write(line);
      }
    } catch (IOException e) {
      // it has ended, and reads no more
    }
    assertThat(process.waitFor()).isEqualTo(141);
    assertThat(new String(process.getErrorStream().readAllBytes(), UTF_8)).isEmpty();
  }

  /// As in `yushan prepare --dry-run 12 | head -1`: of every command.
  @Test
  void soDoesOneThatPrintsAtItsEnd() throws Exception {
    Process process = start(ProcessBuilder.Redirect.PIPE, "--rules");
    process.getInputStream().close();
    assertThat(process.waitFor()).isEqualTo(141);
    assertThat(new String(process.getErrorStream().readAllBytes(), UTF_8)).isEmpty();
  }

  @Test
  void aFullDiskIsAnError() throws Exception {
    Path full = Path.of("/dev/full");
    assumeTrue(Files.exists(full), "needs /dev/full");
    Process process = start(ProcessBuilder.Redirect.to(full.toFile()));
    process.getOutputStream().write("甲A\n".getBytes(UTF_8));
    process.getOutputStream().close();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(1);
    assertThat(new String(process.getErrorStream().readAllBytes(), UTF_8))
        .contains("standard output cannot be written");
  }

  private static Process start(ProcessBuilder.Redirect out, String... options) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dstdout.encoding=UTF-8",
                "-cp",
                System.getProperty("java.class.path"),
                Yushan.class.getName(),
                "format"));
    command.addAll(List.of(options));
    return new ProcessBuilder(command).redirectOutput(out).start();
  }
}
