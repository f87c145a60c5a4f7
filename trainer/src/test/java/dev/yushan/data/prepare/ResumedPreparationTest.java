package dev.yushan.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.data.DataException;
import dev.yushan.text.BpeTrainer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A preparation that is called again, with the same or other settings, on sound or damaged files:
/// what comes out is what one run makes, and what is there is not made again.
class ResumedPreparationTest {
  private static final String SHORT_DEDUP =
      "[format, {quality: {min_characters: 20}}, pii, {dedup: {threshold: %s}}]";

  @TempDir static Path root;

  private static final Map<Map<String, String>, Map<String, String>> STRAIGHT = new HashMap<>();

  @TempDir private Path directory;
  private Path output;

  @BeforeAll
  static void files() throws IOException {
    StringBuilder texts = new StringBuilder();
    HanText han = new HanText(new Random(5));
    for (int source = 0; source < 2; source++) {
      StringBuilder lines = new StringBuilder();
      for (int d = 0; d < 60; d++) {
        String text = d % 9 == 8 ? "雨雪。" : han.of(60 + d);
        lines.append("{\"text\": \"").append(text).append("\"}\n");
        if (d % 10 == 0) {
          lines.append("{\"text\": \"").append(text).append("\"}\n");
        }
        texts.append(text);
      }
      Files.writeString(root.resolve("s%d.jsonl".formatted(source)), lines + "{broken\n");
    }
    BpeTrainer.train(
        List.of(texts.toString()).iterator(),
        BpeTrainer.Options.ofVocabSize(400),
        root.resolve("tokenizer"));
  }

  @BeforeEach
  void place() {
    output = directory.resolve("out");
  }

  private static String source(String name, Path file) {
    return "{name: %s, files: %s}".formatted(name, file);
  }

  private static String sources(String... more) {
    List<String> all = new ArrayList<>();
    all.add(source("one", root.resolve("s0.jsonl")));
    all.add(source("two", root.resolve("s1.jsonl")));
    all.addAll(List.of(more));
    return all.toString();
  }

