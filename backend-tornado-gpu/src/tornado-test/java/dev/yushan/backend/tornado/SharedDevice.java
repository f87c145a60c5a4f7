package dev.yushan.backend.tornado;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/// The first device, kept open for all tests of the process, so that each kernel is compiled once.
/// With the system property `yushan.experimental-cuda` its products are those of cuBLAS.
final class SharedDevice {
  private static final Map<String, String> EXTRA =
      Map.of(
          BackendOptions.EXPERIMENTAL_CUDA,
          System.getProperty("yushan.experimental-cuda", "false"));
  private static final TornadoBackendProvider PROVIDER = new TornadoBackendProvider();
  private static final Backend KEPT = PROVIDER.open(new BackendOptions(0, Optional.empty(), EXTRA));

  private SharedDevice() {}

  /// What goes over for so many bytes of floats or integers: the smallest carrier, whole.
  static long moved(long bytes) {
    return 4L * Transfer.FLOATS_UP.size(bytes / 4) + TornadoNativeArray.ARRAY_HEADER;
  }

  /// Opens a backend on it.
  static Backend open(BackendOptions options) {
    if (KEPT.availableBytes() <= 0) {
      throw new IllegalStateException("the device has no memory: " + KEPT.description());
    }
    Map<String, String> extra = new HashMap<>(EXTRA);
    extra.putAll(options.extra());
    return PROVIDER.open(new BackendOptions(options.threads(), options.device(), extra));
  }
}
