package dev.yushan.backend.tornado;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.yushan.backend.BackendException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.stream.LongStream;

/// The functions of NVIDIA's driver that it takes to launch a kernel which somebody else has
/// compiled (<https://docs.nvidia.com/cuda/cuda-driver-api>).
///
/// Who launched a kernel while its stream was captured has told what it is: a captured launch is a
/// node of a graph, with the handle of the kernel and its arguments.
final class CudaDriver {
  private static final List<String> NAMES = List.of("libcuda.so.1", "libcuda.so");

  /// A capture that forbids nothing meanwhile, and the type of a node that launches a kernel.
  private static final int RELAXED = 2;

  private static final int KERNEL_NODE = 0;

  /// `CUDA_KERNEL_NODE_PARAMS_v2`: where the handle and the pointers to arguments are, and its
  /// size.
  private static final long FUNCTION = 0;

  private static final long ARGUMENTS = 40;
  private static final long NODE_BYTES = 72;

  private final MethodHandle setContext;
  private final MethodHandle beginCapture;
  private final MethodHandle endCapture;
  private final MethodHandle nodes;
  private final MethodHandle nodeType;
  private final MethodHandle nodeParameters;
  private final MethodHandle destroyGraph;
  private final MethodHandle parameterInfo;
  private final MethodHandle launchKernel;
  private final MethodHandle sendAsync;
  private final MethodHandle synchronize;
  private final MethodHandle errorName;

  /// @param symbols where the functions are
  /// @throws NoSuchElementException if one is not there
  CudaDriver(SymbolLookup symbols) {
    setContext = function(symbols, "cuCtxSetCurrent", ADDRESS);
    beginCapture = function(symbols, "cuStreamBeginCapture_v2", ADDRESS, JAVA_INT);
    endCapture = function(symbols, "cuStreamEndCapture", ADDRESS, ADDRESS);
    nodes = function(symbols, "cuGraphGetNodes", ADDRESS, ADDRESS, ADDRESS);
    nodeType = function(symbols, "cuGraphNodeGetType", ADDRESS, ADDRESS);
    nodeParameters = function(symbols, "cuGraphKernelNodeGetParams_v2", ADDRESS, ADDRESS);
    destroyGraph = function(symbols, "cuGraphDestroy", ADDRESS);
    parameterInfo = function(symbols, "cuFuncGetParamInfo", ADDRESS, JAVA_LONG, ADDRESS, ADDRESS);
    launchKernel =
        function(
            symbols,
            "cuLaunchKernel",
            ADDRESS, // kernel
            JAVA_INT, // groups along x
            JAVA_INT, // along y
            JAVA_INT, // along z
            JAVA_INT, // threads of a group along x
            JAVA_INT, // along y
            JAVA_INT, // along z
            JAVA_INT, // bytes of local memory beside what the kernel has
            ADDRESS, // stream
            ADDRESS, // pointers to arguments
            ADDRESS); // another way to give them
    sendAsync = function(symbols, "cuMemcpyHtoDAsync_v2", JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS);
    synchronize = function(symbols, "cuStreamSynchronize", ADDRESS);
    errorName = function(symbols, "cuGetErrorName", JAVA_INT, ADDRESS);
  }

  /// The driver of this machine, if there is one that has all of the functions (CUDA 12.4 or
  /// newer).
  static Optional<CudaDriver> find() {
    try {
      return NativeLibrary.first(NAMES).map(CudaDriver::new);
    } catch (NoSuchElementException e) {
      return Optional.empty();
    }
  }

  private static MethodHandle function(
      SymbolLookup symbols, String name, MemoryLayout... arguments) {
    return NativeLibrary.function(symbols, name, arguments).orElseThrow();
  }

  /// A kernel that can be launched again.
  static final class Compiled {
    private final MemorySegment function;
    private final MemorySegment values;
    private final MemorySegment pointers;

    private Compiled(MemorySegment function, long[] arguments) {
      Arena arena = Arena.ofAuto();
      this.function = function;
      values = arena.allocateFrom(JAVA_LONG, arguments);
      pointers = arena.allocate(ADDRESS, arguments.length);
      for (int i = 0; i < arguments.length; i++) {
        pointers.setAtIndex(ADDRESS, i, values.asSlice(8L * i));
      }
    }

    /// Its arguments, all of eight bytes.
    long[] arguments() {
      return values.toArray(JAVA_LONG);
    }

    void argument(int index, long value) {
      values.setAtIndex(JAVA_LONG, index, value);
    }
  }

  /// Makes a context that of this thread.
  void enter(long context) {
    try {
      check((int) setContext.invokeExact(MemorySegment.ofAddress(context)), "cuCtxSetCurrent");
    } catch (Throwable e) {
      throw NativeLibrary.thrown(e);
    }
  }

  /// From now on launches into the stream are noted, not done.
  void beginCapture(long stream) {
    try {
      check(
          (int) beginCapture.invokeExact(MemorySegment.ofAddress(stream), RELAXED),
          "cuStreamBeginCapture");
    } catch (Throwable e) {
      throw NativeLibrary.thrown(e);
    }
  }

