package dev.yushan.io;

import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;

/// Sizes as people write and read them. Written ones are a number, which may have one of the units
/// B, KB, MB, GB of powers of 1000, as `max_shard_size` in transformers, or KiB, MiB, GiB of powers
/// of 1024.
public final class ByteSize {
  private static final Map<String, Double> UNITS =
      Map.of(
          "", 1.0, "B", 1.0, "KB", 1e3, "MB", 1e6, "GB", 1e9, "KIB", 0x1p10, "MIB", 0x1p20, "GIB",
          0x1p30);

  private ByteSize() {}

  /// The size in bytes, if `text` is one and at least a byte.
  public static OptionalLong parse(String text) {
    String digits = text.replaceFirst("[A-Za-z\\s]*$", "");
    String unit = text.substring(digits.length()).strip().toUpperCase(Locale.ROOT);
    try {
      double bytes = Double.parseDouble(digits) * UNITS.getOrDefault(unit, -1.0);
      return bytes >= 1 && bytes < 1L << 62 ? OptionalLong.of((long) bytes) : OptionalLong.empty();
    } catch (NumberFormatException e) {
      return OptionalLong.empty();
    }
  }

  /// To be read: in the largest of B, KiB, MiB and GiB of which there is one.
  public static String words(long bytes) {
    if (bytes < 1 << 10) {
      return bytes + " B";
    }
    if (bytes < 1 << 20) {
      return String.format(Locale.ROOT, "%.1f KiB", bytes / 1024.0);
    }
    return bytes < 1 << 30
        ? String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20))
        : String.format(Locale.ROOT, "%.2f GiB", bytes / (double) (1 << 30));
  }
}
