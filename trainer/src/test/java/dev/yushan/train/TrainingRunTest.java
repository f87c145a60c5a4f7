package dev.yushan.train;

import static dev.yushan.train.RunFixture.SILENT;
import static dev.yushan.train.RunOutput.checkpoints;
import static dev.yushan.train.RunOutput.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a run leaves behind that goes its whole way.
class TrainingRunTest {
  @TempDir static Path root;

  private static RunFixture fixture;

  @BeforeAll
  static void files() {
    fixture = RunFixture.in(root);
  }

  @Test
  void aRunLeavesTheFilesThatItsUsersKnow() throws IOException {
    Path output = fixture.output("files");
    Progress end =
        TrainingRun.run(
            fixture.config(
                output,
                Map.of(
                    "eval_strategy", "steps",
                    "eval_steps", 5,
                    "plot_loss", true,
                    "save_dtype", "bfloat16",
                    "include_num_input_tokens_seen", "all")),
            SILENT);
    assertThat(checkpoints(output)).hasSize(3).contains("checkpoint-" + end.steps());
    JsonNode state = json(output.resolve("trainer_state.json"));
    assertThat(state.get("global_step").asLong()).isEqualTo(end.steps());
    assertThat(state.get("epoch").asDouble()).isEqualTo(2.0);
    JsonNode first = state.get("log_history").get(0);
    assertThat(first.get("learning_rate").asDouble()).isZero();
    assertThat(first.get("num_input_tokens_seen").asLong()).isPositive();
    List<String> lines = Files.readAllLines(output.resolve("trainer_log.jsonl"));
    JsonNode line = new ObjectMapper().readTree(lines.getFirst());
    for (String field :
        List.of(
            "current_steps",
            "total_steps",
            "loss",
            "lr",
            "epoch",
            "percentage",
            "elapsed_time",
            "remaining_time",
            "throughput",
            "total_tokens")) {
      assertThat(line.has(field)).as(field).isTrue();
    }
    JsonNode all = json(output.resolve("all_results.json"));
    assertThat(all.get("train_loss").asDouble()).isEqualTo(end.meanLoss());
    assertThat(all.get("eval_perplexity").asDouble())
        .isEqualTo(Math.exp(all.get("eval_loss").asDouble()));
    JsonNode training = json(output.resolve("train_results.json"));
    for (String field :
        List.of(
            "epoch",
            "total_flos",
            "train_loss",
            "train_runtime",
            "train_samples_per_second",
            "train_steps_per_second",
            "performed_flops",
            "mfu")) {
      assertThat(training.get(field).asDouble()).as(field).isPositive();
    }
    assertThat(training.get("model_flops").asDouble())
        .isGreaterThan(training.get("total_flos").asDouble());
    assertThat(json(output.resolve("eval_results.json")).has("eval_loss_hf")).isTrue();
    assertThat(output.resolve("training_loss.png")).isNotEmptyFile();
    assertThat(output.resolve("tokenizer.json")).isRegularFile();
    assertThat(output.resolve("training_config.yaml")).content().contains("learning_rate: 0.002");
    assertThat(output.resolve("checkpoint-" + end.steps() + "/training_state.json"))
        .isRegularFile();
    assertThat(json(output.resolve("config.json")).toString()).contains("bfloat16");
    try (Backend backend = Backends.open(Optional.empty(), BackendOptions.defaults());
        CausalLM model = Models.load(backend, output, DType.F32, false)) {
      assertThat(model.parameters()).isNotEmpty();
    }
  }

  @Test
  void theLossFalls() {
    List<Double> losses = new ArrayList<>();
    TrainingRun.run(
        fixture.config(fixture.output("falls"), Map.of("save_strategy", "no")),
        new TrainingListener() {
          @Override
          public void stepped(StepReport step, Progress progress) {
            losses.add(step.loss());
          }
        });
    assertThat(losses.getLast()).isLessThan(losses.getFirst() - 0.5);
  }

  @Test
  void aDirectoryWithARunIsNotOverwrittenUnasked() throws IOException {
    Path output = fixture.output("twice");
    TrainingRun.run(fixture.config(output, Map.of("max_steps", 6)), SILENT);
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(output, Map.of()), SILENT))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("overwrite_output_dir");
    TrainingRun.run(
        fixture.config(output, Map.of("max_steps", 3, "overwrite_output_dir", true)), SILENT);
    assertThat(checkpoints(output)).containsExactly("checkpoint-3");
  }

  @Test
  void aSecondWriterIsRefused() {
    Path output = fixture.output("locked");
    TrainingConfig config = fixture.config(output, Map.of("max_steps", 1));
    List<Throwable> refused = new ArrayList<>();
    TrainingRun.run(
        config,
        new TrainingListener() {
          @Override
          public void stepped(StepReport step, Progress progress) {
            try {
              TrainingRun.run(config, SILENT);
            } catch (TrainingException e) {
              refused.add(e);
            }
          }
        });
    assertThat(refused).hasSize(1);
    assertThat(refused.getFirst()).hasMessageContaining("in use by another run");
  }
}
