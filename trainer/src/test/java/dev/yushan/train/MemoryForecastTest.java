package dev.yushan.train;

import static dev.yushan.train.RunFixture.SILENT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.autograd.Keep;
import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.backend.HostMemory;
import dev.yushan.data.MicroBatch;
import dev.yushan.generate.Generator;
import dev.yushan.generate.SamplingParams;
import dev.yushan.golden.Golden;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.model.TokenBatch;
import dev.yushan.optim.AdamWProvider;
import dev.yushan.optim.Optimizer;
import dev.yushan.optim.OptimizerConfig;
import dev.yushan.tensor.DType;
import dev.yushan.train.MemoryPlan.Pass;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What is forecast is what is taken, and what cannot fit is refused with what would help.
class MemoryForecastTest {
  @TempDir static Path root;

  private static RunFixture fixture;

  @BeforeAll
  static void files() {
    fixture = RunFixture.in(root);
  }

  private static Backend backend(long memoryBytes) {
    return Backends.open(
        Optional.of("cpu"),
        new BackendOptions(
            1, Optional.empty(), Map.of("memory_bytes", Long.toString(memoryBytes))));
  }

  private static Backend backend() {
    return backend(Long.MAX_VALUE);
  }

  private static HostForecast nothing() {
    return new HostForecast(0, 0, 0, 0, 0, 0);
  }

  @Test
  void tensorsTakeWhatWasForecastToTheByte() {
    Path directory = Golden.path("tiny-llama-a");
    GoldenRows data = GoldenRows.of("train_tail.safetensors", 8);
    try (Backend backend = backend(1L << 33);
        MemoryPlan plan =
            new MemoryPlan(Models.configJson(directory), new AdamWProvider(), 0, nothing())) {
      for (Keep keep : Keep.values()) {
        MemoryForecast forecast =
            plan.forecast(
                new Pass(
                    data.maxTokens(),
                    data.maxSequences(),
                    keep,
                    Ops.LOSS_CHUNK,
                    false,
                    List.of(new Evaluation("held out", data))));
        long before = backend.availableBytes();
        try (CausalLM model = Models.load(backend, directory, DType.F32, true);
            Optimizer optimizer =
                new AdamWProvider()
                    .create(backend, model.parameters(), OptimizerConfig.defaults());
            Gradients gradients = new Gradients(backend, model.parameters());
            BatchPass training = BatchPass.training(backend, model, data, keep, Ops.LOSS_CHUNK);
            BatchPass evaluation = BatchPass.forward(backend, model, data, Ops.LOSS_CHUNK)) {
          gradients.zero();
          training.scale(1);
          assertThat(BatchPass.sum(training.run(data.get(0, 0).rows()))).isPositive();
          assertThat(BatchPass.sum(evaluation.run(data.get(0, 0).rows()))).isPositive();
          assertThat(before - backend.availableBytes()).as("%s", keep).isEqualTo(forecast.device());
          assertThat(forecast.parameters())
              .isEqualTo(model.parameters().stream().mapToLong(p -> p.value().elements()).sum())
              .isEqualTo(model.config().parameters());
          assertThat(optimizer.state()).hasSize(2 * model.parameters().size());
        }
      }
    }
  }

  @Test
  void samplesTakeWhatWasForecastToTheByte() {
    Path directory = Golden.path("tiny-llama-a");
    try (Backend backend = backend(1L << 33);
        MemoryPlan plan =
            new MemoryPlan(Models.configJson(directory), new AdamWProvider(), 40, nothing());
        CausalLM model = Models.load(backend, directory, DType.F32, true)) {
      long before = backend.availableBytes();
      try (Generator generator = new Generator(backend, model, 40)) {
        generator.generate(new int[] {1, 2, 3}, SamplingParams.greedy(37), (id, p) -> true);
        assertThat(before - backend.availableBytes())
            .isEqualTo(
                plan.forecast(new Pass(8, 1, Keep.PRODUCTS, Ops.LOSS_CHUNK, false, List.of()))
                    .evaluation())
            .isPositive();
      }
    }
  }

