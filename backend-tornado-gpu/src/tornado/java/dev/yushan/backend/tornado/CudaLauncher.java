package dev.yushan.backend.tornado;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/// Launches kernels that TornadoVM has compiled by the driver of CUDA, without waiting for each: a
/// graph of TornadoVM takes some 60 µs to do the same.
///
/// All goes into the stream that TornadoVM uses on this thread, so its own graphs come in order
/// with them.
final class CudaLauncher {
  private final CudaDriver driver;
  private final Lanes lanes;
  private final Consumer<Kernel> graphs;
  private final Map<Kernel, Found> found = new EnumMap<>(Kernel.class);
  private final MemorySegment staging =
      Arena.ofAuto().allocate(ValueLayout.JAVA_INT, Common.LENGTH);

  /// A kernel, and which of its arguments is the address of its parameters.
  private record Found(CudaDriver.Compiled kernel, int parameters) {}

  /// @param graphs runs a kernel on nothing as a graph, in which [Lanes] is told last
  CudaLauncher(CudaDriver driver, Lanes lanes, Consumer<Kernel> graphs) {
    this.driver = driver;
    this.lanes = lanes;
    this.graphs = graphs;
  }

  /// Launches a kernel with new parameters.
  void launch(Kernel kernel, int[] parameters, long groups) {
    Found known = found(kernel);
    MemorySegment.copy(parameters, 0, staging, ValueLayout.JAVA_INT, 0, parameters.length);
    driver.send(staging, lanes.place().ints() + 4L * Common.PARAMETERS, lanes.place().stream());
    launch(known, kernel.group, Common.PARAMETERS, groups);
  }

  /// Launches a kernel whose parameters begin at element `at` of the integers.
  void launch(Kernel kernel, int at, long groups) {
    launch(found(kernel), kernel.group, at, groups);
  }

  private void launch(Found known, int threads, int at, long groups) {
    // a kernel expects the header of an array before its first element
    known.kernel.argument(
        known.parameters, lanes.place().ints() + 4L * at - TornadoNativeArray.ARRAY_HEADER);
    driver.launch(known.kernel, groups, threads, lanes.place().stream());
  }

  /// Makes the context of the device that of this thread.
  void enter() {
    driver.enter(lanes.place().context());
  }

  /// Waits for all that was launched.
  void finish() {
    enter();
    driver.synchronize(lanes.place().stream());
  }

  private Found found(Kernel kernel) {
    Found known = found.get(kernel);
    if (known == null) {
      known = find(kernel);
      found.put(kernel, known);
    }
    enter();
    return known;
  }

  /// Has the driver tell what it launches when the graph of a kernel runs.
  private Found find(Kernel kernel) {
    // compiles, and tells the stream
    graphs.accept(kernel);
    long stream = lanes.place().stream();
    enter();
    List<CudaDriver.Compiled> launched = captured(kernel, stream);
    long parameters = lanes.place().parameters() - TornadoNativeArray.ARRAY_HEADER;
    if (launched.size() == 1) {
      long[] arguments = launched.getFirst().arguments();
      int[] at =
          IntStream.range(0, arguments.length).filter(i -> arguments[i] == parameters).toArray();
      if (at.length == 1) {
        return new Found(launched.getFirst(), at[0]);
      }
    }
    throw new IllegalStateException(
        "TornadoVM launched %s as %d kernels that cannot be launched again"
            .formatted(kernel, launched.size()));
  }

  private List<CudaDriver.Compiled> captured(Kernel kernel, long stream) {
    AtomicReference<List<CudaDriver.Compiled>> launched = new AtomicReference<>();
    driver.beginCapture(stream);
    try {
      lanes.during(() -> graphs.accept(kernel), () -> launched.set(driver.endCapture(stream)));
    } finally {
      // or else nothing would be done from now on, but noted
      if (launched.get() == null) {
        driver.abandonCapture(stream);
      }
    }
    return launched.get();
  }
}
