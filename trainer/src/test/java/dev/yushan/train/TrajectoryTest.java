package dev.yushan.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.backend.testkit.DeferredBackend;
import dev.yushan.golden.Golden;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.optim.AdamWProvider;
import dev.yushan.optim.LrSchedule;
import dev.yushan.optim.Optimizer;
import dev.yushan.optim.OptimizerConfig;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Thirty optimizer steps against those of `Trainer` in transformers.
class TrajectoryTest {
  private static final double TOLERANCE = 1e-5;

  /// A golden run: its rows, what it adds up to, and the norm that it clipped to.
  record Run(String name, String rows, double epochs, double maxGradNorm) {}

  private static final Run MAIN = new Run("trajectory_main", "train_a.safetensors", 1, 1.0);
  private static final Run TAIL = new Run("trajectory_tail", "train_tail.safetensors", 2, 1.45);

  private static final Map<String, Supplier<Backend>> BACKENDS =
      Map.of(
          "cpu",
          TrajectoryTest::cpu,
          "deferred cpu",
          () -> Backends.checked(DeferredBackend.over(cpu())));

  private static Backend cpu() {
    return Backends.open(Optional.of("cpu"), BackendOptions.defaults());
  }

  static List<Arguments> runs() {
    List<Arguments> all = new ArrayList<>();
    for (Run run : List.of(MAIN, TAIL)) {
      BACKENDS.keySet().forEach(backend -> all.add(Arguments.of(run, backend, false)));
    }
    return all;
  }

  private static TrainerConfig config(Run run, boolean checkpointing) {
    return new TrainerConfig(
        3,
        run.epochs(),
        -1,
        new ScheduleConfig(LrSchedule.Kind.COSINE_WITH_MIN_LR, 5e-3, 0.1, 0.1, 0),
        run.maxGradNorm(),
        checkpointing,
        Ops.LOSS_CHUNK,
        Cadence.steps(1),
        false,
        Cadence.NEVER,
        false,
        false,
        Cadence.NEVER,
        SpikeGuard.NONE);
  }

  @ParameterizedTest(name = "{0} on {1}")
  @MethodSource("runs")
  void everyStepIsThatOfTransformers(Run run, String backendName, boolean checkpointing) {
    JsonNode golden = Golden.json(run.name() + "/trajectory.json");
    JsonNode state = Golden.json(run.name() + "/trainer_state.json");
    List<StepReport> steps = new ArrayList<>();
    try (Backend backend = BACKENDS.get(backendName).get();
        CausalLM model = Models.load(backend, Golden.path("tiny-llama-a"), DType.F32, true);
        Optimizer optimizer =
            new AdamWProvider()
                .create(backend, model.parameters(), new OptimizerConfig(0.9, 0.999, 1e-8, 0.1))) {
      Trainer trainer =
          new Trainer(
              backend,
              model,
              optimizer,
              GoldenRows.of(run.rows(), 4),
              List.of(),
              config(run, checkpointing));
      Progress end =
          trainer.train(
              Progress.START,
              new TrainingListener() {
                @Override
                public void logged(StepReport step, double loss, Progress progress) {
                  JsonNode entry = state.get("log_history").get((int) step.step() - 1);
                  assertThat(trainer.plan().epochsAfter(step.step()))
                      .isEqualTo(entry.get("epoch").asDouble());
                  assertThat(loss).isEqualTo(step.loss(), within(1e-12));
                  steps.add(step);
                }
              });
      assertThat(steps).hasSize(30);
      for (int i = 0; i < 30; i++) {
        StepReport step = steps.get(i);
        close(step.learningRate(), golden.get("learning_rate").get(i).asDouble(), 1e-9, "lr " + i);
        assertThat(step.loss())
            .as("loss %d", i)
            .isEqualTo(golden.get("loss").get(i).asDouble(), within(TOLERANCE));
        close(
            step.gradientNorm(), golden.get("grad_norm").get(i).asDouble(), TOLERANCE, "norm " + i);
      }
      assertThat(end.meanLoss())
          .isEqualTo(
              state.get("log_history").get(30).get("train_loss").asDouble(), within(TOLERANCE));
      for (Parameter parameter : model.parameters()) {
        close(backend, parameter.value(), run.name() + "/final.safetensors", parameter.name());
      }
      if (run == MAIN) {
        optimizer
            .state()
            .forEach(
                (name, tensor) ->
                    close(backend, tensor, run.name() + "/adam_state_final.safetensors", name));
        assertThat(optimizer.state())
            .hasSize(Golden.names("trajectory_main/adam_state_final.safetensors").size());
      }
    }
  }

  private static void close(double actual, double wanted, double relative, String what) {
    assertThat(Math.abs(actual - wanted)).as(what).isLessThanOrEqualTo(relative * Math.abs(wanted));
  }

  private static void close(Backend backend, Tensor tensor, String file, String name) {
    float[] actual = backend.floats(tensor);
    float[] wanted = Golden.floats(file, name);
    assertThat(actual).hasSameSizeAs(wanted);
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < wanted.length; i++) {
      difference += Math.pow((double) actual[i] - wanted[i], 2);
      norm += Math.pow(wanted[i], 2);
    }
    assertThat(Math.sqrt(difference / norm)).as("%s %s", file, name).isLessThan(TOLERANCE);
  }

  @Test
  void evaluationGivesBothMeans() {
    JsonNode golden = Golden.json("manifest.json").get("training").get("eval");
    try (Backend backend = cpu();
        CausalLM model = Models.load(backend, Golden.path("tiny-llama-a"), DType.F32, false)) {
      for (Parameter parameter : model.parameters()) {
        backend.upload(
            Golden.floats("trajectory_main/final.safetensors", parameter.name()),
            parameter.value());
      }
      EvalResult result =
          new Evaluation("eval", GoldenRows.of("eval_a.safetensors", 4)).run(backend, model);
      close(result.loss(), golden.get("token_weighted_mean").asDouble(), TOLERANCE, "eval_loss");
      close(result.lossHf(), golden.get("trainer_eval_loss").asDouble(), TOLERANCE, "eval_loss_hf");
      assertThat(result.rows()).isEqualTo(10);
      assertThat(result.batches()).isEqualTo(3);
    }
  }

  /// The bits may not depend on whether activations are kept or computed again.
  @Test
  void checkpointingChangesNoBit() {
    List<float[]> kept = shortRun(false);
    List<float[]> again = shortRun(true);
    for (int i = 0; i < kept.size(); i++) {
      assertThat(Arrays.equals(kept.get(i), again.get(i))).as("parameter %d", i).isTrue();
    }
  }

  private static List<float[]> shortRun(boolean checkpointing) {
    TrainerConfig long30 = config(TAIL, checkpointing);
    TrainerConfig short3 =
        new TrainerConfig(
            3,
            1,
            3,
            long30.schedule(),
            1,
            checkpointing,
            Ops.LOSS_CHUNK,
            Cadence.NEVER,
            false,
            Cadence.NEVER,
            false,
            false,
            Cadence.NEVER,
            SpikeGuard.NONE);
    try (Backend backend = cpu();
        CausalLM model = Models.load(backend, Golden.path("tiny-llama-a"), DType.F32, true);
        Optimizer optimizer =
            new AdamWProvider().create(backend, model.parameters(), OptimizerConfig.defaults())) {
      new Trainer(backend, model, optimizer, GoldenRows.of(TAIL.rows(), 4), List.of(), short3)
          .train(Progress.START, new TrainingListener() {});
      return model.parameters().stream().map(Parameter::value).map(backend::floats).toList();
    }
  }
}
