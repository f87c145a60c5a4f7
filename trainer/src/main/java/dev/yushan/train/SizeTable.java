package dev.yushan.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.yushan.io.ByteSize;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/// Lines of a name, a size and a remark.
final class SizeTable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private record Row(String name, long bytes, String remark) {
    @Override
    public String toString() {
      String size = bytes == Long.MAX_VALUE ? "unknown" : ByteSize.words(bytes);
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

  /// The lines as objects with `name`, `bytes` and `remark`.
  ArrayNode toJson() {
    return JSON.valueToTree(rows);
  }

  @Override
  public String toString() {
    return rows.stream().map(Row::toString).collect(Collectors.joining("\n"));
  }
}
