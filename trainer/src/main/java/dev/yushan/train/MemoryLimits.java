package dev.yushan.train;

import dev.yushan.backend.Backend;
import dev.yushan.backend.HostMemory;

/// What memory there is for a run.
///
/// @param device bytes that the backend says it can allocate
/// @param host what the machine has left
/// @param shared whether tensors lie in the memory of the host
record MemoryLimits(String name, long device, HostMemory host, boolean shared) {
  static MemoryLimits of(Backend backend) {
    return new MemoryLimits(
        backend.name(), backend.availableBytes(), HostMemory.read(), backend.usesHostMemory());
  }

  /// Whether all that is still to be taken is there, with the margin. Mapped files do not count:
  /// they give way.
  boolean fits(MemoryForecast forecast) {
    return forecast.device() <= device && forecast.toComeOnHost(shared) <= host.available();
  }

  /// The most that tensors and what the JVM still takes may have together, where they share memory.
  long available() {
    return shared ? Math.min(device, host.available()) : device;
  }

  /// Who says how much that is: `MemAvailable`, the file of a limit, or the backend.
  String source() {
    return host.figures().stream()
        .filter(figure -> shared && figure.bytes() == available())
        .findFirst()
        .map(HostMemory.Figure::source)
        .orElse("what the backend " + name + " can allocate");
  }

  /// The rows of the machine's figures.
  String table() {
    SizeTable table = new SizeTable();
    table.add("backend " + name, device, "can be allocated");
    host.figures().forEach(figure -> table.add("machine", figure.bytes(), figure.source()));
    if (host.figures().isEmpty()) {
      table.add("machine", Long.MAX_VALUE, "there is no /proc/meminfo here");
    }
    return table.toString();
  }
}
