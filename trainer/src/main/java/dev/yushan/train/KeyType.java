package dev.yushan.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.yushan.io.ByteSize;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/// The values that a key takes, as its column of the table in [TrainingKeys] spells them.
sealed interface KeyType {
  /// Any text.
  record Text() implements KeyType {}

  /// Names: a YAML list, or one text with commas.
  record Names() implements KeyType {}

  /// Any texts: a YAML list, or a single one. Kept as a JSON array.
  record Texts() implements KeyType {}

  /// `true` or `false`.
  record Flag() implements KeyType {}

  /// `true`, `false` or any text.
  record FlagOrText() implements KeyType {}

  /// A whole number that is not below `least`.
  record Whole(long least) implements KeyType {}

  /// A number from `least` to `most`; `most` itself only if `closed`.
  record Real(double least, double most, boolean closed) implements KeyType {
    private boolean holds(double value) {
      return Double.isFinite(value) && value >= least && (closed ? value <= most : value < most);
    }
  }

  /// Bytes, as [ByteSize] reads them.
  record Size() implements KeyType {}

  /// One of these words.
  record Choice(List<String> words) implements KeyType {}

  /// Names with numbers.
  record Table() implements KeyType {}

  /// Reads a type as the table spells it, for example `integer ≥ 1`, `number ≥ 0 < 1` or `one of no
  /// steps epoch`.
  static KeyType of(String spelling) {
    String[] words = spelling.split(" ");
    boolean bounded = words.length >= 3 && words[1].equals("≥");
    return switch (words[0]) {
      case "size" -> new Size();
      case "text" -> new Text();
      case "names" -> new Names();
      case "texts" -> new Texts();
      case "boolean" -> spelling.equals("boolean or text") ? new FlagOrText() : new Flag();
      case "integer" -> new Whole(bounded ? Long.parseLong(words[2]) : Long.MIN_VALUE);
      case "number" ->
          new Real(
              bounded ? Double.parseDouble(words[2]) : -Double.MAX_VALUE,
              words.length == 5 ? Double.parseDouble(words[4]) : Double.MAX_VALUE,
              words.length < 5 || words[3].equals("≤"));
      case "one" -> new Choice(List.of(words).subList(2, words.length));
      case "map" -> new Table();
      default -> throw new IllegalArgumentException("no type is spelled '" + spelling + "'");
    };
  }

  /// A spelling as a sentence names it: `an integer ≥ 1`, `a number from 0 to 1`, `one of no,
  /// steps`.
  static String inWords(String spelling) {
    return switch (spelling.split(" ")[0]) {
      case "one" -> "one of " + spelling.substring("one of ".length()).replace(" ", ", ");
      case "names" -> "names";
      case "texts" -> "a text or a list of texts";
      case "integer" -> "an " + spelling;
      default ->
          "a "
              + spelling
                  .replaceFirst("≥ (\\S+) ≤", "from $1 to")
                  .replaceFirst("≥ (\\S+) <", "from $1 to below");
    };
  }

  /// The value in its normal spelling; empty if it is not of this type. YAML leaves numbers such as
  /// `1e-5` as text, so all scalars are read from their text.
  default Optional<String> normal(JsonNode value) {
    if (this instanceof Names && value.isArray()) {
      return Optional.of(
          StreamSupport.stream(value.spliterator(), false)
              .map(JsonNode::asText)
              .collect(Collectors.joining(",")));
    }
    if (this instanceof Texts) {
      return texts(value);
    }
    if (this instanceof Table) {
      return value.isObject() ? Optional.of(value.toString()) : Optional.empty();
    }
    return value.isValueNode() ? scalar(value.asText().strip()) : Optional.empty();
  }

  private Optional<String> scalar(String text) {
    return switch (this) {
      case Text() -> Optional.of(text);
      case Names() -> Optional.of(names(text)).filter(names -> !names.isEmpty());
      case FlagOrText() -> flag(text).or(() -> Optional.of(text));
      case Flag() -> flag(text);
      case Whole(long least) ->
          number(text)
              .filter(v -> v == Math.rint(v) && Math.abs(v) < 1L << 53 && v >= least)
              .map(v -> Long.toString(v.longValue()));
      case Real real -> number(text).filter(real::holds).map(KeyType::spell);
      case Size() -> Optional.of(text).filter(size -> ByteSize.parse(size).isPresent());
      case Choice(List<String> words) -> word(words, text);
      case Texts(), Table() -> Optional.empty();
    };
  }

  private static Optional<String> texts(JsonNode value) {
    ArrayNode all = JsonNodeFactory.instance.arrayNode();
    (value.isArray() ? value : all.arrayNode().add(value)).forEach(one -> all.add(one.asText()));
    boolean usable =
        StreamSupport.stream(all.spliterator(), false).noneMatch(one -> one.asText().isEmpty());
    return Optional.of(all.toString()).filter(normal -> usable);
  }

  private static String spell(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }

  /// YAML reads an unquoted `no` as `false`.
  private static Optional<String> word(List<String> words, String text) {
    return words.contains(text) || !text.equals("false")
        ? Optional.of(text).filter(words::contains)
        : Optional.of("no").filter(words::contains);
  }

  private static String names(String text) {
    return Arrays.stream(text.split(","))
        .map(String::strip)
        .filter(name -> !name.isEmpty())
        .collect(Collectors.joining(","));
  }

  private static Optional<String> flag(String text) {
    return switch (text) {
      case "true", "True", "yes", "on" -> Optional.of("true");
      case "false", "False", "no", "off" -> Optional.of("false");
      default -> Optional.empty();
    };
  }

  private static Optional<Double> number(String text) {
    try {
      return Optional.of(Double.valueOf(text));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }
}
