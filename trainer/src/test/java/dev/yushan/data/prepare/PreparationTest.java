package dev.yushan.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.luben.zstd.ZstdInputStream;
import dev.yushan.data.DataException;
import dev.yushan.data.DataRecord;
import dev.yushan.data.Records;
import dev.yushan.data.SourceConfig;
import dev.yushan.process.ChildJvm;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A corpus with planted defects, prepared straight through, by other threads, killed, changed.
@Timeout(180)
class PreparationTest {
  private static final long SEED = 20261126;

  @TempDir static Path root;

  private static PlantedCorpus corpus;
  private static JsonNode report;

  @BeforeAll
  static void prepare() throws IOException {
    corpus = PlantedCorpus.in(root, SEED);
    report = corpus.prepare(root.resolve("straight")).json();
  }

  // ---- what is found
  // -----------------------------------------------------------------------------

  /// Documents removed at a step, by reason, over all sources.
  private static Map<String, Long> removed(JsonNode report, String step) {
    Map<String, Long> removed = new TreeMap<>();
    int number = steps(report).indexOf(step);
    for (JsonNode source : report.path("sources")) {
      source
          .path("steps")
          .get(number)
          .path("removed")
          .properties()
          .forEach(
              e -> removed.merge(e.getKey(), e.getValue().path("documents").asLong(), Long::sum));
    }
    return removed;
  }

  private static List<String> steps(JsonNode report) {
    return report.path("steps").valueStream().map(JsonNode::asText).toList();
  }

  /// Of exact kinds all are found and nothing else is. Near duplicates are found if a band of their
  /// signatures agrees: at Jaccard 0.9 of 10,000 pairs 3 are missed, and none below 0.8 is taken.
  @Test
  void everyPlantedDefectIsFoundAndNothingElse() throws IOException {
    assertThat(removed(report, "read"))
        .isEqualTo(Map.of("bad", (long) PlantedCorpus.BROKEN, "empty", (long) PlantedCorpus.EMPTY));
    assertThat(removed(report, "script"))
        .isEqualTo(Map.of("simplified", (long) PlantedCorpus.FOREIGN));
    assertThat(removed(report, "quality")).isEqualTo(Map.of("length", (long) PlantedCorpus.SHORT));
    assertThat(removed(report, "tokens")).isEqualTo(Map.of("too_long", (long) PlantedCorpus.LONG));
    assertThat(corpus.jaccard().values().stream().filter(j -> j >= 0.9).count())
        .isGreaterThanOrEqualTo(PlantedCorpus.NEAR);
    assertThat(corpus.jaccard().values().stream().filter(j -> j < 0.8).count())
        .isGreaterThanOrEqualTo(PlantedCorpus.FAR / 2);
    Map<String, String> fates = fates(root.resolve("straight"));
    Map<String, String> expected = new HashMap<>(corpus.fate());
    // the first of a pair in the order of the sources stays, whichever was made of the other
    for (String id : corpus.fate().keySet()) {
      if (id.startsWith("exact") || id.startsWith("near")) {
        String origin =
            "base-"
                + (Integer.parseInt(id.substring(id.indexOf('-') + 1))
                    + (id.startsWith("near") ? 40 : 0));
        if (source(origin) > source(id)) {
          String fate = expected.get(id);
          expected.put(id, PlantedCorpus.KEPT);
          expected.put(origin, fate);
        }
      }
    }
    assertThat(fates).as("seed %d", SEED).isEqualTo(expected);
  }

  private static int source(String id) {
    return List.copyOf(corpus.fate().keySet()).indexOf(id) % 3;
  }

  /// What became of each document, by its id.
  private static Map<String, String> fates(Path output) throws IOException {
    Map<String, String> fates = new HashMap<>();
    texts(output).keySet().forEach(id -> fates.put(id, PlantedCorpus.KEPT));
    for (JsonNode gone : excluded(output)) {
      if (corpus.fate().containsKey(gone.path("id").asText())) {
        assertThat(fates.put(gone.path("id").asText(), gone.path("reason").asText())).isNull();
      }
    }
    return fates;
  }

  /// The texts that were kept, by id.
  private static Map<String, String> texts(Path output) {
    Map<String, String> texts = new HashMap<>();
    for (String source : List.of("lines", "rows", "columns")) {
      SourceConfig files =
          new SourceConfig(
              List.of(output.resolve("train").resolve(source).toString()),
              SourceConfig.DATASET_DIR,
              "text",
              Optional.of("id"),
              dev.yushan.data.OnBadRecord.FAIL);
      try (Records records = Records.open(files)) {
        while (records.hasNext()) {
          DataRecord.Text record = (DataRecord.Text) records.next();
          assertThat(texts.put(record.id().orElseThrow(), record.text())).isNull();
        }
      }
    }
    return texts;
  }

