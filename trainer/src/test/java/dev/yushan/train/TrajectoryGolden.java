package dev.yushan.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.autograd.Keep;
import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Traffic;
import dev.yushan.data.MicroBatch;
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
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Thirty optimizer steps on a backend against those of `Trainer` in transformers: extend it and
/// say how the backend is opened.
public abstract class TrajectoryGolden {
  private static final double TOLERANCE = 1e-5;
  private static final double BF16_TOLERANCE = 2e-2;

  /// Opens a backend of its own; whoever asks for it closes it.
  protected abstract Backend open();

  /// How many bytes the backend moves for a transfer of at most a few thousand, if it counts them.
  protected long moved(long bytes) {
    return bytes;
  }

  /// A golden run: its rows, what it adds up to, and the norm that it clipped to.
  record Run(String name, String rows, double epochs, double maxGradNorm) {}

  private static final Run MAIN = new Run("trajectory_main", "train_a.safetensors", 1, 1.0);
  private static final Run TAIL = new Run("trajectory_tail", "train_tail.safetensors", 2, 1.45);

  static List<Run> runs() {
    return List.of(MAIN, TAIL);
  }

  private static TrainerConfig config(Run run, int maxSteps, Keep keep) {
    return new TrainerConfig(
        3,
        run.epochs(),
        maxSteps,
        new ScheduleConfig(LrSchedule.Kind.COSINE_WITH_MIN_LR, 5e-3, 0.1, 0.1, 0),
        run.maxGradNorm(),
        keep,
        Ops.LOSS_CHUNK,
        Cadence.steps(1),
        false,
        Cadence.NEVER,
        false,
        false,
        Cadence.NEVER,
        SpikeGuard.NONE);
  }

  @ParameterizedTest
  @MethodSource("runs")
  void everyStepIsThatOfTransformers(Run run) {
    JsonNode golden = Golden.json(run.name() + "/trajectory.json");
    JsonNode state = Golden.json(run.name() + "/trainer_state.json");
    List<StepReport> steps = new ArrayList<>();
    try (Backend backend = open();
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
              config(run, -1, Keep.PRODUCTS));
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

  /// Activations rounded to BF16 learn as under the BF16 autocast of transformers. What they change
  /// of the losses is less than what autocast does, which rounds the operands of products too, and
  /// more than a hundredth of it: so it was rounded, and nothing else.
  @Test
  void everyStepIsNearThatOfTransformersInBf16() {
    JsonNode golden = Golden.json("trajectory_bf16/trajectory.json");
    JsonNode plain = Golden.json(MAIN.name() + "/trajectory.json");
    List<StepReport> rounded = steps(Keep.PRODUCTS_BF16);
    List<StepReport> exact = steps(Keep.PRODUCTS);
    assertThat(rounded).hasSize(30);
    double theirs = 0;
    double ours = 0;
    for (int i = 0; i < 30; i++) {
      double loss = golden.get("loss").get(i).asDouble();
      assertThat(rounded.get(i).loss()).as("loss %d", i).isEqualTo(loss, within(BF16_TOLERANCE));
      close(
          rounded.get(i).gradientNorm(),
          golden.get("grad_norm").get(i).asDouble(),
          BF16_TOLERANCE,
          "norm " + i);
      theirs = Math.max(theirs, Math.abs(loss - plain.get("loss").get(i).asDouble()));
      ours = Math.max(ours, Math.abs(rounded.get(i).loss() - exact.get(i).loss()));
    }
    assertThat(ours).isBetween(theirs / 100, theirs);
  }

  private List<StepReport> steps(Keep keep) {
    List<StepReport> steps = new ArrayList<>();
    try (Backend backend = open();
        CausalLM model = Models.load(backend, Golden.path("tiny-llama-a"), DType.F32, true);
        Optimizer optimizer =
            new AdamWProvider()
                .create(backend, model.parameters(), new OptimizerConfig(0.9, 0.999, 1e-8, 0.1))) {
      GoldenRows rows = GoldenRows.of(MAIN.rows(), 4);
      new Trainer(backend, model, optimizer, rows, List.of(), config(MAIN, -1, keep))
          .train(
              Progress.START,
              new TrainingListener() {
                @Override
                public void stepped(StepReport step, Progress progress) {
                  steps.add(step);
                }
              });
    }
    return steps;
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

  /// After the first step nothing is allocated, and what moves is what changes: of each micro-batch
  /// its ids, positions and targets, where its rows start and how many tokens it has; of each step
  /// the factor on the loss and four numbers of the optimizer. Back come the losses of the tokens,
  /// and a number for each gradient.
  @Test
  void stepsMoveTokensAndLossesAlone() {
    try (Backend backend = open();
        CausalLM model = Models.load(backend, Golden.path("tiny-llama-a"), DType.F32, true);
        Optimizer optimizer =
            new AdamWProvider().create(backend, model.parameters(), OptimizerConfig.defaults())) {
      GoldenRows rows = GoldenRows.of(MAIN.rows(), 4);
      long gradients = model.parameters().stream().flatMap(p -> p.gradient().stream()).count();
      List<Long> free = new ArrayList<>();
      List<Traffic> counts = new ArrayList<>();
      List<Integer> tokens = new ArrayList<>();
      TrainingListener watch =
          new TrainingListener() {
            @Override
            public void computed(MicroBatch batch, float[] nll) {
              tokens.add(batch.rows().length());
            }

            @Override
            public void stepped(StepReport step, Progress progress) {
              free.add(backend.availableBytes());
              counts.add(backend.traffic());
            }
          };
      new Trainer(backend, model, optimizer, rows, List.of(), config(MAIN, 4, Keep.PRODUCTS))
          .train(Progress.START, watch);
      assertThat(free).hasSize(4).containsOnly(free.getFirst());
      for (int step = 1; step < 4 && !backend.usesHostMemory(); step++) {
        long sent = moved(4) + moved(16);
        long fetched = moved(4 * gradients);
        for (int n : tokens.subList(3 * step, 3 * step + 3)) {
          sent += 3 * moved(4L * n) + moved(4L * (rows.maxSequences() + 1)) + moved(4);
          fetched += moved(4L * n);
        }
        Traffic traffic = counts.get(step).since(counts.get(step - 1));
        assertThat(traffic.sent()).as("bytes sent in step %d", step).isEqualTo(sent);
        assertThat(traffic.fetched()).as("bytes fetched in step %d", step).isEqualTo(fetched);
      }
    }
  }

  @Test
  void evaluationGivesBothMeans() {
    JsonNode golden = Golden.json("manifest.json").get("training").get("eval");
    try (Backend backend = open();
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
}
