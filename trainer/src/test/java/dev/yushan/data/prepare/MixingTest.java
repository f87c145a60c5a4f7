package dev.yushan.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.data.CacheConfig;
import dev.yushan.data.CorpusTokenizer;
import dev.yushan.data.OnBadRecord;
import dev.yushan.data.PackedDataset;
import dev.yushan.data.Packing;
import dev.yushan.data.PackingConfig;
import dev.yushan.data.Selection;
import dev.yushan.data.SourceConfig;
import dev.yushan.data.Sources;
import dev.yushan.data.TokenLedger;
import dev.yushan.data.TokenizeConfig;
import dev.yushan.data.TokenizedDataset;
import dev.yushan.text.BpeTrainer;
import dev.yushan.text.Tokenizers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// How sources are mixed: the shares of tokens in the dataset that training opens.
class MixingTest {
  private static final String[] NAMES = {"law", "news", "web"};
  private static final int[] DOCUMENTS = {40, 120, 320};

  @TempDir static Path root;
  @TempDir private Path directory;

  @BeforeAll
  static void files() throws IOException {
    HanText han = new HanText(new Random(61));
    List<String> texts = new ArrayList<>();
    for (int s = 0; s < NAMES.length; s++) {
      StringBuilder lines = new StringBuilder();
      for (int d = 0; d < DOCUMENTS[s]; d++) {
        // of one length: what is drawn has the tokens that it should have, within rounding
        texts.add(han.of(60));
        lines.append("{\"text\": \"").append(texts.getLast()).append("\"}\n");
      }
      Files.writeString(root.resolve(NAMES[s] + ".jsonl"), lines);
    }
    BpeTrainer.train(
        texts.iterator(), BpeTrainer.Options.ofVocabSize(256 + 10), root.resolve("tokenizer"));
  }

  /// A corpus whose sources have these settings each.
  private Path prepare(String more, String... settings) throws IOException {
    StringBuilder yaml = new StringBuilder(more + "\nstages: []\nsources:\n");
    for (int s = 0; s < NAMES.length; s++) {
      yaml.append(
          "- {name: %1$s, files: %2$s/%1$s.jsonl%3$s}\n".formatted(NAMES[s], root, settings[s]));
    }
    Path file = Files.writeString(directory.resolve("c.yaml"), yaml);
    Path output = directory.resolve("out");
    Map<String, String> places =
        Map.of("output_dir", output.toString(), "tokenizer", root.resolve("tokenizer").toString());
    Preparation.run(CorpusConfig.read(file, places), (phase, done, begun) -> {});
    return output;
  }

  private TokenizedDataset open(Path corpus, long seed) {
    Path tokenizer = root.resolve("tokenizer");
    return TokenizedDataset.open(
        Sources.resolve(SourceConfig.of(corpus.toString())),
        new Selection(Long.MAX_VALUE, 0, seed, Selection.Part.TRAINING),
        OnBadRecord.FAIL,
        TokenizeConfig.of(4096),
        CorpusTokenizer.of(Tokenizers.load(tokenizer), tokenizer.resolve("tokenizer.json")),
        CacheConfig.of(directory.resolve("cache"), 2));
  }

  private record Drawn(Map<String, Long> tokens, List<String> documents, TokenLedger ledger) {
    double share(String name) {
      return tokens.get(name) / (double) tokens.values().stream().mapToLong(t -> t).sum();
    }

    long documentsOf(String name) {
      return documents.stream().filter(place -> place.contains("/" + name + "/")).count();
    }
  }

  private Drawn draw(Path corpus, long seed) {
    try (TokenizedDataset data = open(corpus, seed)) {
      Map<String, Long> tokens = new TreeMap<>();
      List<String> documents = new ArrayList<>();
      for (int d = 0; d < data.documents(); d++) {
        String place = data.document(d).toString();
        documents.add(place);
        for (String name : NAMES) {
          tokens.merge(
              name, place.contains("/" + name + "/") ? (long) data.length(d) : 0, Long::sum);
        }
      }
      assertThat(tokens.values().stream().mapToLong(t -> t).sum()).isEqualTo(data.tokens());
      assertThat(data.cacheUse().tokenizedShards()).isZero();
      PackedDataset packed =
          PackedDataset.of(data, 4096, new PackingConfig(Packing.BEST_FIT, 4096));
      return new Drawn(tokens, documents, packed.ledger().check());
    }
  }

  /// Within a document of its source, of which the number is rounded.
  private static void isShare(Drawn drawn, String name, double share) {
    long document = drawn.tokens().values().stream().mapToLong(t -> t).sum();
    double one = document / (double) drawn.documents().size() / document;
    assertThat(drawn.share(name))
        .as(name)
        .isCloseTo(share, org.assertj.core.data.Offset.offset(2 * one));
  }

  @Test
  void sharesAreThoseOfTheWeights() throws IOException {
    Path corpus = prepare("", ", weight: 5", ", weight: 3", ", weight: 2");
    Drawn drawn = draw(corpus, 7);
    isShare(drawn, "law", 0.5);
    isShare(drawn, "news", 0.3);
    isShare(drawn, "web", 0.2);
    assertThat(drawn.documents()).hasSizeBetween(475, 485);
    assertThat(drawn.ledger().toJson().at("/selected/undrawn_documents").asLong())
        .isEqualTo(320 - drawn.documentsOf("web"));
    // each document once or not at all, where there are enough
    assertThat(drawn.documents().stream().filter(p -> p.contains("/web/"))).doesNotHaveDuplicates();
    // by the seed of the corpus, whatever that of the selection
    assertThat(draw(corpus, 8)).isEqualTo(drawn);
    Drawn other = draw(prepare("seed: 8", ", weight: 5", ", weight: 3", ", weight: 2"), 7);
    assertThat(other.documents()).isNotEqualTo(drawn.documents());
    assertThat(other.documentsOf("web")).isEqualTo(drawn.documentsOf("web"));
  }

  @Test
  void sharesAreThoseOfTheTemperature() throws IOException {
    Drawn drawn = draw(prepare("temperature: 2", "", "", ""), 7);
    double all = Math.sqrt(40) + Math.sqrt(120) + Math.sqrt(320);
    for (int s = 0; s < NAMES.length; s++) {
      isShare(drawn, NAMES[s], Math.sqrt(DOCUMENTS[s]) / all);
    }
  }

  @Test
  void epochsAreHowOftenADocumentComes() throws IOException {
    Drawn drawn = draw(prepare("", ", epochs: 2.5", "", ", epochs: 0.25"), 7);
    assertThat(drawn.documentsOf("law")).isEqualTo(100);
    assertThat(drawn.documentsOf("news")).isEqualTo(120);
    assertThat(drawn.documentsOf("web")).isEqualTo(80);
    Map<String, Integer> times = new TreeMap<>();
    drawn.documents().stream()
        .filter(place -> place.contains("/law/"))
        .forEach(place -> times.merge(place, 1, Integer::sum));
    assertThat(times).hasSize(40);
    assertThat(times.values().stream().filter(t -> t == 3)).hasSize(20);
    assertThat(times.values().stream().filter(t -> t == 2)).hasSize(20);
    assertThat(drawn.ledger().toJson().at("/selected/repeated_documents").asLong()).isEqualTo(60);
    assertThat(drawn.ledger().toJson().at("/selected/undrawn_documents").asLong()).isEqualTo(240);
  }

  @Test
  void withoutMixingAllIsThereOnce() throws IOException {
    Drawn drawn = draw(prepare("", "", "", ""), 7);
    assertThat(drawn.documents()).hasSize(480).doesNotHaveDuplicates();
  }
}
