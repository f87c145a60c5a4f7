package dev.yushan.data.hygiene;

import dev.yushan.data.Laws;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/// Measures script detection, quality filters and the search for personal data on the laws of
/// Taiwan (80 MB of UTF-8): megabytes a second of processor time of one core, best of five rounds;
/// then what they find there. From the root of the checkout, with `../shared/corpora` beside it:
///
/// ```
/// mvn -q -Pbench-data -DskipTests -pl trainer -am test
/// ```
final class HygieneBench {
  private static final int ROUNDS = 5;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private HygieneBench() {}

  public static void main(String[] args) {
    List<String> laws = Laws.chinese();
    long bytes = laws.stream().mapToLong(s -> s.getBytes(StandardCharsets.UTF_8).length).sum();
    System.out.printf("%d laws, %.1f MB%n", laws.size(), bytes / 1e6);
    PiiConfig pii = PiiConfig.all(PiiAction.REDACT);
    rate("script", laws, bytes, s -> ScriptDetector.profile(s, ScriptConfig.DEFAULTS).han());
    rate("mainland words", laws, bytes, s -> MainlandWords.count(s, false).total());
    rate("quality", laws, bytes, s -> Quality.measure(s, QualityConfig.DEFAULTS).characters());
    rate("personal data", laws, bytes, s -> Pii.find(s, pii).size());
    List<String> simplified = laws.subList(0, 400).stream().map(HygieneBench::simplify).toList();
    long part = simplified.stream().mapToLong(s -> s.getBytes(StandardCharsets.UTF_8).length).sum();
    rate("conversion", simplified, part, s -> TaiwanConversion.convert(s, false).length());
    found("script", laws, s -> ScriptDetector.profile(s, ScriptConfig.DEFAULTS).script());
    found("quality", laws, HygieneBench::verdict);
    found("quality, English", Laws.english(), HygieneBench::verdict);
    found("personal data", laws, s -> Pii.find(s, pii).stream().map(PiiSpan::kind).toList());
    Map<String, Integer> words = new TreeMap<>();
    laws.forEach(
        s ->
            MainlandWords.count(s, false)
                .words()
                .forEach((w, n) -> words.merge(w, n, Integer::sum)));
    System.out.println("mainland words: " + words);
    long changed = laws.stream().filter(s -> !TaiwanConversion.convert(s, false).equals(s)).count();
    System.out.println("laws that conversion changes: " + changed);
  }

  private static Object verdict(String text) {
    QualityConfig config = QualityConfig.DEFAULTS.withLatinDocuments();
    return Quality.check(text, config).rejection().map(r -> r.filter().id()).orElse("kept");
  }

  private static String simplify(String text) {
    return com.github.houbb.opencc4j.util.ZhConverterUtil.toSimple(text);
  }

  private static void rate(
      String name, List<String> texts, long bytes, ToDoubleFunction<String> work) {
    double sink = 0;
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
      long start = THREADS.getCurrentThreadCpuTime();
      for (String text : texts) {
        sink += work.applyAsDouble(text);
      }
      best = Math.max(best, bytes * 1e3 / (THREADS.getCurrentThreadCpuTime() - start));
    }
    System.out.printf("%-16s %7.1f MB/s a core%s%n", name, best, sink < 0 ? "!" : "");
  }

  private static void found(
      String name, List<String> texts, java.util.function.Function<String, Object> what) {
    Map<String, Integer> counts = new TreeMap<>();
    texts.forEach(text -> counts.merge(what.apply(text).toString(), 1, Integer::sum));
    System.out.println(name + ": " + counts);
  }
}
