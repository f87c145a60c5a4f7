package dev.yushan.backend.cpu;

import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.DeviceLimits;
import dev.yushan.backend.Feature;
import dev.yushan.backend.HostBackend;
import dev.yushan.backend.HostStorage;
import dev.yushan.backend.Kernels;
import dev.yushan.tensor.Tensor;
import java.util.Optional;

/// Off-heap memory and a team of threads. Kernels run before their call returns.
final class CpuBackend extends HostBackend {
  private final ThreadTeam team;
  private final Kernels kernels;

  CpuBackend(int threads, BackendOptions options) {
    super(options);
    this.team = new ThreadTeam(threads);
    this.kernels = new CpuKernels(team);
  }

  /// The vector width in words.
  static String vectors() {
    return Lanes.F32.vectorBitSize() + "-bit vectors";
  }

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public String description() {
    return "%d thread(s), %s, Java %s".formatted(team.threads(), vectors(), Runtime.version());
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  @Override
  public boolean supports(Feature feature) {
    return switch (feature) {
      case TRAINING,
          PAGED_ATTENTION,
          HALF_WEIGHTS,
          QUANTISED_WEIGHTS,
          QUANTISED_ROWS,
          STABLE_PRODUCTS ->
          true;
    };
  }

  @Override
  public void freeze(Tensor matrix) {
    HostStorage storage = storage(matrix);
    if (!storage.frozen()) {
      Packed.pack(team, Matrix.of(matrix));
      storage.setFrozen();
    }
  }

  @Override
  public double measureFlops() {
    return MeasuredLimits.flops(team);
  }

  @Override
  public Optional<DeviceLimits> measureLimits() {
    return Optional.of(MeasuredLimits.of(team, availableBytes()));
  }

  @Override
  public void close() {
    team.close();
    super.close();
  }
}
