package dev.yushan.data;

/// What a [Selection] left out: the second part of the [TokenLedger].
///
/// @param beyondDocuments documents behind the first `max_samples` of their entry
/// @param beyondTokens their tokens
/// @param otherDocuments documents in the other part that `val_size` makes: held out, or, in the
///   ledger of the held-out part, trained on
/// @param otherTokens their tokens
public record SelectionCounts(
    long beyondDocuments, long beyondTokens, long otherDocuments, long otherTokens) {
  /// Nothing left out.
  public static final SelectionCounts NONE = new SelectionCounts(0, 0, 0, 0);

  /// All documents left out.
  public long documents() {
    return beyondDocuments + otherDocuments;
  }

  /// All tokens left out.
  public long tokens() {
    return beyondTokens + otherTokens;
  }
}
