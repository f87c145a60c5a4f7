package dev.yushan.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// Lines of a name, a size and a remark.
final class SizeTable {
  private static final double GIB = 1L << 30;
  private static final double MIB = 1L << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  private record Row(String name, long bytes, String remark) {
    @Override
    public String toString() {
      String size = bytes == Long.MAX_VALUE ? "unknown" : size(bytes);
      return "  %-24s %11s  %s".formatted(name, size, remark).stripTrailing();
    }
  }

  private final List<Row> rows = new ArrayList<>();

  /// Adds a line, unless there is nothing of it.
  void add(String name, long bytes, String remark) {
    if (bytes > 0) {
      rows.add(new Row(name, bytes, remark));
    }
  }

  /// For example `4.60 GiB`; below 1 GiB in MiB.
  static String size(long bytes) {
    return bytes >= 1L << 30
        ? String.format(Locale.ROOT, "%.2f GiB", bytes / GIB)
        : String.format(Locale.ROOT, "%.1f MiB", bytes / MIB);
  }

  /// The lines as objects with `name`, `bytes` and `remark`.
  ArrayNode toJson() {
    return JSON.valueToTree(rows);
  }

  @Override
  public String toString() {
    return rows.stream().map(Row::toString).collect(Collectors.joining("\n"));
  }
}
