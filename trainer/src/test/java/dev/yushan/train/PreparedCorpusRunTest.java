package dev.yushan.train;

import static dev.yushan.train.RunFixture.SILENT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.data.prepare.CorpusConfig;
import dev.yushan.data.prepare.Preparation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A run on a prepared corpus: nothing is tokenised, each source has its loss.
class PreparedCorpusRunTest {
  @TempDir static Path root;

  private static RunFixture fixture;

  @BeforeAll
  static void prepare() throws IOException {
    fixture = RunFixture.in(root);
    List<String> lines = Files.readAllLines(root.resolve("train.jsonl"));
    Files.write(root.resolve("law.jsonl"), lines.subList(0, 20));
    Files.write(root.resolve("news.jsonl"), lines.subList(20, 60));
    List<String> held = Files.readAllLines(root.resolve("valid.jsonl"));
    Files.write(root.resolve("exam.jsonl"), held.subList(0, 5));
    Files.write(root.resolve("english.jsonl"), held.subList(5, 8));
    Path yaml = root.resolve("corpus.yaml");
    Files.writeString(
        yaml,
        """
        output_dir: %1$s/corpus
        tokenizer: %1$s/base
        cutoff_len: 64
        shard_bytes: 4096
        stages: [{dedup: {near: false}}]
        sources:
        - {name: law, files: %1$s/law.jsonl, epochs: 1.5}
        - {name: news, files: %1$s/news.jsonl}
        - {name: exam, files: %1$s/exam.jsonl, role: eval}
        - {name: english, files: %1$s/english.jsonl, role: forget}
        """
            .formatted(root));
    Preparation.run(CorpusConfig.read(yaml, Map.of()), (phase, done, begun) -> {});
  }

  private static TrainingConfig config(String name) {
    Map<String, Object> settings = fixture.settings(root.resolve(name), Map.of());
    settings.put("dataset", root.resolve("corpus").toString());
    settings.put("eval_dataset", root.resolve("corpus").toString());
    settings.put("tokenized_cache_dir", root.resolve(name + "-cache").toString());
    settings.put("eval_strategy", "steps");
    settings.put("eval_steps", 5);
    return TrainingConfig.of(settings);
  }

  @Test
  void nothingIsTokenizedAndEachSourceHasItsLoss() throws IOException {
    Path output = root.resolve("run");
    TrainingRun.run(config("run"), SILENT);
    assertThat(tokenized(root.resolve("run-cache"))).isEmpty();
    List<JsonNode> log = new ArrayList<>();
    for (String line : Files.readAllLines(output.resolve("trainer_log.jsonl"))) {
      log.add(new ObjectMapper().readTree(line));
    }
    Map<String, Integer> seen = new HashMap<>();
    for (JsonNode entry : log) {
      entry.fieldNames().forEachRemaining(key -> seen.merge(key, 1, Integer::sum));
      for (String key : List.of("loss_law", "loss_news")) {
        assertThat(!entry.has(key) || entry.get(key).asDouble() > 0).isTrue();
      }
    }
    assertThat(seen)
        .containsKeys("loss_law", "loss_news", "eval_exam_loss", "eval_forget_english_loss");
    JsonNode ledger = RunOutput.json(output.resolve("token_ledger.json"));
    assertThat(ledger.at("/selected/repeated_documents").asInt()).isEqualTo(10);
    JsonNode corpus = RunOutput.json(root.resolve("corpus/corpus.json"));
    long documents = 0;
    for (JsonNode source : corpus.path("sources")) {
      documents +=
          source.path("role").asText().equals("train") ? source.path("documents").asLong() : 0;
    }
    assertThat(ledger.at("/read/records").asLong()).isEqualTo(documents);
    assertThat(ledger.at("/packed/documents").asLong()).isEqualTo(documents + 10);
  }

  /// Damaged shards of the corpus, cut as its maker cut them, are not mended but made in the cache.
  @Test
  void damagedShardsAreMadeInTheCache() throws IOException {
    TrainingRun.run(config("sound"), SILENT);
    Path corpus = root.resolve("corpus/tokens");
    List<Path> shards = tokenized(root.resolve("corpus"));
    assertThat(shards).hasSizeGreaterThan(4);
    Map<Path, byte[]> sound = new HashMap<>();
    for (Path shard : shards) {
      byte[] bytes = Files.readAllBytes(shard);
      sound.put(shard, bytes.clone());
      if (shard.endsWith("shard-00000.bin")) {
        bytes[bytes.length / 2] ^= 1;
        Files.write(shard, bytes);
      }
    }
    TrainingRun.run(config("damaged"), SILENT);
    assertThat(tokenized(root.resolve("damaged-cache"))).isNotEmpty();
    assertThat(RunOutput.weights(root.resolve("damaged")))
        .isEqualTo(RunOutput.weights(root.resolve("sound")));
    assertThat(RunOutput.json(root.resolve("damaged/token_ledger.json")))
        .isEqualTo(RunOutput.json(root.resolve("sound/token_ledger.json")));
    assertThat(corpus).isDirectory();
    for (Map.Entry<Path, byte[]> shard : sound.entrySet()) {
      Files.write(shard.getKey(), shard.getValue());
    }
  }

  @Test
  void aDirectoryOfAnotherFormatIsRefused() throws IOException {
    Path other = Files.createDirectories(root.resolve("future"));
    Files.writeString(other.resolve("corpus.json"), "{\"format\": 99}");
    Map<String, Object> settings =
        fixture.settings(root.resolve("future-run"), Map.of("dataset", other.toString()));
    TrainingConfig future = TrainingConfig.of(settings);
    assertThatThrownBy(() -> TrainingRun.run(future, SILENT))
        .hasMessageContaining("is of format 99")
        .hasMessageContaining("prepare the corpus again");
  }

  private static List<Path> tokenized(Path cache) throws IOException {
    if (!Files.exists(cache)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(cache)) {
      return files.filter(file -> file.toString().endsWith(".bin")).sorted().toList();
    }
  }
}
