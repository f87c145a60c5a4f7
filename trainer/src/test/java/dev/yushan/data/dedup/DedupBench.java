package dev.yushan.data.dedup;

import dev.yushan.data.DataRecord;
import dev.yushan.data.Records;
import dev.yushan.data.SourceConfig;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.ObjIntConsumer;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;

/// Measures signing and the whole deduplication. From the root of the checkout:
///
/// ```
/// mvn -q -Pbench-data -DskipTests -pl trainer -am test -Dbench.main=dedup.DedupBench -Dbench.arguments="sign ../shared/corpora/tw-laws-valid.parquet"
/// mvn -q -Pbench-data -DskipTests -pl trainer -am test -Dbench.main=dedup.DedupBench -Dbench.arguments="generated 1000000 2"
/// mvn -q -Pbench-data -DskipTests -pl trainer -am test -Dbench.main=dedup.DedupBench -Dbench.arguments="files 2 ../shared/corpora/tw-laws-train.parquet"
/// mvn -q -Pbench-data -DskipTests -pl trainer -am test -Dbench.main=dedup.DedupBench -Dbench.heap=6g -Dbench.arguments="contamination ../shared/corpora/tw-laws-train.parquet ../shared/corpora/tw-laws-valid.parquet"
/// ```
///
/// `sign FILE…`: MB of UTF-8 a second of processor time, for folding, for folding and n-grams, for
/// all. `generated DOCUMENTS THREADS`: a [GeneratedCorpus], signed, decided on; time and peak of
/// the heap. `files THREADS FILE…`: the same for files held in memory. `contamination TRAIN
/// HELD_OUT`: how much text that a corpus has not seen shares with it by n-grams.
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
      case "contamination" -> contamination(texts(List.of(args[1])), texts(List.of(args[2])));
      default ->
          throw new IllegalArgumentException("sign, generated, files or contamination: " + args[0]);
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

  private static double bytes(List<String> texts) {
    return texts.stream().mapToLong(t -> t.getBytes(StandardCharsets.UTF_8).length).sum();
  }

  private static void rate(
      String what, double bytes, List<String> texts, ObjIntConsumer<String> body) {
    ThreadMXBean clock = ManagementFactory.getThreadMXBean();
    double best = Double.MAX_VALUE;
    for (int round = 0; round < ROUNDS; round++) {
      long start = clock.getCurrentThreadCpuTime();
      for (int i = 0; i < texts.size(); i++) {
        body.accept(texts.get(i), i);
      }
      best = Math.min(best, clock.getCurrentThreadCpuTime() - start);
    }
    System.out.printf(
        "%-8s %6.1f MB of UTF-8 a second of processor time%n", what, bytes * 1e3 / best);
  }

  private static Decisions decide(int documents, TextLookup texts, int threads) {
    AtomicLong peak = watchHeap();
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
        "%,d documents, %d thread(s): signed in %.1f s, decided on in %.1f s (%.1f s of processor"
            + " time in all), heap at most %,d of %,d MiB%n%s%n",
        documents,
        threads,
        (decided - start) / 1e9,
        (System.nanoTime() - decided) / 1e9,
        ProcessHandle.current().info().totalCpuDuration().orElseThrow().toMillis() / 1e3,
        peak.get() >> 20,
        Runtime.getRuntime().maxMemory() >> 20,
        decisions.counts());
    decisions
        .clusters(3)
        .forEach(c -> System.out.println(c.kept() + " kept, removed " + c.removed().size()));
    return decisions;
  }

  /// The most bytes of heap in use, garbage included, looked at every 5 ms from now on.
  private static AtomicLong watchHeap() {
    AtomicLong peak = new AtomicLong();
    Runtime runtime = Runtime.getRuntime();
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              while (true) {
                peak.accumulateAndGet(runtime.totalMemory() - runtime.freeMemory(), Math::max);
                LockSupport.parkNanos(5_000_000);
              }
            });
    return peak;
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

  /// For several sizes of n-grams: the share of those of the held-out texts that the corpus has;
  /// and, of questions of 60 units out of the middle of these texts, how many the corpus has to how
  /// much, and for how many of its documents.
  private static void contamination(List<String> corpus, List<String> heldOut) {
    Folding folding = new Folding(Normalization.DEFAULTS);
    List<DataRecord> questions = new ArrayList<>();
    for (String text : heldOut) {
      TextUnits units = TextUnits.of(text, folding);
      if (units.count() >= 260) {
        String question = text.substring(units.starts()[200], units.ends()[259]);
        questions.add(new DataRecord.Text("held out " + questions.size(), question));
      }
    }
    System.out.printf("%d questions%n", questions.size());
    for (int n : new int[] {5, 8, 10, 13, 16, 20, 30, 40}) {
      System.out.printf("%2d-grams: %5.2f %% are in the corpus", n, share(corpus, heldOut, n));
      DecontaminationConfig config =
          new DecontaminationConfig(
              List.of(), "text", n, n, 0, DecontaminationConfig.Action.REPORT);
      Decontamination exam = Decontamination.of(config, questions.iterator());
      double[] overlaps =
          corpus.parallelStream()
              .mapToDouble(t -> exam.check(t).map(Contamination::overlap).orElse(0.0))
              .toArray();
      for (double least : new double[] {1e-9, 0.25, 0.5, 0.8}) {
        System.out.printf(
            "; %5d documents at %.2f",
            DoubleStream.of(overlaps).filter(o -> o >= least).count(), least);
      }
      System.out.println();
    }
    Decontamination usual =
        Decontamination.of(DecontaminationConfig.DEFAULTS, questions.iterator());
    rate("checked", bytes(corpus), corpus, (t, i) -> usual.check(t));
  }

  private static double share(List<String> corpus, List<String> heldOut, int n) {
    Folding folding = new Folding(Normalization.DEFAULTS);
    long[] known =
        TextUnits.distinct(
            corpus.stream()
                .flatMapToLong(t -> LongStream.of(TextUnits.of(t, folding).ngrams(n)))
                .toArray());
    long[] all =
        heldOut.stream()
            .flatMapToLong(t -> LongStream.of(TextUnits.of(t, folding).ngrams(n)))
            .toArray();
    long found = LongStream.of(all).filter(g -> Arrays.binarySearch(known, g) >= 0).count();
    return 100.0 * found / all.length;
  }
}
