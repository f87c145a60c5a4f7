package dev.yushan.backend.testkit;

/// How far F32 arithmetic may be from the exact result: the only place where it is stated.
///
/// Every bound is a number of roundings times the sum of the magnitudes that were rounded, so
/// cancellation is allowed for where it happens and nowhere else. A rounding is off by at most
/// [#EPS] of its result. The errors of a sum of n terms go like a random walk: after (Higham and
/// Mary 2019) a multiple of √n is exceeded with negligible probability, where the certain bound
/// would be n and find no wrong tail of a long row.
final class Tolerance {
  /// The relative error of one rounding to F32, 2⁻²⁴.
  static final double EPS = 0x1p-24;

  /// Below this, results may be flushed or lose digits.
  static final double TINY = 0x1p-120;

  private Tolerance() {}

  /// Relative to the sum of magnitudes of n terms, in whatever order they are added.
  static double sum(long n) {
    return (4 + 2 * Math.sqrt(n)) * EPS;
  }

  /// Relative to the magnitudes in an expression of a few operations; exp and division count for
  /// two.
  static double few(int operations) {
    return (2 + operations) * EPS;
  }

  /// Of `exp(x)` relative to itself, when the exponent is off by `error` and the function by two
  /// roundings.
  static double exp(double error) {
    return Math.expm1(error) + 4 * EPS;
  }
}
