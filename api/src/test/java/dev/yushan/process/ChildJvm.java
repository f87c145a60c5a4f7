package dev.yushan.process;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/// A JVM beside that of the test, of the same JDK and with the same class path, for what a process
/// alone can show: that it is killed, gets signals, holds a lock, or lacks a module.
///
/// @param options those of `java`
public record ChildJvm(List<String> options) {
  /// Without any option.
  public static final ChildJvm PLAIN = new ChildJvm(List.of());

  /// With what the CPU backend needs, and a heap that leaves room for others.
  public static final ChildJvm COMPUTING =
      new ChildJvm(List.of("--add-modules", "jdk.incubator.vector", "-Xmx1g"));

  /// The same with one more option.
  public ChildJvm with(String option) {
    return new ChildJvm(Stream.concat(options.stream(), Stream.of(option)).toList());
  }

  /// The process that runs `main`, not started yet.
  public ProcessBuilder running(Class<?> main, Object... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    Arrays.stream(arguments).map(Object::toString).forEach(command::add);
    return new ProcessBuilder(command);
  }
}
