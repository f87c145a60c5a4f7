package dev.yushan.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.backend.DeviceLimits;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.backend.Plan;
import dev.yushan.backend.Qkv;
import dev.yushan.backend.Traffic;
import dev.yushan.generate.Generator;
import dev.yushan.generate.SamplingParams;
import dev.yushan.golden.Golden;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.exceptions.TornadoBailoutRuntimeException;

class TornadoBackendTest {
  private static final Graphs.Sizes SMALL = new Graphs.Sizes(1 << 16, 1 << 10, 1 << 10);

  private static TornadoBackend open() {
    return (TornadoBackend) SharedDevice.open(BackendOptions.defaults());
  }

  @Test
  void anUnknownDeviceIsRefusedWithThoseThereAre() {
    BackendOptions options = new BackendOptions(0, Optional.of("7:9"), Map.of());
    assertThatThrownBy(() -> SharedDevice.open(options))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("no device '7:9'")
        .hasMessageContaining("0:0 ");
  }

  @Test
  void neverFallsBackToJava() {
    try (Backend backend = open()) {
      assertThat(backend.description()).isNotBlank();
      assertThat(System.getProperty("tornado.recover.bailout")).isEqualTo("false");
    }
  }

  @Test
  void memoryThatIsNotThereIsRefusedByNameAndTheBackendGoesOn() {
    try (TornadoBackend backend = open()) {
      long left = backend.availableBytes();
      assertThatThrownBy(() -> backend.allocate(left + 1))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("%,d bytes", left + 1)
          .hasMessageContaining("%,d are available", left)
          .hasMessageContaining(backend.description())
          .hasMessageContaining("choose a smaller model");
      // what the forecast allows, in a lane that has no room for it
      try (Tensor halves = backend.allocate(DType.BF16, Shape.of(left / 2))) {
        assertThatThrownBy(() -> backend.bytes(halves.rows(0, 1)))
            .isInstanceOf(BackendException.class)
            .hasMessageContaining("no room for")
            .hasMessageContaining("shorts on " + backend.description())
            .hasMessageContaining("choose a smaller model");
      }
      assertThat(backend.floats(backend.tensor(new float[] {1, 2}, 2))).containsExactly(1, 2);
      assertThat(backend.availableBytes()).isEqualTo(left - 8);
    }
  }

  /// Another device object on the same hardware, whose compiler is given what it does not know.
  @Test
  void aKernelThatDoesNotCompileIsNamedWithDeviceAndRemedy() {
    try (TornadoBackend backend = open()) {
      TornadoDevice hardware = Devices.found().getFirst().device();
      assumeTrue(
          hardware.getTornadoVMBackend() == TornadoVMBackendType.OPENCL,
          "CUDA's compiler takes no flags from here");
      assertThatThrownBy(() -> new Device(hardware, SMALL, "-no-such-flag").close())
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("on " + backend.description())
          .hasMessageContaining("in the kernel owner")
          .hasMessageContaining("--backend cpu");
      assertThat(backend.floats(backend.tensor(new float[] {3}, 1))).containsExactly(3);
    }
  }

  /// A device is lost in two ways: TornadoVM throws, or what was asked for just does not happen,
  /// since its drivers only print what went wrong.
  @Test
  void aDeviceThatIsLostIsNamedWithKernelAndRemedyAndTheProcessGoesOn() {
    TornadoDevice hardware = Devices.found().getFirst().device();
    AtomicReference<Runnable> fault = new AtomicReference<>();
    UnaryOperator<Graphs.Runs> breaking =
        real ->
            (graph, scheduler) -> {
              if (fault.get() == null) {
                real.run(graph, scheduler);
              } else {
                fault.get().run();
              }
            };
    try (Device device =
        new Device(
            hardware, SMALL, Graphs.OPENCL_FLAGS, Optional.empty(), Optional.empty(), breaking)) {
      float[] sent = {1.5f, 2.5f};
      device.upload(Transfer.FLOATS_UP, MemorySegment.ofArray(sent), 2048);
      fault.set(
          () -> {
            throw new TornadoBailoutRuntimeException("CL_DEVICE_NOT_AVAILABLE");
          });
      assertThatThrownBy(() -> fetch(device))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("failed on " + device.description())
          .hasMessageContaining("in the kernel floats_down64: CL_DEVICE_NOT_AVAILABLE")
          .hasMessageContaining("--backend cpu");
      fault.set(() -> {});
      assertThatThrownBy(() -> fetch(device))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("no answer from " + device.description())
          .hasMessageContaining("in the kernel floats_down64")
          .hasMessageContaining("--backend cpu");
      fault.set(null);
      assertThat(fetch(device)).containsExactly(sent);
    }
  }

