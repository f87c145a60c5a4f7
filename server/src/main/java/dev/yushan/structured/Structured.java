package dev.yushan.structured;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.generate.TokenConstraint;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// Structured output: what a text must look like, as a [TokenConstraint] that lets only such texts
/// be written, each to its end. Constraints are kept and shared among the requests that ask for the
/// same one. Safe for concurrent use; the methods may take some milliseconds and do not block.
///
/// All throw [IllegalArgumentException] for what is not supported, with what is wrong and what is
/// allowed.
public final class Structured {
  /// Constraints that are kept.
  private static final int MAX_KEPT = 64;

  private final Vocabulary vocabulary;
  private final Map<Key, TokenConstraint> kept =
      new LinkedHashMap<>(16, .75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, TokenConstraint> eldest) {
          return size() > MAX_KEPT;
        }
      };

  private enum Kind {
    REGEX,
    CHOICE,
    JSON
  }

  private record Key(Kind kind, Object source) {}

  /// For the tokens of `vocabulary`.
  public Structured(Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
  }

  /// Texts that match `pattern` from beginning to end.
  public TokenConstraint regex(String pattern) {
    return kept(
        new Key(Kind.REGEX, pattern),
        () -> Assembler.assemble(RegexParser.parse(pattern).whole(), Map.of()));
  }

  /// One of `texts`.
  public TokenConstraint choice(List<String> texts) {
    if (texts.isEmpty()) {
      throw new IllegalArgumentException("there is nothing to choose from: give at least one text");
    }
    return kept(
        new Key(Kind.CHOICE, List.copyOf(texts)),
        () ->
            Assembler.assemble(new Expr.Choice(texts.stream().map(Expr::text).toList()), Map.of()));
  }

  /// JSON that fits a JSON schema.
  public TokenConstraint json(JsonNode schema) {
    // the text, as the order of the properties counts
    return kept(new Key(Kind.JSON, schema.toString()), () -> JsonSchema.program(schema));
  }

  /// Any JSON object.
  public TokenConstraint anyJson() {
    return kept(
        new Key(Kind.JSON, "an object"),
        () -> Assembler.assemble(JsonText.ANY_OBJECT, JsonText.RULES));
  }

  private TokenConstraint kept(Key key, Supplier<Program> program) {
    synchronized (kept) {
      TokenConstraint known = kept.get(key);
      if (known != null) {
        return known;
      }
    }
    TokenConstraint made = new MaskedText(new Automaton(program.get()), vocabulary);
    synchronized (kept) {
      TokenConstraint first = kept.putIfAbsent(key, made);
      return first == null ? made : first;
    }
  }
}
