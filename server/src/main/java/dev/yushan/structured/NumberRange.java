package dev.yushan.structured;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The decimal texts of the numbers within bounds, without exponent. Zero has no sign.
///
/// @param low the least
/// @param lowIn whether `low` itself is one
/// @param high the greatest
/// @param highIn whether `high` itself is one
record NumberRange(BigDecimal low, boolean lowIn, BigDecimal high, boolean highIn) {
  /// The bound of what has [JsonText#MAX_DIGITS] digits before the point.
  private static final BigDecimal LIMIT = BigDecimal.TEN.pow(JsonText.MAX_DIGITS);

  static final NumberRange EVERYTHING = new NumberRange(LIMIT.negate(), false, LIMIT, false);

  /// The part from `bound` on; all of it where there is none.
  NumberRange from(Optional<BigDecimal> bound, boolean in) {
    int above = bound.isEmpty() ? -1 : bound.get().compareTo(low);
    return above > 0 || above == 0 && !in
        ? new NumberRange(bound.get().min(LIMIT), in, high, highIn)
        : this;
  }

  /// The part up to `bound`; all of it where there is none.
  NumberRange to(Optional<BigDecimal> bound, boolean in) {
    int above = bound.isEmpty() ? 1 : bound.get().compareTo(high);
    return above < 0 || above == 0 && !in
        ? new NumberRange(low, lowIn, bound.get().max(LIMIT.negate()), in)
        : this;
  }

  /// Whole numbers; a choice of nothing where there is none.
  Expr integers() {
    BigInteger least = low.setScale(0, RoundingMode.CEILING).toBigInteger();
    BigInteger most = high.setScale(0, RoundingMode.FLOOR).toBigInteger();
    boolean skipsLow = !lowIn && low.compareTo(new BigDecimal(least)) == 0;
    boolean skipsHigh = !highIn && high.compareTo(new BigDecimal(most)) == 0;
    BigInteger from = skipsLow ? least.add(BigInteger.ONE) : least;
    BigInteger to = skipsHigh ? most.subtract(BigInteger.ONE) : most;
    Expr negative = whole(to.negate().max(BigInteger.ONE), from.negate());
    return Expr.choice(
        Expr.sequence(Expr.text("-"), negative), whole(from.max(BigInteger.ZERO), to));
  }

  /// All numbers, with at most [JsonText#MAX_DIGITS] digits after the point.
  Expr decimals() {
    List<Expr> options = new ArrayList<>();
    if (low.signum() < 0) {
      boolean belowZero = high.signum() < 0;
      NumberRange magnitudes =
          new NumberRange(
              belowZero ? high.negate() : BigDecimal.ZERO,
              belowZero && highIn,
              low.negate(),
              lowIn);
      options.add(Expr.sequence(Expr.text("-"), magnitudes.unsigned()));
    }
    if (high.signum() >= 0) {
      boolean fromZero = low.signum() < 0;
      options.add(
          new NumberRange(fromZero ? BigDecimal.ZERO : low, fromZero || lowIn, high, highIn)
              .unsigned());
    }
    return new Expr.Choice(options);
  }

  private Expr unsigned() {
    BigInteger first = low.toBigInteger();
    BigInteger last = high.toBigInteger();
    String lowFraction = fraction(low);
    String highFraction = fraction(high);
    if (first.compareTo(last) > 0) {
      return new Expr.Choice(List.of());
    }
    if (first.equals(last)) {
      return Expr.sequence(
          Expr.text(first.toString()), point(new Tail(lowFraction, true, highFraction, true)));
    }
    BigInteger inner = first.add(BigInteger.ONE);
    return Expr.choice(
        Expr.sequence(
            Expr.text(first.toString()), point(new Tail(lowFraction, true, highFraction, false))),
        Expr.sequence(whole(inner, last.subtract(BigInteger.ONE)), JsonText.FRACTION),
        Expr.sequence(
            Expr.text(last.toString()), point(new Tail(lowFraction, false, highFraction, true))));
  }

  private static String fraction(BigDecimal value) {
    String plain = value.remainder(BigDecimal.ONE).abs().stripTrailingZeros().toPlainString();
    return plain.length() > 2 ? plain.substring(2) : "";
  }

