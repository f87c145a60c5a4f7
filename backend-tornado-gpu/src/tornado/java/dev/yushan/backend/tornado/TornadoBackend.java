package dev.yushan.backend.tornado;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.DeviceLimits;
import dev.yushan.backend.Feature;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.Plan;
import dev.yushan.backend.Traffic;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Storage;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// A device of TornadoVM. Kernels run when they are called; a plan keeps the launches of its body
/// and repeats them.
final class TornadoBackend implements Backend {
  /// A kernel with its parameters.
  record Launch(Kernel kernel, int[] parameters, long groups) {}

  private final Devices.Lease lease;
  private final Device device;
  private final long limit;
  private final Kernels kernels;
  private final Set<DeviceMemory> memory = ConcurrentHashMap.newKeySet();
  private final Set<DeviceMemory> plans = ConcurrentHashMap.newKeySet();
  private final List<Launch> recording = new ArrayList<>();
  private boolean inRecording;
  private boolean closed;

  /// @param limit bytes that it may hold
  TornadoBackend(Devices.Lease lease, long limit) {
    this.lease = lease;
    this.device = lease.device();
    this.limit = limit;
    kernels =
        new TornadoKernels(
            this::launch, device.cuBlas().map(library -> new LibraryProducts(this, this::launch)));
  }

  @Override
  public String name() {
    return "tornado";
  }

  @Override
  public String description() {
    return device.description();
  }

  @Override
  public Storage allocate(long bytes) {
    long available = availableBytes();
    if (bytes > available) {
      throw new BackendException(
          ("the tornado backend cannot allocate %,d bytes on %s: %,d are available and it holds"
                  + " %,d already; choose a smaller model, batch or sequence length")
              .formatted(bytes, description(), available, held()));
    }
    DeviceMemory block = new DeviceMemory(lease.memory(), bytes, memory::remove);
    memory.add(block);
    return block;
  }

  private long held() {
    return memory.stream().mapToLong(DeviceMemory::bytes).sum();
  }

  @Override
  public long availableBytes() {
    return limit - held();
  }

  @Override
  public double measureFlops() {
    return LimitKernels.flops(device);
  }

  @Override
  public Optional<DeviceLimits> measureLimits() {
    return Optional.of(LimitKernels.measure(this, device));
  }

  /// Of products by cuBLAS the order of sums is not ours.
  @Override
  public boolean supports(Feature feature) {
    return feature == Feature.STABLE_PRODUCTS
        ? device.cuBlas().isEmpty()
        : Backend.super.supports(feature);
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  private void launch(Kernel kernel, int[] parameters, long groups) {
    if (inRecording) {
      recording.add(new Launch(kernel, parameters, groups));
    } else {
      device.launch(kernel, parameters, groups);
    }
  }

  private static DeviceMemory.Of lane(DType dtype) {
    return switch (dtype) {
      case F32 -> DeviceMemory.Of.FLOATS;
      case I32 -> DeviceMemory.Of.INTS;
      case F16, BF16, Q8_0, Q4_0 -> DeviceMemory.Of.SHORTS;
    };
  }

  /// Where the first element of a tensor (the first block, if quantised) lies in its lane.
  static int at(Tensor tensor) {
    if (!(tensor.storage() instanceof DeviceMemory block)) {
      throw new IllegalArgumentException(tensor + " belongs to another backend");
    }
    DeviceMemory.Of lane = lane(tensor.dtype());
    return Math.toIntExact(block.in(lane) + tensor.byteOffset() / lane.bytes);
  }

  @Override
  public void upload(MemorySegment source, Tensor target) {
    refuseInRecording("upload");
    device.upload(Transfer.values()[lane(target.dtype()).ordinal()], source, at(target));
  }

  @Override
  public void download(Tensor source, MemorySegment target) {
    refuseInRecording("download");
    int down = Transfer.FLOATS_DOWN.ordinal() + lane(source.dtype()).ordinal();
    device.download(Transfer.values()[down], at(source), target);
  }

  private void refuseInRecording(String what) {
    if (inRecording) {
      throw new IllegalStateException(
          what + " inside a recording: the body of a plan may only call kernels");
    }
  }

  @Override
  public Plan record(String name, Runnable body) {
    refuseInRecording("recording");
    recording.clear();
    inRecording = true;
    try {
      body.run();
    } finally {
      inRecording = false;
    }
    List<Launch> launches = List.copyOf(recording);
    return device.launchesDirectly()
        ? resident(launches)
        : () ->
            launches.forEach(
                launch -> device.launch(launch.kernel, launch.parameters, launch.groups));
  }

  /// A plan whose parameters lie on the device as long as it is open.
  private Plan resident(List<Launch> launches) {
    int length = Common.LENGTH;
    int[] all = new int[length * launches.size()];
    for (int i = 0; i < launches.size(); i++) {
      int[] parameters = launches.get(i).parameters;
      System.arraycopy(parameters, 0, all, length * i, parameters.length);
    }
    DeviceMemory block = new DeviceMemory(lease.memory(), 4L * all.length, plans::remove);
    plans.add(block);
    try {
      device.upload(Transfer.INTS_UP, MemorySegment.ofArray(all), block.in(DeviceMemory.Of.INTS));
    } catch (RuntimeException | Error e) {
      block.close();
      throw e;
    }
    return new Plan() {
      @Override
      public void run() {
        // refuses once the plan or the backend is closed
        int at = block.in(DeviceMemory.Of.INTS);
        for (int i = 0; i < launches.size(); i++) {
          Launch launch = launches.get(i);
          if (launch.kernel == Kernel.CUBLAS) {
            device.launch(launch.kernel, launch.parameters, launch.groups);
          } else {
            device.launch(launch.kernel, at + length * i, launch.groups);
          }
        }
      }

      @Override
      public void close() {
        block.close();
      }
    };
  }

  @Override
  public Traffic traffic() {
    return device.traffic();
  }

  /// What the device holds for it and others.
  long occupiedBytes() {
    return device.occupiedBytes();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      memory.forEach(DeviceMemory::close);
      plans.forEach(DeviceMemory::close);
      lease.close();
    }
  }
}
