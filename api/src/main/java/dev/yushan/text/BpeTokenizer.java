package dev.yushan.text;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// Byte-level BPE: added tokens are taken out, the rest is normalized and cut into pieces, and each
/// piece becomes the token it is, or else is merged from its bytes.
final class BpeTokenizer implements Tokenizer {
  private final TokenizerJson spec;
  private final AddedTokens before;
  private final AddedTokens after;
  private final Map<String, Integer> wholePieces;
  private final byte[][] bytes;
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
    bytes = bytes(spec);
    for (AddedTokens.Added token : spec.addedTokens()) {
      addedIds.put(token.content(), token.id());
      special.set(token.id(), token.special());
    }
    wholePieces = wholePieces(spec);
    bosId = edge(spec.template().prefix(), 0, bosToken);
    eosId = edge(spec.template().suffix(), spec.template().suffix().size() - 1, eosToken);
  }

  /// With `ignore_merges` a piece that is a token becomes it, whatever merges would make of it.
  private static Map<String, Integer> wholePieces(TokenizerJson spec) {
    Map<String, Integer> pieces = HashMap.newHashMap(spec.ignoreMerges() ? spec.vocab().size() : 0);
    if (spec.ignoreMerges()) {
      spec.vocab()
          .forEach(
              (token, id) ->
                  text(ByteAlphabet.decode(token)).ifPresent(text -> pieces.put(text, id)));
    }
    return pieces;
  }

  private static byte[][] bytes(TokenizerJson spec) {
    int highest = spec.vocab().values().stream().mapToInt(id -> id).max().orElse(-1);
    for (AddedTokens.Added token : spec.addedTokens()) {
      highest = Math.max(highest, token.id());
    }
    byte[][] bytes = new byte[highest + 1][];
    spec.vocab().forEach((token, id) -> bytes[id] = ByteAlphabet.decode(token));
    for (AddedTokens.Added token : spec.addedTokens()) {
      bytes[token.id()] = token.content().getBytes(StandardCharsets.UTF_8);
    }
    return bytes;
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

  /// The text of `bytes` if they are whole UTF-8 characters.
  private static Optional<String> text(byte[] bytes) {
    try {
      var decoder = StandardCharsets.UTF_8.newDecoder();
      return Optional.of(decoder.decode(ByteBuffer.wrap(bytes)).toString());
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  @Override
  public int[] encode(String text, Specials specials) {
    return append(text, specials, new IdList(8 + text.length() / 2)).toArray();
  }

  @Override
  public int[] encodeWithTemplate(String text, Specials specials) {
    IdList ids = new IdList(8 + text.length() / 2);
    spec.template().prefix().forEach(ids::add);
    append(text, specials, ids);
    spec.template().suffix().forEach(ids::add);
    return ids.toArray();
  }

  @Override
  public int count(String text, Specials specials) {
    return append(text, specials, new IdList(8 + text.length() / 2)).size();
  }

  private IdList append(String text, Specials specials, IdList ids) {
    Merges.Scratch scratch = new Merges.Scratch();
    before.split(
        wellFormed(text),
        specials,
        stretch ->
            after.split(
                normalized(stretch),
                specials,
                plain -> spec.preTokenizer().split(plain, piece -> append(piece, scratch, ids)),
                ids::add),
        ids::add);
    return ids;
  }

  private void append(String piece, Merges.Scratch scratch, IdList ids) {
    Integer whole = wholePieces.get(piece);
    if (whole != null) {
      ids.add(whole);
    } else {
      spec.merges().encode(piece.getBytes(StandardCharsets.UTF_8), scratch, ids);
    }
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
    if (id < 0 || id >= bytes.length || bytes[id] == null) {
      throw new IllegalArgumentException(
          "id %d is not in the vocabulary of %d; was the text encoded with another tokenizer?"
              .formatted(id, bytes.length));
    }
    return bytes[id].clone();
  }

  @Override
  public boolean isSpecial(int id) {
    return special.get(id);
  }

  @Override
  public int vocabSize() {
    return bytes.length;
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
    Integer id = addedIds.get(token);
    if (id == null) {
      id = spec.vocab().get(ByteAlphabet.encode(token.getBytes(StandardCharsets.UTF_8)));
    }
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }
}
