package dev.yushan.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.backend.Feature;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.backend.testkit.Check;
import dev.yushan.backend.testkit.Trial;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;

/// Products by cuBLAS, all but cuBLAS itself: functions of Java take the calls, on whatever device
/// there is, and do what cuBLAS would have done with them.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TornadoCuBlasTest {
  private static final long SEED = Long.getLong("yushan.seed", 1950);
  private static final int FLOATS = 1 << 25;
  private static final long LIMIT = 4L * FLOATS;

  /// Calls that came.
  private final List<JavaCuBlas.Call> done = new ArrayList<>();

  private final JavaCuBlas stub = new JavaCuBlas(this::take);
  private final Device device =
      new Device(
          Devices.found().getFirst().device(),
          new Graphs.Sizes(FLOATS, FLOATS, 1 << 20),
          Graphs.OPENCL_FLAGS,
          Optional.empty(),
          Optional.of(new CuBlas(stub.symbols())),
          UnaryOperator.identity());
  private final long floats = address(1);
  private final long shorts = address(2);
  private final TornadoBackend backend = new TornadoBackend(Devices.lease(device), LIMIT);

  /// What the driver takes for the address of a lane: the operand of a product that lies at its
  /// start.
  private long address(int parts) {
    Gemm.Matrix start = new Gemm.Matrix(0, 1, false);
    device.launch(
        Kernel.CUBLAS, new Gemm(parts, 1, 1, 1, 1, start, start, 0, start).parameters(), 1);
    return done.removeLast().a();
  }

  private void take(JavaCuBlas.Call call) {
    done.add(call);
    // the first two only ask where lanes are
    if (backend != null) {
      compute(call);
    }
  }

  private void compute(JavaCuBlas.Call call) {
    float[] c = floats(call.c(), call.elements('c'));
    boolean half = call.typeA() == JavaCuBlas.BF16;
    call.compute(
        half ? halves(call.a(), call.elements('a')) : floats(call.a(), call.elements('a')),
        half ? halves(call.b(), call.elements('b')) : floats(call.b(), call.elements('b')),
        c);
    device.upload(Transfer.FLOATS_UP, MemorySegment.ofArray(c), (call.c() - floats) / 4);
  }

  private float[] floats(long address, int elements) {
    float[] values = new float[elements];
    device.download(Transfer.FLOATS_DOWN, (address - floats) / 4, MemorySegment.ofArray(values));
    return values;
  }

  private float[] halves(long address, int elements) {
    short[] bits = new short[elements];
    device.download(Transfer.SHORTS_DOWN, (address - shorts) / 2, MemorySegment.ofArray(bits));
    float[] values = new float[elements];
    for (int i = 0; i < elements; i++) {
      values[i] = Float.intBitsToFloat(bits[i] << 16);
    }
    return values;
  }

  @AfterAll
  void theHandleGoesWithTheDevice() {
    backend.close();
    assertThat(stub.handles).hasSize(3).startsWith("create").endsWith("destroy");
    stub.close();
  }

  /// All checks of the kit but those of a promise that is not made.
  @TestFactory
  Stream<DynamicTest> products() {
    assertThat(backend.supports(Feature.STABLE_PRODUCTS)).isFalse();
    assertThat(SharedDevice.open(BackendOptions.defaults()).supports(Feature.STABLE_PRODUCTS))
        .isTrue();
    return Check.of("matmul").stream()
        .filter(check -> check.needs().stream().allMatch(backend::supports))
        .map(check -> DynamicTest.dynamicTest(check.toString(), () -> run(check)));
  }

  private void run(Check check) {
    int before = done.size();
    try (Trial trial = new Trial(backend, SEED)) {
      check.body().accept(trial);
    }
    boolean taken =
        Stream.of("NN by F32", "NT by F32", "TN by F32", "TT by F32", "NN by BF16", "NT by BF16")
            .anyMatch(check.name()::equals);
    if (taken) {
      assertThat(done.size()).isGreaterThan(before);
    }
  }

  private Tensor random(DType dtype, long rows, long columns) {
    SplittableRandom random = new SplittableRandom(SEED + rows);
    float[] values = new float[(int) (rows * columns)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    Tensor tensor = backend.tensor(values, rows, columns);
    if (dtype == DType.F32) {
      return tensor;
    }
    try (tensor) {
      Tensor converted = backend.allocate(dtype, Shape.of(rows, columns));
      backend.kernels().copy(tensor, converted);
      return converted;
    }
  }

  /// Calls that a product made.
  private List<JavaCuBlas.Call> calls(Op opA, Op opB, Tensor a, Tensor b, Tensor c) {
    done.clear();
    Backends.checked(backend).kernels().matmul(opA, opB, 1, a, b, 0, c);
    backend.floats(c);
    return List.copyOf(done);
  }

  @Test
  void oursStayForFewRowsOtherTypesAndSumsPastRowsThatCountElsewhere() {
    try (Tensor a = random(DType.F32, 64, 64);
        Tensor c = random(DType.F32, 64, 64);
        Tensor count = backend.tensor(new int[] {40}, 1)) {
      for (DType dtype : new DType[] {DType.F32, DType.BF16, DType.F16, DType.Q8_0, DType.Q4_0}) {
        try (Tensor b = random(dtype, 64, 64)) {
          int expected = dtype == DType.F32 ? 1 : dtype == DType.BF16 ? 3 : 0;
          assertThat(calls(Op.N, Op.T, a.rows(0, 5), b, c.rows(0, 5))).hasSize(expected);
          assertThat(calls(Op.N, Op.T, a.rows(0, 4), b, c.rows(0, 4))).isEmpty();
        }
      }
      try (Tensor b = random(DType.F32, 64, 64)) {
        assertThat(calls(Op.T, Op.N, a, b, c)).hasSize(1);
        assertThat(calls(Op.T, Op.N, a.counted(count), b, c)).isEmpty();
        assertThat(calls(Op.T, Op.N, a.counted(count), b.counted(count), c)).hasSize(1);
        assertThat(calls(Op.N, Op.N, a.counted(count), b, c.counted(count))).hasSize(1);
      }
    }
  }

  /// Their product with one is the sum of their parts, and every float is that of three.
  @Test
  void partsOfAFloatAddUpToIt() {
    float[] values = {
      1,
      -1f / 3,
      0,
      -0.0f,
      3e38f,
      -1.2345679e-20f,
      16777215,
      1e-30f,
      255.99998f,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.NaN
    };
    try (Tensor a = backend.tensor(values, values.length, 1);
        Tensor one = backend.allocate(DType.BF16, Shape.of(1, 1));
        Tensor c = backend.allocate(DType.F32, Shape.of(values.length, 1))) {
      backend.upload(MemorySegment.ofArray(new short[] {0x3F80}), one);
      assertThat(calls(Op.N, Op.N, a, one, c)).hasSize(3);
      float[] sums = backend.floats(c);
      for (int i = 0; i < values.length; i++) {
        assertThat(sums[i]).isEqualTo(Float.valueOf(values[i] + 0f));
      }
    }
  }

  /// Rows whose parts do not fit in at once come in pieces, and the result is that of a smaller
  /// product of each row.
  @Test
  void manyRowsComeInPieces() {
    int k = 16_384;
    try (Tensor a = random(DType.F32, 300, k);
        Tensor b = random(DType.BF16, 3, k);
        Tensor whole = random(DType.F32, 300, 3);
        Tensor parts = random(DType.F32, 300, 3)) {
      List<JavaCuBlas.Call> calls = calls(Op.N, Op.T, a, b, whole);
      // an eighth of the limit, three parts of two bytes
      int piece = (int) (LIMIT / 8 / 6 / k);
      assertThat(calls).hasSize(3 * ((300 + piece - 1) / piece)).hasSizeGreaterThan(3);
      assertThat(calls.stream().mapToInt(JavaCuBlas.Call::n).sum()).isEqualTo(3 * 300);
      for (int from = 0; from < 300; from += 50) {
        calls(Op.N, Op.T, a.rows(from, from + 50), b, parts.rows(from, from + 50));
      }
      assertThat(backend.floats(parts)).containsExactly(backend.floats(whole));
    }
  }

  /// A library refuses matrices without columns.
  @Test
  void sumsOfNothingStayOurs() {
    try (Tensor c = random(DType.F32, 8, 4);
        Tensor a = backend.allocate(DType.F32, Shape.of(8, 0))) {
      for (DType dtype : new DType[] {DType.F32, DType.BF16}) {
        try (Tensor b = backend.allocate(dtype, Shape.of(0, 4))) {
          assertThat(calls(Op.N, Op.N, a, b, c)).isEmpty();
          assertThat(backend.floats(c)).containsOnly(0);
        }
      }
    }
  }

  @Test
  void aStatusNamesDeviceProductAndShapeAndTheBackendGoesOn() {
    try (Tensor a = random(DType.F32, 32, 16);
        Tensor b = random(DType.F32, 16, 8);
        Tensor c = random(DType.F32, 32, 8)) {
      stub.statuses.put("cublasSgemm_v2", 14);
      try {
        assertThatThrownBy(() -> calls(Op.N, Op.N, a, b, c))
            .isInstanceOf(BackendException.class)
            .hasMessageContaining("failed on " + device.description())
            .hasMessageContaining("in the kernel cublas")
            .hasMessageContaining("cublasSgemm of plain [32, 16] by plain [16, 8] of F32")
            .hasMessageContaining("status 14 (internal error)")
            .hasMessageContaining("leave --experimental-cuda out");
      } finally {
        stub.statuses.clear();
      }
      assertThat(calls(Op.N, Op.N, a, b, c)).hasSize(1);
    }
  }

  @Test
  void aDeviceWithoutCudaIsRefusedByName() {
    TornadoDevice first = Devices.found().getFirst().device();
    assumeTrue(
        first.getTornadoVMBackend() != TornadoVMBackendType.CUDA, "the first device has CUDA");
    BackendOptions options =
        new BackendOptions(0, Optional.empty(), Map.of(BackendOptions.EXPERIMENTAL_CUDA, "true"));
    assertThatThrownBy(
            () -> {
              try (Backend opened = SharedDevice.open(options)) {
                opened.description();
              }
            })
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("--experimental-cuda needs a device of CUDA, and 0:0 ")
        .hasMessageContaining("leave --experimental-cuda out");
  }
}
