package dev.yushan.backend.tornado;

import dev.yushan.backend.BackendException;
import dev.yushan.backend.BackendOptions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoDeviceType;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;

/// The devices that TornadoVM found, and those that are open. Backends on the same device share it
/// with its compiled kernels; the last one to close frees its memory.
final class Devices {
  /// What one array can have at most, leaving room for its header.
  private static final long MOST_ELEMENTS = Integer.MAX_VALUE - 1024L;

  private static final Map<String, Open> OPEN = new HashMap<>();

  private Devices() {}

  /// @param id driver and number, as TornadoVM counts them
  record Named(String id, TornadoDevice device) {
    String words() {
      return "%s %s, %s, %,d MiB"
          .formatted(
              id,
              device.getPhysicalDevice().getDeviceName().strip(),
              device.getTornadoVMBackend().name().toLowerCase(),
              device.getMaxGlobalMemory() >> 20);
    }
  }

  private static final class Open {
    final Device device;
    final DeviceMemory.Memory memory;
    int leases;

    Open(Device device) {
      this.device = device;
      memory = new DeviceMemory.Memory(device);
    }
  }

  /// A share of an open device.
  static final class Lease implements AutoCloseable {
    private final String id;
    private final Open open;
    private boolean closed;

    private Lease(String id, Open open) {
      this.id = id;
      this.open = open;
      open.leases++;
    }

    Device device() {
      return open.device;
    }

    DeviceMemory.Memory memory() {
      return open.memory;
    }

    @Override
    public void close() {
      synchronized (OPEN) {
        if (!closed) {
          closed = true;
          open.leases--;
          if (open.leases == 0) {
            OPEN.remove(id);
            open.device.close();
          }
        }
      }
    }
  }

  /// All devices, the best first where TornadoVM says so.
  static List<Named> found() {
    List<Named> found = new ArrayList<>();
    var map = TornadoExecutionPlan.getTornadoDeviceMap();
    for (int driver = 0; driver < map.getNumBackends(); driver++) {
      var backend = map.getAllBackends().get(driver);
      for (int number = 0; number < backend.getNumDevices(); number++) {
        found.add(new Named(driver + ":" + number, backend.getDevice(number)));
      }
    }
    return found;
  }

  private static Named choose(BackendOptions options) {
    List<Named> found = found();
    if (found.isEmpty()) {
      throw new BackendException(
          "TornadoVM found no device; install a driver for yours, or use --backend cpu");
    }
    if (options.device().isEmpty()) {
      return found.getFirst();
    }
    String id = options.device().get();
    return found.stream()
        .filter(device -> device.id.equals(id))
        .findFirst()
        .orElseThrow(
            () ->
                new BackendException(
                    "the tornado backend has no device '%s'; choose one of: %s"
                        .formatted(
                            id,
                            found.stream().map(Named::words).collect(Collectors.joining("; ")))));
  }

  /// Opens a backend on the device that the options name, the first one where they name none.
  static TornadoBackend open(BackendOptions options) {
    Named chosen = choose(options);
    requireLocalMemory(chosen);
    boolean cuda = options.experimentalCuda();
    if (cuda) {
      requireCuda(chosen);
    }
    long budget = budget(chosen.device);
    long limit = Math.min(budget, options.memoryBytes());
    String id = chosen.id + (cuda ? " with cuBLAS" : "");
    synchronized (OPEN) {
      Open open = OPEN.get(id);
      if (open == null) {
        Optional<CudaDriver> driver = isCuda(chosen) ? CudaDriver.find() : Optional.empty();
        if (cuda && driver.isEmpty()) {
          throw new BackendException(
              ("--experimental-cuda needs NVIDIA's driver of CUDA 12.4 or newer for %s: update it,"
                      + " or leave --experimental-cuda out")
                  .formatted(chosen.words()));
        }
        Optional<CuBlas> cuBlas = cuda ? Optional.of(CuBlas.load()) : Optional.empty();
        open = new Open(device(chosen.device, budget, driver, cuBlas));
        OPEN.put(id, open);
      }
      Lease lease = new Lease(id, open);
      try {
        return new TornadoBackend(lease, limit);
      } catch (RuntimeException | Error e) {
        lease.close();
        throw e;
      }
    }
  }

  /// A lease of a device that nobody else finds.
  static Lease lease(Device device) {
    return new Lease("", new Open(device));
  }

  private static boolean isCuda(Named chosen) {
    return chosen.device.getTornadoVMBackend() == TornadoVMBackendType.CUDA;
  }

  private static void requireCuda(Named chosen) {
    if (!isCuda(chosen)) {
      throw new BackendException(
          ("--experimental-cuda needs a device of CUDA, and %s is none; choose one with --device,"
                  + " or leave --experimental-cuda out")
              .formatted(chosen.words()));
    }
  }

  /// A driver only prints that a kernel had too little, and goes on.
  private static void requireLocalMemory(Named chosen) {
    long there = chosen.device.getDeviceLocalMemorySize();
    if (there < AttentionGradients.LOCAL_BYTES) {
      throw new BackendException(
          ("the tornado backend needs %,d bytes of local memory, and %s has %,d; choose another"
                  + " device with --device, or use --backend cpu")
              .formatted(AttentionGradients.LOCAL_BYTES, chosen.words(), there));
    }
  }

  /// What the tensors of a device may take: half of its memory, so that floats and shorts can have
  /// all of it between them, and what an array can hold of it. Of a device that shares the memory
  /// of the host, which everything else needs too, much less.
  private static long budget(TornadoDevice device) {
    long share = device.getDeviceType() == TornadoDeviceType.CPU ? 16 : 2;
    long one = device.getMaxAllocMemory();
    long most = Math.min(one > 0 ? one : Long.MAX_VALUE, device.getMaxGlobalMemory() / share);
    return Math.min(most, 4 * MOST_ELEMENTS);
  }

  private static Device device(
      TornadoDevice device, long budget, Optional<CudaDriver> driver, Optional<CuBlas> cuBlas) {
    int floats = Math.toIntExact(Math.min(MOST_ELEMENTS, budget / 4));
    int shorts = Math.toIntExact(Math.min(MOST_ELEMENTS, budget / 2));
    int ints = Math.toIntExact(Math.min(64L << 20, budget / 32));
    return new Device(
        device,
        new Graphs.Sizes(floats, shorts, ints),
        Graphs.OPENCL_FLAGS,
        driver,
        cuBlas,
        UnaryOperator.identity());
  }
}
