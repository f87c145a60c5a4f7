package dev.yushan.data.format;

import dev.yushan.data.DataRecord;
import dev.yushan.data.OnBadRecord;
import dev.yushan.data.Records;
import dev.yushan.data.SourceConfig;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Measures [TextFormatter] on the texts of files: MB of UTF-8 a second of one core, by the
/// processor time of the thread, so that other processes do not count; the median of ten runs after
/// five.
///
/// Arguments: files with a column `text`. From the root of the checkout:
///
/// ```
/// mvn -q -Pbench-data -DskipTests -pl trainer -am test -Dbench.main=format.FormatBench -Dbench.arguments=FILE
/// ```
final class FormatBench {
  private static final int WARM_UP = 5;
  private static final int RUNS = 10;
  private static final double LIMIT = 30;

  private FormatBench() {}

  public static void main(String[] files) {
    for (String file : files) {
      List<String> texts = texts(file);
      double megabytes =
          texts.stream().mapToLong(text -> text.getBytes(StandardCharsets.UTF_8).length).sum()
              / 1e6;
      report(file, texts, megabytes, "default", FormatConfig.DEFAULTS);
      report(file, texts, megabytes, "all", new FormatConfig(Rule.ids(), List.of()));
    }
  }

  private static void report(
      String file, List<String> texts, double megabytes, String name, FormatConfig config) {
    double speed = megabytes / median(TextFormatter.of(config), texts);
    System.out.printf(
        "%s, %.1f MB, %s rules: %.1f MB/s a core, %.1f times the %.0f asked for%n",
        file, megabytes, name, speed, speed / LIMIT, LIMIT);
  }

  private static double median(TextFormatter formatter, List<String> texts) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    double[] seconds = new double[RUNS];
    for (int run = -WARM_UP; run < RUNS; run++) {
      long start = threads.getCurrentThreadCpuTime();
      long length = 0;
      for (String text : texts) {
        length += formatter.format(text).length();
      }
      if (length == 0) {
        throw new IllegalStateException("nothing was formatted; name files with texts");
      }
      if (run >= 0) {
        seconds[run] = (threads.getCurrentThreadCpuTime() - start) / 1e9;
      }
    }
    Arrays.sort(seconds);
    return seconds[RUNS / 2];
  }

  private static List<String> texts(String file) {
    SourceConfig config =
        new SourceConfig(List.of(file), SourceConfig.DATASET_DIR, "text", OnBadRecord.FAIL);
    List<String> texts = new ArrayList<>();
    try (Records records = Records.open(config)) {
      while (records.hasNext()) {
        if (records.next() instanceof DataRecord.Text(String place, String text, var id)) {
          texts.add(text);
        }
      }
    }
    return texts;
  }
}
