package dev.yushan.data.hygiene;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Predicate;

/// Texts with personal data at known places, and with what looks like it. All numbers are drawn at
/// random; their check digits are found by trying. Also for the tests of other packages.
public final class PlantedPii {
  private static final String[] FILLER = {
    "依民法第184條第1項規定",
    "於民國113年10月11日上午12:30送達",
    "共計1,234,567元整",
    "（90）台財稅字第0900456123號",
    "詳如附件2024-10-11之說明",
    "版本 1.2.3.4",
    "比例為3.14159265358979",
    "ISBN 978-986-123-456-7",
    "案號：113年度訴字第12345678號",
    "std::vector 與 a::b",
    "圖檔 logo@2x.png",
    "郵遞區號100-04",
    "型號 X1-2000",
    "第 0912 條至第 345 條",
    "@Override 標記",
    "帳冊20241011至20241231",
    "1.2.3 節",
    "２０２４年",
    "12345678901234567890"
  };

  private static final String[] JOINS = {"，", "。", "\n", "、", " ", "；", "「", "（", "：", "/", ", "};

  private final Random random;

  public PlantedPii(long seed) {
    this.random = new Random(seed);
  }

  record Planted(String text, List<PiiSpan> spans) {}

  /// About `pieces` pieces, half of them personal data.
  Planted text(int pieces) {
    StringBuilder text = new StringBuilder();
    List<PiiSpan> spans = new ArrayList<>();
    for (int p = 0; p < pieces; p++) {
      if (random.nextBoolean()) {
        text.append(pick(FILLER));
      } else {
        PiiKind kind = PiiKind.values()[random.nextInt(PiiKind.values().length)];
        text.append(kind == PiiKind.COMPANY_NUMBER ? pick("統一編號：", "統編", "統編 ") : "");
        String value = value(kind);
        spans.add(new PiiSpan(kind, text.length(), text.length() + value.length()));
        text.append(value);
      }
      text.append(pick(JOINS));
    }
    return new Planted(text.toString(), spans);
  }

  /// Texts that differ from personal data in one thing: nothing is to be found in them.
  String nearMiss() {
    return switch (random.nextInt(9)) {
      case 0 -> wrong(identity("12"), 9);
      case 1 -> wrong(identity("89"), 9);
      case 2 -> "統編" + invalid(digits(8), CheckDigits::company);
      case 3 -> wrong(groups(card(), "-", 4), 18);
      case 4 -> identity("12") + random.nextInt(10);
      case 5 -> "0912-" + digits(3) + "-" + digits(4);
      case 6 -> "02-" + (random.nextInt(2)) + digits(3) + "-" + digits(4);
      case 7 -> "256." + random.nextInt(256) + ".1.1";
      default -> "v" + ip();
    };
  }

  /// Data of this kind, drawn at random.
  public String value(PiiKind kind) {
    return switch (kind) {
      case NATIONAL_ID -> identity("12");
      case RESIDENT_ID -> identity(random.nextBoolean() ? "89" : "ABCD");
      case COMPANY_NUMBER -> valid(8, CheckDigits::company);
      case PHONE -> phone();
      case EMAIL ->
          pick("lin", "chen.wu", "a_b-c", "no+tag", "x1")
              + pick("@", "9@")
              + pick("example.com", "mail.gov.tw", "a-b.edu.tw", "xn--x.org");
      case IP_ADDRESS ->
          random.nextInt(3) > 0
              ? ip()
              : pick("2001:b030::1", "2404:6800:4008:c07::71", "2001:288:8201:1:0:0:0:12");
      case CARD_NUMBER -> random.nextBoolean() ? card() : groups(card(), pick(" ", "-"), 4);
    };
  }

  private String phone() {
    String mobile = "09" + digits(8);
    String fixed = (2 + random.nextInt(7)) + digits(7);
    return switch (random.nextInt(10)) {
      case 0 -> mobile;
      case 1 -> cut(mobile, "-", 4, 7);
      case 2 -> cut(mobile, "-", 4);
      case 3 -> cut(mobile, " ", 4, 7);
      case 4 -> "+886" + pick(" ", "-", "") + cut(mobile.substring(1), "-", 3, 6);
      case 5 -> pick("(02)", "(02) ", "02-", "（02）") + cut(fixed, "-", 4);
      case 6 -> "04-" + fixed + pick("#123", " 分機 45", " ext. 6");
      case 7 -> "+886-2-" + fixed;
      case 8 -> "(037)" + fixed.substring(0, 6);
      default -> "0800-" + cut(digits(6), "-", 3);
    };
  }

  /// A letter, one of `seconds`, eight digits, the last of which checks.
  private String identity(String seconds) {
    String front = "" + (char) ('A' + random.nextInt(26)) + pick(seconds.split("")) + digits(7);
    for (int d = 0; ; d++) {
      if (CheckDigits.identity(front + d)) {
        return front + d;
      }
    }
  }

  private String card() {
    String front = pick("4", "51", "55", "2221", "3528", "62", "6011");
    return checked(front + digits(15 - front.length()), CheckDigits::card);
  }

  private String ip() {
    return pick("8", "61", "140", "203")
        + "."
        + (1 + random.nextInt(99))
        + "."
        + random.nextInt(256)
        + "."
        + random.nextInt(256);
  }

  private String valid(int length, Predicate<String> check) {
    return checked(digits(length - 1), check);
  }

  private static String checked(String front, Predicate<String> check) {
    for (int d = 0; ; d++) {
      if (check.test(front + d)) {
        return front + d;
      }
    }
  }

  private String invalid(String number, Predicate<String> check) {
    String n = number;
    while (check.test(n)) {
      n = digits(n.length());
    }
    return n;
  }

  private String wrong(String number, int at) {
    char c = number.charAt(at);
    char other = (char) ('0' + (c - '0' + 1 + random.nextInt(9)) % 10);
    return number.substring(0, at) + other + number.substring(at + 1);
  }

  private static String groups(String digits, String separator, int size) {
    return digits.replaceAll("(.{" + size + "})(?=.)", "$1" + separator);
  }

  private static String cut(String digits, String separator, int... at) {
    StringBuilder cut = new StringBuilder(digits);
    for (int i = at.length - 1; i >= 0; i--) {
      cut.insert(at[i], separator);
    }
    return cut.toString();
  }

  private String digits(int count) {
    StringBuilder digits = new StringBuilder();
    for (int i = 0; i < count; i++) {
      digits.append(random.nextInt(10));
    }
    return digits.toString();
  }

  private String pick(String... choices) {
    return choices[random.nextInt(choices.length)];
  }
}
