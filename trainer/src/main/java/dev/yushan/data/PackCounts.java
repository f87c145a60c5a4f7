package dev.yushan.data;

/// What packing made: the last part of the [TokenLedger].
///
/// @param packing how
/// @param sequenceLen tokens that a row has room for
/// @param rows training sequences
/// @param documents documents (and pieces) in them
/// @param tokens tokens in them
/// @param paddingTokens always 0: rows are ragged
/// @param lastTokens tokens without a successor to predict: the last of each document, or of each
///   block for `concat`
/// @param ignoredLabels targets that the labels take out (−100)
/// @param targets predictions that the loss counts
public record PackCounts(
    Packing packing,
    long sequenceLen,
    long rows,
    long documents,
    long tokens,
    long paddingTokens,
    long lastTokens,
    long ignoredLabels,
    long targets) {}