  private static List<JsonNode> excluded(Path output) throws IOException {
    try (Stream<Path> files = Files.walk(output.resolve("excluded"))) {
      return files.filter(Files::isRegularFile).sorted().flatMap(PreparationTest::lines).toList();
    }
  }

  private static Stream<JsonNode> lines(Path file) {
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                new ZstdInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
      ObjectMapper mapper = new ObjectMapper();
      List<JsonNode> lines = new java.util.ArrayList<>();
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        lines.add(mapper.readTree(line));
      }
      return lines.stream();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void mailIsRedactedAndCounted() {
    Map<String, String> texts = texts(root.resolve("straight"));
    for (int i = 0; i < PlantedCorpus.MAIL; i++) {
      assertThat(texts.get("mail-" + i)).contains("[電子郵件]").doesNotContain("@");
    }
    long found = 0;
    for (JsonNode source : report.path("sources")) {
      found +=
          source
              .path("steps")
              .get(steps(report).indexOf("pii"))
              .path("notes")
              .path("email")
              .asLong();
    }
    assertThat(found).isEqualTo(PlantedCorpus.MAIL);
  }

  @Test
  void theLedgerAddsUp() throws IOException {
    long documents = 0;
    for (JsonNode source : report.path("sources")) {
      JsonNode steps = source.path("steps");
      for (String what : List.of("documents", "characters", "tokens")) {
        for (int s = 0; s < steps.size(); s++) {
          long gone = 0;
          for (JsonNode reason : steps.get(s).path("removed")) {
            gone += reason.path(what).asLong();
          }
          boolean changes = what.equals("characters"); // rules of formatting take and add some
          if (!changes) {
            assertThat(steps.get(s).path("out").path(what).asLong() + gone)
                .as("%s of %s", what, steps(report).get(s))
                .isEqualTo(steps.get(s).path("in").path(what).asLong());
          }
          if (s > 0) {
            assertThat(steps.get(s).path("in").path(what).asLong())
                .isEqualTo(steps.get(s - 1).path("out").path(what).asLong());
          }
        }
      }
      documents += source.path("read").path("documents").asLong();
    }
    assertThat(documents)
        .isEqualTo(corpus.fate().size() + PlantedCorpus.BROKEN + PlantedCorpus.EMPTY);
    assertThat(excluded(root.resolve("straight")).size() + texts(root.resolve("straight")).size())
        .isEqualTo(documents);
  }

  @Test
  void benchmarksAreKeptOutOfTrainingAndStayWhatTheyAre() throws IOException {
    String kept = texts(root.resolve("straight")).get("base-100");
    Files.writeString(
        root.resolve("bench.jsonl"), new ObjectMapper().writeValueAsString(Map.of("text", kept)));
    JsonNode clean =
        corpus
            .prepare(
                root.resolve("clean"),
                "- {name: bench, files: %s/bench.jsonl, role: eval}".formatted(root),
                "stages: [format, {decontaminate: {files: %s/bench.jsonl}}]".formatted(root))
            .json();
    JsonNode bench = clean.path("sources").get(3);
    assertThat(bench.path("written").path("documents").asLong()).isEqualTo(1);
    assertThat(removed(clean, "decontaminate")).isEqualTo(Map.of("contaminated", 1L));
    assertThat(texts(root.resolve("clean"))).doesNotContainKey("base-100");
  }

  // ---- never twice, never lost
  // -------------------------------------------------------------------