  /// As where another process has taken the memory of the device: the driver allocates nothing.
  @Test
  void aDeviceThatDoesNothingIsNotOpened() {
    TornadoDevice hardware = Devices.found().getFirst().device();
    assertThatThrownBy(
            () ->
                new Device(
                        hardware,
                        SMALL,
                        Graphs.OPENCL_FLAGS,
                        Optional.empty(),
                        Optional.empty(),
                        real -> (graph, scheduler) -> {})
                    .close())
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("gets no answer from")
        .hasMessageContaining("has no memory left");
  }

  private static float[] fetch(Device device) {
    float[] fetched = new float[2];
    device.download(Transfer.FLOATS_DOWN, 2048, MemorySegment.ofArray(fetched));
    return fetched;
  }

  /// Data that looks like what a carrier is marked with is fetched twice, and comes.
  @Test
  void dataThatLooksLikeNoAnswerIsData() {
    try (TornadoBackend backend = open()) {
      for (int value : new int[] {0x5A5A5A5A, 0xA5A5A5A5}) {
        assertThat(backend.ints(backend.tensor(new int[] {value}, 1))).containsExactly(value);
      }
    }
  }

  /// A loop that a compiler takes away would be faster than any device.
  @Test
  void limitsOfTheDeviceAreMeasuredAndLeaveNoMemoryTaken() {
    try (TornadoBackend backend = open()) {
      long left = backend.availableBytes();
      DeviceLimits limits = backend.measureLimits().orElseThrow();
      assertThat(limits.flops()).isBetween(1e7, 1e15);
      assertThat(limits.readBytes()).isBetween(1e6, 1e14);
      assertThat(backend.availableBytes()).isEqualTo(left);
    }
  }

  @Test
  void headsThatAreTooLongAreRefusedAndTheBackendGoesOn() {
    try (TornadoBackend backend = open()) {
      AttentionShape shape = AttentionShape.of(1, 1, 512);
      Tensor q = backend.allocate(DType.F32, Shape.of(1, 512));
      Tensor out = backend.allocate(DType.F32, Shape.of(1, 512));
      Tensor lse = backend.allocate(DType.F32, Shape.of(1, 1));
      Tensor sequences = backend.tensor(new int[] {0, 1}, 2);
      assertThatThrownBy(
              () -> backend.kernels().attention(shape, new Qkv(q, q, q), sequences, out, lse))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("512")
          .hasMessageContaining("--backend cpu");
      backend.kernels().fill(q, 2);
      assertThat(backend.floats(q)).containsOnly(2);
    }
  }

  /// Where the tiles of a sequence begin depends on how many sequences there are before it, and
  /// what they hold does not; rows behind the last sequence get no gradient.
  @Test
  void sequencesThatAreEmptyChangeNoBitOfAttention() {
    int[] lengths = {33, 1, 70, 46};
    int[] few = new int[lengths.length + 1];
    int[] many = new int[24 * lengths.length + 1];
    for (int s = 0; s < lengths.length; s++) {
      few[s + 1] = few[s] + lengths[s];
      Arrays.fill(many, 24 * s + 1, 24 * s + 12, few[s]);
      Arrays.fill(many, 24 * s + 12, 24 * s + 25, few[s + 1]);
    }
    try (TornadoBackend backend = open()) {
      List<float[]> expected = attention(backend, few);
      List<float[]> actual = attention(backend, many);
      for (int i = 0; i < expected.size(); i++) {
        assertThat(actual.get(i)).as("result %d", i).containsExactly(expected.get(i));
      }
      float[] dQ = expected.getFirst();
      assertThat(Arrays.copyOfRange(dQ, 0, 150 * 32)).doesNotContain(Float.NaN);
      assertThat(Arrays.copyOfRange(dQ, 150 * 32, 190 * 32)).containsOnly(0);
    }
  }

