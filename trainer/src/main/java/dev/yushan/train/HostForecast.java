package dev.yushan.train;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.util.OptionalLong;

/// What the process takes beside tensors: what it holds when the forecast is made, and what comes
/// on top while it trains.
///
/// @param dataIndex bytes on the heap that say where documents and rows are
/// @param dataMapped bytes of mapped shards. They are in memory, since their checksums were read,
///   and count as the process's own, but the system takes them back when it is short
/// @param jvm what the JVM holds besides: heap, classes, compiled code, its own libraries
/// @param heapGrowth young generation that no object has been in yet: it is used up before anything
///   is collected
/// @param compiler what compiling the training step takes, see [#COMPILER]; little in a process
///   that has trained before, see [#COMPILER_AGAIN]
/// @param drawing what the pictures of the losses take, when the passes have given their memory
///   back, see [#DRAWING]
record HostForecast(
    long dataIndex, long dataMapped, long jvm, long heapGrowth, long compiler, long drawing) {
  /// Working memory of the second compiler while it compiles the kernels, and the code and profiles
  /// it leaves: what native memory tracking of JDK 25 shows for a training run, over a process that
  /// has only read its data.
  static final long COMPILER = 70L << 20;

  /// What is compiled anew for a further run in the process: the second of the demo took 1 to 21
  /// MiB more than without, in five.
  static final long COMPILER_AGAIN = 10L << 20;

  /// The JDK's libraries for drawing and fonts. Runs of 3 to 200 steps have the same peak with
  /// pictures and without, JDK 25 on Linux: what is drawn lies in the young generation, which is
  /// counted, and drawing follows compiling, which has given its memory back.
  static final long DRAWING = 16L << 20;

  /// Packed operands of a thread of the CPU backend.
  private static final long THREAD_BUFFERS = 4L << 20;

  /// Most of what a JVM takes for compiling it takes once, however many runs are made in it.
  private static volatile boolean compiled;

  /// The process as it is now.
  ///
  /// @param draws whether the losses will be drawn at the end
  static HostForecast now(long dataIndex, long dataMapped, boolean draws) {
    OptionalLong resident = ProcessMemory.resident();
    long held = resident.isPresent() ? resident.getAsLong() - dataMapped : managed();
    return new HostForecast(
        dataIndex,
        dataMapped,
        Math.max(0, held - dataIndex),
        unusedYoung(),
        compiled
            ? COMPILER_AGAIN
            : COMPILER + THREAD_BUFFERS * Runtime.getRuntime().availableProcessors(),
        draws && !compiled ? DRAWING : 0);
  }

  /// To be called when a run has been through: what its kernels took is now part of what the JVM
  /// holds, and a further run in this process takes little again.
  static void noteCompiled() {
    compiled = true;
  }

  /// The same where nothing is drawn.
  HostForecast undrawn() {
    return new HostForecast(dataIndex, dataMapped, jvm, heapGrowth, compiler, 0);
  }

  /// What the process will hold of its own.
  long needed() {
    return dataIndex + jvm + heapGrowth + compiler;
  }

  /// What of it is not taken yet.
  long growth() {
    return heapGrowth + compiler;
  }

  /// What the JVM says of itself, where the system says nothing.
  private static long managed() {
    var memory = ManagementFactory.getMemoryMXBean();
    return memory.getHeapMemoryUsage().getUsed() + memory.getNonHeapMemoryUsage().getCommitted();
  }

  private static long unusedYoung() {
    long touched =
        ManagementFactory.getMemoryPoolMXBeans().stream()
            .filter(pool -> pool.getName().contains("Eden") || pool.getName().contains("Survivor"))
            .map(MemoryPoolMXBean::getPeakUsage)
            .mapToLong(usage -> usage.getUsed())
            .sum();
    return Math.max(0, youngGeneration() - touched);
  }

  /// The most that the young generation may have: the option where the JVM has it, and no more than
  /// the heap that is committed.
  private static long youngGeneration() {
    long committed = Runtime.getRuntime().totalMemory();
    HotSpotDiagnosticMXBean options =
        ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
    if (options == null) {
      return committed;
    }
    try {
      long most = Long.parseLong(options.getVMOption("MaxNewSize").getValue());
      return Math.min(committed, most);
    } catch (IllegalArgumentException e) {
      return committed; // another collector, another option
    }
  }
}
