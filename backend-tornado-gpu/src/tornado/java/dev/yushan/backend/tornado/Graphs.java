package dev.yushan.backend.tornado;

import dev.yushan.backend.BackendException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/// What TornadoVM has of a device: its memory and a graph for each kernel.
///
/// The memory is an arena of three lanes, one array each of floats, shorts (halves and quantised
/// blocks) and integers, that never leave the device. A graph of its own owns them; every other is
/// one kernel that takes the lanes from the device, and its parameters, [Common#LENGTH] integers,
/// from the host. So each kernel is compiled once, for all shapes and places.
///
/// A graph works in any order once it has run right after the owner, which its first run sees to
/// (docs/explanation/tornadovm.md has the rules behind this).
final class Graphs implements AutoCloseable {
  private static final int OWNER_THREADS = 64;

  private static final MethodHandle CALLOC =
      call(
          "calloc",
          FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
  private static final MethodHandle FREE =
      call("free", FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));

  /// Without reassociation and with infinities: results are to be the same everywhere.
  static final String OPENCL_FLAGS = "-cl-std=CL1.2 -w -cl-fp32-correctly-rounded-divide-sqrt";

  /// Parameters on which no kernel does anything: no rows, and nothing that it could divide by is
  /// zero, which a processor would not forgive.
  private static final int[] NOTHING = nothing();

  /// Runs a graph of the plan. The driver may print what went wrong and return as if nothing had.
  interface Runs {
    void run(int graph, GridScheduler scheduler);
  }

  /// How many elements each lane has.
  record Sizes(int floats, int shorts, int ints) {}

  /// One kernel with its parameters, as a graph of the plan.
  record Graph(
      int index, String name, IntArray parameters, WorkerGrid1D grid, GridScheduler scheduler) {}

  /// A carrier of data, with its array.
  record Carrier(Graph graph, TornadoNativeArray array, int elements) {
    /// What goes over, however much of it is wanted.
    long bytes() {
      return array.getNumBytesOfSegmentWithHeader();
    }
  }

  private final TornadoDevice device;
  private final List<MemorySegment> hostSides = new ArrayList<>();
  private final TornadoExecutionPlan plan;
  private final FloatArray floats;
  private final ShortArray shorts;
  private final IntArray ints;
  private final KernelContext context = new KernelContext();
  private final Map<Kernel, Graph> kernels = new EnumMap<>(Kernel.class);
  private final Map<Transfer, List<Carrier>> carriers = new EnumMap<>(Transfer.class);
  private final boolean[] warm;
  private final Runs runs;
  private long executed;
  private boolean closed;

  /// @param openclFlags for the device's compiler
  /// @param lanes told by the owner's graph where things are
  /// @param allTell whether every kernel's graph tells that
  /// @param through what comes between graphs and the plan
  Graphs(
      TornadoDevice device,
      Sizes sizes,
      String openclFlags,
      Lanes lanes,
      boolean allTell,
      UnaryOperator<Runs> through) {
    this.device = device;
    floats = FloatArray.fromSegmentShallow(untouched(4L * sizes.floats));
    shorts = ShortArray.fromSegmentShallow(untouched(2L * sizes.shorts));
    ints = IntArray.fromSegmentShallow(untouched(4L * sizes.ints));
    List<ImmutableTaskGraph> graphs = new ArrayList<>();
    for (Kernel kernel : Kernel.values()) {
      if (kernel != Kernel.CUBLAS) {
        kernels.put(kernel, kernel(graphs, kernel, lanes, allTell || kernel == Kernel.OWNER));
      }
    }
    for (Transfer transfer : Transfer.values()) {
      carriers.put(
          transfer, transfer.sizes.stream().map(size -> carrier(graphs, transfer, size)).toList());
    }
    warm = new boolean[graphs.size()];
    plan = new TornadoExecutionPlan(graphs.toArray(ImmutableTaskGraph[]::new));
    plan.withDevice(device);
    plan.withCompilerFlags(TornadoVMBackendType.OPENCL, openclFlags);
    runs =
        through.apply(
            (graph, scheduler) -> plan.withGraph(graph).withGridScheduler(scheduler).execute());
  }

  /// Zeroed memory of the host that takes no room until somebody touches it, which nobody does: an
  /// array must have a host side, and Java would fill it.
  @SuppressWarnings("restricted")
  private MemorySegment untouched(long bytes) {
    long size = bytes + TornadoNativeArray.ARRAY_HEADER;
    MemorySegment memory;
    try {
      memory = (MemorySegment) CALLOC.invokeExact(1L, size);
    } catch (Throwable e) {
      throw new IllegalStateException("calloc cannot be called", e);
    }
    if (memory.equals(MemorySegment.NULL)) {
      throw new BackendException(
          "the system gives no %,d bytes of address space, which the tornado backend needs for the host side of a device's memory; raise the limit (ulimit -v), or use --backend cpu"
              .formatted(size));
    }
    hostSides.add(memory);
    return memory.reinterpret(size);
  }

  private void freeHostSides() {
    for (MemorySegment memory : hostSides) {
      try {
        FREE.invokeExact(memory);
      } catch (Throwable e) {
        throw new IllegalStateException("free cannot be called", e);
      }
    }
    hostSides.clear();
  }

