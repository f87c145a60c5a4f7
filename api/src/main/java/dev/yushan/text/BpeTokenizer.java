package dev.yushan.text;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.GptBytePairEncodingParams;
import com.knuddels.jtokkit.api.IntArrayList;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/// Byte-level BPE: added tokens are taken out, the rest is normalized and cut into pieces, and each
/// piece becomes the token it is, or else is merged from its bytes by JTokkit.
final class BpeTokenizer implements Tokenizer {
  /// JTokkit scans a piece for each merge below this many bytes, and above merges in another order;
  /// see [RankMerge].
  private static final int LONG_PIECE_BYTES = 500;

  private static final Pattern WHOLE_PIECE = Pattern.compile("(?s).+");

  private final TokenizerJson spec;
  private final AddedTokens before;
  private final AddedTokens after;
  private final Map<String, Integer> wholePieces;
  private final Encoding merges;
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
    Map<byte[], Integer> ranks = HashMap.newHashMap(spec.vocab().size());
    wholePieces = HashMap.newHashMap(spec.vocab().size());
    spec.vocab()
        .forEach(
            (token, id) -> {
              if (spec.ignoreMerges() || !spec.unreachable().contains(token)) {
                byte[] tokenBytes = ByteAlphabet.decode(token);
                ranks.put(tokenBytes, id);
                text(tokenBytes).ifPresent(text -> wholePieces.put(text, id));
              }
            });
    merges = engine(ranks);
    bosId = edge(spec.template().prefix(), 0, bosToken);
    eosId = edge(spec.template().suffix(), spec.template().suffix().size() - 1, eosToken);
  }

  private static Encoding engine(Map<byte[], Integer> ranks) {
    var params = new GptBytePairEncodingParams("tokenizer.json", WHOLE_PIECE, ranks, Map.of());
    return Encodings.newLazyEncodingRegistry()
        .registerGptBytePairEncoding(params)
        .getEncoding(params.getName())
        .orElseThrow();
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
    return append(text, specials, new IntArrayList(8 + text.length() / 2)).toArray();
  }

  @Override
  public int[] encodeWithTemplate(String text, Specials specials) {
    IntArrayList ids = new IntArrayList(8 + text.length() / 2);
    spec.template().prefix().forEach(ids::add);
    append(text, specials, ids);
    spec.template().suffix().forEach(ids::add);
    return ids.toArray();
  }

  @Override
  public int count(String text, Specials specials) {
    return append(text, specials, new IntArrayList(8 + text.length() / 2)).size();
  }

  private IntArrayList append(String text, Specials specials, IntArrayList ids) {
    before.split(
        wellFormed(text),
        specials,
        stretch ->
            after.split(
                normalized(stretch),
                specials,
                plain -> spec.preTokenizer().split(plain, piece -> appendPiece(piece, ids)),
                ids::add),
        ids::add);
    return ids;
  }

  private void appendPiece(String piece, IntArrayList ids) {
    Integer whole = wholePieces.get(piece);
    if (whole != null) {
      ids.add(whole);
    } else if (piece.length() < LONG_PIECE_BYTES / 3) {
      // A char is at most 3 bytes, so this one is short enough.
      append(merges.encodeOrdinary(piece), ids);
    } else {
      appendLong(piece, ids);
    }
  }

  private static void append(IntArrayList from, IntArrayList to) {
    for (int i = 0; i < from.size(); i++) {
      to.add(from.get(i));
    }
  }

  private void appendLong(String piece, IntArrayList ids) {
    String bytePiece = ByteAlphabet.encode(piece.getBytes(StandardCharsets.UTF_8));
    int[] starts = RankMerge.boundaries(bytePiece, spec.vocab(), 1);
    for (int i = 0; i + 1 < starts.length; i++) {
      ids.add(spec.vocab().get(bytePiece.substring(starts[i], starts[i + 1])));
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