  /// Every file but those of the work directory, by name.
  private static Map<String, byte[]> outcome(Path output) throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(output)) {
      for (Path file : walk.filter(Files::isRegularFile).toList()) {
        String name = output.relativize(file).toString();
        if (!name.startsWith("work") && !name.endsWith("lock")) {
          files.put(name, Files.readAllBytes(file));
        }
      }
    }
    return files;
  }

  private static Map<Path, FileTime> times(Path output, String below) throws IOException {
    Map<Path, FileTime> times = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(output.resolve(below))) {
      for (Path file : walk.filter(Files::isRegularFile).toList()) {
        times.put(file, Files.getLastModifiedTime(file));
      }
    }
    return times;
  }

  private static void assertSame(Path output) throws IOException {
    Map<String, byte[]> expected = outcome(root.resolve("straight"));
    Map<String, byte[]> actual = outcome(output);
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, bytes) -> assertThat(actual.get(name)).as(name).isEqualTo(bytes));
  }

  @Test
  void theNumberOfThreadsDoesNotMatter() throws IOException {
    corpus.prepare(root.resolve("threads"), "threads: 5");
    assertSame(root.resolve("threads"));
  }

  @Test
  void aSecondRunWritesNoShardAgain() throws IOException {
    Path output = root.resolve("again");
    corpus.prepare(output);
    Map<Path, FileTime> before = times(output, "work");
    before.putAll(times(output, "train"));
    corpus.prepare(output);
    assertSame(output);
    Map<Path, FileTime> after = times(output, "work");
    after.putAll(times(output, "train"));
    assertThat(after).isEqualTo(before);
  }

  @Test
  void changedSettingsBeginAtTheirStage() throws IOException {
    Path output = root.resolve("changed");
    corpus.prepare(output);
    Map<Path, FileTime> read = times(output, "work/00-read");
    Map<Path, FileTime> script = times(output, "work/02-script");
    Map<Path, FileTime> quality = times(output, "work/03-quality");
    JsonNode changed =
        corpus
            .prepare(output, "stages: [format, script, {quality: {min_characters: 0}}, pii, dedup]")
            .json();
    assertThat(removed(changed, "quality")).isEmpty();
    assertThat(times(output, "work/00-read")).isEqualTo(read);
    assertThat(times(output, "work/02-script")).isEqualTo(script);
    assertThat(times(output, "work/03-quality").keySet())
        .doesNotContainAnyElementsOf(quality.keySet());
    corpus.prepare(output);
    assertSame(output);
  }

  @Test
  void damagedFilesAreMadeAgain() throws IOException {
    Path output = root.resolve("damaged");
    corpus.prepare(output);
    for (String directory : List.of("work/01-format", "work/06-tokens", "train/rows")) {
      Path victim = times(output, directory).keySet().iterator().next();
      byte[] bytes = Files.readAllBytes(victim);
      bytes[bytes.length / 2] ^= 1;
      Files.write(victim, bytes);
    }
    corpus.prepare(output);
    assertSame(output);
    Path read =
        times(output, "work/00-read").keySet().stream()
            .filter(f -> f.toString().endsWith("layer"))
            .findFirst()
            .orElseThrow();
    Files.write(read, new byte[100]);
    assertThatThrownBy(() -> corpus.prepare(output))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("start again");
    corpus.prepare(output);
    assertSame(output);
  }

  @Test
  void whatAKilledProcessHadNotFinishedIsCleared() throws IOException {
    Path output = root.resolve("unfinished");
    corpus.prepare(output);
    Files.writeString(output.resolve(".report.json.0123456789abcdef.partial"), "{");
    Files.writeString(
        output.resolve("train/rows/.part-00000.parquet.0123456789abcdef.partial"), "P");
    corpus.prepare(output);
    assertSame(output);
  }

  /// The child process: prepares what a file says.
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) {
      Preparation.run(CorpusConfig.read(Path.of(arguments[0]), Map.of()), (p, d, b) -> {});
    }
  }

  @Test
  void aKilledProcessLosesNothingFinished() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("PreparationTest.aKilledProcessLosesNothingFinished seed " + seed);
    Random random = new Random(seed);
    Path output = root.resolve("killed");
    Path config = corpus.config(output);
    int killed = 0;
    Map<Path, FileTime> before = Map.of();
    for (int attempt = 0; attempt < 40; attempt++) {
      Process child =
          ChildJvm.PLAIN
              .with("-Xmx256m")
              .running(Child.class, config)
              .redirectErrorStream(true)
              .redirectOutput(root.resolve("child.log").toFile())
              .start();
      boolean ended =
          child.waitFor(400 + random.nextInt(600) + 400L * attempt, TimeUnit.MILLISECONDS);
      if (ended) {
        assertThat(child.exitValue()).as(Files.readString(root.resolve("child.log"))).isZero();
        break;
      }
      child.destroyForcibly().waitFor();
      killed++;
      Map<Path, FileTime> now =
          Files.exists(output.resolve("work/00-read")) ? layers(output) : Map.of();
      assertThat(now).containsAllEntriesOf(before);
      before = now;
    }
    System.out.println("killed " + killed + " times");
    corpus.prepare(output);
    assertThat(layers(output)).containsAllEntriesOf(before);
    assertSame(output);
  }

  private static Map<Path, FileTime> layers(Path output) throws IOException {
    Map<Path, FileTime> layers = times(output, "work");
    layers.keySet().removeIf(file -> !file.toString().endsWith(".layer"));
    return layers;
  }
}