  /// Llama 3.2 1B: 16 bytes for each of 1.236 G parameters, and the rest, are less than 24 GiB.
  @Test
  void theShapeOf1BFitsInto24GiBAtASequenceOf512() {
    Path directory = Path.of("../docs/examples/1b-step");
    try (MemoryPlan plan =
        new MemoryPlan(Models.configJson(directory), new AdamWProvider(), 0, nothing())) {
      MemoryForecast forecast =
          plan.forecast(new Pass(512, 1, Keep.PRODUCTS, Ops.LOSS_CHUNK, false, List.of()));
      assertThat(forecast.parameters()).isEqualTo(1_235_814_400L);
      assertThat(forecast.weights() + forecast.gradients() + forecast.optimizer())
          .isEqualTo(16 * 1_235_814_400L);
      assertThat(forecast.device()).isLessThan(22L << 30);
    }
  }

  /// The bits may not depend on how many rows of logits are held at a time.
  @Test
  void theChunkOfLogitsChangesNoBit() {
    Random random = new Random(11);
    int[][] ids = new int[4][];
    Arrays.setAll(ids, i -> random.ints(175, 0, 64).toArray());
    TokenBatch.Rows rows = TokenBatch.Rows.ofSequences(ids);
    List<float[]> whole = gradients(rows, 1024);
    List<float[]> parts = gradients(rows, Ops.LOSS_CHUNK_UNIT);
    for (int i = 0; i < whole.size(); i++) {
      assertThat(parts.get(i)).as("parameter %d, seed 11", i).isEqualTo(whole.get(i));
    }
  }

  private static List<float[]> gradients(TokenBatch.Rows rows, int chunk) {
    MicroBatches data = MicroBatches.of(List.of(new MicroBatch(new int[] {0}, rows, List.of())));
    try (Backend backend = backend();
        CausalLM model = Models.load(backend, Golden.path("tiny-llama-a"), DType.F32, true);
        BatchPass pass = BatchPass.training(backend, model, data, Keep.PRODUCTS, chunk)) {
      pass.scale(1);
      pass.run(rows);
      return model.parameters().stream()
          .map(Parameter::gradient)
          .map(gradient -> backend.floats(gradient.orElseThrow()))
          .toList();
    }
  }