  /// Gradients of queries, keys and values of 190 rows, and the outputs of those in sequences.
  private static List<float[]> attention(Backend backend, int[] starts) {
    AttentionShape shape = AttentionShape.of(4, 2, 8);
    Tensor sequences = backend.tensor(starts, starts.length);
    Qkv in = Qkv.of(random(backend, shape.qkvColumns()), shape);
    Qkv gradients =
        new Qkv(
            random(backend, shape.queryColumns()),
            random(backend, shape.kvColumns()),
            random(backend, shape.kvColumns()));
    Tensor dOut = random(backend, shape.queryColumns());
    Tensor out = random(backend, shape.queryColumns());
    Tensor lse = random(backend, shape.heads());
    backend.kernels().attention(shape, in, sequences, out, lse);
    backend.kernels().attentionBackward(shape, dOut, in, out, lse, sequences, gradients);
    return List.of(
        backend.floats(gradients.q()),
        backend.floats(gradients.k()),
        backend.floats(gradients.v()),
        backend.floats(out.rows(0, 150)),
        backend.floats(lse.rows(0, 150)));
  }

  private static Tensor random(Backend backend, long columns) {
    SplittableRandom random = new SplittableRandom(columns);
    float[] values = new float[(int) (190 * columns)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return backend.tensor(values, 190, columns);
  }

  @Test
  void aPlanMovesNoTensors() {
    try (TornadoBackend backend = open()) {
      Tensor a = backend.tensor(new float[] {1, 2, 3, 4}, 2, 2);
      Tensor b = backend.allocate(DType.F32, Shape.of(2, 2));
      try (Plan plan =
          backend.record(
              "two products",
              () -> {
                backend.kernels().matmul(Op.N, Op.N, 1, a, a, 0, b);
                backend.kernels().matmul(Op.N, Op.N, 1, b, b, 0, a);
              })) {
        plan.run();
        Traffic before = backend.traffic();
        plan.run();
        plan.run();
        Traffic after = backend.traffic();
        assertThat(after.sent()).isEqualTo(before.sent());
        assertThat(after.fetched()).isEqualTo(before.fetched());
        assertThat(after.launches()).isEqualTo(before.launches() + 4);
      }
    }
  }

  /// Tokens go in, logits come out, and nothing else moves or is allocated.
  @Test
  void decodingMovesTokensAndLogitsAlone() {
    try (TornadoBackend opened = open()) {
      Backend backend = Backends.checked(opened);
      try (CausalLM model = Models.load(backend, Golden.path("tiny-llama-a"), DType.F32, false);
          Generator generator = new Generator(backend, model, 64)) {
        List<Traffic> steps = new ArrayList<>();
        List<Long> free = new ArrayList<>();
        List<Long> occupied = new ArrayList<>();
        SamplingParams greedy = SamplingParams.greedy(12).toBuilder().ignoreEos(true).build();
        generator.generate(
            new int[] {1, 5, 9},
            greedy,
            (id, logProbability) -> {
              steps.add(opened.traffic());
              free.add(opened.availableBytes());
              occupied.add(opened.occupiedBytes());
              return true;
            });
        assertThat(steps).hasSize(12);
        long vocabulary = model.config().vocabSize();
        for (int i = 3; i < steps.size(); i++) {
          Traffic step = steps.get(i).since(steps.get(i - 1));
          // id, position, target, slot, where the row starts, which row is the last, how many
          assertThat(step.sent()).isEqualTo(7 * SharedDevice.moved(4));
          assertThat(step.fetched()).isEqualTo(SharedDevice.moved(4 * vocabulary));
          assertThat(free.get(i)).isEqualTo(free.get(2));
          assertThat(occupied.get(i)).isPositive().isEqualTo(occupied.get(2));
        }
      }
    }
  }
}
