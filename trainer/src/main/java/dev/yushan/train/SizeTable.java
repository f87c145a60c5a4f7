package dev.yushan.train;

import java.util.Locale;

/// Lines of a name, a size and a remark.
final class SizeTable {
  private static final double GIB = 1L << 30;
  private static final double MIB = 1L << 20;

  private final StringBuilder lines = new StringBuilder();

  void add(String name, long bytes, String remark) {
    if (bytes > 0) {
      String size = bytes == Long.MAX_VALUE ? "unknown" : size(bytes);
      lines.append("  %-24s %11s  %s".formatted(name, size, remark).stripTrailing()).append('\n');
    }
  }

  /// For example `4.60 GiB`; below 1 GiB in MiB.
  static String size(long bytes) {
    return bytes >= 1L << 30
        ? String.format(Locale.ROOT, "%.2f GiB", bytes / GIB)
        : String.format(Locale.ROOT, "%.1f MiB", bytes / MIB);
  }

  @Override
  public String toString() {
    return lines.toString().stripTrailing();
  }
}
