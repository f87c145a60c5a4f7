package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The messages of `docs/reference/messages.md`, and of the Hub in `hub.md`, are those of the code,
/// and those with which the code ends a run or warns in one are all there.
class MessagesReferenceTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

  /// Where messages that end a command are made, and by what. The parts of files with weights or a
  /// tokenizer (packages `io` and `text`) that can be at fault are many and name themselves: the
  /// page has those that are met.
  private static final Map<String, Map<String, String>> MADE =
      Map.ofEntries(
          Map.entry(
              "trainer/src/main/java/dev/yushan/data",
              Map.of(
                  "DataException", "%s",
                  "UncheckedIOException", "%s",
                  "require", "%2$s",
                  "warn", "%s")),
          Map.entry(
              "trainer/src/main/java/dev/yushan/train",
              Map.of(
                  "ConfigException", "%s",
                  "TrainingException", "%s",
                  "StepException", "%s",
                  "UncheckedIOException", "%s",
                  "warn", "%s",
                  "wrong", "…: %s: … %s")),
          Map.entry(
              "trainer/src/main/java/dev/yushan/report",
              Map.of("warn", "%s", "IllegalArgumentException", "%s", "UncheckedIOException", "%s")),
          Map.entry(
              "api/src/main/java/dev/yushan/model",
              Map.of(
                  "ModelException", "%s",
                  "FileFormatException", "%s: %s",
                  "UncheckedIOException", "%s",
                  "refuse", "…: %s = …: %s",
                  "refuseUnless", "…: %s = …: %3$s",
                  "unsupported", "…: %s = …: %3$s")),
          Map.entry(
              "api/src/main/java/dev/yushan/io/hub", Map.of("HubException", "%2$s", "warn", "%s")),
          Map.entry("api/src/main/java/dev/yushan/plugin", Map.of("PluginException", "%s")),
          Map.entry("api/src/main/java/dev/yushan/backend", Map.of("BackendException", "%s")),
          Map.entry(
              "backend-cpu/src/main/java/dev/yushan/backend/cpu", Map.of("BackendException", "%s")),
          Map.entry(
              "backend-tornado-gpu/src/main/java/dev/yushan/backend/tornado",
              Map.of("BackendException", "%s")),
          Map.entry(
              "backend-tornado-gpu/src/tornado/java/dev/yushan/backend/tornado",
              Map.of("BackendException", "%s")),
          Map.entry(
              "server/src/main/java/dev/yushan/http",
              Map.of(
                  "IllegalArgumentException", "%s",
                  "IllegalStateException", "%s",
                  "requirePositive", "%s must be 1 or more, got …",
                  "warn", "%s",
                  "error", "%s")),
          Map.entry(
              "server/src/main/java/dev/yushan/engine",
              Map.of("IllegalArgumentException", "%s", "warn", "%s", "error", "%s")),
          Map.entry(
              "cli/src/main/java/dev/yushan/cli",
              Map.of(
                  "ParameterException", "%2$s",
                  "wrong", "%s",
                  "TypeConversionException", "%s",
                  "IllegalArgumentException", "%s",
                  "IOException", "%s",
                  "UncheckedIOException", "%s",
                  "warn", "%s")));

  private static final String CHECKED_BEFORE = "its type in the table of keys refuses that before";
  private static final String TO_REQUEST = "a request is answered with it, and the log has none";
  private static final String IN_CODE = "only a program that makes its own configuration meets it";

  /// What is not on the page, and why.
  private static final Map<String, String> LEFT_OUT =
      Map.ofEntries(
          Map.entry("sequence_len: … is less than one token", CHECKED_BEFORE),
          Map.entry("cutoff_len: … is less than one token", CHECKED_BEFORE),
          Map.entry("per_device_train_batch_size: … is less than one", CHECKED_BEFORE),
          Map.entry("max_eval_samples: … is less than one", CHECKED_BEFORE),
          Map.entry("max_samples: … is less than one", CHECKED_BEFORE),
          Map.entry("preprocessing_num_workers: … is less than one", CHECKED_BEFORE),
          Map.entry("…: … is not one of …", CHECKED_BEFORE),
          Map.entry(
              "signatures were made with … but are to be compared with …; sign the documents again",
              "a preparation makes those of its own settings"),
          Map.entry("a number of steps must be above 0, got …", IN_CODE),
          Map.entry("a shard of … bytes holds no record", IN_CODE),
          Map.entry(
              "there is nothing to train on: the data gives no micro-batch",
              "data without a target is refused before"),
          Map.entry("… cells in a table of … columns", "a slip in the code of a command"),
          Map.entry("row … of …", "a slip in the code of the engine"),
          Map.entry("every JDK has SHA-256", "and this one too"),
          Map.entry("interrupted while starting to listen", "no thread does so"),
          Map.entry("the engine was interrupted; it takes no more requests", "no thread does so"),
          Map.entry("the body limit must be 1 or more, got …", IN_CODE),
          Map.entry("the limit of all bodies must be 1 or more, got …", IN_CODE),
          Map.entry("the limit of pending tokens must be 1 or more, got …", IN_CODE),
          Map.entry("the limit of choices must be 1 or more, got …", IN_CODE),
          Map.entry("the idle timeout in ms must be 1 or more, got …", IN_CODE),
          Map.entry("the body timeout in ms must be 1 or more, got …", IN_CODE),
          Map.entry("the stall timeout in ms must be 1 or more, got …", IN_CODE),
          Map.entry("allowed_token_ids must not be empty; leave it out to allow all", TO_REQUEST),
          Map.entry("logit_bias must have token ids as keys, got \"…\"", TO_REQUEST),
          Map.entry("the prompt has no tokens; give at least one", TO_REQUEST),
          Map.entry(
              "the prompt has … tokens, a request at most … with what is generated; shorten it",
              TO_REQUEST),
          Map.entry("the prompt has the id …, the model knows 0 to …", TO_REQUEST));

  /// What is only handed on where it is thrown, by file, and where it is made.
  private static final Map<String, String> HANDED_ON =
      Map.ofEntries(
          Map.entry("CorpusConfig.java", "its own checks, and the place before them"),
          Map.entry("BackendChoice.java", "why a backend cannot be opened"),
          Map.entry("BenchOptions.java", "what is wrong with an option"),
          Map.entry("FormatCommand.java", "the rule that there is not"),
          Map.entry("PrepareCommand.java", "what CorpusConfig says of the configuration"),
          Map.entry("Settings.java", "what a record of settings says of a value"),
          Map.entry("Stages.java", "an example over several lines"),
          Map.entry("Hub.java", "the cache that is looked at offline"),
          Map.entry("HubClient.java", "what answers and is no hub"),
          Map.entry("HubFailures.java", "with a token and without one"),
          Map.entry("RepoCache.java", "with a full disk and without one"),
          Map.entry("TokenBuild.java", "what went wrong with a part of the data"),
          Map.entry("Trainer.java", "the spike"),
          Map.entry("TrainingConfig.java", "its callers, and the nearest key"),
          Map.entry("TrainingForecast.java", "the refusals of memory and disk"),
          Map.entry("TrainingRun.java", "the failed step"),
          Map.entry("ConfigReader.java", "its callers"),
          Map.entry("ServeCommand.java", "what is wrong with an option, after where it is from"),
          Map.entry("ServeDefaults.java", "what VllmOptions says of an option of the file"),
          Map.entry("SamplingOptions.java", "what SamplingParams says of a value out of its range"),
          Map.entry("Models.java", "the reader of config.json"));

  @Test
  void everyMessageOfThePageIsInTheCode() throws IOException {
    String code =
        Stream.of(
                "api/src/main",
                "backend-cpu/src/main",
                "backend-tornado-gpu/src/main",
                "backend-tornado-gpu/src/tornado",
                "trainer/src/main",
                "server/src/main",
                "cli/src/main")
            .map(sources -> ROOT.resolve(sources).resolve("java"))
            .flatMap(MessagesReferenceTest::sources)
            .collect(Collectors.joining());
    assertThat(page()).hasSizeGreaterThan(100);
    for (String message : page()) {
      for (String fragment : message.split("…")) {
        assertThat(code.contains(fragment.strip())).as("%s, of: %s", fragment, message).isTrue();
      }
    }
  }

  @Test
  void everyMessageOfTheCodeIsOnThePage() throws IOException {
    List<Pattern> rows = page().stream().map(MessagesReferenceTest::pattern).toList();
    List<SourceMessage> messages =
        MADE.entrySet().stream()
            .flatMap(
                made -> SourceMessage.in(ROOT.resolve(made.getKey()), made.getValue()).stream())
            .toList();
    assertThat(messages).hasSizeGreaterThan(100);
    assertThat(messages)
        .filteredOn(message -> message.hasWords() && !LEFT_OUT.containsKey(message.text()))
        .filteredOn(message -> rows.stream().noneMatch(row -> row.matcher(message.text()).find()))
        .as("without a row")
        .isEmpty();
    assertThat(messages)
        .extracting(SourceMessage::text)
        .as("what is left out is still there")
        .containsAll(LEFT_OUT.keySet());
  }

  /// An exception of input and output without words of its own only wraps one that has them.
  @Test
  void whereAMessageIsHandedOnIsKnown() {
    TreeSet<String> files = new TreeSet<>();
    MADE.forEach(
        (directory, forms) ->
            SourceMessage.in(ROOT.resolve(directory), forms).stream()
                .filter(message -> !message.hasWords() && !message.made().startsWith("Unchecked"))
                .forEach(message -> files.add(message.file())));
    assertThat(files).isEqualTo(new TreeSet<>(HANDED_ON.keySet()));
  }

  private static List<String> page() throws IOException {
    return Stream.of("messages.md", "hub.md")
        .map(page -> read(ROOT.resolve("docs/reference").resolve(page)))
        // the tables before are of other things
        .map(page -> page.substring(Math.max(0, page.indexOf("## Messages"))))
        .flatMap(String::lines)
        .filter(line -> line.startsWith("| `"))
        .map(line -> line.substring(3, line.indexOf("` |")))
        .toList();
  }

  /// Of a row, which may have a part of the message.
  private static Pattern pattern(String row) {
    return Pattern.compile(
        Arrays.stream(row.split("…"))
            .map(String::strip)
            .map(Pattern::quote)
            .collect(Collectors.joining(".*")));
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
      String text = Files.readString(file).replaceAll("\"\\s*\\+\\s*\"", "").replace("\\\"", "\"");
      return Arrays.stream(text.split("%,?\\.?\\d*[sdfg]|\\{}")).collect(Collectors.joining("…"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
