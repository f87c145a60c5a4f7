package dev.yushan.data.hygiene;

import static dev.yushan.data.hygiene.CheckDigits.digit;

import java.util.List;

/// Phone numbers of Taiwan, by the numbering plan: `0` and an area code, `09` for mobile, `0800`
/// and `0809` toll-free; or `+886` without the `0`.
///
/// | kind | shapes |
/// |---|---|
/// | mobile | 0912345678, 0912-345-678, 0912-345678, 09-1234-5678, +886 912 345 678 |
/// | fixed | (02)2345-6789, 02-2345-6789, 02-23456789, 037-123-456, +886-2-2345-6789; with #123 or 分機 123 |
/// | toll-free | 0800-123-456, 0800123456 |
///
/// Fixed numbers need something between area code and number; ten bare digits count only after a
/// word that says so.
final class PhoneNumbers {
  /// What says that digits are a phone number.
  static final List<String> WORDS =
      List.of("電話", "手機", "傳真", "專線", "市話", "電洽", "tel", "fax", "phone");

  /// Area codes with the digits that follow; the first that fits counts.
  private static final String[] AREAS = {
    "0826:5", "0836:5", "037:6", "049:7", "082:6", "089:6", "02:8", "03:7", "04:8", "04:7", "05:7",
    "06:7", "07:7", "08:7"
  };

  private static final int MOST_GROUPS = 6;

  private PhoneNumbers() {}

  /// The end of the number that begins at `start`, or `start`.
  ///
  /// @param plain whether a fixed number may be bare digits
  static int end(String text, int start, boolean plain) {
    boolean bracket = text.charAt(start) == '(' || text.charAt(start) == '（';
    int i = bracket ? start + 1 : start;
    boolean international = text.startsWith("+886", i);
    StringBuilder digits = new StringBuilder(12);
    if (international) {
      i += 4;
      if (i < text.length() && (text.charAt(i) == ')' || text.charAt(i) == '）')) {
        bracket = false;
        i++;
      }
      i += separators(text, i);
      i += text.startsWith("(0)", i) ? 3 : i < text.length() && text.charAt(i) == '0' ? 1 : 0;
      digits.append('0');
    } else if (i >= text.length() || text.charAt(i) != '0') {
      return start;
    }
    int[] groups = new int[MOST_GROUPS];
    int[] ends = new int[MOST_GROUPS];
    int count = groups(text, i, digits, groups, ends, bracket);
    for (int g = count; g > 0; g--) {
      int length = (international ? 1 : 0) + sum(groups, g);
      int end = ends[g - 1];
      if (PiiScan.boundedAfter(text, end)
          && fits(digits.substring(0, length), groups, g, plain, international, bracket)) {
        return extension(text, end);
      }
    }
    return start;
  }

  /// Runs of digits from `i` on, with one separator or closing bracket between them.
  private static int groups(
      String text, int i, StringBuilder digits, int[] groups, int[] ends, boolean bracket) {
    int count = 0;
    boolean open = bracket;
    while (count < MOST_GROUPS && digits.length() <= 12) {
      int begin = i;
      while (i < text.length() && digit(text.charAt(i)) && i - begin < 12) {
        digits.append(text.charAt(i++));
      }
      if (i == begin) {
        return count;
      }
      groups[count] = i - begin;
      ends[count++] = i;
      if (open) {
        if (i >= text.length() || text.charAt(i) != ')' && text.charAt(i) != '）') {
          return 0;
        }
        open = false;
        i++;
      }
      i += separators(text, i);
    }
    return count;
  }

  private static int separators(String text, int i) {
    return i < text.length() && "- .－–~".indexOf(text.charAt(i)) >= 0 ? 1 : 0;
  }

  private static boolean fits(
      String digits, int[] groups, int count, boolean plain, boolean international, boolean area) {
    int first = groups[0] + (international ? 1 : 0);
    if (digits.startsWith("09")) {
      return digits.length() == 10 && parts(groups, count, first, new int[] {10, 4, 2});
    }
    if (digits.startsWith("0800") || digits.startsWith("0809")) {
      return digits.length() == 10 && parts(groups, count, first, new int[] {10, 4});
    }
    for (String row : AREAS) {
      int code = row.indexOf(':');
      int rest = row.charAt(code + 1) - '0';
      boolean number =
          digits.startsWith(row.substring(0, code))
              && digits.length() == code + rest
              && "01".indexOf(digits.charAt(code)) < 0;
      if (number && (first == code || count == 1 && (plain || international))) {
        return !area || first == code;
      }
    }
    return false;
  }

  /// Whether the first group is one of `firsts` long, and the others three digits or more.
  private static boolean parts(int[] groups, int count, int first, int[] firsts) {
    for (int g = 1; g < count; g++) {
      if (groups[g] < 3) {
        return false;
      }
    }
    return java.util.Arrays.stream(firsts).anyMatch(f -> f == first);
  }

  private static int extension(String text, int end) {
    int i = end;
    while (i < text.length() && text.charAt(i) == ' ' && i < end + 2) {
      i++;
    }
    for (String word : List.of("#", "分機", "轉", "ext.", "ext")) {
      if (text.regionMatches(true, i, word, 0, word.length())) {
        int from = i + word.length();
        while (from < text.length() && " ：:".indexOf(text.charAt(from)) >= 0) {
          from++;
        }
        int to = from;
        while (to < text.length() && digit(text.charAt(to)) && to - from < 6) {
          to++;
        }
        return to > from && PiiScan.boundedAfter(text, to) ? to : end;
      }
    }
    return end;
  }

  private static int sum(int[] groups, int count) {
    int sum = 0;
    for (int g = 0; g < count; g++) {
      sum += groups[g];
    }
    return sum;
  }
}
