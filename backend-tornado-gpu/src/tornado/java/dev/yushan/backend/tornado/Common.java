package dev.yushan.backend.tornado;

import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// What every kernel does with its parameters. All of these are inlined into device code.
///
/// The layout of the parameters of a launch:
///
/// - `[0]` rows, `[1]` how many counts, then pairs (where the count lies among the integers, the
///   row of the counted tensor that row 0 is): see [#live].
/// - from [#ARGUMENTS] on the kernel's own.
/// - `[48]` on, for `matmul` alone: the same as from 0 for the length of the sums.
final class Common {
  /// Where a kernel's own parameters begin.
  static final int ARGUMENTS = 24;

  /// Where the second list of live counts begins.
  static final int SECOND = 48;

  /// Parameters of a launch.
  static final int LENGTH = 64;

  /// Floats at the start of their lane that no tensor has: a table, then scratch memory.
  static final int RESERVED = 1024;

  /// Powers of two: slot `k + BIAS` holds 2ᵏ for k from −149 to 127.
  static final int BIAS = 149;

  static final int INFINITY = 277;
  static final int NAN = 278;

  /// Scratch memory for partial sums.
  static final int SCRATCH = 512;

  /// Where the parameters of a launch are put among the integers, if not by TornadoVM.
  static final int PARAMETERS = 64;

  private Common() {}

  /// How many rows count: the bound at `at`, or the smallest count if that is less.
  static int live(IntArray p, IntArray w, int at) {
    int rows = p.get(at);
    int counts = p.get(at + 1);
    for (int i = 0; i < counts; i++) {
      int r = w.get(p.get(at + 2 + 2 * i)) - p.get(at + 3 + 2 * i);
      if (r < rows) {
        rows = r;
      }
    }
    return rows;
  }

  /// The float whose mantissa and table slot are parameters `i` and `i + 1`.
  static float number(IntArray p, FloatArray f, int i) {
    return p.get(i) * f.get(p.get(i + 1));
  }
}
