package dev.yushan.backend.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.backend.AssertingBackend;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.Backends;
import dev.yushan.backend.Plan;
import dev.yushan.backend.Workspace;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The wrappers find what they are there to find, and change no result.
class WrapperTest {
  private final Backend reference = ReferenceBackend.float32();
  private final Backend deferred = Backends.checked(DeferredBackend.over(reference));

  @ParameterizedTest
  @ValueSource(strings = {"attention", "pagedAttention", "rmsNormBackward", "scatter", "adamW"})
  void conform(String op) {
    for (Check check : Check.of(op)) {
      for (Backend backend : List.of(deferred, AssertingBackend.over(reference))) {
        try (Trial trial = new Trial(backend, 7)) {
          check.body().accept(trial);
        }
      }
    }
  }

  @Test
  void trainingSurvivesThem() {
    LlamaTraining.run(AssertingBackend.over(DeferredBackend.over(ReferenceBackend.float64())));
  }

  @Test
  void plansAreRecordedOnce() {
    Tensor x = deferred.tensor(new float[] {1, 2, 3}, 3, 1);
    Tensor factor = deferred.tensor(new float[] {2}, 1);
    int[] bodies = {0};
    Plan plan =
        deferred.record(
            "scale",
            () -> {
              bodies[0]++;
              deferred.kernels().scale(x, factor);
            });
    assertThat(deferred.floats(x)).containsExactly(1, 2, 3);
    plan.run();
    deferred.upload(new float[] {10}, factor);
    plan.run();
    assertThat(deferred.floats(x)).containsExactly(20, 40, 60);
    assertThat(bodies[0]).isEqualTo(1);
  }

  @Test
  void aScalarThatChangesBetweenReplaysIsCaught() {
    Tensor x = deferred.tensor(new float[] {1}, 1);
    float[] value = {5};
    Plan plan = deferred.record("fill", () -> deferred.kernels().fill(x, value[0]));
    plan.run();
    value[0] = 6;
    plan.run();
    assertThat(deferred.floats(x)).containsExactly(5);
  }

  @Test
  void transfersInARecordingAreRefused() {
    for (Backend backend : List.of(deferred, AssertingBackend.over(ReferenceBackend.float32()))) {
      Tensor x = backend.tensor(new float[] {1}, 1);
      List<Runnable> bodies =
          List.of(
              () -> backend.floats(x),
              () -> backend.upload(new float[] {1}, x),
              () -> backend.allocate(4));
      for (Runnable body : bodies) {
        assertThatThrownBy(() -> backend.record("plan", body).run())
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("inside a recording");
      }
    }
  }

  @Test
  void nothingRunsBeforeADownload() {
    ReferenceBackend below = ReferenceBackend.float32();
    Backend late = DeferredBackend.over(below);
    Tensor x = late.tensor(new float[] {1, 2}, 1, 2);
    Tensor out = late.allocate(DType.F32, Shape.of(1, 2));
    Tensor wrong = late.tensor(new int[] {9}, 1);
    late.kernels().gather(x, wrong, out);
    assertThatThrownBy(() -> late.floats(out)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void closedTensorsLastUntilTheirCallsHaveRun() {
    Tensor x = deferred.tensor(new float[] {1, 2}, 2);
    Tensor sum = deferred.allocate(DType.F32, Shape.of(2));
    deferred.kernels().add(x, x, sum);
    x.close();
    assertThat(deferred.floats(sum)).containsExactly(2, 4);
    assertThatThrownBy(() -> deferred.kernels().add(x, x, sum))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void rowsPastTheCountArePoisoned() {
    Tensor rows = deferred.tensor(new int[] {2}, 1);
    Tensor wide = deferred.tensor(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9}, 3, 3);
    Tensor out = deferred.allocate(DType.F32, Shape.of(3, 3));
    deferred
        .kernels()
        .swiGlu(wide.columns(0, 1), wide.columns(2, 3), out.columns(1, 2).counted(rows));
    float[] values = deferred.floats(out);
    assertThat(values[7]).isNaN();
    assertThat(new float[] {values[6], values[8]}).containsExactly(0, 0);
    assertThat(values[4]).isPositive();
  }

  @Test
  void workspaceMemoryIsNotZero() {
    Backend asserting = AssertingBackend.over(reference);
    try (Workspace workspace = new Workspace(asserting, 1024)) {
      assertThat(asserting.floats(workspace.allocate(DType.F32, Shape.of(3))))
          .containsOnly(Float.NaN);
    }
    assertThat(asserting.floats(asserting.allocate(DType.F32, Shape.of(3)))).containsOnly(0);
  }

  @Test
  void namesTheOpThatIsNotFinite() {
    Backend finite = AssertingBackend.over(reference).requiringFinite();
    Tensor x = finite.tensor(new float[] {1, 3e38f}, 2);
    assertThatThrownBy(() -> finite.kernels().add(x, x, x))
        .isInstanceOf(BackendException.class)
        .hasMessageStartingWith("add made element 1 of F32 [2] Infinity");

    float[] values = new float[200_001]; // more than is looked at at a time
    values[200_000] = 3e38f;
    Tensor large = finite.tensor(values, 200_001);
    assertThatThrownBy(() -> finite.kernels().add(large, large, large))
        .hasMessageStartingWith("add made element 200000 of F32 [200001] Infinity");
  }

  @Test
  void looksAtLiveRowsAndOwnColumnsAlone() {
    Backend finite = AssertingBackend.over(reference).requiringFinite();
    Tensor x = finite.tensor(new float[] {1, 1, 3e38f, 3e38f, 3e38f, 3e38f}, 3, 2);
    Tensor sums = finite.tensor(new float[] {0, Float.NaN, 0, Float.NaN, 0, Float.NaN}, 3, 2);
    Tensor one = finite.tensor(new int[] {1}, 1);
    Tensor two = finite.tensor(new int[] {2}, 1);
    finite.kernels().swiGlu(x.columns(0, 1), x.columns(1, 2), sums.columns(0, 1).counted(one));
    Tensor out = sums.columns(0, 1).counted(two);
    assertThatThrownBy(() -> finite.kernels().swiGlu(x.columns(0, 1), x.columns(1, 2), out))
        .hasMessageStartingWith("swiGlu made element 1 of F32 [3, 1]")
        .hasMessageContaining("Infinity");
  }

  /// A device that records computes nothing then: there would be no results to look at.
  @Test
  void looksAtTheResultsOfAPlanOnADeviceToo() {
    Backend finite = AssertingBackend.over(DeferredBackend.over(reference)).requiringFinite();
    Tensor x = finite.tensor(new float[] {1, 2}, 2);
    Plan plan = finite.record("double", () -> finite.kernels().add(x, x, x));
    plan.run();
    assertThat(finite.floats(x)).containsExactly(2, 4);
    finite.upload(new float[] {1, 3e38f}, x);
    assertThatThrownBy(plan::run)
        .isInstanceOf(BackendException.class)
        .hasMessageStartingWith("add made element 1 of F32 [2] Infinity");
  }
}
