package dev.yushan.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.autograd.Keep;
import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.golden.Golden;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.optim.AdamWProvider;
import dev.yushan.optim.LrSchedule;
import dev.yushan.optim.Optimizer;
import dev.yushan.optim.OptimizerConfig;
import dev.yushan.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TrajectoryTest extends TrajectoryGolden {
  @Override
  protected Backend open() {
    return Backends.open(Optional.of("cpu"), BackendOptions.defaults());
  }

  /// The bits may not depend on whether activations are kept or computed again.
  @Test
  void checkpointingChangesNoBit() {
    List<float[]> kept = shortRun(Keep.PRODUCTS);
    List<float[]> again = shortRun(Keep.INPUTS);
    for (int i = 0; i < kept.size(); i++) {
      assertThat(Arrays.equals(kept.get(i), again.get(i))).as("parameter %d", i).isTrue();
    }
  }

  private List<float[]> shortRun(Keep keep) {
    TrainerConfig short3 =
        new TrainerConfig(
            3,
            1,
            3,
            new ScheduleConfig(LrSchedule.Kind.COSINE_WITH_MIN_LR, 5e-3, 0.1, 0.1, 0),
            1,
            keep,
            Ops.LOSS_CHUNK,
            Cadence.NEVER,
            false,
            Cadence.NEVER,
            false,
            false,
            Cadence.NEVER,
            SpikeGuard.NONE);
    try (Backend backend = open();
        CausalLM model = Models.load(backend, Golden.path("tiny-llama-a"), DType.F32, true);
        Optimizer optimizer =
            new AdamWProvider().create(backend, model.parameters(), OptimizerConfig.defaults())) {
      new Trainer(
              backend,
              model,
              optimizer,
              GoldenRows.of("train_tail.safetensors", 4),
              List.of(),
              short3)
          .train(Progress.START, new TrainingListener() {});
      return model.parameters().stream().map(Parameter::value).map(backend::floats).toList();
    }
  }
}
