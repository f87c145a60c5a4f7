package dev.yushan.data;

/// What the length limit did: the third part of the [TokenLedger].
///
/// @param droppedDocuments documents longer than `cutoff_len`, left out
/// @param droppedTokens their tokens
/// @param splitDocuments documents longer than `cutoff_len`, cut
/// @param splitPieces the pieces they were cut into
/// @param splitTokens their tokens, all of them kept
/// @param keptDocuments documents kept whole
/// @param keptTokens their tokens
public record ExcessCounts(
    long droppedDocuments,
    long droppedTokens,
    long splitDocuments,
    long splitPieces,
    long splitTokens,
    long keptDocuments,
    long keptTokens) {
  /// What goes on to packing: whole documents and pieces.
  public long outDocuments() {
    return keptDocuments + splitPieces;
  }

  /// The tokens that go on to packing.
  public long outTokens() {
    return keptTokens + splitTokens;
  }
}
