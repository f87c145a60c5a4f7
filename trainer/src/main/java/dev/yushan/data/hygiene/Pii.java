package dev.yushan.data.hygiene;

import java.util.ArrayList;
import java.util.List;

/// Personal data in a text, found by what it looks like and by its check digits.
///
/// One pass looks for characters that may begin something (a digit, a Latin letter, `+`, `(`, `@`);
/// what begins there is parsed by hand. Nothing is found inside a longer run of letters or digits.
/// Digits of full width are not looked at: format the text first.
public final class Pii {
  private static final PiiKind[] KINDS = PiiKind.values();

  private Pii() {}

  /// What is found in `text`, in order, none overlapping; kinds that are `OFF` are left out.
  public static List<PiiSpan> find(String text, PiiConfig config) {
    return new PiiScan(text, config).spans();
  }

  /// Whether data was found for which documents are dropped.
  public static boolean drops(List<PiiSpan> spans, PiiConfig config) {
    return spans.stream().anyMatch(span -> config.action(span.kind()) == PiiAction.DROP);
  }

  /// `text` with placeholders for what was found of kinds that are redacted. Redacting again
  /// changes nothing.
  ///
  /// @param spans of `text`, in order
  public static String redact(String text, List<PiiSpan> spans, PiiConfig config) {
    StringBuilder out = new StringBuilder(text.length());
    int done = 0;
    for (PiiSpan span : spans) {
      if (config.action(span.kind()) == PiiAction.REDACT) {
        out.append(text, done, span.start()).append(span.kind().placeholder(config.placeholder()));
        done = span.end();
      }
    }
    return done == 0 ? text : out.append(text, done, text.length()).toString();
  }

  /// The kinds that are looked for.
  static List<PiiKind> wanted(PiiConfig config) {
    List<PiiKind> wanted = new ArrayList<>();
    for (PiiKind kind : KINDS) {
      if (config.action(kind) != PiiAction.OFF) {
        wanted.add(kind);
      }
    }
    return wanted;
  }
}
