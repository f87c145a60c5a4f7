package dev.yushan.data;

import dev.yushan.model.TokenBatch;
import java.util.List;

/// One training sequence.
///
/// @param rows its tokens; each segment, within which tokens see each other, is a sequence of it
/// @param documents what is in it, in order; for `concat` the parts of them that are in the block;
///   their lengths add up to that of the row
public record PackedRow(TokenBatch.Rows rows, List<Document> documents) {
  public PackedRow {
    documents = List.copyOf(documents);
  }
}
