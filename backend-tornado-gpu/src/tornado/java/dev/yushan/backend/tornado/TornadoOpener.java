package dev.yushan.backend.tornado;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.plugin.Availability;
import java.util.stream.Collectors;

/// What the provider finds by its name where TornadoVM is there: the part that touches it.
final class TornadoOpener implements TornadoAccess {
  /// For the provider.
  TornadoOpener() {
    // TornadoVM reads these once, at its first use
    System.getProperties().putIfAbsent("tornado.recover.bailout", "false");
    System.getProperties().putIfAbsent("tornado.device.memory", "1TB");
    // the host side of a lane is never touched; to pin it would take all of its memory
    System.getProperties().putIfAbsent("tornado.cuda.host.pinning", "false");
  }

  @Override
  public Availability probe() {
    String devices =
        Devices.found().stream().map(Devices.Named::words).collect(Collectors.joining("; "));
    return devices.isEmpty()
        ? new Availability.Unavailable(
            "TornadoVM found no device",
            "install a driver for your device, for example OpenCL's, see docs/how-to/use-a-gpu.md")
        : new Availability.Available(devices);
  }

  @Override
  public Backend open(BackendOptions options) {
    return Devices.open(options);
  }
}
