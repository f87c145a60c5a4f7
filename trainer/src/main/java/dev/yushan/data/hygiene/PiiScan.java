package dev.yushan.data.hygiene;

import static dev.yushan.data.hygiene.CheckDigits.digit;
import static dev.yushan.data.hygiene.CheckDigits.letter;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/// One search for personal data: where to look, what bounds a number, what stands before it. The
/// shapes of phone numbers are in [PhoneNumbers], those of addresses in [NetAddresses].
final class PiiScan {
  private static final byte NUMBER = 1;
  private static final byte LETTER = 2;
  private static final byte OPENING = 3;
  private static final byte AT = 4;
  private static final byte[] TRIGGERS = triggers();

  private static final List<String> COMPANY_WORDS =
      List.of("統一編號", "統編", "公司編號", "扣繳單位", "稅籍", "tax id", "vat", "uniform number");

  /// How far before a number the word may stand that says what it is.
  private static final int CONTEXT = 16;

  private final String text;
  private final PiiConfig config;
  private final Set<PiiKind> wanted = EnumSet.noneOf(PiiKind.class);
  private final List<PiiSpan> spans = new ArrayList<>();

  /// The end of the last span: what is before it bounds nothing and says nothing, so that redacted
  /// text is judged as the text was.
  private int done;

  PiiScan(String text, PiiConfig config) {
    this.text = text;
    this.config = config;
    wanted.addAll(Pii.wanted(config));
  }

  List<PiiSpan> spans() {
    int length = text.length();
    for (int i = 0; i < length; ) {
      char c = text.charAt(i);
      byte trigger = c < 0x80 ? TRIGGERS[c] : c == '（' ? OPENING : 0;
      int end =
          switch (trigger) {
            case NUMBER -> number(i);
            case LETTER -> identity(i);
            case OPENING -> found(PiiKind.PHONE, i, PhoneNumbers.end(text, i, false));
            case AT -> email(i);
            default -> i;
          };
      i = end > i ? end : trigger == NUMBER || trigger == LETTER ? skip(i) : i + 1;
    }
    return spans;
  }

  /// The end of what begins with the digit at `i`, or `i`.
  private int number(int i) {
    if (isPlain(i) || !boundedBefore(i)) {
      return i;
    }
    int end = found(PiiKind.CARD_NUMBER, i, card(i));
    if (end == i) {
      boolean plain = text.charAt(i) == '0' && says(i, PhoneNumbers.WORDS);
      end = found(PiiKind.PHONE, i, PhoneNumbers.end(text, i, plain));
    }
    if (end == i) {
      end = found(PiiKind.IP_ADDRESS, i, NetAddresses.end(text, i, config.privateIp()));
    }
    return end == i ? found(PiiKind.COMPANY_NUMBER, i, company(i)) : end;
  }

  /// Whether one or two digits are all there is: nothing that is looked for begins so, and most
  /// numbers of a text are such.
  private boolean isPlain(int i) {
    int end = i + 1;
    while (end < i + 3 && end < text.length() && digit(text.charAt(end))) {
      end++;
    }
    boolean ends = end == text.length() || text.charAt(end) >= 0x80 || text.charAt(end) <= ' ';
    return ends && end < i + 3 && text.charAt(i) != '0';
  }

  private int identity(int i) {
    if (!boundedBefore(i)) {
      return i;
    }
    int end = i + 10;
    if (end <= text.length() && boundedAfter(text, end) && tailIsDigits(i + 2, end)) {
      char second = text.charAt(i + 1);
      PiiKind kind = second == '1' || second == '2' ? PiiKind.NATIONAL_ID : PiiKind.RESIDENT_ID;
      boolean known = "1289ABCDabcd".indexOf(second) >= 0;
      if (known && CheckDigits.identity(text.substring(i, end))) {
        return found(kind, i, end);
      }
    }
    return found(PiiKind.IP_ADDRESS, i, NetAddresses.end(text, i, config.privateIp()));
  }

