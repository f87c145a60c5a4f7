package dev.yushan.data;

import dev.yushan.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;

/// One token a byte of UTF-8, `<|begin|>` and `<|end|>` besides. Counts its calls and can be slow.
final class ByteTokenizer implements Tokenizer {
  static final int BEGIN = 256;
  static final int END = 257;
  static final int VOCABULARY = 258;

  final AtomicInteger calls = new AtomicInteger();
  private final Runnable atEachCall;

  ByteTokenizer() {
    this(() -> {});
  }

  ByteTokenizer(long pauseMillis) {
    this(() -> pause(pauseMillis));
  }

  ByteTokenizer(Runnable atEachCall) {
    this.atEachCall = atEachCall;
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  CorpusTokenizer corpus() {
    return new CorpusTokenizer(
        Optional.of(this), "bytes", OptionalInt.of(BEGIN), OptionalInt.of(END), VOCABULARY);
  }

  @Override
  public int[] encode(String text, Specials specials) {
    calls.incrementAndGet();
    atEachCall.run();
    if (specials == Specials.PARSE) {
      int at = text.indexOf("<|end|>");
      if (at >= 0) {
        int[] before = encode(text.substring(0, at), Specials.AS_TEXT);
        int[] after = encode(text.substring(at + 7), specials);
        int[] all = java.util.Arrays.copyOf(before, before.length + 1 + after.length);
        all[before.length] = END;
        System.arraycopy(after, 0, all, before.length + 1, after.length);
        return all;
      }
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = bytes[i] & 0xFF;
    }
    return ids;
  }

  @Override
  public int[] encodeWithTemplate(String text, Specials specials) {
    throw new UnsupportedOperationException();
  }

  @Override
  public byte[] bytes(int id) {
    return switch (id) {
      case BEGIN -> "<|begin|>".getBytes(StandardCharsets.UTF_8);
      case END -> "<|end|>".getBytes(StandardCharsets.UTF_8);
      default -> new byte[] {(byte) id};
    };
  }

  @Override
  public boolean isSpecial(int id) {
    return id >= BEGIN;
  }

  @Override
  public int vocabSize() {
    return VOCABULARY;
  }

  @Override
  public OptionalInt bosId() {
    return OptionalInt.of(BEGIN);
  }

  @Override
  public OptionalInt eosId() {
    return OptionalInt.of(END);
  }

  @Override
  public OptionalInt idOf(String token) {
    throw new UnsupportedOperationException();
  }
}