  @SuppressWarnings("restricted")
  private static MethodHandle call(String name, FunctionDescriptor type) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type);
  }

  private Graph graph(int index, String name, String task, int group) {
    WorkerGrid1D grid = new WorkerGrid1D(group);
    grid.setLocalWork(group, 1, 1);
    return new Graph(
        index, name, new IntArray(Common.LENGTH), grid, new GridScheduler(name + "." + task, grid));
  }

  private Graph kernel(List<ImmutableTaskGraph> graphs, Kernel kernel, Lanes lanes, boolean tells) {
    Graph made = graph(graphs.size(), kernel.name().toLowerCase(), "run", kernel.group);
    TaskGraph tasks =
        new TaskGraph(made.name)
            .transferToDevice(DataTransferMode.EVERY_EXECUTION, made.parameters);
    if (kernel == Kernel.OWNER) {
      // allocated there, and never sent
      tasks.transferToDevice(DataTransferMode.UNDER_DEMAND, floats, shorts, ints);
    } else {
      tasks.consumeFromDevice("owner", floats, shorts, ints);
    }
    tasks.task("run", kernel.code, context, made.parameters, floats, shorts, ints);
    if (tells) {
      tasks.libraryTask(
          "tell",
          (p, f, h, w) -> LanesProvider.task(lanes, p, f, h, w),
          made.parameters,
          floats,
          shorts,
          ints);
    }
    graphs.add(tasks.persistOnDevice(floats, shorts, ints).snapshot());
    return made;
  }

  private Carrier carrier(List<ImmutableTaskGraph> graphs, Transfer transfer, int elements) {
    String name = transfer.name().toLowerCase() + elements;
    Graph made = graph(graphs.size(), name, "copy", Transfer.GROUP);
    TornadoNativeArray array = transfer.array(elements);
    TaskGraph tasks = new TaskGraph(name);
    tasks.transferToDevice(DataTransferMode.EVERY_EXECUTION, made.parameters);
    if (!transfer.down()) {
      tasks.transferToDevice(DataTransferMode.EVERY_EXECUTION, array);
    }
    tasks.consumeFromDevice("owner", floats, shorts, ints);
    transfer.task(tasks, context, made.parameters, array, floats, shorts, ints);
    tasks.persistOnDevice(floats, shorts, ints);
    if (transfer.down()) {
      tasks.transferToHost(DataTransferMode.EVERY_EXECUTION, array);
    }
    graphs.add(tasks.snapshot());
    return new Carrier(made, array, elements);
  }

  /// Runs a kernel.
  void run(Kernel kernel, int[] parameters, long threads) {
    run(kernels.get(kernel), parameters, threads);
  }

  /// Runs a kernel on nothing.
  void runOnNothing(Kernel kernel) {
    run(kernel, NOTHING, kernel.group);
  }

  void run(Graph graph, int[] parameters, long threads) {
    warm(graph);
    executed++;
    execute(graph, parameters, threads);
  }

  /// Sees that a graph has run once. Warming up really runs a kernel, on nothing.
  void warm(Graph graph) {
    refuseClosed();
    if (!warm[graph.index]) {
      execute(kernels.get(Kernel.OWNER), NOTHING, OWNER_THREADS);
      execute(graph, NOTHING, graph.grid.getLocalWork()[0]);
      warm[graph.index] = true;
    }
  }

  void refuseClosed() {
    if (closed) {
      throw new IllegalStateException("the device is closed: " + description());
    }
  }

  private void execute(Graph graph, int[] parameters, long threads) {
    MemorySegment.copy(
        parameters, 0, graph.parameters.getSegment(), ValueLayout.JAVA_INT, 0, parameters.length);
    graph.grid.setGlobalWork(threads, 1, 1);
    try {
      runs.run(graph.index, graph.scheduler);
    } catch (RuntimeException | Error e) {
      throw failure(graph.name, e);
    }
  }

  /// What to throw where a kernel failed.
  BackendException failure(String kernel, Throwable cause) {
    return new BackendException(
        ("the tornado backend failed on %s in the kernel %s: %s; choose another device with"
                + " --device, or use --backend cpu")
            .formatted(description(), kernel, Failure.cause(cause)),
        cause);
  }

  /// The smallest carrier that has room for so many elements, or the largest.
  Carrier carrier(Transfer transfer, long elements) {
    return carriers.get(transfer).get(transfer.sizes.indexOf(transfer.size(elements)));
  }

  private static int[] nothing() {
    int[] parameters = new int[Common.LENGTH];
    Arrays.fill(parameters, Common.ARGUMENTS, Common.SECOND, 1);
    return parameters;
  }

  /// How many graphs have run, warming up left out; each was sent its parameters.
  long executed() {
    return executed;
  }

  /// Bytes that TornadoVM has taken on the device: lanes, parameters and carriers.
  long occupiedBytes() {
    return plan.getCurrentDeviceMemoryUsage();
  }

  /// Elements of a lane.
  long lane(Transfer of) {
    return switch (of) {
      case FLOATS_UP, FLOATS_DOWN -> floats.getSize();
      case SHORTS_UP, SHORTS_DOWN -> shorts.getSize();
      case INTS_UP, INTS_DOWN -> ints.getSize();
    };
  }

  String description() {
    return "%s (%s)"
        .formatted(
            device.getPhysicalDevice().getDeviceName().strip(),
            device.getTornadoVMBackend().name().toLowerCase());
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    Arrays.fill(warm, false);
    try {
      plan.freeDeviceMemory();
      plan.close();
    } catch (TornadoExecutionPlanException e) {
      throw new BackendException("the device cannot be closed: " + e.getMessage(), e);
    }
    freeHostSides();
  }
}
