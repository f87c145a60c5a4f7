package dev.yushan.backend.tornado;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import uk.ac.manchester.tornado.api.common.Access;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.runtime.common.TornadoXPUDevice;
import uk.ac.manchester.tornado.runtime.library.spi.LibraryContext;
import uk.ac.manchester.tornado.runtime.library.spi.LibraryInvocation;
import uk.ac.manchester.tornado.runtime.library.spi.TornadoLibraryProvider;
import uk.ac.manchester.tornado.runtime.library.spi.TornadoNativeStreamSupport;

/// Has TornadoVM call [CuBlas] as a task of a graph. Found by [java.util.ServiceLoader].
///
/// TornadoVM's own tasks for cuBLAS take whole arrays and bake sizes in; this one reads places and
/// sizes from its parameters whenever it runs, as our kernels do.
public final class CuBlasProvider implements TornadoLibraryProvider {
  private static final String LIBRARY = "yushan/cublas";

  /// For the service loader.
  public CuBlasProvider() {}

  /// What a plan has of the library; the handle from before its first task on.
  private static final class Context implements LibraryContext {
    private final long stream;
    private Optional<Open> open = Optional.empty();

    private Context(long stream) {
      this.stream = stream;
    }
  }

  private record Open(CuBlas library, MemorySegment handle) {}

  /// The task that computes the product that its parameters describe.
  static LibraryTaskDescriptor task(
      CuBlas library, IntArray parameters, FloatArray floats, ShortArray shorts, IntArray ints) {
    return new LibraryTaskDescriptor()
        .withLibrary(LIBRARY)
        .withFunction("product")
        .withParameters(new Object[] {parameters, floats, shorts, ints})
        .withAccess(
            new Access[] {Access.READ_ONLY, Access.READ_WRITE, Access.READ_ONLY, Access.READ_ONLY})
        .withTuning(library);
  }

  @Override
  public String libraryName() {
    return LIBRARY;
  }

  /// Which devices it is for was looked at when the backend was opened.
  @Override
  public boolean canHandle(TornadoXPUDevice device) {
    return true;
  }

  @Override
  public LibraryContext createContext(TornadoXPUDevice device, long plan) {
    return new Context(
        device instanceof TornadoNativeStreamSupport streams ? streams.getNativeStream(plan) : 0);
  }

  /// Throws nothing: a graph of TornadoVM that was left by an exception does nothing from then on,
  /// without a word. [Device] asks the library.
  @Override
  public void dispatch(String function, LibraryInvocation call) {
    CuBlas library = (CuBlas) call.getTuning();
    library.guard(
        () -> {
          Gemm product = Gemm.read(((IntArray) call.getArg(0)).toHeapArray());
          if (product.m() > 0) {
            MemorySegment handle = handle(library, (Context) call.getContext());
            library.product(handle, product, call.getDevicePointer(1), call.getDevicePointer(2));
          }
        });
  }

  /// Made here, where the device's context is that of this thread: the transfer of the parameters
  /// has set it.
  private static MemorySegment handle(CuBlas library, Context context) {
    if (context.open.isEmpty()) {
      context.open = Optional.of(new Open(library, library.open(context.stream)));
    }
    return context.open.get().handle;
  }

  /// A handle that cannot be given back goes with the device's context: memory is freed all the
  /// same.
  @Override
  public void destroyContext(LibraryContext context) {
    ((Context) context)
        .open.ifPresent(open -> open.library.guard(() -> open.library.close(open.handle)));
  }
}
