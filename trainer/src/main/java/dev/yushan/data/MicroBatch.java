package dev.yushan.data;

import dev.yushan.model.TokenBatch;
import java.util.List;

/// What one forward and backward pass is given.
///
/// @param rowNumbers the rows of the [PackedDataset] it is made of
/// @param rows their tokens, one after the other
/// @param documents what is in them, in order; their lengths add up to that of the rows
public record MicroBatch(int[] rowNumbers, TokenBatch.Rows rows, List<Document> documents) {
  public MicroBatch {
    documents = List.copyOf(documents);
  }
}
