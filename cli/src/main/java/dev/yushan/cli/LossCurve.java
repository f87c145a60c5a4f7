package dev.yushan.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// A curve drawn with characters.
final class LossCurve {
  private static final int WIDTH = 64;
  private static final int HEIGHT = 10;

  private final List<double[]> points = new ArrayList<>();

  void add(long step, double loss) {
    points.add(new double[] {step, loss});
  }

  /// The lines of the drawing: the loss upwards, steps to the right; nothing without points.
  List<String> draw() {
    if (points.isEmpty()) {
      return List.of();
    }
    double last = points.getLast()[0];
    double low = points.stream().mapToDouble(p -> p[1]).min().orElseThrow();
    double high = points.stream().mapToDouble(p -> p[1]).max().orElseThrow();
    char[][] cells = new char[HEIGHT][WIDTH];
    for (char[] row : cells) {
      Arrays.fill(row, ' ');
    }
    for (double[] point : points) {
      int column = (int) Math.round(point[0] / Math.max(1, last) * (WIDTH - 1));
      double height = high > low ? (point[1] - low) / (high - low) : 0;
      cells[HEIGHT - 1 - (int) Math.round(height * (HEIGHT - 1))][column] = '•';
    }
    List<String> lines = new ArrayList<>();
    for (int row = 0; row < HEIGHT; row++) {
      double value = high - (high - low) * row / (HEIGHT - 1);
      boolean labelled = row == 0 || row == HEIGHT - 1 || row == HEIGHT / 2;
      String label = labelled ? String.format(Locale.ROOT, "%6.2f", value) : "      ";
      lines.add((label + " │" + new String(cells[row])).stripTrailing());
    }
    lines.add("       └" + "─".repeat(WIDTH));
    String end = "step " + (long) last;
    lines.add("        0" + " ".repeat(Math.max(1, WIDTH - 1 - end.length())) + end);
    return lines;
  }
}
