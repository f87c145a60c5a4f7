package dev.yushan.data.hygiene;

/// The checks of numbers that have one.
final class CheckDigits {
  /// The number of each letter in Taiwanese identity numbers, A to Z.
  private static final int[] LETTERS = {
    10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30,
    31, 33
  };

  private static final int[] COMPANY_WEIGHTS = {1, 2, 1, 2, 1, 2, 4, 1};

  private CheckDigits() {}

  /// National and resident numbers of ten characters: a letter, then nine digits, the first of
  /// which may be a letter that stands for the last digit of its number.
  static boolean identity(CharSequence id) {
    int letter = LETTERS[upper(id.charAt(0)) - 'A'];
    int sum = letter / 10 + letter % 10 * 9;
    char second = id.charAt(1);
    int first = digit(second) ? second - '0' : LETTERS[upper(second) - 'A'] % 10;
    sum += first * 8;
    for (int i = 2; i < 9; i++) {
      sum += (id.charAt(i) - '0') * (9 - i);
    }
    return (sum + id.charAt(9) - '0') % 10 == 0;
  }

  /// Company numbers, by the rule in force since April 2023: divisible by 5, not by 10 as before.
  static boolean company(CharSequence number) {
    int sum = 0;
    for (int i = 0; i < 8; i++) {
      int product = (number.charAt(i) - '0') * COMPANY_WEIGHTS[i];
      sum += product / 10 + product % 10;
    }
    // A seventh digit of 7 gives 28, 2 + 8 = 10, which counts as 1 or 0.
    return sum % 5 == 0 || number.charAt(6) == '7' && (sum + 1) % 5 == 0;
  }

  /// Payment cards: the check digit of Luhn (ISO/IEC 7812-1), and a length that goes with the
  /// issuer.
  static boolean card(CharSequence number) {
    return issued(number) && luhn(number);
  }

  private static boolean luhn(CharSequence number) {
    int sum = 0;
    boolean twice = false;
    for (int i = number.length() - 1; i >= 0; i--) {
      int product = (number.charAt(i) - '0') * (twice ? 2 : 1);
      sum += product / 10 + product % 10;
      twice = !twice;
    }
    return sum % 10 == 0;
  }

  /// Visa, Mastercard, American Express, JCB, UnionPay, Discover, Diners Club.
  private static boolean issued(CharSequence number) {
    int length = number.length();
    int prefix = Integer.parseInt(number, 0, 4, 10);
    int two = prefix / 100;
    boolean sixteen =
        two >= 51 && two <= 55
            || prefix >= 2221 && prefix <= 2720
            || prefix >= 3528 && prefix <= 3589
            || prefix == 6011
            || prefix >= 6440 && prefix <= 6599;
    return switch (length) {
      case 13 -> two / 10 == 4;
      case 14 -> two == 36 || two == 38 || prefix >= 3000 && prefix <= 3059;
      case 15 -> two == 34 || two == 37;
      case 16 -> two / 10 == 4 || sixteen || two == 62;
      case 19 -> two / 10 == 4 || two == 62;
      default -> length > 16 && length < 19 && two == 62;
    };
  }

  static boolean digit(char c) {
    return c >= '0' && c <= '9';
  }

  static boolean letter(char c) {
    return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z';
  }

  static char upper(char c) {
    return c >= 'a' ? (char) (c - 32) : c;
  }
}
