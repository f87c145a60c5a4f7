package dev.yushan.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.data.dedup.DedupConfig;
import dev.yushan.data.hygiene.PiiKind;
import dev.yushan.data.prepare.PlantedCorpus.Document;
import dev.yushan.data.prepare.PlantedCorpus.Kind;
import dev.yushan.data.prepare.PreparedFiles.Row;
import dev.yushan.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Planted defects: what is wrong with the documents of a generated corpus is found by the stages
/// as they are set by default, and nothing else.
class PreparationTest {
  private static final long SEED = 20251127;

  /// By Chernoff's bound a mean of n draws of probability p is at x or further from p with a
  /// probability of at most 2·exp(−n·KL(x, p)): below this is what happens in all but one of 1000
  /// draws.
  private static final double BOUND = Math.log(2e3);

  @TempDir static Path root;

  private static PlantedCorpus corpus;
  private static PreparedFiles prepared;
  private static List<Row> rows;
  private static List<JsonNode> excluded;

  @BeforeAll
  static void prepare() throws IOException {
    System.out.println("seed " + SEED);
    corpus = PlantedCorpus.of(root, SEED);
    Path output = root.resolve("out");
    Preparation.run(corpus.config(output, Map.of()), (phase, done, begun) -> {});
    prepared = new PreparedFiles(output);
    rows = prepared.rows();
    excluded = prepared.excluded();
  }

  private static String name(String source, String id) {
    return source + "/" + id;
  }

  private static String name(JsonNode line) {
    return name(line.path("source").asText(), line.path("id").asText());
  }

  private static Map<String, Document> documents(Predicate<Document> which) {
    return corpus.documents().stream()
        .filter(document -> !document.kind().isNone() && which.test(document))
        .collect(Collectors.toMap(d -> name(d.source(), d.id()), d -> d));
  }

  private static Set<String> removed(String stage, String reason) {
    List<String> names =
        excluded.stream()
            .filter(line -> line.path("stage").asText().equals(stage))
            .filter(line -> line.path("reason").asText().equals(reason))
            .map(PreparationTest::name)
            .toList();
    assertThat(names).doesNotHaveDuplicates();
    return new HashSet<>(names);
  }

  @Test
  void whatIsKeptAndWhatIsLeftOutIsWhatWasRead() {
    List<String> read = new ArrayList<>();
    for (Document document : corpus.documents()) {
      // those of broken records are found by their place
      read.add(
          document.kind().isNone() ? document.source() : name(document.source(), document.id()));
    }
    List<String> out = new ArrayList<>();
    rows.forEach(row -> out.add(name(row.source(), row.id())));
    for (JsonNode line : excluded) {
      boolean none = line.path("stage").asText().equals("read");
      out.add(none ? line.path("source").asText() : name(line));
      assertThat(line.path("detail").asText()).as("%s", line).isNotEmpty();
      assertThat(line.path("place").asText()).as("%s", line).contains(root.toString());
      boolean nothing = none && !hasLine(line);
      assertThat(line.path("text").asText().isEmpty()).as("%s", line).isEqualTo(nothing);
    }
    assertThat(out).containsExactlyInAnyOrderElementsOf(read);
  }

  @Test
  void whatIsKeptIsInItsPlaceWithItsTextAndTokens() {
    Tokenizer tokenizer = corpus.tokenizer();
    Map<String, Document> all = documents(document -> true);
    for (Row row : rows) {
      Document document = all.get(name(row.source(), row.id()));
      assertThat(row.text()).as(row.id()).isEqualTo(document.expected());
      assertThat(row.role()).isEqualTo(row.source().equals("held") ? "eval" : "train");
      int[] ids = tokenizer.encode(row.text(), Tokenizer.Specials.AS_TEXT);
      assertThat(row.tokens()).isEqualTo(ids.length + 2).isLessThanOrEqualTo(PlantedCorpus.CUTOFF);
    }
    List<String> order =
        corpus.documents().stream()
            .map(document -> name(document.source(), document.id()))
            .toList();
    List<String> written = new ArrayList<>();
    for (String source : PlantedCorpus.SOURCES) {
      rows.stream()
          .filter(row -> row.source().equals(source))
          .forEach(row -> written.add(name(row.source(), row.id())));
    }
    assertThat(written).isEqualTo(order.stream().filter(new HashSet<>(written)::contains).toList());
  }

