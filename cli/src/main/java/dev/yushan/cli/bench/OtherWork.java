package dev.yushan.cli.bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/// What other programs take of the processors, which makes a measurement slower than it need be.
final class OtherWork {
  /// Of a processor; below it lies what an idle system does.
  private static final double WORTH_TELLING = 0.1;

  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private final long start = System.nanoTime();
  private final long own = SYSTEM.getProcessCpuTime();

  /// Begins to watch, here or, in a container, in all of it. One at a time.
  OtherWork() {
    SYSTEM.getCpuLoad(); // the next call tells of what comes after this one
  }

  /// Processors that others kept busy since the beginning, on average; 0 if the system does not
  /// tell. To be asked once.
  double processors() {
    double busy = SYSTEM.getCpuLoad() * Runtime.getRuntime().availableProcessors();
    double mine = (double) (SYSTEM.getProcessCpuTime() - own) / (System.nanoTime() - start);
    return Math.max(0, busy - mine);
  }

  static boolean worthTelling(double processors) {
    return processors > WORTH_TELLING;
  }
}
