package dev.yushan.engine;

/// How many tokens of prompts a forward pass takes beside texts that are being generated: as many
/// as make it at most [#STRETCH] times as long as one without. It learns from the time that passes
/// took; without texts a pass takes all it can.
final class StepBudget {
  /// How much longer than alone a step of running texts may take.
  static final double STRETCH = 2.5;

  private static final double WEIGHT = 0.2;
  private static final int LEAST = 8;
  private static final int FIRST = 32;

  private final int most;
  private double decodeNanos;
  private double promptTokenNanos;

  /// @param most tokens of a pass
  StepBudget(int most) {
    this.most = most;
  }

  /// Tokens of prompts for the next pass.
  int tokens() {
    if (decodeNanos == 0 || promptTokenNanos == 0) {
      return Math.min(FIRST, most);
    }
    double room = decodeNanos * (STRETCH - 1) / promptTokenNanos;
    return (int) Math.clamp(room, Math.min(LEAST, most), most);
  }

  /// Learns from a pass.
  ///
  /// @param decodes its tokens of running texts
  /// @param prompt its other tokens
  void took(int decodes, int prompt, long nanos) {
    if (prompt == 0) {
      decodeNanos = mean(decodeNanos, nanos);
    } else if (decodes == 0) {
      promptTokenNanos = mean(promptTokenNanos, nanos / (double) prompt);
    } else if (decodeNanos > 0) {
      double rest = Math.max(nanos - decodeNanos, 0.1 * nanos);
      promptTokenNanos = mean(promptTokenNanos, rest / prompt);
    }
  }

  private static double mean(double before, double now) {
    return before == 0 ? now : before + WEIGHT * (now - before);
  }
}
