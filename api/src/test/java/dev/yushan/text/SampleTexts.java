package dev.yushan.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/// Texts that tokenizers trip over.
final class SampleTexts {
  private static final int[] ASSIGNED =
      IntStream.rangeClosed(0, Character.MAX_CODE_POINT)
          .filter(c -> c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE)
          .filter(Character::isDefined)
          .toArray();

  private static final List<String> PARTS =
      List.of(
          " ",
          "  ",
          "\t",
          "\n",
          "\r\n",
          "\n\n",
          "\u00a0",
          "\u3000",
          "\u0085",
          "\u2028",
          "\u200b",
          "'s",
          "'S",
          "'ſ",
          "'Ll",
          "'re",
          "I'm",
          "don't",
          "’s",
          "it'd've",
          "ß",
          "ﬁ",
          "İ",
          "ı",
          "中華民國",
          "憲法第一條",
          "臺灣",
          "，",
          "。",
          "「」",
          "㈠",
          "第１２３４條",
          "12345",
          "３½",
          "²",
          "Ⅷ",
          "👨‍👩‍👧‍👦",
          "🇹🇼",
          "👍🏽",
          "❤️",
          "☕",
          "𠮷",
          "e\u0301",
          "é",
          "각",
          "가\u11a8",
          "हिन्दी",
          "ไทย",
          "العربية",
          "nghiệp",
          "Điều",
          "public static void main(String[] args) {",
          "}\n",
          "\t\tx += 1;",
          "#include",
          "</div>",
          "->",
          "::",
          "...",
          "!!!\n\n",
          "----",
          "___",
          "http://a.b/c?d=e&f",
          "\\n",
          "\"",
          "`",
          "Hello",
          " world",
          "straße",
          "ΑΒΓ",
          "Ж",
          "\u0000",
          "\u007f",
          "\ufffd",
          "\ufeff",
          "a",
          "A");

  private SampleTexts() {}

  /// Stretches of everyday and of strange text put together at random.
  static List<String> mixed(Random random, int count) {
    List<String> texts = new ArrayList<>(PARTS);
    texts.add("");
    texts.add("   leading and trailing   ");
    texts.add(" ".repeat(200) + "x" + "\n".repeat(50) + "\t ".repeat(40));
    for (int i = 0; i < count; i++) {
      StringBuilder text = new StringBuilder();
      for (int parts = 1 + random.nextInt(40); parts > 0; parts--) {
        text.append(PARTS.get(random.nextInt(PARTS.size())));
      }
      texts.add(text.toString());
    }
    return texts;
  }

  /// Assigned code points, drawn at random: from everywhere, and from neighbourhoods, so that
  /// letters, digits and marks of one script meet.
  static List<String> unicode(Random random, int count) {
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StringBuilder text = new StringBuilder();
      int from = random.nextInt(ASSIGNED.length);
      for (int length = 1 + random.nextInt(60); length > 0; length--) {
        int index = i % 2 == 0 ? random.nextInt(ASSIGNED.length) : from + random.nextInt(64);
        text.appendCodePoint(ASSIGNED[index % ASSIGNED.length]);
        if (random.nextInt(8) == 0) {
          text.append(' ');
        }
      }
      texts.add(text.toString());
    }
    return texts;
  }

  /// Pieces of 500 bytes and more, of few different characters, so that many merges meet.
  static List<String> longPieces(Random random, int count) {
    List<String> alphabets =
        List.of("法律", "ệhởiợpnguêàc", "aártmkdı", "عراقكردةوی", ".:", " ", "ab", "-=", "temat");
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String alphabet = alphabets.get(i % alphabets.size());
      StringBuilder text = new StringBuilder();
      for (int length = 300 + random.nextInt(900); length > 0; length--) {
        text.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      texts.add(text.toString());
    }
    return texts;
  }
}
