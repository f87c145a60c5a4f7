package dev.yushan.http;

/// Checks of text that came from outside.
final class Texts {
  private Texts() {}

  /// Refuses halves of surrogate pairs, which JSON escapes can make and no UTF-8 can hold.
  static void requireWhole(String field, String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        throw ApiException.badRequest(
            field, "`%s` has half of a surrogate pair at character %d", field, i);
      }
    }
  }

  /// Whether `id` may be taken over into headers and logs: printable ASCII, at most 128 characters.
  static boolean isPlain(String id) {
    return !id.isEmpty() && id.length() <= 128 && id.chars().allMatch(c -> c > 32 && c < 127);
  }

  /// Python's length: the number of code points.
  static int length(String text) {
    return text.codePointCount(0, text.length());
  }
}