  /// These stages are exact: recall and precision are 1.
  @Test
  void scriptQualityAndLengthAreExact() {
    Map<String, Kind> stages =
        Map.of(
            "script simplified", Kind.SIMPLIFIED,
            "quality length", Kind.SHORT,
            "tokens too_long", Kind.LONG);
    stages.forEach(
        (stage, kind) ->
            assertThat(removed(stage.split(" ")[0], stage.split(" ")[1]))
                .as(stage)
                .hasSize(kind.count)
                .isEqualTo(documents(document -> document.kind() == kind).keySet()));
    Set<String> quality = new HashSet<>();
    for (JsonNode line : excluded) {
      if (line.path("stage").asText().equals("quality")) {
        quality.add(name(line));
      }
    }
    assertThat(quality)
        .hasSize(Kind.SHORT.count + Kind.REPEATED.count)
        .isEqualTo(documents(d -> d.kind() == Kind.SHORT || d.kind() == Kind.REPEATED).keySet());
    // mixed ones are kept, converted: see the test of texts
    Set<String> kept = rows.stream().map(r -> name(r.source(), r.id())).collect(Collectors.toSet());
    assertThat(kept).containsAll(documents(document -> document.kind() == Kind.MIXED).keySet());
    assertThat(sum("script", "notes", "mixed")).isEqualTo(Kind.MIXED.count);
  }

  @Test
  void brokenRecordsAreNamed() {
    Map<String, Integer> reasons = new TreeMap<>();
    for (JsonNode line : excluded) {
      if (line.path("stage").asText().equals("read")) {
        reasons.merge(line.path("reason").asText(), 1, Integer::sum);
      }
    }
    int bad = Kind.BROKEN_JSON.count + Kind.NO_COLUMN.count + Kind.WRONG_FIELDS.count;
    assertThat(reasons).isEqualTo(Map.of("bad", bad, "empty", Kind.EMPTY.count));
  }

  /// Whether it is a broken line or row, of which is kept what is there.
  private static boolean hasLine(JsonNode line) {
    return line.path("reason").asText().equals("bad");
  }

  /// Personal data is found wherever it was planted, and nowhere else: the notes count each kind,
  /// and the placeholders in the texts are as many.
  @Test
  void personalDataIsExact() {
    for (PiiKind kind : PiiKind.values()) {
      String key = kind.name().toLowerCase(Locale.ROOT);
      long planted =
          corpus.documents().stream()
              .filter(document -> document.kind() == Kind.PII && document.pii() == kind)
              .count();
      assertThat(planted).isPositive();
      assertThat(sum("pii", "notes", key)).as(key).isEqualTo(planted);
    }
    long marked = rows.stream().filter(row -> row.text().contains("[")).count();
    long company = Kind.PII.count / PiiKind.values().length;
    assertThat(marked).isEqualTo(Kind.PII.count - company);
  }

