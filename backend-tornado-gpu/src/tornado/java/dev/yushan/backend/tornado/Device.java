package dev.yushan.backend.tornado;

import dev.yushan.backend.BackendException;
import dev.yushan.backend.Traffic;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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

/// A device with its memory and its kernels.
///
/// The memory is an arena of three lanes, one array each of floats, shorts (halves and quantised
/// blocks) and integers, that never leave the device. A graph of its own owns them; every other is
/// one kernel that takes the lanes from the device, and its parameters, [Common#LENGTH] integers,
/// from the host. So each kernel is compiled once, for all shapes and places.
///
/// A graph works in any order once it has run right after the owner, which its first launch sees to
/// (docs/explanation/tornadovm.md has the rules behind this).
final class Device implements AutoCloseable {
  private static final int OWNER_THREADS = 64;

  /// Without reassociation and with infinities: results are to be the same everywhere.
  static final String OPENCL_FLAGS = "-cl-std=CL1.2 -w -cl-fp32-correctly-rounded-divide-sqrt";

  /// Parameters on which no kernel does anything: no rows, and nothing that it could divide by is
  /// zero, which a processor would not forgive.
  private static final int[] NOTHING = nothing();

  /// What a carrier holds before data comes to it: twice, since data may be the same once.
  private static final byte[] MARKS = {0x5A, (byte) 0xA5};

  /// Runs a graph of the plan. The driver may print what went wrong and return as if nothing had.
  interface Runs {
    void run(int graph, GridScheduler scheduler);
  }

  /// One kernel with its parameters, as a graph of the plan.
  private record Graph(
      int index, String name, IntArray parameters, WorkerGrid1D grid, GridScheduler scheduler) {}

  /// A carrier of data, with its array.
  private record Carrier(Graph graph, TornadoNativeArray array, int elements) {
    /// What goes over, however much of it is wanted.
    long bytes() {
      return array.getNumBytesOfSegmentWithHeader();
    }
  }

  private final TornadoDevice device;
  private final Lanes lanes = new Lanes();
  private final Optional<CuBlas> cuBlas;
  private final Optional<CudaLauncher> cuda;
  private final TornadoExecutionPlan plan;
  private final FloatArray floats;
  private final ShortArray shorts;
  private final IntArray ints;
  private final KernelContext context = new KernelContext();
  private final Map<Kernel, Graph> kernels = new EnumMap<>(Kernel.class);
  private final Map<Transfer, List<Carrier>> carriers = new EnumMap<>(Transfer.class);
  private final boolean[] warm;
  private final Runs runs;
  private Optional<MemorySegment> cuBlasHandle = Optional.empty();
  private long launches;
  private long parameterBytes;
  private long sent;
  private long fetched;
  private boolean closed;

  /// @param floatCount elements of the lane of floats, as `shortCount` and `intCount`
  /// @param openclFlags for the device's compiler
  Device(TornadoDevice device, int floatCount, int shortCount, int intCount, String openclFlags) {
    this(
        device,
        floatCount,
        shortCount,
        intCount,
        openclFlags,
        Optional.empty(),
        Optional.empty(),
        UnaryOperator.identity());
  }

