package example.naive;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.testkit.BackendConformance;

/// All that is needed: the kit knows the rest.
class NaiveConformanceTest extends BackendConformance {
  @Override
  protected Backend open(BackendOptions options) {
    return new NaiveProvider().open(options);
  }
}
