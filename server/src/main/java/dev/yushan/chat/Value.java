package dev.yushan.chat;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The values that Java has no type for. The others are String, Boolean, Long, Double, BigInteger
/// (only carried, never computed with), List and Map; none of them is ever changed.
final class Value {
  private Value() {}

  /// Python's `None`.
  enum None {
    NONE
  }

  /// What has no value; `what` says which, for messages.
  record Undefined(String what) {
    Fault fault() {
      return new Fault(what);
    }
  }

  /// A tuple differs from a list in how it is printed and compared.
  static final class Tuple extends AbstractList<Object> {
    private final List<Object> items;

    Tuple(List<Object> items) {
      this.items = List.copyOf(items);
    }

    @Override
    public Object get(int i) {
      return items.get(i);
    }

    @Override
    public int size() {
      return items.size();
    }
  }

  /// What `keys()`, `values()` and `items()` of a mapping answer.
  record View(String kind, List<Object> items) {}

  /// What `map`, `select` and their like answer: true whatever is in it, gone over once, without a
  /// length.
  static final class Once implements Iterable<Object> {
    private final List<Object> items;
    private boolean used;

    Once(List<Object> items) {
      this.items = items;
    }

    @Override
    public Iterator<Object> iterator() {
      if (used) {
        return List.of().iterator();
      }
      used = true;
      return items.iterator();
    }
  }

  /// What `safe` and `escape` answer. Joined with other text it would escape that, which nobody
  /// wants in a prompt: it can be printed and nothing else.
  record Markup(String text) {}

  /// What `namespace()` answers: the one thing that is changed.
  record Namespace(Map<String, Object> attributes) {}

  /// The variable `loop`.
  record Loop(List<Object> items, int index) {}

  @FunctionalInterface
  interface Function {
    Object call(List<Object> arguments, Map<String, Object> named);
  }

  /// A value of Java, as JSON libraries make them, as one of ours.
  static Object of(Object value) {
    return switch (value) {
      case null -> None.NONE;
      case String s -> s;
      case Boolean b -> b;
      case Long n -> n;
      case Integer n -> (Object) n.longValue();
      case Short n -> (Object) n.longValue();
      case Byte n -> (Object) n.longValue();
      case java.math.BigInteger n -> n.bitLength() < 64 ? (Object) n.longValue() : n;
      case Number n -> (Object) n.doubleValue();
      case None n -> n;
      case Map<?, ?> m -> {
        Map<Object, Object> copy = new LinkedHashMap<>();
        m.forEach((k, v) -> copy.put(of(k), of(v)));
        yield copy;
      }
      case Iterable<?> i -> {
        List<Object> copy = new ArrayList<>();
        i.forEach(e -> copy.add(of(e)));
        yield copy;
      }
      default ->
          throw new IllegalArgumentException(
              "a chat template takes values of JSON, not " + value.getClass().getName());
    };
  }
}
