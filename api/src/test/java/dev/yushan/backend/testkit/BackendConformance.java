package dev.yushan.backend.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.yushan.backend.AssertingBackend;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.backend.Feature;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.backend.Plan;
import dev.yushan.backend.Traffic;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Storage;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;

/// What every backend must pass: a backend's test extends it and says how one is opened.
///
/// Shapes and values follow from a seed, which every failure prints: `-Dyushan.seed=N` draws
/// others. `-Dyushan.thorough=true` adds large shapes.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class BackendConformance {
  private static final long SEED = Long.getLong("yushan.seed", 1950);

  /// Opens a backend of its own; whoever asks for it closes it.
  protected abstract Backend open(BackendOptions options);

  private final Map<String, Long> digests = new HashMap<>();

  private Backend open() {
    return open(BackendOptions.defaults());
  }

  private Backend open(int threads) {
    return open(BackendOptions.defaults().withThreads(threads));
  }

  /// Every check of every op, against the reference.
  @TestFactory
  @DisplayName("B-6 B-7 B-8 B-10 B-11 B-17 B-18 ops")
  Stream<DynamicTest> ops() {
    return Check.all().stream()
        .map(check -> DynamicTest.dynamicTest(check.toString(), () -> run(check)));
  }

  private void run(Check check) {
    try (Backend backend = open(3)) {
      if (check.isFor(backend)) {
        digests.put(check.toString(), digest(check, backend));
      } else {
        assumeTrue(
            check.needs().stream()
                .anyMatch(need -> need != Feature.STABLE_PRODUCTS && !backend.supports(need)),
            "the backend does not claim STABLE_PRODUCTS");
        // what is not claimed must be refused, whatever the operands
        assertThatThrownBy(() -> digest(check, backend))
            .as("%s without one of %s", check, check.needs())
            .hasStackTraceContaining(UnsupportedOperationException.class.getName());
      }
    }
  }

  /// Runs a check; the result stands for every bit that the backend computed.
  private static long digest(Check check, Backend backend) {
    try (Trial trial = new Trial(backend, SEED)) {
      check.body().accept(trial);
      return trial.digest();
    }
  }

  @Test
  @DisplayName("B-9 sameBitsOnAnyNumberOfThreads")
  void sameBitsOnAnyNumberOfThreads() {
    try (Backend one = open(1);
        Backend three = open(3)) {
      for (Check check : Check.all()) {
        if (check.isFor(one)) {
          long expected = digests.computeIfAbsent(check.toString(), c -> digest(check, three));
          assertThat(digest(check, one))
              .as("%s on one thread and on three", check)
              .isEqualTo(expected);
        }
      }
    }
  }

  @Test
  @DisplayName("B-1 memoryIsZeroed")
  void memoryIsZeroed() {
    try (Backend backend = open()) {
      for (int round = 0; round < 3; round++) {
        try (Tensor tensor = backend.allocate(DType.F32, Shape.of(10_007))) {
          assertThat(backend.floats(tensor)).containsOnly(0);
          backend.kernels().fill(tensor, 3);
        }
      }
    }
  }

  @Test
  @DisplayName("B-2 transfersKeepEveryBit")
  void transfersKeepEveryBit() {
    try (Backend backend = open()) {
      float[] floats = {0, -0.0f, Float.MIN_VALUE, Float.NaN, Float.NEGATIVE_INFINITY, 1f / 3};
      int[] ints = {0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, 16_777_217};
      Tensor x = backend.tensor(floats, 2, 3);
      Tensor i = backend.tensor(ints, 5);
      assertThat(backend.floats(x)).containsExactly(floats);
      assertThat(backend.floats(x.rows(1, 2))).containsExactly(floats[3], floats[4], floats[5]);
      assertThat(backend.ints(i)).containsExactly(ints);
      backend.upload(new int[] {7}, i.rows(2, 3));
      assertThat(backend.ints(i)).containsExactly(0, -1, 7, Integer.MAX_VALUE, 16_777_217);
    }
  }

  /// Who counts what moves, counts all of it; wrappers pass the count on.
  @Test
  @DisplayName("B-16 transfersAreCountedOrNothingIs")
  void transfersAreCountedOrNothingIs() {
    try (Backend opened = open()) {
      Backend backend = AssertingBackend.over(opened);
      Traffic before = backend.traffic();
      Tensor x = backend.tensor(new float[1000], 1000);
      backend.floats(x);
      backend.floats(x.rows(0, 500));
      Traffic moved = backend.traffic().since(before);
      if (!backend.traffic().equals(Traffic.NONE)) {
        assertThat(moved.sent()).isGreaterThanOrEqualTo(4000);
        assertThat(moved.fetched()).isGreaterThanOrEqualTo(6000);
      }
      assertThat(backend.traffic()).isEqualTo(opened.traffic());
    }
  }

  /// A request that cannot be met is an exception, after which everything goes on.
  @Test
  @DisplayName("B-3 refusesMemoryThatIsNotThere")
  void refusesMemoryThatIsNotThere() {
    try (Backend backend = open()) {
      for (int round = 0; round < 20; round++) {
        assertThatThrownBy(() -> backend.allocate(1L << 60)).isInstanceOf(BackendException.class);
      }
      try (Tensor tensor = backend.tensor(new float[] {1, 2}, 2)) {
        backend.kernels().add(tensor, tensor, tensor);
        assertThat(backend.floats(tensor)).containsExactly(2, 4);
      }
    }
  }

  @Test
  @DisplayName("B-4 exhaustedMemoryComesBackWhole")
  void exhaustedMemoryComesBackWhole() {
    long limit = 32L << 20;
    BackendOptions options =
        new BackendOptions(1, Optional.empty(), Map.of("memory_bytes", Long.toString(limit)));
    try (Backend backend = open(options)) {
      long before = backend.availableBytes();
      assertThat(before).as("keeps to memory_bytes").isLessThanOrEqualTo(limit).isPositive();
      int first = exhaust(backend);
      assertThat(first).isBetween(1, 31);
      for (int round = 0; round < 5; round++) {
        assertThat(exhaust(backend)).isEqualTo(first);
      }
      assertThat(backend.availableBytes()).isEqualTo(before);
    }
  }

  /// Takes memory until there is none, gives it all back; returns how many pieces there were.
  private static int exhaust(Backend backend) {
    List<Storage> taken = new ArrayList<>();
    while (true) {
      try {
        taken.add(backend.allocate((1 << 20) + 4));
        assertThat(taken).hasSizeLessThan(100);
      } catch (BackendException e) {
        assertThat(e).hasMessageContaining("" + String.format("%,d", (1 << 20) + 4));
        taken.forEach(Storage::close);
        taken.forEach(Storage::close);
        assertThat(taken).allMatch(Storage::closed);
        return taken.size();
      }
    }
  }

  /// What the speed of training is held against is there on every backend, and leaves no memory
  /// taken.
  @Test
  @DisplayName("B-14 operationsASecondAreMeasured")
  void operationsASecondAreMeasured() {
    try (Backend backend = open()) {
      long before = backend.availableBytes();
      assertThat(backend.measureFlops()).isBetween(1e5, 1e17);
      assertThat(backend.availableBytes()).isEqualTo(before);
    }
  }

  @Test
  @DisplayName("B-5 closingTheBackendClosesItsTensors")
  void closingTheBackendClosesItsTensors() {
    Backend backend = open();
    Tensor tensor = backend.tensor(new float[] {1}, 1);
    backend.close();
    assertThat(tensor.storage().closed()).isTrue();
    backend.close();
  }

  @Test
  @DisplayName("B-13 misuseIsRefusedBeforeAnythingHappens")
  void misuseIsRefusedBeforeAnythingHappens() {
    try (Backend opened = open()) {
      Backend backend = Backends.checked(opened);
      Tensor a = backend.tensor(new float[] {1, 2, 3, 4}, 2, 2);
      Tensor c = backend.tensor(new float[] {5, 6, 7, 8}, 2, 2);
      Tensor wide = backend.tensor(new float[6], 2, 3);
      Tensor ints = backend.tensor(new int[4], 2, 2);
      Tensor closed = backend.tensor(new float[4], 2, 2);
      closed.close();
      List<Runnable> wrong =
          List.of(
              () -> backend.kernels().matmul(Op.N, Op.N, 1, a, wide, 0, c),
              () -> backend.kernels().matmul(Op.N, Op.N, 1, c, a, 0, c),
              () -> backend.kernels().matmul(Op.N, Op.N, 1, a, closed, 0, c),
              () -> backend.kernels().matmul(Op.N, Op.T, 1, ints, a, 0, c),
              () -> backend.kernels().add(a, wide, c),
              () -> backend.kernels().add(a, c, wide.columns(0, 2)),
              () -> backend.kernels().gather(a, wide, c),
              () -> backend.kernels().fill(closed, 1),
              () -> backend.upload(new float[4], closed),
              () -> backend.floats(wide.columns(0, 2)),
              () -> backend.upload(new float[5], c));
      for (Runnable call : wrong) {
        assertThatThrownBy(call::run)
            .isInstanceOfAny(IllegalArgumentException.class, IllegalStateException.class);
      }
      assertThat(backend.floats(c)).containsExactly(5, 6, 7, 8);
    }
  }

  /// A plan computes with the values that its tensors have when it runs.
  @Test
  @DisplayName("B-12 plansReplayWithNewValues")
  void plansReplayWithNewValues() {
    try (Backend backend = open()) {
      Tensor x = backend.tensor(new float[] {1, 2, 3}, 3, 1);
      Tensor factor = backend.tensor(new float[] {2}, 1);
      Tensor rows = backend.tensor(new int[] {3}, 1);
      Tensor norm = backend.tensor(new float[1], 1);
      Tensor live = x.counted(rows);
      try (Plan plan =
          backend.record(
              "scaled norm",
              () -> {
                backend.kernels().scale(live, factor);
                backend.kernels().squaredNorm(live, norm);
              })) {
        plan.run();
        assertThat(backend.floats(norm)).containsExactly(4 + 16 + 36);
        backend.upload(new float[] {0.5f}, factor);
        backend.upload(new int[] {2}, rows);
        plan.run();
        assertThat(backend.floats(norm)).containsExactly(1 + 4);
        assertThat(backend.floats(x)).containsExactly(1, 2, 6);
      }
    }
  }

  /// A service loads a model on one thread and runs it on another: what one has launched is done
  /// when the next looks.
  @Test
  @DisplayName("B-19 goesFromThreadToThread")
  void goesFromThreadToThread() {
    try (Backend backend = open()) {
      float[] ones = new float[1 << 16];
      Arrays.fill(ones, 1);
      Tensor x = backend.tensor(new float[ones.length], ones.length);
      Tensor one = backend.tensor(ones, ones.length);
      try (Plan plan = backend.record("add", () -> backend.kernels().add(x, one, x))) {
        for (int round = 1; round <= 20; round++) {
          CompletableFuture.runAsync(plan::run, task -> new Thread(task).start()).join();
          assertThat(backend.floats(x)).containsOnly(round);
        }
        // an op that only this thread has seen
        CompletableFuture.runAsync(
                () -> backend.kernels().fill(x, 3), task -> new Thread(task).start())
            .join();
        assertThat(backend.floats(x)).containsOnly(3);
      }
    }
  }

  @Test
  @DisplayName("B-15 trainsATinyLlamaAsPyTorchDoes")
  void trainsATinyLlamaAsPyTorchDoes() {
    try (Backend backend = Backends.checked(open())) {
      assumeTrue(backend.supports(Feature.TRAINING), "the backend does not claim TRAINING");
      LlamaTraining.run(backend);
    }
  }

  @Test
  @DisplayName("B-11 claimsAreTested")
  void claimsAreTested() {
    try (Backend backend = open()) {
      for (Feature feature : Feature.values()) {
        assertThat(Check.all().stream().filter(c -> c.needs().stream().anyMatch(feature::equals)))
            .as("checks of %s, %s", feature, backend.supports(feature))
            .isNotEmpty();
      }
    }
  }
}
