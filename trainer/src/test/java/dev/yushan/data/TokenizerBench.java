package dev.yushan.data;

import dev.yushan.text.Oracle;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizers;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/// Measures encoding on the laws of Taiwan, beside the Hugging Face tokenizers library in the same
/// process: tokens and bytes of UTF-8 a second of processor time of one thread, best of the rounds.
/// With `all` it then compares the ids of both on every law (26 million tokens; takes minutes).
/// From the root of the checkout, with `../shared/corpora` beside it:
///
/// ```
/// mvn -q -Pbench-data -DskipTests -pl trainer -am test -Dbench.main=TokenizerBench -Dbench.arguments="$PWD/../shared/llama3/tokenizer.json"
/// ```
///
/// The library is called by way of DJL, which also makes the tokens' texts and offsets.
final class TokenizerBench {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private record Rate(double tokens, double bytes) {
    @Override
    public String toString() {
      return "%6.2f Mtok/s a core, %6.1f MB/s".formatted(tokens / 1e6, bytes / 1e6);
    }
  }

  private TokenizerBench() {}

  public static void main(String[] args) throws IOException {
    Path file = Path.of(args[0]);
    long before = heldHeap();
    long start = THREADS.getCurrentThreadCpuTime();
    Tokenizer ours = Tokenizers.load(file);
    double seconds = (THREADS.getCurrentThreadCpuTime() - start) / 1e9;
    System.out.printf(
        "loading: %.2f s of the cold process, %.1f MB held%n",
        seconds, (heldHeap() - before) / 1e6);
    try (Oracle library = Oracle.load(file, false)) {
      compare("Chinese", Laws.few(), ours, library);
      compare("English", Laws.english(), ours, library);
      if (args.length > 1 && args[1].equals("all")) {
        same(Laws.chinese(), ours, library);
        same(Laws.english(), ours, library);
      }
    }
  }

  private static long heldHeap() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  private static void compare(String name, List<String> texts, Tokenizer ours, Oracle library) {
    Rate own = rate(texts, text -> ours.encode(text, Tokenizer.Specials.AS_TEXT), 15);
    Rate theirs = rate(texts, library::encode, 2);
    System.out.printf("%s, Yushan:  %s%n", name, own);
    System.out.printf("%s, library: %s%n", name, theirs);
    System.out.printf("%s, ratio:   %.1f%n", name, own.tokens() / theirs.tokens());
  }

  private static Rate rate(List<String> texts, Function<String, int[]> encoder, int rounds) {
    long bytes = texts.stream().mapToLong(t -> t.getBytes(StandardCharsets.UTF_8).length).sum();
    Rate best = new Rate(0, 0);
    for (int round = 0; round < rounds; round++) {
      long tokens = 0;
      long start = THREADS.getCurrentThreadCpuTime();
      for (String text : texts) {
        tokens += encoder.apply(text).length;
      }
      double seconds = (THREADS.getCurrentThreadCpuTime() - start) / 1e9;
      if (tokens / seconds > best.tokens()) {
        best = new Rate(tokens / seconds, bytes / seconds);
      }
    }
    return best;
  }

  private static void same(List<String> texts, Tokenizer ours, Oracle library) {
    long tokens = 0;
    for (String text : texts) {
      int[] ids = ours.encode(text, Tokenizer.Specials.PARSE);
      if (!Arrays.equals(ids, library.encode(text))) {
        throw new AssertionError("ids differ on: " + text);
      }
      tokens += ids.length;
    }
    System.out.printf("%d texts, %d tokens: the same ids%n", texts.size(), tokens);
  }
}
