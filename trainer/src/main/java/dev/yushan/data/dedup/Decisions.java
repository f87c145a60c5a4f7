package dev.yushan.data.dedup;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// The [Decision] on every document, 12 bytes each.
public final class Decisions {
  /// The similarity that marks an exact duplicate.
  static final double EXACT = Double.NaN;

  private final int[] keptOf;
  private final double[] jaccard;
  private final long verified;
  private final int unrepresented;

  /// @param keptOf the kept document that each is a duplicate of, itself where it is kept
  /// @param jaccard the similarity to it, or [#EXACT]
  Decisions(int[] keptOf, double[] jaccard, long verified, int unrepresented) {
    this.keptOf = keptOf;
    this.jaccard = jaccard;
    this.verified = verified;
    this.unrepresented = unrepresented;
  }

  /// How many documents there are.
  public int size() {
    return keptOf.length;
  }

  /// Whether `document` stays.
  public boolean isKept(int document) {
    return keptOf[document] == document;
  }

  /// What becomes of `document`.
  public Decision get(int document) {
    if (isKept(document)) {
      return new Decision.Kept();
    }
    return isExact(document)
        ? new Decision.Exact(keptOf[document])
        : new Decision.Near(keptOf[document], jaccard[document]);
  }

  private boolean isExact(int document) {
    return Double.isNaN(jaccard[document]);
  }

  /// The sums over all documents.
  public DedupCounts counts() {
    int[] counts = new int[3];
    for (int d = 0; d < size(); d++) {
      counts[isKept(d) ? 0 : isExact(d) ? 1 : 2]++;
    }
    return new DedupCounts(size(), counts[0], counts[1], counts[2], verified, unrepresented);
  }

  /// The `most` largest clusters, the largest first, of equal ones the earlier first.
  public List<Cluster> clusters(int most) {
    int[] sizes = new int[size()];
    for (int kept : keptOf) {
      sizes[kept]++;
    }
    Map<Integer, List<Cluster.Removed>> removed = new LinkedHashMap<>();
    IntStream.range(0, size())
        .filter(d -> sizes[d] > 1)
        .boxed()
        .sorted(Comparator.comparing(d -> -sizes[d]))
        .limit(most)
        .forEach(kept -> removed.put(kept, new ArrayList<>()));
    for (int d = 0; d < size(); d++) {
      if (!isKept(d) && removed.containsKey(keptOf[d])) {
        removed.get(keptOf[d]).add(new Cluster.Removed(d, get(d)));
      }
    }
    return removed.entrySet().stream().map(e -> new Cluster(e.getKey(), e.getValue())).toList();
  }
}