  private boolean tailIsDigits(int from, int to) {
    for (int i = to - 1; i >= from; i--) {
      if (!digit(text.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  private int company(int i) {
    int end = i + 8;
    boolean eight = end <= text.length() && tailIsDigits(i, end) && boundedAfter(text, end);
    return eight
            && CheckDigits.company(text.substring(i, end))
            && (!config.companyNumberContext() || follows(i) || says(i, COMPANY_WORDS))
        ? end
        : i;
  }

  /// Whether a company number has just been found: one word stands for a list of them.
  private boolean follows(int i) {
    return !spans.isEmpty()
        && spans.getLast().kind() == PiiKind.COMPANY_NUMBER
        && i - done <= 2
        && text.substring(done, i).chars().allMatch(c -> "、,，; ".indexOf(c) >= 0);
  }

  /// 13 to 19 digits, in one run or in groups of three or more, all parted by the same character;
  /// the longest that checks.
  private int card(int i) {
    StringBuilder digits = new StringBuilder(20);
    char separator = 0;
    int longest = i;
    for (int end = i; digits.length() < 20; ) {
      int begin = end;
      while (end < text.length() && digit(text.charAt(end)) && digits.length() < 20) {
        digits.append(text.charAt(end++));
      }
      if (end - begin < 3) {
        break;
      }
      boolean complete = digits.length() >= 13 && digits.length() <= 19;
      if (complete && boundedAfter(text, end) && CheckDigits.card(digits)) {
        longest = end;
      }
      char next = end < text.length() ? text.charAt(end) : 0;
      if (next != ' ' && next != '-' || separator != 0 && next != separator) {
        break;
      }
      separator = next;
      end++;
    }
    return longest;
  }

  private int email(int at) {
    int start = NetAddresses.emailStart(text, at);
    int end = NetAddresses.emailEnd(text, at);
    if (start == at || end == at || !wanted.contains(PiiKind.EMAIL)) {
      return at;
    }
    while (!spans.isEmpty() && spans.getLast().end() > start) {
      if (spans.getLast().start() >= start) {
        spans.removeLast();
      } else {
        start = NetAddresses.firstAlphanumeric(text, spans.getLast().end(), at);
      }
    }
    return found(PiiKind.EMAIL, start, end);
  }

  private int found(PiiKind kind, int start, int end) {
    if (end <= start || !wanted.contains(kind)) {
      return start;
    }
    spans.add(new PiiSpan(kind, start, end));
    done = end;
    return end;
  }

  /// Whether a number can begin at `i`: not in a run of letters or digits, not as the next part of
  /// a longer number, and not after 第, which makes it the number of a document.
  private boolean boundedBefore(int i) {
    if (i == done) {
      return true;
    }
    char before = text.charAt(i - 1);
    if (digit(before) || letter(before) || before == '_' || before == '@' || before == '第') {
      return false;
    }
    if ("-.:".indexOf(before) < 0 || i - 2 < done) {
      return true;
    }
    char joined = text.charAt(i - 2);
    return !digit(joined) && !(before == '-' && letter(joined));
  }

  /// Whether a number can end at `end`: no letter, digit, or part of a longer number follows.
  static boolean boundedAfter(String text, int end) {
    if (end >= text.length()) {
      return true;
    }
    char after = text.charAt(end);
    if (digit(after) || letter(after) || after == '_' || after == '@') {
      return false;
    }
    return after != '-' && after != '.' || end + 1 >= text.length() || !digit(text.charAt(end + 1));
  }

  /// Whether one of `words` stands shortly before `i` on its line, outside placeholders.
  private boolean says(int i, List<String> words) {
    int from = Math.max(done, i - CONTEXT);
    for (int k = i - 1; k >= from; k--) {
      char c = text.charAt(k);
      if (c == '\n' || c == ']') {
        from = k + 1;
      }
    }
    for (String word : words) {
      for (int k = from; k + word.length() <= i; k++) {
        if (text.regionMatches(true, k, word, 0, word.length())) {
          return true;
        }
      }
    }
    return false;
  }

  private int skip(int i) {
    int end = i + 1;
    while (end < text.length() && (digit(text.charAt(end)) || letter(text.charAt(end)))) {
      end++;
    }
    return end;
  }

  private static byte[] triggers() {
    byte[] triggers = new byte[0x80];
    for (char c = 0; c < triggers.length; c++) {
      triggers[c] = digit(c) ? NUMBER : letter(c) ? LETTER : 0;
    }
    triggers['+'] = OPENING;
    triggers['('] = OPENING;
    triggers['@'] = AT;
    return triggers;
  }
}
