package dev.yushan.data.prepare;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.data.hygiene.Pii;
import dev.yushan.data.hygiene.PiiAction;
import dev.yushan.data.hygiene.PiiConfig;
import dev.yushan.data.hygiene.PiiSpan;

/// Short pieces of documents, for people to look at. What looks like personal data is blackened in
/// them, whatever the stages do about it: a report is there to be passed on.
final class Excerpt {
  private static final int BEFORE = 24;
  private static final int LENGTH = 160;
  private static final PiiConfig PERSONAL = PiiConfig.all(PiiAction.REDACT);

  private Excerpt() {}

  /// The place of the first change, before and after it.
  static ObjectNode ofChange(CorpusRecord document, String after) {
    String before = blackened(document.text());
    String now = blackened(after);
    int same = 0;
    int most = Math.min(before.length(), now.length());
    while (same < most && before.charAt(same) == now.charAt(same)) {
      same++;
    }
    int from = Math.max(0, same - BEFORE);
    return named(document)
        .put("before", piece(before, from, LENGTH))
        .put("after", piece(now, from, LENGTH));
  }

  /// The beginning of a document, with what is said of it.
  static ObjectNode ofRemoved(CorpusRecord document, String detail) {
    return of(document).put("detail", piece(blackened(detail), 0, 2 * LENGTH));
  }

  /// The beginning of a document.
  static ObjectNode of(CorpusRecord document) {
    return named(document).put("text", piece(blackened(document.text()), 0, LENGTH));
  }

  private static ObjectNode named(CorpusRecord document) {
    return Settings.MAPPER
        .createObjectNode()
        .put("source", document.source())
        .put("id", document.id());
  }

  /// With ● for each letter and digit of what looks like personal data; all else stays in its
  /// place.
  static String blackened(String text) {
    StringBuilder out = new StringBuilder(text);
    for (PiiSpan span : Pii.find(text, PERSONAL)) {
      for (int i = span.start(); i < span.end(); i++) {
        out.setCharAt(i, Character.isLetterOrDigit(text.charAt(i)) ? '●' : text.charAt(i));
      }
    }
    return out.toString();
  }

  /// At most `length` characters from `from` on, no half of a surrogate pair among them.
  private static String piece(String text, int from, int length) {
    int start = from > 0 && Character.isLowSurrogate(text.charAt(from)) ? from - 1 : from;
    int end = Math.min(text.length(), start + length);
    int cut = end < text.length() && Character.isLowSurrogate(text.charAt(end)) ? end - 1 : end;
    return (start > 0 ? "…" : "") + text.substring(start, cut) + (cut < text.length() ? "…" : "");
  }
}
