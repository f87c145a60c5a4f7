package dev.yushan.data.dedup;

/// The documents that share the key of one band, linked in one `int` a document.
///
/// At first a document is linked to the previous one of its bucket. Once it is decided on, it is
/// either a representative of the bucket, linked to the previous representative, or passed over,
/// linked to the last representative before it. So a walk from any document of a bucket meets
/// representatives only, and there are at most [#most] of them.
final class Buckets {
  private static final int NONE = DocumentTable.NONE;

  private final int[] link;
  private final int most;

  /// Links those documents of `signatures` for which `keptOf` is the document itself.
  Buckets(Signatures signatures, int band, int[] keptOf, int most) {
    this.most = most;
    link = new int[signatures.size()];
    DocumentTable last =
        new DocumentTable(
            link.length, (a, b) -> signatures.bandKey(a, band) == signatures.bandKey(b, band));
    for (int d = 0; d < link.length; d++) {
      link[d] = keptOf[d] == d ? last.replace(d, signatures.bandKey(d, band)) : NONE;
    }
  }

  /// Whether the bucket of the undecided `document` has another from `from` on before it.
  boolean hasNeighbour(int document, int from) {
    return link[document] >= from;
  }

  /// The last representative before `before` in the bucket of the undecided `document`, where all
  /// before `before` are decided; or [DocumentTable#NONE].
  int last(int document, int before) {
    int previous = link[document];
    while (previous >= before) {
      previous = link[previous];
    }
    return previous == NONE || link[previous] >= 0 ? previous : ~link[previous] - 1;
  }

  /// The representative before `representative`, or [DocumentTable#NONE].
  int previous(int representative) {
    return link[representative] - 1;
  }

  /// Decides on `document`, all before it being decided. Returns whether it now is a
  /// representative: it is not if it is not `kept`, or if the bucket is full.
  boolean decide(int document, boolean kept) {
    int last = last(document, document);
    boolean represents = kept && count(last) < most;
    link[document] = represents ? last + 1 : ~(last + 1);
    return represents;
  }

  private int count(int last) {
    int count = 0;
    for (int r = last; r != NONE; r = previous(r)) {
      count++;
    }
    return count;
  }
}
