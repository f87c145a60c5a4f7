package dev.yushan.backend;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// How much more memory this process may take: what the machine has left, and what the limits of
/// the control groups that it is in leave of that. Asking first matters: systems that overcommit
/// give out memory that they do not have, and kill the process when it is touched.
///
/// @param figures each source with what it leaves; none where the system has no `/proc`
public record HostMemory(List<Figure> figures) {
  /// @param source for example `MemAvailable`
  /// @param bytes that it leaves
  public record Figure(String source, long bytes) {}

  /// A limit above this means none, as version 1 of control groups writes it.
  private static final long NO_LIMIT = 1L << 62;

  public HostMemory {
    figures = List.copyOf(figures);
  }

  /// The figures of now.
  public static HostMemory read() {
    return read(Path.of("/"));
  }

  /// The figures of the system whose `proc` and `sys` lie below `root`.
  static HostMemory read(Path root) {
    List<Figure> figures = new ArrayList<>();
    field(root.resolve("proc/meminfo"), "MemAvailable:")
        .ifPresent(kib -> figures.add(new Figure("MemAvailable", kib * 1024)));
    for (String line : lines(root.resolve("proc/self/cgroup"))) {
      String[] parts = line.split(":", 3);
      if (parts.length == 3 && parts[0].equals("0")) {
        groups(root.resolve("sys/fs/cgroup"), parts[2])
            .forEach(
                group -> limit(group, "memory.max", "memory.current", "inactive_file", figures));
      } else if (parts.length == 3 && List.of(parts[1].split(",")).contains("memory")) {
        groups(root.resolve("sys/fs/cgroup/memory"), parts[2])
            .forEach(
                group ->
                    limit(
                        group,
                        "memory.limit_in_bytes",
                        "memory.usage_in_bytes",
                        "total_inactive_file",
                        figures));
      }
    }
    return new HostMemory(figures);
  }

  /// The least of all figures; [Long#MAX_VALUE] where there is none.
  public long available() {
    return figures.stream().mapToLong(Figure::bytes).min().orElse(Long.MAX_VALUE);
  }

  /// The group and those that it is in; inside of a container its own name may not be visible.
  private static List<Path> groups(Path mount, String name) {
    List<Path> groups = new ArrayList<>();
    Path relative = Path.of(name.replaceFirst("^/+", "")).normalize();
    for (Path group = relative; group != null; group = group.getParent()) {
      groups.add(mount.resolve(group));
    }
    if (!groups.contains(mount)) {
      groups.add(mount);
    }
    return groups;
  }

  /// What a group has left. Files that were read and not used lately are given up when needed.
  private static void limit(
      Path group, String limit, String used, String cache, List<Figure> figures) {
    OptionalLong most = number(group.resolve(limit));
    OptionalLong now = number(group.resolve(used));
    if (most.isPresent() && most.getAsLong() < NO_LIMIT && now.isPresent()) {
      long cached = field(group.resolve("memory.stat"), cache).orElse(0);
      long left = Math.max(0, most.getAsLong() - now.getAsLong() + cached);
      figures.add(new Figure(group.resolve(limit).toString(), left));
    }
  }

  private static OptionalLong number(Path file) {
    return lines(file).stream()
        .findFirst()
        .filter(text -> text.strip().matches("\\d{1,19}"))
        .map(text -> parsed(text.strip()))
        .orElse(OptionalLong.empty());
  }

  private static OptionalLong parsed(String digits) {
    try {
      return OptionalLong.of(Long.parseLong(digits));
    } catch (NumberFormatException e) {
      return OptionalLong.empty();
    }
  }

  /// The number in the line of `file` that begins with `name`.
  private static OptionalLong field(Path file, String name) {
    Optional<String> line =
        lines(file).stream().filter(text -> text.split("\\s+", 2)[0].equals(name)).findFirst();
    return line.map(text -> parsed(text.replaceAll("\\D", ""))).orElse(OptionalLong.empty());
  }

  private static List<String> lines(Path file) {
    if (!Files.isReadable(file) || Files.isDirectory(file)) {
      return List.of();
    }
    try (Stream<String> lines = Files.lines(file)) {
      return lines.toList();
    } catch (IOException e) {
      return List.of();
    }
  }
}