  /// What a step did over all sources.
  private static long sum(String step, String... path) {
    try {
      long sum = 0;
      JsonNode report = prepared.report();
      for (JsonNode source : report.path("sources")) {
        for (int s = 0; s < report.path("steps").size(); s++) {
          JsonNode at = source.path("steps").get(s);
          for (String key : path) {
            at = at.path(key);
          }
          sum += report.path("steps").get(s).asText().equals(step) ? at.asLong() : 0;
        }
      }
      return sum;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /// Exact ones are all found, of each family the first is kept.
  @Test
  void exactDuplicatesAreExact() {
    Set<String> expected = new HashSet<>();
    Set<Integer> families = new HashSet<>();
    for (Document document : corpus.documents()) {
      if (document.kind() == Kind.EXACT && !families.add(document.family())) {
        expected.add(name(document.source(), document.id()));
      }
    }
    assertThat(expected).hasSize(Kind.EXACT.count);
    assertThat(removed("dedup", "exact_duplicate")).isEqualTo(expected);
  }

  /// Near ones from the threshold on are found as often as the curve says, and none below it is
  /// removed: precision is 1.
  @Test
  void nearDuplicatesAreThoseOfTheCurve() {
    Map<Integer, Document> firsts = new HashMap<>();
    Map<Double, Integer> found = new TreeMap<>();
    Set<String> removed = removed("dedup", "near_duplicate");
    int expected = 0;
    for (Document document : corpus.documents()) {
      Document first = firsts.putIfAbsent(document.family(), document);
      if (document.kind() == Kind.NEAR && first != null) {
        assertThat(HanText.jaccard(first.text(), document.text())).isEqualTo(document.jaccard());
        boolean isFound = removed.contains(name(document.source(), document.id()));
        found.merge(document.jaccard(), isFound ? 1 : 0, Integer::sum);
        expected += isFound ? 1 : 0;
      }
    }
    assertThat(removed).as("nothing but seconds of pairs").hasSize(expected);
    DedupConfig config = DedupConfig.DEFAULTS;
    for (double jaccard : PlantedCorpus.SIMILARITIES) {
      double share = found.get(jaccard) / (double) PlantedCorpus.PAIRS;
      double curve = jaccard < config.threshold() ? 0 : config.candidateProbability(jaccard);
      System.out.printf("Jaccard %.2f: found %.3f, curve %.3f%n", jaccard, share, curve);
      assertThat(PlantedCorpus.PAIRS * divergence(share, curve))
          .as("%s", jaccard)
          .isLessThan(BOUND);
    }
  }

  /// KL of two Bernoulli distributions.
  private static double divergence(double x, double p) {
    double yes = x == 0 ? 0 : x * Math.log(x / p);
    double no = x == 1 ? 0 : (1 - x) * Math.log((1 - x) / (1 - p));
    return yes + no;
  }

  @Test
  void theLedgerAddsUp() throws IOException {
    JsonNode report = prepared.report();
    assertThat(report.path("steps"))
        .extracting(JsonNode::asText)
        .containsExactly("read", "format", "script", "quality", "pii", "dedup", "tokens");
    for (JsonNode source : report.path("sources")) {
      String name = source.path("name").asText();
      long own = corpus.of(name).size();
      assertThat(source.at("/read/documents").asLong()).isEqualTo(own);
      long documents = own;
      long tokens = source.at("/read/tokens").asLong();
      long characters = -1;
      for (JsonNode step : source.path("steps")) {
        assertThat(step.at("/in/documents").asLong()).isEqualTo(documents);
        assertThat(step.at("/in/tokens").asLong()).isEqualTo(tokens);
        if (characters >= 0) {
          assertThat(step.at("/in/characters").asLong()).isEqualTo(characters);
        }
        for (JsonNode reason : step.path("removed")) {
          documents -= reason.path("documents").asLong();
          tokens -= reason.path("tokens").asLong();
        }
        assertThat(step.at("/out/documents").asLong()).isEqualTo(documents);
        assertThat(step.at("/out/tokens").asLong()).isEqualTo(tokens);
        characters = step.at("/out/characters").asLong();
      }
      List<Row> kept = rows.stream().filter(row -> row.source().equals(name)).toList();
      assertThat(source.at("/written/documents").asLong()).isEqualTo(kept.size());
      assertThat(source.at("/written/tokens").asLong())
          .isEqualTo(kept.stream().mapToLong(Row::tokens).sum());
      assertThat(characters)
          .isEqualTo(
              kept.stream().mapToLong(r -> r.text().codePointCount(0, r.text().length())).sum());
    }
    Tokenizer tokenizer = corpus.tokenizer();
    long left =
        excluded.stream()
            .filter(line -> !line.path("stage").asText().equals("read"))
            .map(line -> line.path("text").asText())
            .mapToLong(text -> tokenizer.encode(text, Tokenizer.Specials.AS_TEXT).length + 2)
            .sum();
    long written = rows.stream().mapToLong(Row::tokens).sum();
    assertThat(sum("read", "in", "tokens")).isEqualTo(left + written);
  }

  @Test
  void benchmarksAreKeptOutOfTrainingAndStayWhatTheyAre() throws IOException {
    Document leaked =
        corpus.documents().stream()
            .filter(d -> d.kind() == Kind.GOOD && d.source().equals("web"))
            .findFirst()
            .orElseThrow();
    Path bench = root.resolve("bench.jsonl");
    Files.writeString(
        bench, new ObjectMapper().writeValueAsString(Map.of("text", leaked.text())) + "\n");
    Path yaml = root.resolve("bench.yaml");
    corpus.config(root.resolve("unused"), Map.of());
    Files.writeString(
        yaml,
        Files.readString(root.resolve("corpus.yaml"))
            + "- {name: bench, files: %1$s, role: eval}\n".formatted(bench)
            + "stages: [format, {decontaminate: {files: %1$s}}]\n".formatted(bench));
    Path output = root.resolve("clean");
    Preparation.run(
        CorpusConfig.read(yaml, Map.of("output_dir", output.toString())),
        (phase, done, begun) -> {});
    PreparedFiles clean = new PreparedFiles(output);
    assertThat(clean.report("bench").at("/written/documents").asLong()).isEqualTo(1);
    List<String> gone =
        clean.excluded().stream()
            .filter(line -> line.path("stage").asText().equals("decontaminate"))
            .map(PreparationTest::name)
            .toList();
    assertThat(gone).containsExactly(name(leaked.source(), leaked.id()));
  }
}
