package dev.yushan.data.format;

import java.util.Set;

/// One space between a number and its unit, as the International System of Units has it.
final class Units {
  private static final Set<String> UNITS =
      Set.of(
          "km", "Km", "pt", "cm", "mm", "μm", "nm", "kg", "mg", "μg", "lb", "lbs", "oz", "ml", "mL",
          "dL", "cc", "c.c", "kW", "kWh", "MW", "MWh", "GW", "kV", "mA", "mAh", "Ah", "Hz", "kHz",
          "MHz", "GHz", "THz", "dB", "dBm", "dBA", "Pa", "hPa", "kPa", "MPa", "ppm", "ppb", "rpm",
          "fps", "bps", "kbps", "Kbps", "Mbps", "Gbps", "KB", "kB", "MB", "GB", "TB", "PB", "KiB",
          "MiB", "GiB", "TiB", "kΩ", "MΩ", "kJ", "MJ", "cal", "kcal", "lux", "lm", "ms", "μs", "ns",
          "hr", "hrs", "min", "mins", "sec", "ft", "kgf", "mol", "dpi", "mph");

  /// Units of one letter are such only after a number of two digits or more, or with a point: `4G`,
  /// `3D` and `5V` have other meanings.
  private static final Set<String> LETTERS = Set.of("g", "m", "V", "W");

  private static final int LONGEST = 4;

  private Units() {}

  static void spaced(Line line) {
    for (int i = 0; i < line.length(); i++) {
      if (line.is(i, Kind.DIGIT)) {
        int end = numberEnd(line, i);
        if (isFree(line, i) && isUnit(line, end, end - i)) {
          line.insert(end, " ");
        } else if (line.has(end, '%') && isWord(line, end + 1)) {
          line.insert(end + 1, " ");
        }
        while (line.in(end, Kind.WORD)) {
          end++;
        }
        i = end - 1;
      }
    }
  }

  /// Two letters or more, and no code as in `5%AB%12`.
  private static boolean isWord(Line line, int start) {
    int end = start;
    while (line.is(end, Kind.LATIN)) {
      end++;
    }
    return end > start + 1 && !line.is(end, Kind.DIGIT) && !line.has(end, '%');
  }

  /// Whether the number at `i` is not the tail of a name.
  private static boolean isFree(Line line, int i) {
    return !line.in(i - 1, Kind.WORD)
        && !line.has(i - 1, '_')
        && !(line.has(i - 1, '-') && line.in(i - 2, Kind.WORD))
        && !(line.has(i - 1, '.') && line.in(i - 2, Kind.WORD));
  }

  private static int numberEnd(Line line, int start) {
    int end = start;
    while (line.is(end, Kind.DIGIT)
        || ((line.has(end, '.') || line.has(end, ',')) && line.is(end + 1, Kind.DIGIT))) {
      end++;
    }
    return end;
  }

  private static boolean isUnit(Line line, int start, int digits) {
    StringBuilder letters = new StringBuilder();
    int end = start;
    while (letters.length() <= LONGEST
        && (line.is(end, Kind.LATIN) || (line.has(end, '.') && line.is(end + 1, Kind.LATIN)))) {
      letters.append(line.at(end++));
    }
    if (line.in(end, Kind.WORD) || line.has(end, '_')) {
      return false;
    }
    String unit = letters.toString();
    return UNITS.contains(unit) || (digits > 1 && LETTERS.contains(unit));
  }
}
