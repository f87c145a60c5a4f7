package dev.yushan.data.dedup;

import dev.yushan.data.DataException;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;

/// Decides which documents are duplicates.
///
/// A document is removed if and only if it is an exact duplicate of an earlier document, or a
/// *verified* near duplicate (true Jaccard similarity at or above the threshold) of an earlier
/// document that is *kept*; it points to the first such one. So no two kept documents that were
/// compared are near duplicates, every removed one is similar to one that stays, and no chain of
/// small changes takes a document away whose like is not kept, as connected components would.
///
/// All of it depends on the order of the documents and nothing else. Documents are decided on in
/// blocks: against the kept ones before the block by all threads, then inside the block in order,
/// which finds for each document the same first duplicate as one pass would.
public final class Dedup {
  private static final int BLOCK = 1 << 10;

  private final Signatures signatures;
  private final DedupConfig config;
  private final ShingleCache shingles;
  private final int[] keptOf;
  private final double[] jaccard;
  private final LongAdder verified = new LongAdder();
  private Buckets[] bands = {};
  private int unrepresented;

  private Dedup(Signatures signatures, TextLookup texts, DedupConfig config) {
    this.signatures = signatures;
    this.config = config;
    shingles = new ShingleCache(new Signer(config), texts);
    keptOf = IntStream.range(0, signatures.size()).toArray();
    jaccard = new double[signatures.size()];
    Arrays.fill(jaccard, Decisions.EXACT);
  }

  /// Decides on all documents.
  ///
  /// @param signatures of all documents of all sources, in the order in which they are preferred
  /// @param texts the texts they were made of
  /// @param threads working threads; the result does not depend on them
  public static Decisions decide(
      Signatures signatures, TextLookup texts, DedupConfig config, int threads) {
    if (!signatures.settings().equals(config.signatureSettings())) {
      throw new DataException(
          "signatures were made with "
              + signatures.settings()
              + " but are to be compared with "
              + config.signatureSettings()
              + "; sign the documents again");
    }
    Dedup dedup = new Dedup(signatures, texts, config);
    if (config.exact()) {
      dedup.findExact();
    }
    if (config.near()) {
      try (Workers workers = new Workers(threads)) {
        dedup.findNear(workers);
      }
    }
    return new Decisions(dedup.keptOf, dedup.jaccard, dedup.verified.sum(), dedup.unrepresented);
  }

  private void findExact() {
    DocumentTable table = new DocumentTable(keptOf.length, signatures::sameHash);
    for (int d = 0; d < keptOf.length; d++) {
      int former = table.replace(d, signatures.hashLow(d));
      keptOf[d] = former == DocumentTable.NONE ? d : keptOf[former];
    }
  }

  private void findNear(Workers workers) {
    bands = new Buckets[config.bands()];
    workers.forEach(
        0,
        bands.length,
        b -> bands[b] = new Buckets(signatures, b, keptOf, config.maxRepresentatives()));
    for (int from = 0; from < keptOf.length; from += BLOCK) {
      int start = from;
      int end = Math.min(keptOf.length, from + BLOCK);
      workers.forEach(start, end, d -> compareWithFormer(d, start));
      for (int d = start; d < end; d++) {
        decideInside(d, start);
      }
    }
  }

  /// Compares with the representatives before `start`. If none is similar, the n-grams are made
  /// that will be needed inside the block.
  private void compareWithFormer(int d, int start) {
    if (keptOf[d] != d) {
      return;
    }
    if (compare(d, 0, start).isEmpty() && hasNeighbour(d, start)) {
      shingles.get(d);
    }
  }

  private boolean hasNeighbour(int d, int start) {
    return Arrays.stream(bands).anyMatch(band -> band.hasNeighbour(d, start));
  }

  private void decideInside(int d, int start) {
    if (!Double.isNaN(jaccard[d])) {
      pass(d, false);
    } else if (keptOf[d] != d) {
      int first = keptOf[d]; // an exact duplicate is what its first is
      jaccard[d] = jaccard[first];
      keptOf[d] = keptOf[first];
    } else {
      pass(d, compare(d, start, d).isEmpty());
    }
  }

  private void pass(int d, boolean kept) {
    boolean everywhere = true;
    for (Buckets band : bands) {
      everywhere &= band.decide(d, kept);
    }
    unrepresented += kept && !everywhere ? 1 : 0;
  }

  /// Finds the first representative in `from … before - 1` that `d` is a near duplicate of.
  private Optional<Integer> compare(int d, int from, int before) {
    for (int candidate : candidates(d, from, before)) {
      double similarity = Shingles.jaccard(shingles.get(candidate), shingles.get(d));
      verified.increment();
      if (similarity >= config.threshold()) {
        keptOf[d] = candidate;
        jaccard[d] = similarity;
        return Optional.of(candidate);
      }
    }
    return Optional.empty();
  }

  /// In order, each once; without those whose number of n-grams alone rules them out.
  private int[] candidates(int d, int from, int before) {
    IntStream.Builder found = IntStream.builder();
    for (Buckets band : bands) {
      for (int r = band.last(d, before); r >= from; r = band.previous(r)) {
        found.add(r);
      }
    }
    return found.build().filter(r -> sizesAllow(r, d)).sorted().distinct().toArray();
  }

  private boolean sizesAllow(int a, int b) {
    double sizeA = signatures.shingles(a);
    double sizeB = signatures.shingles(b);
    return Math.min(sizeA, sizeB) / Math.max(sizeA, sizeB) >= config.threshold();
  }
}
