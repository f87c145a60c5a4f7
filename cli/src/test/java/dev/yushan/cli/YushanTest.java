package dev.yushan.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// How the command line reports what went wrong, with sub-commands made for it.
class YushanTest {
  @Command(name = "evaluate", description = "Fails as told.")
  static final class Evaluate implements Callable<Integer> {
    @Parameters private String how;

    @Option(names = "--steps")
    private int steps;

    @Override
    public Integer call() throws Exception {
      switch (how) {
        case "state" -> throw new IllegalStateException("corpus.jsonl, line 3: no text field");
        case "file" -> Files.readString(Path.of("absent.yaml"));
        case "unchecked" -> throw new UncheckedIOException(new NoSuchFileException("absent.yaml"));
        case "context" ->
            throw new UncheckedIOException("cannot save to here", new IOException("disk is full"));
        case "null" -> throw new NullPointerException("\"model\" is null");
        case "memory" -> throw new OutOfMemoryError("Java heap space");
        case "link" -> throw new NoClassDefFoundError("jdk/incubator/vector/Vector");
        default -> {}
      }
      return steps;
    }
  }

  private static final List<Class<?>> COMMANDS = List.of(Evaluate.class, HelpCommand.class);

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final PrintStream realOut = System.out;
  private final PrintStream realErr = System.err;

  @BeforeEach
  void capture() {
    System.setOut(new PrintStream(out, true, UTF_8));
    System.setErr(new PrintStream(err, true, UTF_8));
  }

  @AfterEach
  void release() {
    System.setOut(realOut);
    System.setErr(realErr);
  }

  @Test
  void helpKnowsTheOtherCommandsToo() {
    assertThat(run("help", "evaluate")).isZero();
    assertThat(out.toString(UTF_8)).contains("Usage: yushan evaluate", "Fails as told.");
  }

  @Test
  void helpWithoutArgumentsListsTheCommands() {
    assertThat(run()).isZero();
    assertThat(out.toString(UTF_8)).contains("Usage: yushan", "evaluate", "Fails as told.");
    assertThat(err.size()).isZero();
  }

  @Test
  void everyCommandHasHelpAndVersion() {
    assertThat(run("evaluate", "--help")).isZero();
    assertThat(run("evaluate", "--version")).isZero();
    assertThat(out.toString(UTF_8)).contains("Usage: yushan evaluate", "--steps", "yushan 0.");
  }

  @Test
  void theExitCodeIsThatOfTheCommand() {
    assertThat(run("evaluate", "well", "--steps=3")).isEqualTo(3);
  }

  @Test
  void wrongUsageSuggestsWhatWasMeant() {
    assertThat(run("evaluat")).isEqualTo(2);
    assertThat(errors()).contains("yushan: unknown command 'evaluat'", "yushan evaluate");
    assertThat(run("evaluate", "x", "--step=3")).isEqualTo(2);
    assertThat(errors())
        .contains("Unknown option: '--step=3'", "--steps", "yushan evaluate --help");
    assertThat(run("evaluate", "x", "--steps=many")).isEqualTo(2);
    assertThat(errors()).contains("'many' is not an int");
  }

  @Test
  void aFailureIsOneLine() {
    assertThat(run("evaluate", "state")).isEqualTo(1);
    assertThat(errors()).isEqualTo("yushan: corpus.jsonl, line 3: no text field\n");
    assertThat(run("evaluate", "file")).isEqualTo(1);
    assertThat(errors()).isEqualTo("yushan: absent.yaml: no such file or directory\n");
    assertThat(run("evaluate", "unchecked")).isEqualTo(1);
    assertThat(errors()).isEqualTo("yushan: absent.yaml: no such file or directory\n");
    assertThat(run("evaluate", "context")).isEqualTo(1);
    assertThat(errors()).isEqualTo("yushan: cannot save to here: disk is full\n");
  }

  @Test
  void outputThatCannotBeWrittenIsAFailure() {
    OutputStream full =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("No space left on device");
          }
        };
    System.setOut(new PrintStream(full, false, UTF_8));
    assertThat(run("evaluate", "--help")).isEqualTo(1);
    assertThat(errors()).startsWith("yushan: standard output cannot be written").hasLineCount(1);
    assertThat(run("evaluate", "state")).isEqualTo(1);
    assertThat(errors()).isEqualTo("yushan: corpus.jsonl, line 3: no text field\n");
  }

  @Test
  void aDefectNamesItsTypeAndTheWayToMore() {
    assertThat(run("evaluate", "null")).isEqualTo(1);
    assertThat(errors()).contains("NullPointerException: \"model\" is null", "--stacktrace");
    assertThat(run("evaluate", "link")).isEqualTo(1);
    assertThat(errors()).contains("NoClassDefFoundError");
  }

  @Test
  void outOfMemorySaysHowToGiveMore() {
    assertThat(run("evaluate", "memory")).isEqualTo(1);
    assertThat(errors()).contains("Java heap space", "YUSHAN_JAVA_OPTS=-Xmx");
  }

  @Test
  void theStackTraceIsShownOnDemand() {
    assertThat(run("evaluate", "state", "--stacktrace")).isEqualTo(1);
    assertThat(errors()).contains("line 3: no text field\n", "\tat dev.yushan.cli.YushanTest");
    assertThat(run("--stacktrace", "evaluate", "state")).isEqualTo(1);
    assertThat(errors()).contains("\tat dev.yushan.cli.YushanTest");
  }

  private static int run(String... arguments) {
    return Yushan.execute(COMMANDS, arguments);
  }

  /// What was written to standard error since the last call.
  private String errors() {
    String errors = err.toString(UTF_8);
    err.reset();
    return errors;
  }
}