  /// The kernels that were launched since [#beginCapture], in any order.
  List<Compiled> endCapture(long stream) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment place = arena.allocate(ADDRESS);
      check(
          (int) endCapture.invokeExact(MemorySegment.ofAddress(stream), place),
          "cuStreamEndCapture");
      MemorySegment graph = place.get(ADDRESS, 0);
      List<Compiled> kernels;
      int destroyed;
      try {
        kernels = kernels(arena, graph);
      } finally {
        destroyed = (int) destroyGraph.invokeExact(graph);
      }
      check(destroyed, "cuGraphDestroy");
      return kernels;
    } catch (Throwable e) {
      throw NativeLibrary.thrown(e);
    }
  }

  /// Ends a capture of which nobody wants to know anything, if there still is one.
  void abandonCapture(long stream) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment place = arena.allocate(ADDRESS);
      int ended = (int) endCapture.invokeExact(MemorySegment.ofAddress(stream), place);
      MemorySegment graph = place.get(ADDRESS, 0);
      if (ended == 0 && graph.address() != 0) {
        check((int) destroyGraph.invokeExact(graph), "cuGraphDestroy");
      }
    } catch (Throwable e) {
      throw NativeLibrary.thrown(e);
    }
  }

  private List<Compiled> kernels(Arena arena, MemorySegment graph) throws Throwable {
    MemorySegment count = arena.allocate(JAVA_LONG);
    check((int) nodes.invokeExact(graph, MemorySegment.NULL, count), "cuGraphGetNodes");
    MemorySegment all = arena.allocate(ADDRESS, Math.max(1, count.get(JAVA_LONG, 0)));
    check((int) nodes.invokeExact(graph, all, count), "cuGraphGetNodes");
    MemorySegment type = arena.allocate(JAVA_INT);
    List<Compiled> kernels = new ArrayList<>();
    for (long i = 0; i < count.get(JAVA_LONG, 0); i++) {
      MemorySegment node = all.getAtIndex(ADDRESS, i);
      check((int) nodeType.invokeExact(node, type), "cuGraphNodeGetType");
      if (type.get(JAVA_INT, 0) == KERNEL_NODE) {
        kernels.add(kernel(arena, node));
      }
    }
    return kernels;
  }

  @SuppressWarnings("restricted")
  private Compiled kernel(Arena arena, MemorySegment node) throws Throwable {
    MemorySegment parameters = arena.allocate(NODE_BYTES, 8);
    check((int) nodeParameters.invokeExact(node, parameters), "cuGraphKernelNodeGetParams");
    MemorySegment function = parameters.get(ADDRESS, FUNCTION);
    int count = arguments(arena, function);
    MemorySegment pointers = parameters.get(ADDRESS, ARGUMENTS).reinterpret(8L * count);
    // a launch gives either pointers or one block of all arguments
    if (count > 0 && pointers.address() == 0) {
      throw new IllegalStateException("arguments of a kernel were not given by pointers");
    }
    return new Compiled(
        function,
        LongStream.range(0, count)
            .map(i -> pointers.getAtIndex(ADDRESS, i).reinterpret(8).get(JAVA_LONG, 0))
            .toArray());
  }

  /// How many arguments a kernel takes: one or more, and the driver knows none after the last.
  private int arguments(Arena arena, MemorySegment function) throws Throwable {
    MemorySegment offset = arena.allocate(JAVA_LONG);
    MemorySegment size = arena.allocate(JAVA_LONG);
    int count = 0;
    int status = (int) parameterInfo.invokeExact(function, (long) count, offset, size);
    check(status, "cuFuncGetParamInfo");
    while (status == 0) {
      if (size.get(JAVA_LONG, 0) != 8) {
        throw new IllegalStateException(
            "argument %d of a kernel has %d bytes".formatted(count, size.get(JAVA_LONG, 0)));
      }
      count++;
      status = (int) parameterInfo.invokeExact(function, (long) count, offset, size);
    }
    return count;
  }

  /// Puts a launch into a stream of the context of this thread, and does not wait for it.
  ///
  /// @param threads of a group
  void launch(Compiled kernel, long groups, int threads, long stream) {
    try {
      check(
          (int)
              launchKernel.invokeExact(
                  kernel.function,
                  Math.toIntExact(groups),
                  1,
                  1,
                  threads,
                  1,
                  1,
                  0,
                  MemorySegment.ofAddress(stream),
                  kernel.pointers,
                  MemorySegment.NULL),
          "cuLaunchKernel");
    } catch (Throwable e) {
      throw NativeLibrary.thrown(e);
    }
  }

  /// Waits for all that is in a stream.
  void synchronize(long stream) {
    try {
      check((int) synchronize.invokeExact(MemorySegment.ofAddress(stream)), "cuStreamSynchronize");
    } catch (Throwable e) {
      throw NativeLibrary.thrown(e);
    }
  }

  /// Puts a copy of host memory into a stream. The driver has read the source when this returns: it
  /// is not pinned, and small.
  void send(MemorySegment source, long target, long stream) {
    try {
      check(
          (int)
              sendAsync.invokeExact(
                  target, source, source.byteSize(), MemorySegment.ofAddress(stream)),
          "cuMemcpyHtoDAsync");
    } catch (Throwable e) {
      throw NativeLibrary.thrown(e);
    }
  }

  @SuppressWarnings("restricted")
  private void check(int status, String what) throws Throwable {
    if (status != 0) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment place = arena.allocate(ADDRESS);
        String name =
            (int) errorName.invokeExact(status, place) == 0
                ? place.get(ADDRESS, 0).reinterpret(Long.MAX_VALUE).getString(0)
                : "unknown";
        throw new BackendException(
            "CUDA's driver refused %s with status %d (%s)".formatted(what, status, name));
      }
    }
  }
}
