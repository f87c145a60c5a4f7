package dev.yushan.backend.tornado;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.backend.BackendException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Calls of CUDA's driver, with functions of Java in its place that work on memory of the host.
class TornadoCudaDriverTest {
  private static final long CONTEXT = 3;
  private static final long STREAM = 5;
  private static final long FIRST = 0x501;
  private static final long SECOND = 0x502;
  private static final long THIRD = 0x503;

  /// All that the driver calls but what names a status.
  static final List<String> FUNCTIONS =
      List.of(
          "cuCtxSetCurrent",
          "cuStreamBeginCapture_v2",
          "cuStreamEndCapture",
          "cuGraphGetNodes",
          "cuGraphNodeGetType",
          "cuGraphKernelNodeGetParams_v2",
          "cuGraphDestroy",
          "cuFuncGetParamInfo",
          "cuLaunchKernel",
          "cuMemcpyHtoDAsync_v2",
          "cuStreamSynchronize");

  @AutoClose private final JavaCuda cuda = new JavaCuda();
  private final CudaDriver driver = new CudaDriver(cuda.symbols());

  private List<CudaDriver.Compiled> capture() {
    driver.beginCapture(STREAM);
    return driver.endCapture(STREAM);
  }

  @Test
  void aCaptureTellsTheKernelsAmongItsNodes() {
    cuda.captured(JavaCuda.KERNEL, FIRST, 11, 1L << 40, -3);
    cuda.captured(JavaCuda.MEMCPY, 0);
    cuda.captured(JavaCuda.KERNEL, SECOND, 7);
    cuda.captured(JavaCuda.KERNEL, THIRD, 12);
    assertThat(capture())
        .extracting(CudaDriver.Compiled::arguments)
        .containsExactly(new long[] {11, 1L << 40, -3}, new long[] {7}, new long[] {12});
    assertThat(cuda.calls)
        .containsExactly(
            "capture of 5 in mode 2",
            "end of capture",
            "nodes counted",
            "4 nodes asked for",
            "graph destroyed");
  }

  @Test
  void aCaptureOfNothingTellsNoKernel() {
    assertThat(capture()).isEmpty();
    assertThat(cuda.calls).endsWith("graph destroyed");
  }

  @Test
  void aCaptureIsAbandonedWithItsGraphIfThereIsOne() {
    driver.beginCapture(STREAM);
    driver.abandonCapture(STREAM);
    assertThat(cuda.calls)
        .containsExactly("capture of 5 in mode 2", "end of capture", "graph destroyed");
    driver.abandonCapture(STREAM);
    assertThat(cuda.calls).hasSize(3);
  }

  @Test
  void aStreamIsWaitedFor() {
    driver.synchronize(STREAM);
    assertThat(cuda.calls).containsExactly("stream 5 waited for");
  }

  @Test
  void aLaunchPassesTheArgumentsAsTheyAreThen() {
    cuda.captured(JavaCuda.KERNEL, FIRST, 11, 1L << 40, -3);
    cuda.captured(JavaCuda.KERNEL, SECOND, 12);
    List<CudaDriver.Compiled> kernels = capture();
    driver.launch(kernels.get(0), 1000, 128, STREAM);
    kernels.get(0).argument(1, 1L << 41);
    driver.launch(kernels.get(0), 2000, 64, 6);
    driver.launch(kernels.get(1), 1, 32, STREAM);
    assertThat(kernels.get(0).arguments()).containsExactly(11, 1L << 41, -3);
    assertThat(cuda.launches)
        .containsExactly(
            launch(FIRST, 1000, 128, STREAM, List.of(11L, 1L << 40, -3L)),
            launch(FIRST, 2000, 64, 6, List.of(11L, 1L << 41, -3L)),
            launch(SECOND, 1, 32, STREAM, List.of(12L)));
  }

