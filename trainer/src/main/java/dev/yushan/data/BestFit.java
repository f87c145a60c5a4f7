package dev.yushan.data;

import java.util.Arrays;
import java.util.BitSet;

/// Best-fit decreasing bin packing of whole documents (Johnson 1973): the longest document first,
/// each into the fullest row that still has room for it.
///
/// A pure function of the lengths: of equal documents the first comes first, of equally full rows
/// the one filled last is taken. At most 11/9 of the rows of an optimal packing (plus a constant);
/// O(n) but for a search over `sequenceLen / 64` words a document.
final class BestFit {
  private BestFit() {}

  /// Rows and the documents in them: row r holds `documents[rowStart[r] … rowStart[r + 1] - 1]`, in
  /// ascending order; rows are in the order of their first documents.
  record Rows(int[] rowStart, int[] documents) {}

  static Rows pack(int[] lengths, int sequenceLen) {
    int[] bins = new int[lengths.length];
    int binCount = assign(lengths, sequenceLen, bins);
    int[] rowOfBin = new int[binCount];
    Arrays.fill(rowOfBin, -1);
    int[] rowStart = new int[binCount + 1];
    int rows = 0;
    for (int bin : bins) {
      if (rowOfBin[bin] < 0) {
        rowOfBin[bin] = rows++;
      }
      rowStart[rowOfBin[bin] + 1]++;
    }
    for (int r = 0; r < rows; r++) {
      rowStart[r + 1] += rowStart[r];
    }
    int[] next = Arrays.copyOf(rowStart, rows);
    int[] documents = new int[lengths.length];
    for (int d = 0; d < bins.length; d++) {
      documents[next[rowOfBin[bins[d]]]++] = d;
    }
    return new Rows(rowStart, documents);
  }

  /// Fills `bins[d]` with the bin of document d; the number of bins.
  private static int assign(int[] lengths, int sequenceLen, int[] bins) {
    // stacks of bins by the room they have left, linked through nextBin
    int[] top = new int[sequenceLen + 1];
    Arrays.fill(top, -1);
    int[] nextBin = new int[64];
    BitSet available = new BitSet(sequenceLen + 1);
    int count = 0;
    for (int d : longestFirst(lengths, sequenceLen)) {
      int room = available.nextSetBit(lengths[d]);
      int bin;
      if (room < 0) {
        room = sequenceLen;
        bin = count++;
        nextBin = count > nextBin.length ? Arrays.copyOf(nextBin, 2 * nextBin.length) : nextBin;
      } else {
        bin = top[room];
        top[room] = nextBin[bin];
        available.set(room, top[room] >= 0);
      }
      bins[d] = bin;
      int left = room - lengths[d];
      nextBin[bin] = top[left];
      top[left] = bin;
      available.set(left);
    }
    return count;
  }

  /// Documents by falling length (a counting sort, stable).
  private static int[] longestFirst(int[] lengths, int sequenceLen) {
    int[] at = new int[sequenceLen + 2];
    for (int length : lengths) {
      at[sequenceLen - length + 1]++;
    }
    for (int i = 0; i <= sequenceLen; i++) {
      at[i + 1] += at[i];
    }
    int[] order = new int[lengths.length];
    for (int d = 0; d < lengths.length; d++) {
      order[at[sequenceLen - lengths[d]]++] = d;
    }
    return order;
  }
}
