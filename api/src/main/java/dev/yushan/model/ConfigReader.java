package dev.yushan.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Typed access to a config.json: every complaint names the key, what it holds and what is
/// expected. [Models] puts the file before it.
///
/// A key that is absent and one that is `null` are the same.
///
/// @param json an object; a missing node reads as one without keys
public record ConfigReader(JsonNode json) {
  /// A whole number above zero.
  public int positive(String key) {
    return positive(key, required(key));
  }

  /// A whole number above zero, or `fallback`.
  public int positive(String key, int fallback) {
    return json.hasNonNull(key) ? positive(key, json.get(key)) : fallback;
  }

  private static int positive(String key, JsonNode node) {
    if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() <= 0) {
      throw wrong(key, node, "a whole number above 0");
    }
    return node.intValue();
  }

  /// A number above zero.
  public double aboveZero(String key) {
    return aboveZero(key, required(key));
  }

  /// A number above zero, or `fallback`.
  public double aboveZero(String key, double fallback) {
    return json.hasNonNull(key) ? aboveZero(key, json.get(key)) : fallback;
  }

  private static double aboveZero(String key, JsonNode node) {
    if (!node.isNumber() || !(node.doubleValue() > 0)) {
      throw wrong(key, node, "a number above 0");
    }
    return node.doubleValue();
  }

  /// A number that is not below zero.
  public double notNegative(String key) {
    return notNegative(key, required(key));
  }

  /// A number that is not below zero, or `fallback`.
  public double notNegative(String key, double fallback) {
    return json.hasNonNull(key) ? notNegative(key, json.get(key)) : fallback;
  }

  private static double notNegative(String key, JsonNode node) {
    if (!node.isNumber() || node.doubleValue() < 0) {
      throw wrong(key, node, "a number that is not below 0");
    }
    return node.doubleValue();
  }

  /// true or false, or `fallback`.
  public boolean bool(String key, boolean fallback) {
    if (!json.hasNonNull(key)) {
      return fallback;
    }
    if (!json.get(key).isBoolean()) {
      throw wrong(key, json.get(key), "true or false");
    }
    return json.get(key).booleanValue();
  }

  /// A text, or `fallback`.
  public String text(String key, String fallback) {
    return json.hasNonNull(key) ? json.get(key).asText() : fallback;
  }

  /// A token id, if there is one; the first of a list.
  public OptionalInt id(String key) {
    return ids(key).stream().mapToInt(Integer::intValue).findFirst();
  }

  /// Token ids: none, one, or a list.
  public List<Integer> ids(String key) {
    List<Integer> ids = new ArrayList<>();
    if (json.hasNonNull(key)) {
      JsonNode node = json.get(key);
      Iterable<JsonNode> all = node.isArray() ? node : List.of(node);
      for (JsonNode id : all) {
        if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
          throw wrong(key, node, "a token id or a list of them");
        }
        ids.add(id.intValue());
      }
    }
    return ids;
  }

  /// A nested object, if it is there.
  public Optional<ConfigReader> object(String key) {
    if (!json.hasNonNull(key)) {
      return Optional.empty();
    }
    if (!json.get(key).isObject()) {
      throw wrong(key, json.get(key), "an object");
    }
    return Optional.of(new ConfigReader(json.get(key)));
  }

  /// Refuses the model if the key is there.
  public void refuse(String key, String advice) {
    if (json.hasNonNull(key)) {
      throw unsupported(key, json.get(key).toString(), advice);
    }
  }

  /// Refuses the model if the key is there with another value than `supported`.
  public void refuseUnless(String key, Object supported, String advice) {
    if (json.hasNonNull(key) && !json.get(key).asText().equals(supported.toString())) {
      throw unsupported(key, json.get(key).asText(), advice);
    }
  }

  /// The complaint about a value this project cannot run.
  public ModelException unsupported(String key, String value, String advice) {
    return new ModelException("%s = %s: %s".formatted(key, value, advice));
  }

  private JsonNode required(String key) {
    if (!json.hasNonNull(key)) {
      throw new ModelException("the key %s is missing".formatted(key));
    }
    return json.get(key);
  }

  private static ModelException wrong(String key, JsonNode node, String expected) {
    return new ModelException("%s must be %s, got %s".formatted(key, expected, node));
  }
}
