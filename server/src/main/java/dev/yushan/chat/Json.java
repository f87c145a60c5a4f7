package dev.yushan.chat;

import dev.yushan.chat.Value.None;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// `tojson` as transformers defines it: Python's `json.dumps` with its spaces, and nothing of HTML
/// escaped.
record Json(
    Budget budget, boolean ascii, String indent, String comma, String colon, boolean sorted) {

  String text(Object value) {
    var out = new StringBuilder();
    write(value, out, "\n");
    return budget.made(out.toString());
  }

  private void write(Object value, StringBuilder out, String margin) {
    budget.enter();
    budget.room(out.length());
    switch (value) {
      case String s -> quote(s, out);
      case Boolean b -> out.append(b);
      case Long n -> out.append(n);
      case BigInteger n -> out.append(n);
      case Double d -> out.append(number(d));
      case None n -> out.append("null");
      case List<?> list -> {
        var members = list.iterator();
        inside(out, margin, "[]", list.size(), inner -> write(members.next(), out, inner));
      }
      case Map<?, ?> map -> {
        var members = (sorted ? new TreeMap<Object, Object>(map) : map).entrySet().iterator();
        inside(
            out,
            margin,
            "{}",
            map.size(),
            inner -> {
              var entry = members.next();
              quote(key(entry.getKey()), out);
              out.append(colon);
              write(entry.getValue(), out, inner);
            });
      }
      default -> throw new Fault("tojson cannot write " + Python.type(value));
    }
    budget.leave();
  }

  private interface Member {
    void write(String margin);
  }

  private void inside(StringBuilder out, String margin, String marks, int count, Member member) {
    out.append(marks.charAt(0));
    String inner = margin + indent;
    boolean lines = !indent.equals(NO_INDENT) && count > 0;
    for (int i = 0; i < count; i++) {
      out.append(i > 0 ? comma : "").append(lines ? inner : "");
      member.write(lines ? inner : margin);
    }
    out.append(lines ? margin : "").append(marks.charAt(1));
  }

  /// Everything on one line. An indent of nothing still breaks lines.
  static final String NO_INDENT = "\0";

  private static String key(Object key) {
    return switch (key) {
      case String s -> s;
      case Boolean b -> b.toString();
      case None n -> "null";
      case Double d -> number(d);
      case Long n -> n.toString();
      default -> throw new Fault("tojson needs texts as keys, not " + Python.type(key));
    };
  }

  private static String number(double value) {
    return Double.isNaN(value)
        ? "NaN"
        : Double.isInfinite(value) ? (value > 0 ? "Infinity" : "-Infinity") : Text.number(value);
  }

  private void quote(String text, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < ' ' || (ascii && c > '~')) {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
