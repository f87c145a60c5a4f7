package dev.yushan.backend.tornado;

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

/// A task of a graph of TornadoVM that computes nothing: it tells [Lanes] where things are on the
/// device. Found by [java.util.ServiceLoader].
public final class LanesProvider implements TornadoLibraryProvider {
  private static final String LIBRARY = "yushan/lanes";

  /// For the service loader.
  public LanesProvider() {}

  /// What a plan runs on. Its stream is asked for each time: every thread has one of its own.
  private record Queue(TornadoXPUDevice device, long plan) implements LibraryContext {}

  /// The task. TornadoVM is told that it writes, so that it comes after all tasks before it.
  static LibraryTaskDescriptor task(
      Lanes lanes, IntArray parameters, FloatArray floats, ShortArray shorts, IntArray ints) {
    Access write = Access.READ_WRITE;
    return new LibraryTaskDescriptor()
        .withLibrary(LIBRARY)
        .withFunction("tell")
        .withParameters(new Object[] {parameters, floats, shorts, ints})
        .withAccess(new Access[] {Access.READ_ONLY, write, write, write})
        .withTuning(lanes);
  }

  @Override
  public String libraryName() {
    return LIBRARY;
  }

  @Override
  public boolean canHandle(TornadoXPUDevice device) {
    return true;
  }

  @Override
  public LibraryContext createContext(TornadoXPUDevice device, long plan) {
    return new Queue(device, plan);
  }

  @Override
  public void dispatch(String function, LibraryInvocation call) {
    Queue queue = (Queue) call.getContext();
    long context = 0;
    long stream = 0;
    if (queue.device instanceof TornadoNativeStreamSupport streams) {
      context = streams.getNativeContext(queue.plan);
      stream = streams.getNativeStream(queue.plan);
    }
    ((Lanes) call.getTuning())
        .told(
            new Lanes.Place(
                context,
                stream,
                call.getDevicePointer(0),
                call.getDevicePointer(1),
                call.getDevicePointer(2),
                call.getDevicePointer(3)));
  }

  @Override
  public void destroyContext(LibraryContext context) {}
}
