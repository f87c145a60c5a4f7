package dev.yushan.text;

import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// Byte-level BPE: added tokens are taken out, the rest is normalized and cut into pieces, and each
/// piece becomes the token it is, or else what its bytes are merged to.
final class BpeTokenizer implements Tokenizer {
  private final TokenizerJson spec;
  private final AddedTokens before;
  private final AddedTokens after;
  private final BitSet merged;
  private final Map<String, Integer> addedIds = new HashMap<>();
  private final BitSet special = new BitSet();
  private final OptionalInt bosId;
  private final OptionalInt eosId;

  BpeTokenizer(TokenizerJson spec, Optional<String> bosToken, Optional<String> eosToken) {
    this.spec = spec;
    before = new AddedTokens(spec.addedTokens().stream().filter(t -> !t.normalized()).toList());
    after =
        new AddedTokens(
            spec.addedTokens().stream().filter(t -> t.normalized()).map(this::normalized).toList());
    for (AddedTokens.Added token : spec.addedTokens()) {
      addedIds.put(token.content(), token.id());
      special.set(token.id(), token.special());
    }
    merged = merged(spec);
    bosId = edge(spec.template().prefix(), 0, bosToken);
    eosId = edge(spec.template().suffix(), spec.template().suffix().size() - 1, eosToken);
  }

  /// The tokens that their own bytes are merged to, so that text which is one need not be merged.
  static BitSet merged(TokenizerJson spec) {
    BitSet merged = new BitSet();
    Encoding encoding = new Encoding(spec, merged, 64);
    for (int id = 0; id < spec.vocabulary().size(); id++) {
      if (spec.vocabulary().has(id) && encoding.mergedCount(spec.vocabulary().bytes(id)) == 1) {
        merged.set(id);
      }
    }
    return merged;
  }

  private OptionalInt edge(List<Integer> ids, int index, Optional<String> configured) {
    return ids.isEmpty()
        ? configured.map(this::idOf).orElse(OptionalInt.empty())
        : OptionalInt.of(ids.get(index));
  }

  private AddedTokens.Added normalized(AddedTokens.Added token) {
    return new AddedTokens.Added(
        token.id(), normalized(token.content()), token.special(), token.normalized());
  }

  private String normalized(String text) {
    return spec.nfc() ? Nfc.normalize(text) : text;
  }

  @Override
  public int[] encode(String text, Specials specials) {
    Encoding encoding = start(text);
    append(text, specials, encoding);
    return encoding.toArray();
  }

  @Override
  public int[] encodeWithTemplate(String text, Specials specials) {
    Encoding encoding = start(text);
    spec.template().prefix().forEach(encoding::add);
    append(text, specials, encoding);
    spec.template().suffix().forEach(encoding::add);
    return encoding.toArray();
  }

  @Override
  public int count(String text, Specials specials) {
    Encoding encoding = start(text);
    append(text, specials, encoding);
    return encoding.size();
  }

  private Encoding start(String text) {
    return new Encoding(spec, merged, 64 + text.length() / 2);
  }

  private void append(String text, Specials specials, Encoding encoding) {
    before.split(
        wellFormed(text),
        specials,
        stretch ->
            after.split(
                normalized(stretch),
                specials,
                plain ->
                    spec.preTokenizer()
                        .split(plain, (from, to) -> encoding.addPiece(plain, from, to)),
                encoding::add),
        encoding::add);
  }

  /// An unpaired surrogate has no UTF-8: it becomes U+FFFD, as when such bytes are decoded.
  private static String wellFormed(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        int[] codePoints = text.codePoints().map(c -> isSurrogate(c) ? 0xfffd : c).toArray();
        return new String(codePoints, 0, codePoints.length);
      }
    }
    return text;
  }

  private static boolean isSurrogate(int codePoint) {
    return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
  }

  @Override
  public byte[] bytes(int id) {
    if (!spec.vocabulary().has(id)) {
      throw new IllegalArgumentException(
          "id %d is not in the vocabulary of %d; was the text encoded with another tokenizer?"
              .formatted(id, vocabSize()));
    }
    return spec.vocabulary().bytes(id).clone();
  }

  @Override
  public boolean isSpecial(int id) {
    return special.get(id);
  }

  @Override
  public int vocabSize() {
    return spec.vocabulary().size();
  }

  @Override
  public OptionalInt bosId() {
    return bosId;
  }

  @Override
  public OptionalInt eosId() {
    return eosId;
  }

  @Override
  public OptionalInt idOf(String token) {
    Integer added = addedIds.get(token);
    byte[] bytes = token.getBytes(StandardCharsets.UTF_8);
    int id = added == null ? spec.vocabulary().find(bytes, 0, bytes.length) : added;
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }
}
