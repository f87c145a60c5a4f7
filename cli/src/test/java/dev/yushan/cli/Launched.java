package dev.yushan.cli;

import dev.yushan.process.ChildJvm;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/// The command in a process of its own, as the launcher starts it on a machine with less than 2
/// GiB: for what depends on the memory that a process takes.
///
/// @param output what it printed, with its errors
record Launched(int exit, String output) {
  private static final ChildJvm JVM =
      new ChildJvm(
          List.of(
              "--add-modules",
              "jdk.incubator.vector",
              "-XX:+UseG1GC",
              "-XX:-UsePerfData",
              "-XX:MetaspaceSize=128m",
              "-Xms512m",
              "-Xmx512m",
              "-XX:MaxNewSize=64m"));

  private static final Map<String, String> C_LIBRARY =
      Map.of("MALLOC_MMAP_THRESHOLD_", "131072", "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");

  /// Runs it to its end.
  ///
  /// @param through a command that starts the one after it; empty for none
  static Launched run(List<String> through, Object... arguments)
      throws IOException, InterruptedException {
    ProcessBuilder java = JVM.running(Yushan.class, arguments);
    java.command().addAll(0, through);
    java.environment().putAll(C_LIBRARY);
    Process process = java.redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Launched(process.waitFor(), output);
  }
}