  private static JavaCuda.Launch launch(
      long function, int groups, int threads, long stream, List<Long> arguments) {
    return new JavaCuda.Launch(
        function, List.of(groups, 1, 1), List.of(threads, 1, 1), 0, stream, arguments);
  }

  @Test
  void anArgumentThatHasNotEightBytesIsRefused() {
    cuda.captured(JavaCuda.KERNEL, FIRST, 11, 12, 13);
    cuda.lastBytes = 4;
    assertThatThrownBy(this::capture)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("argument 2 of a kernel has 4 bytes");
    assertThat(cuda.calls).endsWith("graph destroyed");
  }

  @Test
  void argumentsThatWereNotGivenByPointersAreRefused() {
    cuda.captured(JavaCuda.KERNEL, FIRST, 11);
    cuda.byPointers = false;
    assertThatThrownBy(this::capture)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("arguments of a kernel were not given by pointers");
    assertThat(cuda.calls).endsWith("graph destroyed");
  }

  @ParameterizedTest
  @ValueSource(strings = {"cuGraphGetNodes", "cuGraphNodeGetType", "cuGraphKernelNodeGetParams_v2"})
  void aGraphThatCannotBeReadIsDestroyed(String function) {
    cuda.captured(JavaCuda.KERNEL, FIRST, 11);
    cuda.statuses.put(function, 719);
    assertThatThrownBy(this::capture).isInstanceOf(BackendException.class);
    assertThat(cuda.calls).endsWith("graph destroyed");
  }

  @Test
  void bytesAreSentToTheAddress() {
    MemorySegment source = cuda.arena.allocateFrom(JAVA_BYTE, (byte) 1, (byte) 2, (byte) 3);
    MemorySegment target = cuda.arena.allocate(5);
    driver.send(source, target.address() + 1, STREAM);
    assertThat(target.toArray(JAVA_BYTE)).containsExactly(0, 1, 2, 3, 0);
    assertThat(cuda.calls).containsExactly("3 bytes into stream 5");
  }

  @Test
  void aContextIsEntered() {
    driver.enter(CONTEXT);
    assertThat(cuda.calls).containsExactly("context 3");
  }

  @ParameterizedTest
  @FieldSource("FUNCTIONS")
  void everyStatusIsAnError(String function) {
    cuda.captured(JavaCuda.KERNEL, FIRST, 11);
    cuda.statuses.put(function, 719);
    assertThatThrownBy(this::callAll)
        .isInstanceOf(BackendException.class)
        .hasMessage(
            "CUDA's driver refused %s with status 719 (CUDA_ERROR_LAUNCH_FAILED)",
            function.replace("_v2", ""));
  }

  private void callAll() {
    driver.enter(CONTEXT);
    capture().forEach(kernel -> driver.launch(kernel, 1, 32, STREAM));
    MemorySegment place = cuda.arena.allocate(8);
    driver.send(place, place.address(), STREAM);
    driver.synchronize(STREAM);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 0, CUDA_ERROR_INVALID_VALUE",
    "719, 0, CUDA_ERROR_LAUNCH_FAILED",
    "719, 4, unknown",
    "12345, 0, unknown"
  })
  void aStatusHasTheNameThatTheDriverGives(int status, int statusOfNaming, String name) {
    cuda.statuses.put("cuCtxSetCurrent", status);
    cuda.statuses.put("cuGetErrorName", statusOfNaming);
    assertThatThrownBy(() -> driver.enter(CONTEXT))
        .isInstanceOf(BackendException.class)
        .hasMessage("CUDA's driver refused cuCtxSetCurrent with status %d (%s)", status, name);
  }

  @ParameterizedTest
  @FieldSource("FUNCTIONS")
  @ValueSource(strings = "cuGetErrorName")
  void aLibraryThatLacksAFunctionIsRefused(String function) {
    assertThatThrownBy(
            () ->
                new CudaDriver(
                    name -> name.equals(function) ? Optional.empty() : cuda.symbols().find(name)))
        .isInstanceOf(NoSuchElementException.class);
  }
}
