package dev.yushan.structured;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// The types of JSON Schema, and the formats of strings that are followed.
final class JsonTypes {
  /// `integer`, which is part of `number`, left out.
  static final Set<String> NAMES =
      Collections.unmodifiableSet(
          new LinkedHashSet<>(List.of("object", "array", "string", "number", "boolean", "null")));

  private static final String LONG_MONTH = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])";
  private static final String SHORT_MONTH = "(0[469]|11)-(0[1-9]|[12][0-9]|30)";
  private static final String FEBRUARY = "02-(0[1-9]|1[0-9]|2[0-8])";
  private static final String LEAP_YEAR =
      "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)";
  private static final String DATE =
      "([0-9]{4}-(%s|%s|%s)|%s-02-29)".formatted(LONG_MONTH, SHORT_MONTH, FEBRUARY, LEAP_YEAR);
  private static final String TIME =
      "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
  private static final String LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
  private static final String OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

  /// Each as a regular expression for the whole string.
  static final Map<String, String> FORMATS =
      new TreeMap<>(
          Map.of(
              "date",
              DATE,
              "time",
              TIME,
              "date-time",
              DATE + "T" + TIME,
              "uuid",
              "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
              "email",
              "[A-Za-z0-9_+-]{1,32}(\\.[A-Za-z0-9_+-]{1,31})?@" + LABEL + "(\\." + LABEL + "){1,2}",
              "ipv4",
              OCTET + "(\\." + OCTET + "){3}"));

  private JsonTypes() {}

  /// A string of this format.
  static Optional<Expr> format(String name) {
    return Optional.ofNullable(FORMATS.get(name))
        .map(pattern -> JsonText.string(JsonText.regex(pattern)));
  }

  /// Whether `value` is of this type.
  static boolean is(JsonNode value, String type) {
    return switch (type) {
      case "object" -> value.isObject();
      case "array" -> value.isArray();
      case "string" -> value.isTextual();
      case "integer" -> value.isNumber() && value.canConvertToExactIntegral();
      case "number" -> value.isNumber();
      case "boolean" -> value.isBoolean();
      default -> value.isNull();
    };
  }
}
