package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.StreamSupport;

/// A field that a request may have: what is accepted, and what becomes of it. The tables of
/// [Fields] are all that the parser and the OpenAPI document know.
///
/// @param range of a number; [Range#ANY] for other kinds
/// @param about what it does; for a refused one, what to do instead
/// @param accepted for a refused one, values that change nothing and pass
record Field(String name, Kind kind, Use use, Range range, String about, List<String> accepted) {

  enum Use {
    /// It does what it says.
    HONOURED,
    /// It changes nothing here, whatever its value.
    IGNORED,
    /// A value that would change something is answered with 400.
    REFUSED
  }

  /// The type of a value, as JSON Schema has it.
  enum Kind {
    STRING("a string", "{'type':'string'}", JsonNode::isTextual),
    BOOLEAN("true or false", "{'type':'boolean'}", JsonNode::isBoolean),
    INTEGER("an integer", "{'type':'integer'}", Kind::isInteger),
    LONG(
        "an integer from -2^63 to 2^63 - 1",
        "{'type':'integer','format':'int64'}",
        Kind::isInteger),
    NUMBER("a number", "{'type':'number'}", Kind::isNumber),
    STRINGS(
        "a list of strings",
        "{'type':'array','items':{'type':'string'}}",
        value -> value.isArray() && all(value, JsonNode::isTextual)),
    STRING_OR_STRINGS(
        "a string or a list of strings",
        "{'anyOf':[{'type':'string'},{'type':'array','items':{'type':'string'}}]}",
        value -> value.isTextual() || STRINGS.matches.test(value)),
    IDS(
        "a list of token ids",
        "{'type':'array','items':{'type':'integer','minimum':0}}",
        value -> value.isArray() && all(value, Kind::isId)),
    PROMPT(
        "a string, a list of strings, a list of token ids, or a list of such lists",
        "{'anyOf':[{'type':'string'},{'type':'array','items':{'type':'string'}},"
            + "{'type':'array','items':{'type':'integer','minimum':0}},"
            + "{'type':'array','items':{'type':'array','items':{'type':'integer','minimum':0}}}]}",
        value ->
            STRING_OR_STRINGS.matches.test(value)
                || IDS.matches.test(value)
                || value.isArray() && all(value, IDS.matches)),
    OBJECT("an object", "{'type':'object'}", JsonNode::isObject),
    OBJECTS(
        "a list of objects",
        "{'type':'array','items':{'type':'object'}}",
        value -> value.isArray() && all(value, JsonNode::isObject)),
    NUMBERS_BY_NAME(
        "an object of numbers",
        "{'type':'object','additionalProperties':{'type':'number'}}",
        value -> value.isObject() && all(value, Kind::isNumber)),
    ANY("any value", "{}", value -> true);

    private final String words;
    private final String schema;
    private final Predicate<JsonNode> matches;

    Kind(String words, String schema, Predicate<JsonNode> matches) {
      this.words = words;
      this.schema = schema.replace('\'', '"');
      this.matches = matches;
    }

    private static boolean all(JsonNode values, Predicate<JsonNode> test) {
      return StreamSupport.stream(values.spliterator(), false).allMatch(test);
    }

    private static boolean isNumber(JsonNode value) {
      return value.isNumber() && Double.isFinite(value.doubleValue());
    }

    /// Also `16.0`, which some clients write.
    private static boolean isInteger(JsonNode value) {
      return value.isNumber() && value.canConvertToExactIntegral() && value.canConvertToLong();
    }

    private static boolean isId(JsonNode value) {
      return value.isIntegralNumber() && value.canConvertToInt() && value.intValue() >= 0;
    }
  }

  /// @param open whether `min` itself is outside
  record Range(double min, boolean open, double max) {
    static final Range ANY = new Range(Double.NEGATIVE_INFINITY, false, Double.POSITIVE_INFINITY);

    static Range atLeast(double min) {
      return new Range(min, false, Double.POSITIVE_INFINITY);
    }

    static Range between(double min, double max) {
      return new Range(min, false, max);
    }

    static Range above(double min, double max) {
      return new Range(min, true, max);
    }

    boolean holds(double value) {
      return (open ? value > min : value >= min) && value <= max;
    }

    /// For a reader; empty if all values are in it.
    String words() {
      String lower = Double.isInfinite(min) ? "" : (open ? "above " : "at least ") + plain(min);
      String upper = Double.isInfinite(max) ? "" : "at most " + plain(max);
      return lower + (lower.isEmpty() || upper.isEmpty() ? "" : " and ") + upper;
    }

    private static String plain(double value) {
      return value == Math.rint(value) ? "%.0f".formatted(value) : Double.toString(value);
    }
  }

  static Field honoured(String name, Kind kind, String about) {
    return honoured(name, kind, Range.ANY, about);
  }

  static Field honoured(String name, Kind kind, Range range, String about) {
    return new Field(name, kind, Use.HONOURED, range, about, List.of());
  }

  static Field ignored(String name, Kind kind, String about) {
    return new Field(name, kind, Use.IGNORED, Range.ANY, about, List.of());
  }

  /// @param accepted values as JSON text, beside null
  static Field refused(String name, Kind kind, String about, String... accepted) {
    return new Field(name, kind, Use.REFUSED, Range.ANY, about, List.of(accepted));
  }

  /// What a value must be, in words.
  String expected() {
    String limits = range.words();
    return kind.words + (limits.isEmpty() ? "" : " of " + limits);
  }

  /// Throws a 400 unless the value will do. Null stands for a field that is not there.
  void check(JsonNode value) {
    if (!kind.matches.test(value) || value.isNumber() && !range.holds(value.doubleValue())) {
      throw ApiException.badRequest(
          name, "`%s` must be %s, got %s", name, expected(), abridged(value));
    }
    if (use == Use.REFUSED && !accepted.contains(value.toString())) {
      throw ApiException.badRequest(name, "`%s` is not supported: %s", name, about);
    }
  }

  ObjectNode schema() {
    ObjectNode schema = Json.parse(kind.schema.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    if (!Double.isInfinite(range.min)) {
      schema.put(range.open ? "exclusiveMinimum" : "minimum", range.min);
    }
    if (!Double.isInfinite(range.max)) {
      schema.put("maximum", range.max);
    }
    if (use != Use.HONOURED) {
      schema.put("deprecated", true);
    }
    String prefix =
        switch (use) {
          case HONOURED -> "";
          case IGNORED -> "No effect: ";
          case REFUSED -> "Refused, except %s: ".formatted(String.join(", ", acceptedOrNull()));
        };
    return schema.put("description", prefix + about);
  }

  private List<String> acceptedOrNull() {
    return accepted.isEmpty() ? List.of("null") : accepted;
  }

  private static String abridged(JsonNode value) {
    String text = value.toString();
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }
}
