package dev.yushan.backend.tornado;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.plugin.Availability;

/// The part of this module that needs TornadoVM, which is compiled only where an SDK is.
interface TornadoAccess {
  /// Which devices there are.
  Availability probe();

  Backend open(BackendOptions options);
}
