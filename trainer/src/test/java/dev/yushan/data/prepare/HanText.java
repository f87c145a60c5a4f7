package dev.yushan.data.prepare;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;

/// Texts of random Han characters in sentences, which no stage has anything to say of: traditional
/// script, full-width punctuation, no pattern.
final class HanText {
  /// The same in both scripts.
  private static final String SHARED =
      "山水人大小天地石田土木竹草花果米衣食住行手足目耳口心言走坐立看林河海江湖池泉雨雪冰火光明早晚春夏秋冬男女老少父母子兄弟友王主君民士工商市村城外上下左右前";

  /// One of them is the other in the same place, whatever stands around it.
  private static final String TRADITIONAL = "國學動頭東車門問間馬鳥魚龍風飛語說讀書電隊陽陰難雞雙親見視長";

  private static final String SIMPLIFIED = "国学动头东车门问间马鸟鱼龙风飞语说读书电队阳阴难鸡双亲见视长";

  private final Random random;

  HanText(Random random) {
    this.random = random;
  }

  /// `length` Han characters, a comma after every 10 and a period after every 30 or so.
  String of(int length) {
    StringBuilder text = new StringBuilder();
    int last = 0;
    for (int i = 1; i <= length; i++) {
      text.append(character());
      if (i == length || i - last >= 9 + random.nextInt(4)) {
        text.append(i == length || random.nextInt(3) == 0 ? '。' : '，');
        last = i;
      }
    }
    return text.toString();
  }

  private char character() {
    String from = random.nextInt(3) == 0 ? TRADITIONAL : SHARED;
    return from.charAt(random.nextInt(from.length()));
  }

  /// The same in simplified script.
  static String simplified(String text) {
    return text.codePoints()
        .map(c -> TRADITIONAL.indexOf(c) < 0 ? c : SIMPLIFIED.charAt(TRADITIONAL.indexOf(c)))
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }

  /// The same, its first `share` in simplified script.
  static String mixed(String text, double share) {
    int to = (int) (share * text.length());
    return simplified(text.substring(0, to)) + text.substring(to);
  }

  /// A text like `text`: of its n 5-grams as many are changed as leave a Jaccard similarity of
  /// `jaccard`, by characters at least 5 apart: (n − 5k) / (n + 5k).
  String like(String text, double jaccard) {
    int[] places = IntStream.range(0, text.length()).filter(i -> isHan(text.charAt(i))).toArray();
    int ngrams = places.length - 4;
    int changes = (int) Math.round(ngrams * (1 - jaccard) / (1 + jaccard) / 5);
    StringBuilder changed = new StringBuilder(text);
    int room = changes == 0 ? 0 : ngrams / changes;
    for (int c = 0; c < changes; c++) {
      int at = places[c * room + 4 + random.nextInt(room - 4)];
      char now = text.charAt(at);
      while (changed.charAt(at) == now) {
        changed.setCharAt(at, SHARED.charAt(random.nextInt(SHARED.length())));
      }
    }
    return changed.toString();
  }

  /// A text of other 5-grams in number but the same set: it goes on with its own beginning.
  String same5Grams(int length) {
    String text = of(length);
    String front = han(text).substring(0, 4);
    return text.substring(0, text.length() - 1) + "，" + front + "。";
  }

  /// Of [#same5Grams], another with the same set.
  static String longer(String text) {
    return text + han(text).substring(4, 24) + "。";
  }

  /// The Jaccard similarity of the sets of 5-grams of Han characters, computed plainly.
  static double jaccard(String a, String b) {
    Set<String> common = new HashSet<>(ngrams(a));
    Set<String> all = new HashSet<>(ngrams(b));
    common.retainAll(all);
    all.addAll(ngrams(a));
    return common.size() / (double) all.size();
  }

  private static List<String> ngrams(String text) {
    String han = han(text);
    List<String> ngrams = new ArrayList<>();
    for (int i = 0; i + 5 <= han.length(); i++) {
      ngrams.add(han.substring(i, i + 5));
    }
    return ngrams;
  }

  private static boolean isHan(char c) {
    return Character.UnicodeScript.of(c) == Character.UnicodeScript.HAN;
  }

  private static String han(String text) {
    return text.chars()
        .filter(c -> isHan((char) c))
        .collect(StringBuilder::new, (b, c) -> b.append((char) c), StringBuilder::append)
        .toString();
  }
}
