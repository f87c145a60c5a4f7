package dev.yushan.text;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/// Text from ids that arrive one by one. A UTF-8 character split over several ids is held back
/// until it is whole, so what has been emitted is never taken back: all pieces joined are exactly
/// [Tokenizer#decode] of all ids. For one stream and one thread.
public final class Detokenizer {
  private final Tokenizer tokenizer;
  private final boolean skipSpecialTokens;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);
  private byte[] pending = {};

  public Detokenizer(Tokenizer tokenizer, boolean skipSpecialTokens) {
    this.tokenizer = tokenizer;
    this.skipSpecialTokens = skipSpecialTokens;
  }

  /// The text that `id` completes; empty while a character is still incomplete.
  public String add(int id) {
    if (skipSpecialTokens && tokenizer.isSpecial(id)) {
      return "";
    }
    return decode(tokenizer.bytes(id), false);
  }

  /// What is left at the end: U+FFFD where the last character stayed incomplete, else nothing.
  /// Afterwards the detokenizer is as new.
  public String flush() {
    String rest = decode(new byte[0], true);
    decoder.reset();
    pending = new byte[0];
    return rest;
  }

  private String decode(byte[] bytes, boolean last) {
    ByteBuffer in = ByteBuffer.allocate(pending.length + bytes.length);
    in.put(pending).put(bytes).flip();
    CharBuffer out = CharBuffer.allocate(in.remaining() + 1);
    decoder.decode(in, out, last);
    if (last) {
      decoder.flush(out);
    }
    pending = new byte[in.remaining()];
    in.get(pending);
    return out.flip().toString();
  }
}
