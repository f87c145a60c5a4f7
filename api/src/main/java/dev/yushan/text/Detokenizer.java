package dev.yushan.text;

import java.util.Arrays;

/// Text from ids that arrive one by one. A UTF-8 character split over several ids is held back
/// until it is whole, so what has been emitted is never taken back: all pieces joined are exactly
/// [Tokenizer#decode] of all ids. For one stream and one thread.
public final class Detokenizer {
  private final Tokenizer tokenizer;
  private final boolean skipSpecialTokens;
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
    return decode(new byte[0], true);
  }

  private String decode(byte[] bytes, boolean last) {
    byte[] all = Arrays.copyOf(pending, pending.length + bytes.length);
    System.arraycopy(bytes, 0, all, pending.length, bytes.length);
    StringBuilder text = new StringBuilder();
    int used = Utf8.decode(all, last, text);
    pending = Arrays.copyOfRange(all, used, all.length);
    return text.toString();
  }
}
