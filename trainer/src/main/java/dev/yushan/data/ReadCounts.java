package dev.yushan.data;

/// What reading and tokenising found: the first part of the [TokenLedger].
///
/// @param records records read: bad + empty + texts + given
/// @param bad records that could not be used
/// @param empty records whose text or list of ids has no length
/// @param texts documents made of text
/// @param given documents given as `input_ids`
/// @param textTokens tokens of texts, without BOS and EOS
/// @param bosTokens BOS added
/// @param eosTokens EOS added
/// @param givenTokens tokens of `input_ids`
/// @param specialTexts places where a text spells a special token
public record ReadCounts(
    long records,
    long bad,
    long empty,
    long texts,
    long given,
    long textTokens,
    long bosTokens,
    long eosTokens,
    long givenTokens,
    long specialTexts) {
  /// Nothing read.
  public static final ReadCounts ZERO = new ReadCounts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  /// All documents.
  public long documents() {
    return texts + given;
  }

  /// All tokens.
  public long tokens() {
    return textTokens + bosTokens + eosTokens + givenTokens;
  }

  /// Both together.
  public ReadCounts plus(ReadCounts o) {
    return new ReadCounts(
        records + o.records,
        bad + o.bad,
        empty + o.empty,
        texts + o.texts,
        given + o.given,
        textTokens + o.textTokens,
        bosTokens + o.bosTokens,
        eosTokens + o.eosTokens,
        givenTokens + o.givenTokens,
        specialTexts + o.specialTexts);
  }
}