  /// What is left of the fractions of both bounds, and whether the digits so far are theirs, so
  /// that they still bound what follows.
  private record Tail(String low, boolean atLow, String high, boolean atHigh) {
    int lowDigit() {
      return atLow && !low.isEmpty() ? low.charAt(0) - '0' : 0;
    }

    int highDigit() {
      return !atHigh ? 9 : high.isEmpty() ? 0 : high.charAt(0) - '0';
    }

    Tail after(int digit) {
      return new Tail(
          low.isEmpty() ? low : low.substring(1),
          atLow && digit == lowDigit(),
          high.isEmpty() ? high : high.substring(1),
          atHigh && digit == highDigit());
    }
  }

  private boolean mayEnd(Tail tail) {
    boolean aboveLow = !tail.atLow || tail.low.isEmpty() && lowIn;
    boolean belowHigh = !tail.atHigh || !tail.high.isEmpty() || highIn;
    return aboveLow && belowHigh;
  }

  private Expr point(Tail tail) {
    Expr digits = Expr.sequence(Expr.text("."), digit(tail, JsonText.MAX_DIGITS));
    return mayEnd(tail) ? Expr.optional(digits) : digits;
  }

  /// One more digit at least, `left` at most.
  private Expr digit(Tail tail, int left) {
    if (left == 0) {
      return new Expr.Choice(List.of());
    }
    if (!tail.atLow && !tail.atHigh) {
      return new Expr.Repeat(JsonText.DIGIT, 1, left);
    }
    List<Expr> options = new ArrayList<>();
    int free = -1;
    for (int d = tail.lowDigit(); d <= tail.highDigit() + 1; d++) {
      boolean over = d > tail.highDigit();
      Tail after = over ? tail : tail.after(d);
      boolean bounded = over || after.atLow || after.atHigh;
      if (!bounded && free < 0) {
        free = d;
      } else if (bounded && free >= 0) {
        Expr digits = new Expr.Chars(CodePoints.range('0' + free, '0' + d - 1));
        options.add(Expr.sequence(digits, new Expr.Repeat(JsonText.DIGIT, 0, left - 1)));
        free = -1;
      }
      if (bounded && !over) {
        Expr rest = digit(after, left - 1);
        Expr ending = mayEnd(after) ? Expr.optional(rest) : rest;
        options.add(Expr.sequence(Expr.text(String.valueOf(d)), ending));
      }
    }
    return new Expr.Choice(options);
  }

  /// From `from` to `to`, neither below zero, without leading zeros.
  private static Expr whole(BigInteger from, BigInteger to) {
    List<Expr> options = new ArrayList<>();
    for (int digits = from.toString().length(); digits <= to.toString().length(); digits++) {
      BigInteger least = digits == 1 ? BigInteger.ZERO : BigInteger.TEN.pow(digits - 1);
      BigInteger most = BigInteger.TEN.pow(digits).subtract(BigInteger.ONE);
      BigInteger first = from.max(least);
      BigInteger last = to.min(most);
      if (to.signum() >= 0 && first.compareTo(last) <= 0) {
        options.add(between(first.toString(), last.toString(), true, true));
      }
    }
    return new Expr.Choice(options);
  }

  /// Texts as long as both bounds. A bound counts while the digits so far are its own.
  private static Expr between(String low, String high, boolean atLow, boolean atHigh) {
    int length = low.length();
    if (length == 0 || !atLow && !atHigh) {
      return new Expr.Repeat(JsonText.DIGIT, length, length);
    }
    char first = atLow ? low.charAt(0) : '0';
    char last = atHigh ? high.charAt(0) : '9';
    String lowRest = low.substring(1);
    String highRest = high.substring(1);
    List<Expr> options = new ArrayList<>();
    if (atLow || first == last) {
      options.add(
          Expr.sequence(
              Expr.text(String.valueOf(first)),
              between(lowRest, highRest, atLow, atHigh && first == last)));
    }
    if (atHigh && first < last) {
      options.add(
          Expr.sequence(Expr.text(String.valueOf(last)), between(lowRest, highRest, false, true)));
    }
    int freeFrom = atLow ? first + 1 : first;
    int freeTo = atHigh ? last - 1 : last;
    if (freeFrom <= freeTo) {
      options.add(
          Expr.sequence(
              new Expr.Chars(CodePoints.range(freeFrom, freeTo)),
              new Expr.Repeat(JsonText.DIGIT, length - 1, length - 1)));
    }
    return new Expr.Choice(options);
  }
}
