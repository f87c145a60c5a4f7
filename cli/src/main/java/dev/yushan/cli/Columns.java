package dev.yushan.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/// A table of text whose columns are as wide as what is in them. Chinese characters take two places
/// on a terminal, and are counted so.
public final class Columns {
  private final List<String[]> rows = new ArrayList<>();

  public Columns(String... headings) {
    rows.add(headings);
  }

  public void add(String... cells) {
    if (cells.length != rows.getFirst().length) {
      throw new IllegalArgumentException(
          "%d cells in a table of %d columns".formatted(cells.length, rows.getFirst().length));
    }
    rows.add(cells);
  }

  public void print(PrintWriter out) {
    int[] widths = new int[rows.getFirst().length];
    for (String[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        widths[i] = Math.max(widths[i], width(row[i]));
      }
    }
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < row.length; i++) {
        line.append(row[i]).repeat(" ", widths[i] - width(row[i]) + 2);
      }
      out.println(line.toString().stripTrailing());
    }
  }

  /// Places that `text` takes on a terminal.
  static int width(String text) {
    return text.codePoints().map(c -> wide(c) ? 2 : 1).sum();
  }

  /// The blocks from Hangul Jamo and CJK radicals on, and full-width forms, roughly as East Asian
  /// Width (Unicode Annex 11) has them.
  private static boolean wide(int c) {
    return (c >= 0x1100 && c <= 0x115F)
        || (c >= 0x2E80 && c <= 0xA4CF)
        || (c >= 0xAC00 && c <= 0xD7A3)
        || (c >= 0xF900 && c <= 0xFAFF)
        || (c >= 0xFE30 && c <= 0xFE6F)
        || (c >= 0xFF00 && c <= 0xFF60)
        || (c >= 0xFFE0 && c <= 0xFFE6)
        || (c >= 0x1F300 && c <= 0x1FAFF)
        || (c >= 0x20000 && c <= 0x3FFFD);
  }
}
