package dev.yushan.train;

import static dev.yushan.train.RunFixture.SILENT;
import static dev.yushan.train.RunOutput.json;
import static dev.yushan.train.RunOutput.weights;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.report.ModelCard;
import dev.yushan.report.TestEvents;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a run leaves beside model and log: facts, samples, event files, reports.
class RunRecordTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path root;

  private static RunFixture fixture;
  private static Path recorded;

  @BeforeAll
  static void run() throws IOException {
    fixture = RunFixture.in(root);
    Files.writeString(
        fixture.model().resolve("README.md"),
        "---\nlicense: llama3.2\nlanguage: [en, zh]\n---\n# The base\n");
    recorded = fixture.output("recorded");
    TrainingRun.run(fixture.config(recorded, recording()), SILENT);
  }

  private static Map<String, Object> recording() {
    Map<String, Object> settings = new HashMap<>();
    settings.put(
        "eval_dataset",
        List.of(root.resolve("valid.jsonl").toString(), root.resolve("train.jsonl").toString()));
    settings.put("eval_strategy", "steps");
    settings.put("eval_steps", 4);
    settings.put("report_to", "tensorboard");
    settings.put("sample_prompts", List.of("台灣, the ", "第一條"));
    settings.put("sample_max_tokens", 8);
    return settings;
  }

  private static List<JsonNode> samples(Path output) throws IOException {
    List<JsonNode> samples = new ArrayList<>();
    for (String line : Files.readAllLines(output.resolve(Samples.FILE))) {
      samples.add(JSON.readTree(line));
    }
    return samples;
  }

  /// The scalars that TensorBoard shows: of all files in order, what a continued run purged taken
  /// out.
  private static Map<String, Map<Long, Double>> scalars(Path output) throws IOException {
    Map<String, Map<Long, Double>> shown = new TreeMap<>();
    try (Stream<Path> files = Files.list(output.resolve("runs"))) {
      for (Path file : files.sorted().toList()) {
        for (TestEvents.Event event : TestEvents.read(file)) {
          event
              .sessionStart()
              .ifPresent(
                  from -> shown.values().forEach(steps -> steps.keySet().removeIf(s -> s >= from)));
          event
              .scalars()
              .forEach(
                  (tag, value) ->
                      shown.computeIfAbsent(tag, t -> new TreeMap<>()).put(event.step(), value));
        }
      }
    }
    return shown;
  }

  @Test
  void theFactsOfTheRun() throws IOException {
    JsonNode facts = json(recorded.resolve(RunFacts.FILE));
    assertThat(facts.at("/software/java").asText()).isEqualTo(Runtime.version().toString());
    assertThat(facts.at("/machine/processors").asInt()).isPositive();
    assertThat(facts.at("/machine/backend").asText()).isEqualTo("cpu");
    assertThat(facts.at("/base/card/license").asText()).isEqualTo("llama3.2");
    assertThat(facts.at("/model/parameters").asLong()).isPositive();
    JsonNode ledger = json(recorded.resolve("token_ledger.json"));
    assertThat(facts.at("/datasets/0/name").asText()).isEqualTo("train");
    assertThat(facts.at("/datasets/0/documents")).isEqualTo(ledger.at("/packed/documents"));
    assertThat(facts.at("/datasets/0/tokens")).isEqualTo(ledger.at("/packed/tokens"));
    assertThat(facts.at("/eval_datasets/0/documents").asLong()).isEqualTo(8);
    assertThat(facts.at("/scripts/HAN").asDouble()).isBetween(0.5, 1.0);
    assertThat(facts.at("/processes")).hasSize(1);
    assertThat(facts.at("/processes/0/ended").asText()).isNotEmpty();
  }

  @Test
  void samplesAreTakenBeforeTheFirstStepAtEvaluationsAndAtTheEnd() throws IOException {
    long end = json(recorded.resolve("trainer_state.json")).get("global_step").asLong();
    List<Long> expected = new ArrayList<>(List.of(0L));
    for (long step = 4; step < end; step += 4) {
      expected.add(step);
    }
    expected.add(end);
    List<JsonNode> samples = samples(recorded);
    assertThat(samples.stream().map(sample -> sample.get("step").asLong()).distinct())
        .isEqualTo(expected);
    assertThat(samples.stream().filter(sample -> sample.get("step").asLong() == 4))
        .extracting(sample -> sample.get("prompt").asText())
        .containsExactly("台灣, the ", "第一條");
  }

  @Test
  void samplesAndEventsLeaveTheWeightsAlone() throws IOException {
    Path plain = fixture.output("plain");
    TrainingRun.run(fixture.config(plain, Map.of()), SILENT);
    assertThat(plain.resolve(Samples.FILE)).doesNotExist();
    assertThat(plain.resolve("runs")).doesNotExist();
    assertThat(weights(recorded)).isEqualTo(weights(plain));
  }

  @Test
  void theEventsAreTheHistoryUnderTheTagsOfTransformers() throws IOException {
    Map<String, Map<Long, Double>> shown = scalars(recorded);
    assertThat(shown)
        .containsKeys(
            "train/loss",
            "train/learning_rate",
            "train/grad_norm",
            "train/epoch",
            "eval/valid_loss",
            "eval/train_loss",
            "train/train_runtime",
            "train/total_flos");
    int numbers = 0;
    for (JsonNode entry : json(recorded.resolve("trainer_state.json")).get("log_history")) {
      for (Map.Entry<String, JsonNode> field : entry.properties()) {
        String key = field.getKey();
        if (!key.equals("step")) {
          String tag = key.startsWith("eval_") ? "eval/" + key.substring(5) : "train/" + key;
          float value = (float) field.getValue().asDouble();
          assertThat(shown.get(tag)).as(tag).containsKey(entry.get("step").asLong());
          if (!key.equals("epoch")) {
            assertThat(shown.get(tag))
                .as(tag)
                .containsEntry(entry.get("step").asLong(), (double) value);
          }
          numbers++;
        }
      }
    }
    assertThat(numbers).isGreaterThan(100);
  }

  @Test
  void aContinuedRunLosesNoRecordAndRepeatsNone() throws IOException {
    Path broken = fixture.output("broken");
    assertThatThrownBy(
            () -> TrainingRun.run(fixture.config(broken, recording()), PowerCut.after(8)))
        .isInstanceOf(PowerCut.class);
    assertThat(scalars(broken).get("train/loss")).hasSize(7);
    // the last line is cut off in the midst of a character
    byte[] line = "{\"step\":5,\"prompt\":\"山".getBytes(StandardCharsets.UTF_8);
    Files.write(
        broken.resolve(Samples.FILE),
        Arrays.copyOf(line, line.length - 1),
        StandardOpenOption.APPEND);
    Map<String, Object> again = recording();
    again.put("resume_from_checkpoint", true);
    TrainingRun.run(fixture.config(broken, again), SILENT);
    assertThat(scalars(broken).get("train/loss")).isEqualTo(scalars(recorded).get("train/loss"));
    assertThat(scalars(broken).get("eval/valid_loss"))
        .isEqualTo(scalars(recorded).get("eval/valid_loss"));
    assertThat(samples(broken)).isEqualTo(samples(recorded));
    JsonNode processes = json(broken.resolve(RunFacts.FILE)).get("processes");
    assertThat(processes).hasSize(2);
    assertThat(processes.get(0).has("ended")).isFalse();
    assertThat(processes.get(1).get("from_step").asLong()).isEqualTo(6);
  }

  @ParameterizedTest
  @ValueSource(longs = {4, 8})
  void theSamplesOfAnEvaluationThatWasStoppedAreTakenWithIt(long step) throws IOException {
    Path output = fixture.output("stopped-evaluation-" + step);
    Map<String, Object> settings = recording();
    settings.put("max_steps", 8);
    settings.put("sample_prompts", "台灣");
    TrainingListener stop =
        new TrainingListener() {
          private int asked;

          @Override
          public Optional<String> stop(Progress progress) {
            boolean evaluating = progress.evaluationDue() && progress.steps() == step;
            return evaluating && ++asked > 1 ? Optional.of("test") : Optional.empty();
          }
        };
    TrainingRun.run(fixture.config(output, settings), stop);
    assertThat(samples(output)).hasSize((int) step / 4);
    settings.put("resume_from_checkpoint", true);
    TrainingRun.run(fixture.config(output, settings), SILENT);
    assertThat(samples(output))
        .extracting(sample -> sample.get("step").asLong())
        .containsExactly(0L, 4L, 8L);
  }

  @Test
  void sampleStepsTakeThePlaceOfEvaluations() throws IOException {
    Path output = fixture.output("every");
    Map<String, Object> settings = recording();
    settings.put("sample_steps", 3);
    settings.put("max_steps", 7);
    settings.put("sample_prompts", "台灣");
    TrainingRun.run(fixture.config(output, settings), SILENT);
    assertThat(samples(output))
        .extracting(s -> s.get("step").asLong())
        .containsExactly(0L, 3L, 6L, 7L);
  }

  @Test
  void promptsThatCannotBeCompletedAreFoundBeforeTheStart() {
    assertThatThrownBy(
            () ->
                TrainingRun.run(
                    fixture.config(
                        fixture.output("refused"),
                        Map.of("sample_prompts", "台灣", "sample_max_tokens", 100_000)),
                    SILENT))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("lower sample_max_tokens");
    assertThatThrownBy(
            () ->
                fixture.config(
                    fixture.output("refused"), Map.of("sample_prompts", List.of("a", ""))))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("sample_prompts must be a text or a list of texts");
  }

  @Test
  void theSettingsAreReadBackAsTheyWere() throws IOException {
    TrainingConfig again = TrainingConfig.read(recorded.resolve("training_config.yaml"), Map.of());
    assertThat(again.texts("sample_prompts")).containsExactly("台灣, the ", "第一條");
  }

  @Test
  void pageAndCardAreThereAndAStrangersCardIsKept() throws IOException {
    assertThat(recorded.resolve("report.html")).content().contains("\"finished\":true");
    assertThat(recorded.resolve("README.md")).content().contains("license: llama3.2", "第一條");
    Path output = fixture.output("with-card");
    Files.createDirectories(output);
    Files.writeString(output.resolve("README.md"), "mine");
    TrainingRun.run(fixture.config(output, Map.of("max_steps", 2)), SILENT);
    assertThat(output.resolve("README.md")).hasContent("mine");
    assertThat(ModelCard.isOurs(output.resolve("README.md"))).isFalse();
    TrainingRun.run(
        fixture.config(output, Map.of("max_steps", 2, "overwrite_output_dir", true)), SILENT);
    assertThat(output.resolve("README.md")).hasContent("mine");
  }

  @Test
  void theModelOfAnEarlierRunIsNotTakenForThatOfANewOne() {
    Path output = fixture.output("replaced");
    TrainingRun.run(fixture.config(output, Map.of("max_steps", 1)), SILENT);
    assertThat(output.resolve("model.safetensors")).exists();
    TrainingListener stop =
        new TrainingListener() {
          @Override
          public Optional<String> stop(Progress progress) {
            return Optional.of("test");
          }
        };
    TrainingRun.run(
        fixture.config(output, Map.of("max_steps", 3, "overwrite_output_dir", true)), stop);
    assertThat(output.resolve("model.safetensors")).doesNotExist();
    assertThat(output.resolve("checkpoint-0/model.safetensors")).exists();
  }

  @Test
  void aModelThatNoRunHasMadeIsNotDeletedAtTheStart() throws IOException {
    Path output = Files.createDirectories(fixture.output("foreign"));
    Path model = Files.writeString(output.resolve("model.safetensors"), "mine");
    TrainingListener stop =
        new TrainingListener() {
          @Override
          public Optional<String> stop(Progress progress) {
            return Optional.of("test");
          }
        };
    TrainingRun.run(fixture.config(output, Map.of("max_steps", 3)), stop);
    assertThat(model).hasContent("mine");
  }
}
