package dev.yushan.train;

import static dev.yushan.train.RunFixture.SILENT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.data.prepare.CorpusConfig;
import dev.yushan.data.prepare.CorpusReport;
import dev.yushan.data.prepare.Preparation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Training on what `yushan prepare` made.
class PreparedRunTest {
  @TempDir static Path root;

  private static RunFixture fixture;

  @BeforeAll
  static void files() throws IOException {
    fixture = RunFixture.in(root);
    List<String> lines = Files.readAllLines(root.resolve("train.jsonl"));
    Files.write(root.resolve("one.jsonl"), lines.subList(0, 40));
    Files.write(root.resolve("two.jsonl"), lines.subList(40, 60));
  }

  private static CorpusReport prepare(String name, String two) throws IOException {
    Path yaml =
        Files.writeString(
            root.resolve(name + ".yaml"),
            """
            output_dir: %1$s/%2$s
            tokenizer: %1$s/base
            cutoff_len: 64
            stages: [format]
            sources:
            - {name: one, files: %1$s/one.jsonl}
            - {name: two, files: %1$s/two.jsonl%3$s}
            - {name: held, files: %1$s/valid.jsonl, role: eval}
            - {name: other, files: %1$s/valid.jsonl, role: forget}
            """
                .formatted(root, name, two));
    return Preparation.run(CorpusConfig.read(yaml, Map.of()), (phase, done, begun) -> {});
  }

  private static JsonNode run(String corpus, String run) throws IOException {
    Path output = fixture.output(run);
    TrainingRun.run(
        fixture.config(
            output,
            Map.of(
                "dataset",
                root.resolve(corpus).toString(),
                "eval_dataset",
                root.resolve(corpus).toString(),
                "tokenized_cache_dir",
                root.resolve("empty").toString(),
                "eval_strategy",
                "epoch",
                "num_train_epochs",
                1,
                "logging_steps",
                1)),
        SILENT);
    return new ObjectMapper().readTree(output.resolve("token_ledger.json").toFile());
  }

  @Test
  void lossesBySourceAndOfWhatIsHeldOutAreLoggedAndNothingIsTokenisedAgain() throws IOException {
    prepare("plain", "");
    JsonNode ledger = run("plain", "plain-run");
    String log = Files.readString(fixture.output("plain-run").resolve("trainer_log.jsonl"));
    assertThat(log)
        .contains("\"loss_one\"", "\"loss_two\"", "eval_held_loss", "eval_forget_other_loss");
    assertThat(root.resolve("empty/tokens")).doesNotExist();
    assertThat(ledger.path("selected").path("repeated_documents").asLong()).isZero();
  }

  @Test
  void aSourceIsGoneOverAsOftenAsItIsMixed() throws IOException {
    JsonNode report = prepare("mixed", ", epochs: 2.5").json();
    long one = report.path("sources").get(0).path("written").path("documents").asLong();
    long two = report.path("sources").get(1).path("written").path("documents").asLong();
    JsonNode ledger = run("mixed", "mixed-run");
    long drawn = Math.round(0.5 * two);
    assertThat(ledger.path("selected").path("repeated_documents").asLong()).isEqualTo(two + drawn);
    assertThat(ledger.path("packed").path("documents").asLong()).isEqualTo(one + 2 * two + drawn);
  }

  @Test
  void weightsAreSharesOfTokens() throws IOException {
    Path yaml = root.resolve("weights.yaml");
    prepare("weights", "");
    String text = Files.readString(yaml);
    text =
        text.replace("one.jsonl}", "one.jsonl, weight: 1}")
            .replace("two.jsonl}", "two.jsonl, weight: 3}");
    Files.writeString(yaml, text);
    JsonNode report =
        Preparation.run(CorpusConfig.read(yaml, Map.of()), (phase, done, begun) -> {}).json();
    double one = tokens(report, 0);
    double two = tokens(report, 1);
    assertThat(two / (one + two)).isCloseTo(0.75, offset(1e-9));
    assertThat(one + two)
        .isCloseTo(
            report.path("sources").get(0).path("written").path("tokens").asDouble()
                + report.path("sources").get(1).path("written").path("tokens").asDouble(),
            offset(1e-6));
  }

  private static double tokens(JsonNode report, int source) {
    JsonNode one = report.path("sources").get(source);
    return one.path("epochs").asDouble() * one.path("written").path("tokens").asDouble();
  }

  @Test
  void aDirectoryOfAnotherFormatIsRefused() throws IOException {
    Path other = Files.createDirectories(root.resolve("future"));
    Files.writeString(other.resolve("corpus.json"), "{\"format\": 99}");
    assertThatThrownBy(() -> run("future", "future-run"))
        .hasMessageContaining("is of format 99")
        .hasMessageContaining("prepare the corpus again");
  }
}