  /// A model whose activations take more than the smallest piece that a workspace asks for.
  private static Path wideModel() {
    Path directory = root.resolve("wide");
    ObjectNode json = Models.configJson(fixture.model());
    json.put("intermediate_size", 2048).put("num_hidden_layers", 6);
    try {
      Files.createDirectories(directory);
      Files.writeString(directory.resolve("config.json"), json.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Models.copyTokenizer(fixture.model(), directory);
    return directory;
  }

  private static TrainingConfig config(String output, Map<String, ?> more) {
    Map<String, Object> settings = new HashMap<>(Map.of("per_device_train_batch_size", 8));
    settings.put("gradient_accumulation_steps", 1);
    settings.put("model_name_or_path", wideModel().toString());
    settings.put("train_from_scratch", true);
    settings.put("logits_chunk", 256);
    settings.put("max_steps", 3);
    settings.put("save_strategy", "no");
    settings.putAll(more);
    return fixture.config(fixture.output(output), settings);
  }

  /// Bytes of tensors that a run of `config` takes.
  private static long tensors(TrainingConfig config) {
    try (Backend backend = backend()) {
      TrainingJob job = TrainingJob.of(config, backend);
      try (TrainingData data = job.openData()) {
        return job.forecast(data, OptionalInt.empty()).memory().device();
      }
    }
  }

  @Test
  void whatCannotFitIsRefusedWithWhatWouldFit() {
    TrainingConfig config = config("refused", Map.of());
    long need = tensors(config);
    long less = tensors(config.with(Map.of("gradient_checkpointing", "true"), "test"));
    assertThat(less).isLessThan(need);
    try (Backend backend = backend(need - 1)) {
      assertThatThrownBy(() -> TrainingRun.run(config, backend, SILENT))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("training needs")
          .hasMessageContaining("gradient_checkpointing: true")
          .hasMessageContaining("per_device_train_batch_size: 4, gradient_accumulation_steps: 2");
      assertThat(fixture.output("refused").resolve("trainer_log.jsonl")).doesNotExist();
    }
    try (Backend backend = backend(1000)) {
      assertThatThrownBy(() -> TrainingRun.run(config, backend, SILENT))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("no setting makes it fit");
    }
  }

  /// A batch of more rows than the data have is no larger than all of them.
  @Test
  void whatSavesNothingIsNotNamed() throws IOException {
    Map<String, Object> settings =
        Map.of("per_device_train_batch_size", 1024, "gradient_checkpointing", true);
    TrainingConfig config = config("rows", settings);
    assertThat(tensors(config.with(Map.of("per_device_train_batch_size", "512"), "test")))
        .isEqualTo(tensors(config));
    assertThat(refusal(config, tensors(config) - 1))
        .contains("per_device_train_batch_size: ")
        .doesNotContain("per_device_train_batch_size: 512");
  }

  /// Checkpointing would undo it: that is for the user to choose.
  @Test
  void roundingIsNotTakenBackInSilence() throws IOException {
    TrainingConfig config = config("rounded", Map.of("bf16", true));
    String undone = "gradient_checkpointing: true, bf16: false";
    assertThat(refusal(config, tensors(config) - 1))
        .contains(undone, "per_device_train_batch_size: 4");
    try (Backend backend = backend(tensors(config) - 1)) {
      TrainingRun.run(config("rounded", Map.of("bf16", true, "memory", "auto")), backend, SILENT);
    }
    assertThat(fixture.output("rounded").resolve("training_config.yaml"))
        .content()
        .containsPattern("per_device_train_batch_size: 4 +# memory: auto")
        .containsPattern("bf16: true +#")
        .containsPattern("gradient_checkpointing: false +# default");
  }

  /// Rows of evaluation may take more than those of training.
  @Test
  void anEvaluationThatIsTooLargeIsMadeSmallerOrLeftOut() throws IOException {
    Map<String, Object> settings = new HashMap<>();
    settings.put("eval_dataset", root.resolve("train.jsonl").toString());
    settings.put("eval_strategy", "steps");
    settings.put("eval_steps", 3);
    settings.put("per_device_train_batch_size", 1);
    settings.put("per_device_eval_batch_size", 64);
    settings.put("gradient_checkpointing", true);
    TrainingConfig config = config("evaluated", settings);
    long need = tensors(config);
    long small = tensors(config.with(Map.of("per_device_eval_batch_size", "1"), "test"));
    long none = tensors(config.with(Map.of("eval_strategy", "no"), "test"));
    assertThat(none).isLessThan(small);
    assertThat(small).isLessThan(need);
    assertThat(refusal(config, need - 1))
        .contains("per_device_eval_batch_size: 1 needs", "eval_strategy: no needs")
        .doesNotContain("no setting makes it fit");
    assertThat(refusal(config, small - 1))
        .contains("eval_strategy: no needs")
        .doesNotContain("per_device_eval_batch_size: 1");
    settings.put("memory", "auto");
    try (Backend backend = backend(need - 1)) {
      TrainingRun.run(config("evaluated", settings), backend, SILENT);
    }
    assertThat(fixture.output("evaluated").resolve("training_config.yaml"))
        .content()
        .containsPattern("per_device_eval_batch_size: 1 +# memory: auto");
  }

  private static String refusal(TrainingConfig config, long memoryBytes) {
    try (Backend backend = backend(memoryBytes)) {
      return TrainingEstimate.of(config, backend).refusal().orElseThrow();
    }
  }

  @Test
  void bothRefusalsAreShownWhereNeitherMemoryNorDiskSuffices() {
    TrainingConfig config =
        config(
            "both",
            Map.of(
                "max_steps", 10_000_000,
                "save_strategy", "steps",
                "save_steps", 1,
                "save_total_limit", 10_000_000));
    try (Backend backend = backend(1000)) {
      assertThat(TrainingEstimate.of(config, backend).refusal().orElseThrow())
          .contains("no setting makes it fit", "but the run writes", "save_total_limit: 1 needs");
    }
  }

  @Test
  void autoChoosesWhatFitsAndSaysSo() throws IOException {
    TrainingConfig fixed = config("fixed", Map.of());
    long need = tensors(fixed);
    Progress expected;
    try (Backend backend = backend()) {
      expected = TrainingRun.run(fixed, backend, SILENT);
    }
    TrainingConfig auto = config("auto", Map.of("memory", "auto"));
    try (Backend backend = backend(need - 1)) {
      Progress end = TrainingRun.run(auto, backend, SILENT);
      assertThat(end.lossSum()).isEqualTo(expected.lossSum());
    }
    assertThat(fixture.output("auto").resolve("training_config.yaml"))
        .content()
        .containsPattern("gradient_checkpointing: true +# memory: auto");
    assertThat(Files.readAllBytes(fixture.output("auto").resolve("model.safetensors")))
        .isEqualTo(Files.readAllBytes(fixture.output("fixed").resolve("model.safetensors")));
  }

  @Test
  void autoDividesAStepAndAResumedRunKeepsTheDivision() {
    Map<String, Object> settings =
        new HashMap<>(Map.of("memory", "auto", "save_strategy", "steps", "save_steps", 2));
    TrainingConfig auto = config("divided", settings);
    long checkpointed = tensors(auto.with(Map.of("gradient_checkpointing", "true"), "test"));
    try (Backend backend = backend(checkpointed - 1)) {
      TrainingRun.run(auto, backend, SILENT);
    }
    Path output = fixture.output("divided");
    assertThat(output.resolve("training_config.yaml"))
        .content()
        .containsPattern("per_device_train_batch_size: 4 +# memory: auto");
    settings.put("resume_from_checkpoint", output.resolve("checkpoint-2").toString());
    try (Backend backend = backend()) {
      Progress end = TrainingRun.run(config("divided", settings), backend, SILENT);
      assertThat(end.steps()).isEqualTo(3);
    }
    assertThat(output.resolve("training_config.yaml"))
        .content()
        .containsPattern("per_device_train_batch_size: 4 +# memory: auto, as in checkpoint-2");
  }

  @Test
  void anEstimateLeavesNothingBehind() {
    TrainingConfig config = config("estimated", Map.of("max_steps", 100));
    try (Backend backend = backend()) {
      TrainingEstimate estimate = TrainingEstimate.of(config, backend);
      assertThat(estimate.tables())
          .contains("weights", "activations", "final model", "MemAvailable");
      TrainingEstimate.Time time = estimate.time().orElseThrow();
      assertThat(time.steps()).isEqualTo(100);
      assertThat(time.seconds()).isPositive();
      assertThat(time.tokensPerStep()).isPositive();
    }
    try (Backend backend = backend(1000)) {
      TrainingEstimate estimate = TrainingEstimate.of(config, backend);
      assertThat(estimate.refusal().orElseThrow()).contains("no setting makes it fit");
      assertThat(estimate.time()).isEmpty();
    }
    assertThat(fixture.output("estimated")).doesNotExist();
  }

  @Test
  void compilingIsForecastForTheFirstRunOfAProcess() {
    HostForecast.noteCompiled();
    assertThat(HostForecast.now(0, 0, true).compiler()).isEqualTo(HostForecast.COMPILER_AGAIN);
  }

  @Test
  void picturesTakeTheMemoryThatThePassesHaveGivenBack() {
    HostForecast host = new HostForecast(0, 0, 0, 0, 0, 100);
    assertThat(forecast(60, host).resident(true)).isEqualTo(1000 + 100);
    assertThat(forecast(300, host).resident(true)).isEqualTo(1000 + 300);
    assertThat(forecast(60, host).resident(false)).isEqualTo(100);
    assertThat(forecast(60, host).toCome(true)).isEqualTo(1000 + 100 + (32 << 20));
    assertThat(forecast(60, host).undrawn().toCome(true)).isEqualTo(1000 + 60 + (32 << 20));
  }

  @Test
  void somethingIsKeptFree() {
    long weights = 4L << 30;
    MemoryForecast forecast = new MemoryForecast(0, weights, 0, 0, 0, 0, 0, 0, 0, nothing());
    assertThat(forecast.toCome(true) / (double) weights).isCloseTo(1.03, offset(1e-6));
    assertThat(forecast.resident(true)).isEqualTo(weights);
    assertThat(limits(forecast.toCome(true)).fits(forecast)).isTrue();
    assertThat(limits(forecast.toCome(true) - 1).fits(forecast)).isFalse();
  }

  private static MemoryLimits limits(long available) {
    HostMemory host = new HostMemory(List.of(new HostMemory.Figure("test", available)));
    return new MemoryLimits("cpu", Long.MAX_VALUE, host, true);
  }

  private static MemoryForecast forecast(long activations, HostForecast host) {
    return new MemoryForecast(0, 1000, 0, 0, 0, activations, 0, 0, 0, host);
  }
}