  private static CorpusConfig config(Path to, Map<String, String> changes) {
    Map<String, String> settings = new TreeMap<>();
    settings.put("tokenizer", root.resolve("tokenizer").toString());
    settings.put("sources", sources());
    settings.put("stages", SHORT_DEDUP.formatted("0.8"));
    settings.put("shard_bytes", "9000");
    settings.put("threads", "2");
    settings.putAll(changes);
    settings.put("output_dir", to.toString());
    try {
      Path yaml = Files.writeString(root.resolve("empty.yaml"), "{}\n");
      return CorpusConfig.read(yaml, settings);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static PreparedFiles prepare(Path to, Map<String, String> changes) {
    Preparation.run(config(to, changes), (phase, done, begun) -> {});
    return new PreparedFiles(to);
  }

  private PreparedFiles prepare(Map<String, String> changes) {
    return prepare(output, changes);
  }

  /// What one run into a new directory makes.
  private static Map<String, String> straight(Map<String, String> changes) {
    return STRAIGHT.computeIfAbsent(
        changes,
        c -> {
          try {
            return prepare(Files.createTempDirectory(root, "straight").resolve("out"), c).tree();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  @Test
  void theOutcomeDoesNotDependOnThreads() {
    assertThat(prepare(Map.of("threads", "5")).tree()).isEqualTo(straight(Map.of()));
    assertThat(prepare(directory.resolve("one"), Map.of("threads", "1")).tree())
        .isEqualTo(straight(Map.of()))
        .hasSizeGreaterThan(10);
  }

  @Test
  void aSecondRunWritesNothing() {
    PreparedFiles files = prepare(Map.of());
    Map<Path, String> before = files.written("");
    prepare(Map.of());
    Map<Path, String> after = files.written("");
    // written anew each time, and the same
    List.of("report.json", "corpus.json", "report.html")
        .forEach(name -> after.remove(Path.of(name)));
    assertThat(before).containsAllEntriesOf(after);
    assertThat(files.tree()).isEqualTo(straight(Map.of()));
  }

  /// The directories of steps, of which `after` has files that `before` has not.
  private static TreeSet<String> madeAgain(Map<Path, String> before, Map<Path, String> after) {
    TreeSet<String> steps = new TreeSet<>();
    after.forEach(
        (file, written) -> {
          if (!written.equals(before.get(file))) {
            steps.add(file.getName(1).toString());
          }
        });
    return steps;
  }

  @Test
  void changedSettingsBeginAtTheirStage() {
    PreparedFiles files = prepare(Map.of());
    // one after the other: each is compared with those before
    for (String[] change :
        new String[][] {
          {"cutoff_len", "300", "05-tokens parts"},
          {"stages", SHORT_DEDUP.formatted("0.9"), "04-dedup 05-tokens clusters parts"},
          {
            "stages",
            SHORT_DEDUP.formatted("0.8").replace("20}", "25}"),
            "02-quality 03-pii 04-dedup 05-tokens clusters parts signatures"
          }
        }) {
      Map<Path, String> before = files.written("work");
      Map<String, String> other = Map.of(change[0], change[1]);
      assertThat(prepare(other).tree()).as(change[1]).isEqualTo(straight(other));
      assertThat(madeAgain(before, files.written("work")))
          .as(change[1])
          .isSubsetOf(change[2].split(" "))
          .contains(change[2].split(" ")[0]);
    }
    assertThat(prepare(Map.of()).tree()).as("and back").isEqualTo(straight(Map.of()));
  }

  @Test
  void anotherSourceIsReadAloneUpToDedup() throws IOException {
    Path file = directory.resolve("third.jsonl");
    String law = new HanText(new Random(9)).of(90);
    Files.writeString(file, "{\"text\": \"" + law + "\"}\n");
    Map<String, String> more = Map.of("sources", sources(source("three", file)));
    PreparedFiles files = prepare(Map.of());
    Map<Path, String> before = files.written("work");
    assertThat(prepare(more).tree()).isEqualTo(straight(more));
    Map<Path, String> after = files.written("work");
    for (Path layer : after.keySet()) {
      String step = layer.getName(1).toString();
      if (step.matches("0[0-3].*") && !after.get(layer).equals(before.get(layer))) {
        assertThat(layer.getFileName().toString()).isIn("00000.layer", "done.json");
      }
    }
    assertThat(after.keySet().stream().filter(l -> l.startsWith("work/00-read")).count())
        .isEqualTo(2 + before.keySet().stream().filter(l -> l.startsWith("work/00-read")).count());
    for (int step = 0; step < 4; step++) {
      String name = "0" + step;
      assertThat(after)
          .as("layers before dedup")
          .containsAllEntriesOf(
              before.entrySet().stream()
                  .filter(e -> e.getKey().getName(1).toString().startsWith(name))
                  .collect(
                      java.util.stream.Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)));
    }
    // and gone again, nothing of it is left
    assertThat(prepare(Map.of()).tree()).isEqualTo(straight(Map.of()));
    assertThat(output.resolve("train/three")).doesNotExist();
  }

  /// The corpus that is there stays whole until another takes its place.
  @Test
  void aPreparationThatEndsInTheMidstOfWritingLeavesTheCorpusBefore() throws IOException {
    PreparedFiles files = prepare(Map.of());
    Map<String, String> before = files.tree();
    Map<String, String> other = Map.of("stages", "[format]");
    assertThatThrownBy(
            () ->
                Preparation.run(
                    config(output, other),
                    (phase, done, begun) -> {
                      if (phase.equals("write")) {
                        throw new IllegalStateException("ended");
                      }
                    }))
        .hasMessage("ended");
    assertThat(files.tree()).containsAllEntriesOf(before).isNotEqualTo(before);
    assertThat(prepare(other).tree()).isEqualTo(straight(other));
  }

  @Test
  void aSourceOfWhichNoRecordCanBeUsedIsRefused() throws IOException {
    String column = "{name: one, files: %s, text_column: body}".formatted(root.resolve("s0.jsonl"));
    assertThatThrownBy(() -> prepare(Map.of("sources", "[" + column + "]")))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("sources: one: none of its 67 records can be used")
        .hasMessageContaining("has no field body (key text_column); it has [text]");
    assertThat(output.resolve("corpus.json")).doesNotExist();
  }

  @Test
  void aPatternThatCoversTheOutputFindsTheSameTheSecondTime() throws IOException {
    Files.copy(root.resolve("s0.jsonl"), directory.resolve("a.jsonl"));
    String source = "[{name: all, files: '%s/**'}]".formatted(directory);
    Map<String, String> all = Map.of("sources", source, "stages", "[format]");
    Map<String, String> first = prepare(all).tree();
    assertThat(prepare(all).tree()).isEqualTo(first);
    String own = "[{name: all, files: '%s/**'}]".formatted(output);
    assertThatThrownBy(() -> prepare(Map.of("sources", own)))
        .hasMessageContaining("sources: all: files: no file matches");
  }

  @Test
  void aReportOfSomethingElseIsNotWrittenOver() throws IOException {
    Path page = Files.createDirectories(output).resolve("report.html");
    Files.writeString(page, "of a run");
    assertThatThrownBy(() -> prepare(Map.of()))
        .hasMessageContaining(page + " is there, and of no preparation");
    assertThat(page).hasContent("of a run");
    Path file = Files.writeString(directory.resolve("file"), "");
    assertThatThrownBy(() -> prepare(file, Map.of())).hasMessageContaining(file + " is a file");
  }

  @Test
  void whatIsNotOfAPreparationStays() throws IOException {
    Path tokens = Files.createDirectories(output.resolve("tokens/thesis"));
    List<Path> mine =
        List.of(
            Files.writeString(tokens.resolve("a.txt"), "mine"),
            Files.writeString(tokens.resolveSibling("notes.txt"), "mine"));
    Path former = Files.createDirectories(tokens.resolveSibling("0123456789abcdef".repeat(2)));
    prepare(Map.of());
    assertThat(mine).allSatisfy(file -> assertThat(file).hasContent("mine"));
    assertThat(former).doesNotExist();
  }

  /// YAML takes a bare `off` for false.
  @Test
  void offNeedsNoQuotationMarks() throws IOException {
    assertThat(prepare(Map.of("stages", "[{pii: {email: off}}]")).rows()).isNotEmpty();
    assertThatThrownBy(() -> prepare(Map.of("stages", "[{script: {on_simplified: off}}]")))
        .hasMessageContaining("on_simplified: false will not do; give one of");
  }

  @Test
  void onBadRecordFailsOnWhatWasReadBefore() {
    prepare(Map.of());
    assertThatThrownBy(() -> prepare(Map.of("on_bad_record", "fail")))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("s0.jsonl line 67")
        .hasMessageContaining("on_bad_record: skip");
  }

  /// Each file of work and output in turn: a byte is flipped, then one or two runs put it right.
  @Test
  void damagedFilesAreMadeAgain() throws IOException {
    PreparedFiles files = prepare(Map.of());
    Random random = new Random(77);
    Map<String, Path> kinds = new TreeMap<>();
    for (Path file : files.files("")) {
      Path below = output.relativize(file);
      String kind = below.getName(0) + "/" + (below.getNameCount() > 2 ? below.getName(1) : "");
      String name = below.getFileName().toString();
      if (below.getNameCount() > 1) {
        kinds.put(kind + "/" + name.substring(name.lastIndexOf('.')), below);
      }
    }
    assertThat(kinds).hasSizeGreaterThan(12);
    for (Map.Entry<String, Path> kind : kinds.entrySet()) {
      Path file = output.resolve(kind.getValue());
      byte[] bytes = Files.readAllBytes(file);
      // of JSON the key: what else is in it is for people
      int at = file.toString().endsWith(".json") ? 9 : random.nextInt(bytes.length);
      bytes[at] ^= (byte) (1 << random.nextInt(7));
      Files.write(file, bytes);
      try {
        prepare(Map.of());
      } catch (DataException | UncheckedIOException e) {
        assertThat(e).as(kind.getKey()).hasMessageContaining("start again");
        if (e.getMessage().contains("remove it")) {
          Files.delete(file);
        }
        prepare(Map.of());
      }
      assertThat(files.tree()).as(kind.getKey()).isEqualTo(straight(Map.of()));
    }
  }

  /// A layer that only a later change of settings asks for.
  @Test
  void aDamagedLayerIsNotTakenForASoundOne() throws IOException {
    PreparedFiles files = prepare(Map.of());
    for (Path layer : files.files("work/00-read")) {
      if (layer.toString().endsWith(".layer")) {
        byte[] bytes = Files.readAllBytes(layer);
        bytes[bytes.length / 2] ^= 4;
        Files.write(layer, bytes);
      }
    }
    Map<String, String> other = Map.of("stages", "[format]");
    for (int run = 0; run < 20; run++) {
      try {
        assertThat(prepare(other).tree()).isEqualTo(straight(other));
        return;
      } catch (DataException e) {
        assertThat(e).hasMessageContaining("start again");
      }
    }
    throw new AssertionError("it does not come to an end");
  }

  @Test
  void aFileThatIsNamedTwiceOrTwoThatAreTheSame() throws IOException {
    Path copy = Files.copy(root.resolve("s0.jsonl"), directory.resolve("copy.jsonl"));
    String files = "[%1$s, %1$s, %2$s]".formatted(root.resolve("s0.jsonl"), copy);
    Map<String, String> same =
        Map.of("sources", "[{name: all, files: " + files + "}]", "stages", "[format]");
    PreparedFiles made = prepare(same);
    assertThat(made.rows()).hasSize(3 * 66);
    assertThat(made.rows().stream().filter(row -> row.id().startsWith("copy.jsonl#"))).hasSize(66);
    Map<String, String> before = made.tree();
    assertThat(prepare(same).tree()).isEqualTo(before);
  }

  @Test
  void aSourceThatChangesWhileItIsReadIsRefused() throws IOException {
    Path file = Files.copy(root.resolve("s0.jsonl"), directory.resolve("a.jsonl"));
    // a change within one tick of the file system's clock would not be seen
    Files.setLastModifiedTime(file, FileTime.fromMillis(System.currentTimeMillis() - 10_000));
    byte[] former = Files.readAllBytes(file);
    Map<String, String> one = Map.of("sources", "[" + source("one", file) + "]");
    CorpusConfig config = config(output, one);
    boolean[] changed = {false};
    assertThatThrownBy(
            () ->
                Preparation.run(
                    config,
                    (phase, done, begun) -> {
                      if (!changed[0]) {
                        changed[0] = true;
                        change(file);
                      }
                    }))
        .isInstanceOf(DataException.class)
        .hasMessage(file + " changed while it was read: start again");
    Map<String, String> other = prepare(one).tree();
    Files.write(file, former);
    Map<String, String> again = prepare(one).tree();
    assertThat(again).isEqualTo(straight(one)).isNotEqualTo(other);
  }

  /// Replaces a file by a shorter one.
  private static void change(Path file) {
    try {
      List<String> lines = Files.readAllLines(file);
      Path other = Files.write(file.resolveSibling("other"), lines.subList(3, lines.size()));
      Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void filesWithoutARecordAreReadLikeOthers() throws IOException {
    Map<String, String> files =
        Map.of("a.jsonl", "", "b.jsonl", "\n\n", "c.csv", "text\n", "d.json", "[]");
    String[] empty = new String[files.size()];
    int s = 0;
    for (Map.Entry<String, String> file : new TreeMap<>(files).entrySet()) {
      Path path = Files.writeString(directory.resolve(file.getKey()), file.getValue());
      empty[s] = source("empty-" + s, path);
      s++;
    }
    PreparedFiles prepared = prepare(Map.of("sources", sources(empty)));
    assertThat(prepared.rows())
        .isEqualTo(prepare(directory.resolve("two"), Map.of()).rows())
        .isNotEmpty();
    Map<String, String> tree = prepared.tree();
    assertThat(prepare(Map.of("sources", sources(empty))).tree()).isEqualTo(tree);
  }

  @Test
  void aSourceThatEndsEarlyIsNamed() throws IOException {
    Path file = directory.resolve("cut.jsonl.gz");
    try (var out = new java.util.zip.GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(Files.readAllBytes(root.resolve("s0.jsonl")));
    }
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, java.util.Arrays.copyOf(whole, whole.length / 2));
    Map<String, String> more = Map.of("sources", sources(source("cut", file)));
    assertThatThrownBy(() -> prepare(more)).hasMessageContaining("cut.jsonl.gz");
    // what was read before is kept
    Map<Path, String> before = new PreparedFiles(output).written("work/00-read");
    before.keySet().removeIf(f -> !Files.exists(output.resolve(f).resolveSibling("done.json")));
    assertThat(before).hasSizeGreaterThan(4);
    Files.write(file, whole);
    assertThat(prepare(more).tree()).isEqualTo(straight(more));
    assertThat(new PreparedFiles(output).written("work/00-read")).containsAllEntriesOf(before);
  }

  @Test
  void whatAKilledOneLeftIsCleared() throws IOException {
    PreparedFiles files = prepare(Map.of());
    try (Stream<Path> walk = Files.walk(output)) {
      for (Path directory : walk.filter(Files::isDirectory).toList()) {
        Files.writeString(directory.resolve(".x.0123456789abcdef.partial"), "half");
      }
    }
    assertThat(prepare(Map.of()).tree()).isEqualTo(straight(Map.of()));
    assertThat(files.files(""))
        .noneMatch(file -> file.getFileName().toString().endsWith(".partial"));
  }
}
