package dev.yushan.data;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/// Configuration values that are one of a few words.
final class Choice {
  private Choice() {}

  /// The constant of `type` whose name in lower case is `value`.
  static <E extends Enum<E>> E of(String key, Class<E> type, String value) {
    for (E constant : type.getEnumConstants()) {
      if (word(constant).equals(value)) {
        return constant;
      }
    }
    String known =
        Arrays.stream(type.getEnumConstants()).map(Choice::word).collect(Collectors.joining(", "));
    throw new DataException(key + ": " + value + " is not one of " + known);
  }

  static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}
