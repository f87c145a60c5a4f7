package dev.yushan.data;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;

/// UTF-8 that is checked: nothing is ever replaced by U+FFFD.
final class Utf8 {
  private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

  private Utf8() {}

  /// A decoder that reports what is no UTF-8.
  static CharsetDecoder strict() {
    return StandardCharsets.UTF_8
        .newDecoder()
        .onMalformedInput(CodingErrorAction.REPORT)
        .onUnmappableCharacter(CodingErrorAction.REPORT);
  }

  static String decode(byte[] bytes) throws CharacterCodingException {
    String text = new String(bytes, StandardCharsets.UTF_8);
    // the fast way replaces silently: what has a replacement character is looked at again
    return text.indexOf('\uFFFD') < 0 ? text : strict().decode(ByteBuffer.wrap(bytes)).toString();
  }

  /// Why `bytes` are no UTF-8, with the place of the first byte that is wrong.
  static RecordContent.Bad bad(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharsetDecoder decoder = strict();
    java.nio.CharBuffer out = java.nio.CharBuffer.allocate(8192);
    CoderResult result = CoderResult.OVERFLOW;
    while (result.isOverflow()) {
      out.clear();
      result = decoder.decode(in, out, true);
    }
    String beginning =
        new String(bytes, 0, Math.min(bytes.length, 1 << 14), StandardCharsets.UTF_8);
    return new RecordContent.Bad("invalid UTF-8 at byte " + (in.position() + 1), beginning);
  }

  /// The text as a record, with its id: half of a surrogate pair alone has no UTF-8, hence no
  /// tokens.
  static RecordContent content(String text, Optional<String> id) {
    if (text.isEmpty()) {
      return new RecordContent.Empty("the text is empty");
    }
    OptionalInt half = halfPair(text);
    if (half.isPresent()) {
      int at = half.getAsInt();
      return new RecordContent.Bad(
          "the text has half a surrogate pair (\\u%04x) at character %d, which is no UTF-8"
              .formatted((int) text.charAt(at), at + 1),
          text);
    }
    return new RecordContent.Text(text, id);
  }

  /// Where the first half of a surrogate pair without the other half is.
  static OptionalInt halfPair(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        if (Character.isLowSurrogate(c)
            || i + 1 == text.length()
            || !Character.isLowSurrogate(text.charAt(i + 1))) {
          return OptionalInt.of(i);
        }
        i++;
      }
    }
    return OptionalInt.empty();
  }

  /// The bytes as a record.
  static RecordContent content(byte[] bytes) {
    try {
      return content(decode(bytes), Optional.empty());
    } catch (CharacterCodingException e) {
      return bad(bytes);
    }
  }

  /// The bytes of a column.
  static Column.Value value(byte[] bytes) {
    try {
      return new Column.Value.Text(decode(bytes));
    } catch (CharacterCodingException e) {
      RecordContent.Bad bad = bad(bytes);
      return new Column.Value.Bad(bad.why(), bad.text());
    }
  }

  static byte[] withoutByteOrderMark(byte[] bytes) {
    return bytes.length >= 3 && Arrays.equals(bytes, 0, 3, BYTE_ORDER_MARK, 0, 3)
        ? Arrays.copyOfRange(bytes, 3, bytes.length)
        : bytes;
  }
}
