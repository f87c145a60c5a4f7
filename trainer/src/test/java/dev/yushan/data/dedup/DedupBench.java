package dev.yushan.data.dedup;

import dev.yushan.data.DataRecord;
import dev.yushan.data.Records;
import dev.yushan.data.SourceConfig;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ObjIntConsumer;

/// Measures signing and the whole deduplication. From the root of the checkout:
///
/// ```
/// mvn -q -Pbench -DskipTests -pl trainer -am test -Dbench.arguments="sign ../shared/corpora/tw-laws-valid.parquet"
/// mvn -q -Pbench -DskipTests -pl trainer -am test -Dbench.arguments="generated 1000000 2"
/// mvn -q -Pbench -DskipTests -pl trainer -am test -Dbench.arguments="files 2 ../shared/corpora/tw-laws-train.parquet"
/// ```
///
/// `sign FILE…`: MB of UTF-8 a second of one core, and of what a copy of the text reaches there.
/// `generated DOCUMENTS THREADS`: a [GeneratedCorpus], signed, written, read, decided on; time and
/// peak of the heap. `files THREADS FILE…`: the same for files held in memory.
final class DedupBench {
  private static final int ROUNDS = 5;

  private DedupBench() {}

  public static void main(String[] args) {
    switch (args[0]) {
      case "sign" -> sign(texts(List.of(args).subList(1, args.length)));
      case "generated" -> {
        int documents = Integer.parseInt(args[1]);
        Decisions decisions = decide(documents, new GeneratedCorpus(1), Integer.parseInt(args[2]));
        recall(decisions, new GeneratedCorpus(1));
      }
      case "files" -> {
        List<String> texts = texts(List.of(args).subList(2, args.length));
        decide(texts.size(), texts::get, Integer.parseInt(args[1]));
      }
      default -> throw new IllegalArgumentException("sign, generated or files: " + args[0]);
    }
  }

  private static List<String> texts(List<String> files) {
    List<String> texts = new ArrayList<>();
    try (Records records = Records.open(SourceConfig.of(files.toArray(String[]::new)))) {
      while (records.hasNext()) {
        texts.add(((DataRecord.Text) records.next()).text());
      }
    }
    return texts;
  }

  private static void sign(List<String> texts) {
    double bytes = texts.stream().mapToLong(t -> t.getBytes(StandardCharsets.UTF_8).length).sum();
    Signer signer = new Signer(DedupConfig.DEFAULTS);
    Folding folding = new Folding(Normalization.DEFAULTS);
    int[] sink = {0};
    rate("folded", bytes, texts, (t, i) -> sink[0] += folding.fold(t).length);
    rate("n-grams", bytes, texts, (t, i) -> sink[0] += signer.shingles(t).length);
    rate("signed", bytes, texts, (t, i) -> sink[0] += signer.sign(t).shingles());
    if (sink[0] == 0) {
      throw new IllegalStateException("nothing was done");
    }
  }

  private static void rate(
      String what, double bytes, List<String> texts, ObjIntConsumer<String> body) {
    double best = Double.MAX_VALUE;
    for (int round = 0; round < ROUNDS; round++) {
      long start = System.nanoTime();
      for (int i = 0; i < texts.size(); i++) {
        body.accept(texts.get(i), i);
      }
      best = Math.min(best, System.nanoTime() - start);
    }
    System.out.printf("%-8s %6.1f MB/s of UTF-8 on one core%n", what, bytes * 1e3 / best);
  }

  private static Decisions decide(int documents, TextLookup texts, int threads) {
    DedupConfig config = DedupConfig.DEFAULTS;
    Signer signer = new Signer(config);
    Signatures signatures = new Signatures(config);
    long start = System.nanoTime();
    for (int from = 0; from < documents; from += 4096) {
      int block = from;
      Signature[] signed = new Signature[Math.min(4096, documents - from)];
      try (Workers workers = new Workers(threads)) {
        workers.forEach(0, signed.length, i -> signed[i] = signer.sign(texts.text(block + i)));
      }
      List.of(signed).forEach(signatures::add);
    }
    long decided = System.nanoTime();
    Decisions decisions = Dedup.decide(signatures, texts, config, threads);
    System.out.printf(
        "%,d documents, %d thread(s): signed in %.1f s, decided on in %.1f s, heap at most %,d of"
            + " %,d MiB%n%s%n",
        documents,
        threads,
        (decided - start) / 1e9,
        (System.nanoTime() - decided) / 1e9,
        peakHeap() >> 20,
        Runtime.getRuntime().maxMemory() >> 20,
        decisions.counts());
    decisions
        .clusters(3)
        .forEach(c -> System.out.println(c.kept() + " kept, removed " + c.removed().size()));
    return decisions;
  }

  /// The sum of the peaks of the pools: at least the peak of the heap, garbage included.
  private static long peakHeap() {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getType() == MemoryType.HEAP)
        .mapToLong((MemoryPoolMXBean pool) -> pool.getPeakUsage().getUsed())
        .sum();
  }

  private static void recall(Decisions decisions, GeneratedCorpus corpus) {
    int[] planted = new int[GeneratedCorpus.Kind.values().length];
    int[] removed = new int[planted.length];
    for (int d = 0; d < decisions.size(); d++) {
      planted[corpus.kind(d).ordinal()]++;
      removed[corpus.kind(d).ordinal()] += decisions.isKept(d) ? 0 : 1;
    }
    for (GeneratedCorpus.Kind kind : GeneratedCorpus.Kind.values()) {
      System.out.printf(
          "%-6s %,9d planted, %,9d removed%n",
          kind, planted[kind.ordinal()], removed[kind.ordinal()]);
    }
  }
}
