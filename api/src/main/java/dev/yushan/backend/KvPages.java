package dev.yushan.backend;

import dev.yushan.tensor.Tensor;
import java.util.List;

/// The paged key/value cache as a forward pass sees it: for each layer its pages, and for the batch
/// at hand where the new rows go and what each sequence may read.
///
/// @param keys for each layer `[pages · PAGE_LENGTH, kvHeads · headDim]`
/// @param values like `keys`
/// @param pageTable I32 `[S, pagesPerSequence]`: the page of each 16 positions of each sequence
/// @param slots I32 `[T]`: the row of the pages that each token's key and value go to
public record KvPages(List<Tensor> keys, List<Tensor> values, Tensor pageTable, Tensor slots) {
  /// Positions in a page.
  public static final int PAGE_LENGTH = 16;

  /// The pages of one layer.
  ///
  /// @param keys `[pages · pageLength, G · D]`, F32, F16 or BF16, as `values`
  /// @param pageTable I32 `[S, pagesPerSequence]`: position `i` of sequence `s` is row
  ///   `pageTable[s, i / pageLength] · pageLength + i % pageLength` of keys and values
  public record Layer(Tensor keys, Tensor values, Tensor pageTable, int pageLength) {}

  public KvPages {
    keys = List.copyOf(keys);
    values = List.copyOf(values);
  }

  /// What layer `index` reads.
  public Layer layer(int index) {
    return new Layer(keys.get(index), values.get(index), pageTable, PAGE_LENGTH);
  }
}
