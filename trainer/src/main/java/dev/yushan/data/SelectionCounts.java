package dev.yushan.data;

/// What a [Selection] left out: the second part of the [TokenLedger].
///
/// @param beyondDocuments documents behind the first `max_samples` of their entry
/// @param beyondTokens their tokens
/// @param otherDocuments documents in the other part that `val_size` makes: held out, or, in the
///   ledger of the held-out part, trained on
/// @param otherTokens their tokens
/// @param undrawnDocuments documents of entries with fewer than one epoch that were not drawn
/// @param undrawnTokens their tokens
/// @param repeatedDocuments documents of entries with more than one epoch, as often as they come
///   again
/// @param repeatedTokens their tokens, likewise
public record SelectionCounts(
    long beyondDocuments,
    long beyondTokens,
    long otherDocuments,
    long otherTokens,
    long undrawnDocuments,
    long undrawnTokens,
    long repeatedDocuments,
    long repeatedTokens) {
  /// Nothing left out and nothing repeated.
  public static final SelectionCounts NONE = new SelectionCounts(0, 0, 0, 0, 0, 0, 0, 0);

  /// All documents left out.
  public long documents() {
    return beyondDocuments + otherDocuments + undrawnDocuments;
  }

  /// All tokens left out.
  public long tokens() {
    return beyondTokens + otherTokens + undrawnTokens;
  }
}
