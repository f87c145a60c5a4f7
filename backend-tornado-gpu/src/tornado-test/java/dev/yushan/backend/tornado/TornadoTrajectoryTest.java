package dev.yushan.backend.tornado;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.train.TrajectoryGolden;

class TornadoTrajectoryTest extends TrajectoryGolden {
  @Override
  protected Backend open() {
    return SharedDevice.open(BackendOptions.defaults());
  }

  @Override
  protected long moved(long bytes) {
    return SharedDevice.moved(bytes);
  }
}
