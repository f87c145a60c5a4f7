package dev.yushan.train;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.backend.testkit.DeferredBackend;
import java.util.Optional;

class DeferredTrajectoryTest extends TrajectoryGolden {
  @Override
  protected Backend open() {
    Backend cpu = Backends.open(Optional.of("cpu"), BackendOptions.defaults());
    return Backends.checked(DeferredBackend.over(cpu));
  }
}
