package example.naive;

import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Feature;
import dev.yushan.backend.HostBackend;
import dev.yushan.backend.Kernels;

/// One thread on the memory of the host. Calls are done when they return, so a plan is what
/// [dev.yushan.backend.Backend#record] makes by default, and a download has nothing to wait for.
final class NaiveBackend extends HostBackend {
  private final Kernels kernels = new NaiveKernels();

  NaiveBackend(BackendOptions options) {
    super(options);
  }

  @Override
  public String name() {
    return "naive";
  }

  @Override
  public String description() {
    return "naive: one thread, plain loops";
  }

  @Override
  public boolean supports(Feature feature) {
    return feature == Feature.TRAINING
        || feature == Feature.PAGED_ATTENTION
        || feature == Feature.STABLE_PRODUCTS;
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }
}
