package dev.yushan.backend.tornado;

import dev.yushan.backend.BackendException;
import dev.yushan.backend.Traffic;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.function.UnaryOperator;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/// A device: runs kernels on its lanes, and carries data there and back. Kernels are run by
/// [Graphs], or where the driver is CUDA's by [CudaLauncher]; products by cuBLAS, where that is
/// wanted.
final class Device implements AutoCloseable {
  /// What a carrier holds before data comes to it: twice, since data may be the same once.
  private static final byte[] MARKS = {0x5A, (byte) 0xA5};

  private final Graphs graphs;
  private final Lanes lanes = new Lanes();
  private final Optional<CuBlas> cuBlas;
  private final Optional<CudaLauncher> cuda;
  private Optional<MemorySegment> cuBlasHandle = Optional.empty();

  /// The thread that called last: TornadoVM has a stream for each, and nothing orders them.
  private Thread thread = Thread.currentThread();

  private long direct;
  private long directParameters;
  private long sent;
  private long fetched;

  /// @param openclFlags for the device's compiler
  Device(TornadoDevice device, Graphs.Sizes sizes, String openclFlags) {
    this(device, sizes, openclFlags, Optional.empty(), Optional.empty(), UnaryOperator.identity());
  }

  /// @param driver what launches kernels; without it TornadoVM does
  /// @param cuBlas what [Kernel#CUBLAS] calls; without it that kernel is not there
  /// @param through what comes between graphs and TornadoVM
  Device(
      TornadoDevice device,
      Graphs.Sizes sizes,
      String openclFlags,
      Optional<CudaDriver> driver,
      Optional<CuBlas> cuBlas,
      UnaryOperator<Graphs.Runs> through) {
    this.cuBlas = cuBlas;
    graphs = new Graphs(device, sizes, openclFlags, lanes, driver.isPresent(), through);
    cuda = driver.map(found -> new CudaLauncher(found, lanes, graphs::runOnNothing));
    try {
      table();
      // whether it has the memory is seen when something comes back
      download(Transfer.FLOATS_DOWN, 0, MemorySegment.ofArray(new float[1]));
    } catch (RuntimeException | Error e) {
      try {
        close();
      } catch (RuntimeException | Error second) {
        e.addSuppressed(second);
      }
      throw e;
    }
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
    comeIn();
    if (kernel == Kernel.CUBLAS) {
      direct(kernel, () -> product(Gemm.read(parameters)));
    } else if (cuda.isPresent()) {
      direct(kernel, () -> cuda.get().launch(kernel, parameters, groups));
      directParameters++;
    } else {
      graphs.run(kernel, parameters, groups * kernel.group);
    }
  }

  /// Runs a kernel whose parameters lie on the device, from an element of the integers on.
  void launch(Kernel kernel, int at, long groups) {
    if (groups > 0) {
      comeIn();
      direct(kernel, () -> cuda.orElseThrow().launch(kernel, at, groups));
    }
  }

  /// Whether parameters can lie on the device.
  boolean launchesDirectly() {
    return cuda.isPresent();
  }

  private void product(Gemm product) {
    cuda.ifPresent(CudaLauncher::enter);
    CuBlas library = cuBlas.orElseThrow();
    Lanes.Place place = lanes.place();
    if (cuBlasHandle.isEmpty()) {
      cuBlasHandle = Optional.of(library.open(place.stream()));
    }
    library.product(cuBlasHandle.get(), product, place.floats(), place.shorts());
  }

  /// Sees that what another thread has launched is done, and that this one's stream is known.
  private void comeIn() {
    graphs.refuseClosed();
    if (Thread.currentThread() != thread && (cuda.isPresent() || cuBlas.isPresent())) {
      cuda.ifPresent(CudaLauncher::finish);
      thread = Thread.currentThread();
      graphs.runOnNothing(Kernel.OWNER);
      cuBlasHandle.ifPresent(
          handle -> cuBlas.orElseThrow().setStream(handle, lanes.place().stream()));
    }
  }

  private void direct(Kernel kernel, Runnable call) {
    direct++;
    try {
      call.run();
    } catch (RuntimeException e) {
      throw graphs.failure(kernel.name().toLowerCase(), e);
    }
  }

  /// Sends host bytes into a lane, from element `at` on.
  void upload(Transfer transfer, MemorySegment source, long at) {
    comeIn();
    long elements = source.byteSize() / transfer.elementBytes;
    for (long done = 0; done < elements; ) {
      Graphs.Carrier carrier = graphs.carrier(transfer, elements - done);
      long n = Math.min(elements - done, carrier.elements());
      long bytes = transfer.elementBytes;
      MemorySegment.copy(source, done * bytes, carrier.array().getSegment(), 0, n * bytes);
      graphs.run(carrier.graph(), parameters(n, at + done), threads(n));
      sent += carrier.bytes();
      done += n;
    }
  }

  /// Fetches from element `at` of a lane on into host bytes.
  void download(Transfer transfer, long at, MemorySegment target) {
    comeIn();
    long elements = target.byteSize() / transfer.elementBytes;
    for (long done = 0; done < elements; ) {
      Graphs.Carrier carrier = graphs.carrier(transfer, elements - done);
      long n = Math.min(elements - done, carrier.elements());
      long bytes = transfer.elementBytes;
      fetch(carrier, parameters(n, at + done), threads(n), transfer.elementBytes);
      MemorySegment.copy(carrier.array().getSegment(), 0, target, done * bytes, n * bytes);
      done += n;
    }
  }

  /// Runs a carrier that brings data, and sees that some came.
  private void fetch(Graphs.Carrier carrier, int[] parameters, long threads, long bytes) {
    graphs.warm(carrier.graph());
    for (byte mark : MARKS) {
      MemorySegment first = carrier.array().getSegment().asSlice(0, bytes).fill(mark);
      graphs.run(carrier.graph(), parameters, threads);
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
            .formatted(description(), carrier.graph().name()));
  }

  /// Zeroes a region of a lane.
  void zero(Kernel kernel, long at, long elements) {
    long most = 1L << 30;
    for (long done = 0; done < elements; done += most) {
      long n = Math.min(most, elements - done);
      launch(kernel, parameters(n, at + done), threads(n) / kernel.group);
    }
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
    long parameters = 4L * Common.LENGTH * (graphs.executed() + directParameters);
    return new Traffic(graphs.executed() + direct, sent, fetched, parameters);
  }

  /// Bytes that TornadoVM has taken on the device: lanes, parameters and carriers.
  long occupiedBytes() {
    return graphs.occupiedBytes();
  }

  /// Elements of a lane.
  long lane(Transfer of) {
    return graphs.lane(of);
  }

  String description() {
    return graphs.description();
  }

  @Override
  public void close() {
    Optional<MemorySegment> handle = cuBlasHandle;
    cuBlasHandle = Optional.empty();
    try (graphs) {
      if (handle.isPresent()) {
        cuda.ifPresent(CudaLauncher::finish);
        cuBlas.orElseThrow().close(handle.get());
      }
    }
  }
}