  /// @param driver what launches kernels; without it TornadoVM does
  /// @param cuBlas what [Kernel#CUBLAS] calls; without it that kernel is not there
  /// @param through what comes between it and the plan
  Device(
      TornadoDevice device,
      int floatCount,
      int shortCount,
      int intCount,
      String openclFlags,
      Optional<CudaDriver> driver,
      Optional<CuBlas> cuBlas,
      UnaryOperator<Runs> through) {
    this.device = device;
    this.cuBlas = cuBlas;
    cuda = driver.map(found -> new CudaLauncher(found, lanes, this::launchNothing));
    floats = FloatArray.fromSegmentShallow(untouched(4L * floatCount));
    shorts = ShortArray.fromSegmentShallow(untouched(2L * shortCount));
    ints = IntArray.fromSegmentShallow(untouched(4L * intCount));
    List<ImmutableTaskGraph> graphs = new ArrayList<>();
    for (Kernel kernel : Kernel.values()) {
      if (kernel != Kernel.CUBLAS) {
        kernels.put(kernel, kernel(graphs, kernel));
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
    try {
      table();
      // whether it has the memory is seen when something comes back
      download(Transfer.FLOATS_DOWN, 0, MemorySegment.ofArray(new float[1]));
    } catch (RuntimeException | Error e) {
      try {
        close();
      } catch (RuntimeException second) {
        e.addSuppressed(second);
      }
      throw e;
    }
  }

  /// Zeroed memory of the host that takes no room until somebody touches it, which nobody does: an
  /// array must have a host side, and Java would fill it.
  @SuppressWarnings("restricted")
  private static MemorySegment untouched(long bytes) {
    long size = bytes + TornadoNativeArray.ARRAY_HEADER;
    Linker linker = Linker.nativeLinker();
    FunctionDescriptor type =
        FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG);
    try {
      MemorySegment memory =
          (MemorySegment)
              linker
                  .downcallHandle(linker.defaultLookup().findOrThrow("calloc"), type)
                  .invokeExact(1L, size);
      return memory.reinterpret(size);
    } catch (Throwable e) {
      throw new IllegalStateException("calloc cannot be called", e);
    }
  }

  private Graph graph(int index, String name, String task, int group) {
    WorkerGrid1D grid = new WorkerGrid1D(group);
    grid.setLocalWork(group, 1, 1);
    return new Graph(
        index, name, new IntArray(Common.LENGTH), grid, new GridScheduler(name + "." + task, grid));
  }

  private Graph kernel(List<ImmutableTaskGraph> graphs, Kernel kernel) {
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
    if (kernel == Kernel.OWNER || cuda.isPresent()) {
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

  /// The constants that kernels find at the start of the floats.
  private void table() {
    float[] table = new float[Common.NAN + 1];
    for (int k = -149; k <= 127; k++) {
      table[k + Common.BIAS] = Math.scalb(1f, k);
    }
    table[Common.INFINITY] = Float.POSITIVE_INFINITY;
    table[Common.NAN] = Float.NaN;
    upload(Transfer.FLOATS_UP, MemorySegment.ofArray(table), 0);
  }

  /// Runs a kernel.
  ///
  /// @param groups how many groups of its threads
  void launch(Kernel kernel, int[] parameters, long groups) {
    if (groups <= 0) {
      return;
    }
    if (kernel == Kernel.CUBLAS) {
      direct(kernel, () -> product(Gemm.read(parameters)));
    } else if (cuda.isPresent()) {
      direct(kernel, () -> cuda.get().launch(kernel, parameters, groups));
      parameterBytes += 4L * Common.LENGTH;
    } else {
      run(kernels.get(kernel), parameters, groups * kernel.group);
    }
  }

  /// Runs a kernel whose parameters lie on the device, from an element of the integers on.
  void launch(Kernel kernel, int at, long groups) {
    if (groups > 0) {
      direct(kernel, () -> cuda.orElseThrow().launch(kernel, at, groups));
    }
  }

  /// Whether parameters can lie on the device.
  boolean launchesDirectly() {
    return cuda.isPresent();
  }

  /// Runs the graph of a kernel on nothing.
  private void launchNothing(Kernel kernel) {
    run(kernels.get(kernel), NOTHING, kernel.group);
  }

  private void product(Gemm product) {
    cuda.ifPresent(CudaLauncher::enter);
    Lanes.Place place = lanes.place();
    CuBlas library = cuBlas.orElseThrow();
    if (cuBlasHandle.isEmpty()) {
      cuBlasHandle = Optional.of(library.open(place.stream()));
    }
    library.product(cuBlasHandle.get(), product, place.floats(), place.shorts());
  }

  private void direct(Kernel kernel, Runnable call) {
    refuseClosed();
    launches++;
    try {
      call.run();
    } catch (BackendException e) {
      throw failure(kernel.name().toLowerCase(), e);
    }
  }

  private BackendException failure(String kernel, Throwable cause) {
    return new BackendException(
        ("the tornado backend failed on %s in the kernel %s: %s; choose another device with"
                + " --device, or use --backend cpu")
            .formatted(description(), kernel, Failure.cause(cause)),
        cause);
  }

  private void run(Graph graph, int[] parameters, long threads) {
    warm(graph);
    execute(graph, parameters, threads);
  }

  private void warm(Graph graph) {
    refuseClosed();
    if (!warm[graph.index]) {
      execute(kernels.get(Kernel.OWNER), NOTHING, OWNER_THREADS);
      execute(graph, NOTHING, graph.grid.getLocalWork()[0]);
      warm[graph.index] = true;
    }
  }

  private void refuseClosed() {
    if (closed) {
      throw new IllegalStateException("the device is closed: " + description());
    }
  }

  private void execute(Graph graph, int[] parameters, long threads) {
    MemorySegment.copy(
        parameters, 0, graph.parameters.getSegment(), ValueLayout.JAVA_INT, 0, parameters.length);
    graph.grid.setGlobalWork(threads, 1, 1);
    launches++;
    parameterBytes += 4L * Common.LENGTH;
    try {
      runs.run(graph.index, graph.scheduler);
    } catch (RuntimeException | Error e) {
      throw failure(graph.name, e);
    }
  }

  private Carrier carrier(Transfer transfer, long elements) {
    return carriers.get(transfer).get(transfer.sizes.indexOf(transfer.size(elements)));
  }

  /// Sends host bytes into a lane, from element `at` on.
  void upload(Transfer transfer, MemorySegment source, long at) {
    long elements = source.byteSize() / transfer.elementBytes;
    for (long done = 0; done < elements; ) {
      Carrier carrier = carrier(transfer, elements - done);
      long n = Math.min(elements - done, carrier.elements);
      long bytes = transfer.elementBytes;
      MemorySegment.copy(source, done * bytes, carrier.array.getSegment(), 0, n * bytes);
      run(carrier.graph, parameters(n, at + done), threads(n));
      sent += carrier.bytes();
      done += n;
    }
  }

  /// Fetches from element `at` of a lane on into host bytes.
  void download(Transfer transfer, long at, MemorySegment target) {
    long elements = target.byteSize() / transfer.elementBytes;
    for (long done = 0; done < elements; ) {
      Carrier carrier = carrier(transfer, elements - done);
      long n = Math.min(elements - done, carrier.elements);
      long bytes = transfer.elementBytes;
      fetch(carrier, parameters(n, at + done), threads(n), transfer.elementBytes);
      MemorySegment.copy(carrier.array.getSegment(), 0, target, done * bytes, n * bytes);
      done += n;
    }
  }

  /// Runs a carrier that brings data, and sees that some came.
  private void fetch(Carrier carrier, int[] parameters, long threads, long bytes) {
    warm(carrier.graph);
    for (byte mark : MARKS) {
      MemorySegment first = carrier.array.getSegment().asSlice(0, bytes).fill(mark);
      execute(carrier.graph, parameters, threads);
      fetched += carrier.bytes();
      for (long i = 0; i < bytes; i++) {
        if (first.get(ValueLayout.JAVA_BYTE, i) != mark) {
          return;
        }
      }
    }
    throw new BackendException(
        ("the tornado backend gets no answer from %s in the kernel %s: the device is lost or has no"
             + " memory left, the driver prints why; end what else uses it and start again, choose"
             + " another device with --device, or use --backend cpu")
            .formatted(description(), carrier.graph.name));
  }

  /// Zeroes a region of a lane.
  void zero(Kernel kernel, long at, long elements) {
    long most = 1L << 30;
    for (long done = 0; done < elements; done += most) {
      long n = Math.min(most, elements - done);
      launch(kernel, parameters(n, at + done), threads(n) / kernel.group);
    }
  }

  private static int[] nothing() {
    int[] parameters = new int[Common.LENGTH];
    Arrays.fill(parameters, Common.ARGUMENTS, Common.SECOND, 1);
    return parameters;
  }

  private static int[] parameters(long elements, long at) {
    int[] parameters = new int[Common.LENGTH];
    parameters[0] = Math.toIntExact(elements);
    parameters[Common.ARGUMENTS] = Math.toIntExact(at);
    return parameters;
  }

  private static long threads(long elements) {
    return (elements + Transfer.GROUP - 1) / Transfer.GROUP * Transfer.GROUP;
  }

  Optional<CuBlas> cuBlas() {
    return cuBlas;
  }

  /// What went over since the device was opened; warming up the carriers is left out.
  Traffic traffic() {
    return new Traffic(launches, sent, fetched, parameterBytes);
  }

  /// Bytes that TornadoVM has taken on the device: lanes, parameters and carriers.
  long occupiedBytes() {
    return plan.getCurrentDeviceMemoryUsage();
  }

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
    // memory is freed with the plan: a handle that cannot be given back is no loss
    cuBlasHandle.ifPresent(handle -> cuBlas.orElseThrow().close(handle));
    try {
      plan.freeDeviceMemory();
      plan.close();
    } catch (TornadoExecutionPlanException e) {
      throw new BackendException("the device cannot be closed: " + e.getMessage(), e);
    }
  }
}
