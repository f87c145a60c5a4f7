package dev.yushan.data.hygiene;

import static dev.yushan.data.hygiene.CheckDigits.digit;
import static dev.yushan.data.hygiene.CheckDigits.letter;

import java.util.List;

/// The shapes of IP addresses and of e-mail addresses.
final class NetAddresses {
  /// Endings of file names, as in `logo@2x.png`.
  private static final List<String> FILE_ENDINGS =
      List.of("png", "jpg", "jpeg", "gif", "webp", "svg", "js", "css", "html");

  private static final int LONGEST_LOCAL_PART = 64;

  private NetAddresses() {}

  /// The end of the IP address at `i`, or `i`.
  static int end(String text, int i, boolean privateToo) {
    int v4 = digit(text.charAt(i)) ? v4(text, i, privateToo) : i;
    return v4 > i ? v4 : v6(text, i, privateToo);
  }

  private static int v4(String text, int start, boolean privateToo) {
    int[] octets = new int[4];
    int i = start;
    for (int o = 0; o < 4; o++) {
      int begin = i;
      while (i < text.length() && digit(text.charAt(i)) && i - begin < 4) {
        octets[o] = octets[o] * 10 + text.charAt(i++) - '0';
      }
      boolean padded = i - begin > 1 && text.charAt(begin) == '0';
      if (i == begin || octets[o] > 255 || padded) {
        return start;
      }
      if (o < 3 && (i >= text.length() || text.charAt(i++) != '.')) {
        return start;
      }
    }
    boolean counts = privateToo ? octets[0] > 0 : isPublic(octets);
    return PiiScan.boundedAfter(text, i)
            && counts
            && !isVersion(text, start)
            && !isHeading(text, start, i, octets)
        ? i
        : start;
  }

  private static boolean isPublic(int[] o) {
    return o[0] > 0
        && o[0] < 224
        && o[0] != 10
        && o[0] != 127
        && !(o[0] == 172 && o[1] >= 16 && o[1] < 32)
        && !(o[0] == 192 && o[1] == 168)
        && !(o[0] == 169 && o[1] == 254)
        && !(o[0] == 100 && o[1] >= 64 && o[1] < 128)
        && !(o[0] == 192 && o[1] == 0 && o[2] == 2)
        && !(o[0] == 198 && o[1] == 51 && o[2] == 100)
        && !(o[0] == 203 && o[1] == 0 && o[2] == 113);
  }

  /// `v1.2.3.4`, `version 1.2.3.4`, `版本 1.2.3.4`.
  private static boolean isVersion(String text, int start) {
    int i = start;
    while (i > 0 && " .:：".indexOf(text.charAt(i - 1)) >= 0) {
      i--;
    }
    String before = text.substring(Math.max(0, i - 8), i).toLowerCase(java.util.Locale.ROOT);
    return before.endsWith("v")
        || before.endsWith("ver")
        || before.endsWith("version")
        || before.endsWith("版本")
        || before.endsWith("版");
  }

  /// The number of a section: small numbers at the beginning of a line, then a blank and a title.
  private static boolean isHeading(String text, int start, int end, int[] octets) {
    for (int i = start - 1; i >= 0 && text.charAt(i) != '\n'; i--) {
      if (!Character.isWhitespace(text.charAt(i))) {
        return false;
      }
    }
    boolean titled = end < text.length() && text.charAt(end) != '\n' && text.charAt(end) != ':';
    return titled && java.util.Arrays.stream(octets).allMatch(o -> o < 30);
  }

  /// Eight groups, or fewer with `::` between them, of a global address (2000::/3); with
  /// `privateToo` those of local networks as well (fc00::/7, fe80::/10, 2001:db8::/32).
  private static int v6(String text, int start, boolean privateToo) {
    char c = text.charAt(start);
    if (c != '2' && c != '3' && c != 'f' && c != 'F') {
      return start;
    }
    int i = start;
    int groups = 0;
    boolean gap = false;
    while (true) {
      int begin = i;
      while (i < text.length() && hex(text.charAt(i))) {
        i++;
      }
      if (i - begin > 4 || groups == 0 && i - begin != 4) {
        return start;
      }
      groups += i > begin ? 1 : 0;
      if (i + 1 < text.length() && text.charAt(i) == ':' && hex(text.charAt(i + 1))) {
        i++;
      } else if (!gap && text.startsWith("::", i)) {
        gap = true;
        i += 2;
        if (i >= text.length() || !hex(text.charAt(i))) {
          return start;
        }
      } else {
        break;
      }
    }
    boolean whole = gap ? groups < 8 && groups > 1 : groups == 8;
    boolean local = c == 'f' || c == 'F' || text.regionMatches(true, start, "2001:db8:", 0, 9);
    boolean linkOrUnique =
        "cdCD".indexOf(text.charAt(start + 1)) >= 0
            || text.regionMatches(true, start, "fe80", 0, 4)
            || c == '2'
            || c == '3';
    boolean counts = (privateToo || !local) && linkOrUnique;
    boolean ends = i >= text.length() || text.charAt(i) != ':';
    return whole && counts && ends && PiiScan.boundedAfter(text, i) ? i : start;
  }

  private static boolean hex(char c) {
    return digit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F';
  }

  /// Where the local part of the address with this `@` begins, or `at`.
  static int emailStart(String text, int at) {
    int i = at;
    while (i > 0 && at - i < LONGEST_LOCAL_PART && isLocal(text.charAt(i - 1))) {
      i--;
    }
    return text.charAt(Math.max(0, at - 1)) == '.' ? at : firstAlphanumeric(text, i, at);
  }

  /// Of `from` to `to` the first place with a letter or digit, or `to`.
  static int firstAlphanumeric(String text, int from, int to) {
    int i = from;
    while (i < to && !isAlphanumeric(text.charAt(i))) {
      i++;
    }
    return i;
  }

  /// Where the domain after this `@` ends, or `at`: labels with dots, the last one of letters.
  static int emailEnd(String text, int at) {
    int end = at;
    int labels = 0;
    for (int i = at + 1; ; i++) {
      int begin = i;
      while (i < text.length() && (isAlphanumeric(text.charAt(i)) || text.charAt(i) == '-')) {
        i++;
      }
      if (i == begin || text.charAt(begin) == '-') {
        break;
      }
      labels++;
      if (labels > 1 && isTopLevel(text, begin, i)) {
        end = i;
      }
      if (i >= text.length() || text.charAt(i) != '.') {
        break;
      }
    }
    return end;
  }

  private static boolean isTopLevel(String text, int from, int to) {
    if (to - from < 2 || to - from > 24) {
      return false;
    }
    for (int i = from; i < to; i++) {
      if (!letter(text.charAt(i))) {
        return false;
      }
    }
    return !FILE_ENDINGS.contains(text.substring(from, to).toLowerCase(java.util.Locale.ROOT));
  }

  private static boolean isLocal(char c) {
    return isAlphanumeric(c) || "._%+-".indexOf(c) >= 0;
  }

  private static boolean isAlphanumeric(char c) {
    return digit(c) || letter(c);
  }
}
