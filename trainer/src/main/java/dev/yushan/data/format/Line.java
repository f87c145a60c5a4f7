package dev.yushan.data.format;

import java.util.Arrays;
import java.util.function.Consumer;

/// One line that rules work on: its characters, the [Kind] of each, and the edits of the rule that
/// is at work. A rule reads the line as it was before; its edits take effect together when it is
/// done.
final class Line {
  /// Longer runs of spaces are layout, and stay.
  static final int LOOSE = 2;

  private final boolean traced;

  private char[] text = new char[256];
  private byte[] kinds = new byte[256];
  private int length;
  private int present;

  /// Of each character the line and column it comes from, if traced.
  private long[] origins = new long[0];

  private int[] starts = new int[16];
  private int[] ends = new int[16];
  private String[] replacements = new String[16];
  private int edits;

  private char[] spareText = new char[256];
  private byte[] spareKinds = new byte[256];
  private long[] spareOrigins = new long[0];

  /// @param traced whether [#commit] tells of changes
  Line(boolean traced) {
    this.traced = traced;
  }

  /// Holds characters `from` to `to` of `source`, which are line `number`.
  void set(String source, int from, int to, int number) {
    length = to - from;
    ensure(length);
    source.getChars(from, to, text, 0);
    for (int i = 0; traced && i < length; i++) {
      origins[i] = (long) number << 32 | (i + 1);
    }
    classify();
  }

  /// Puts another line from its character `skip` on at the end, after a space if wanted.
  void join(boolean space, Line other, int skip) {
    ensure(length + 1 + other.length - skip);
    if (space) {
      text[length] = ' ';
      if (traced) {
        origins[length] = origin(length);
      }
      length++;
    }
    System.arraycopy(other.text, skip, text, length, other.length - skip);
    if (traced) {
      System.arraycopy(other.origins, skip, origins, length, other.length - skip);
    }
    length += other.length - skip;
    classify();
  }

  int length() {
    return length;
  }

  char at(int i) {
    return text[i];
  }

  /// The kind at `i`, [Kind#EDGE] beyond the ends.
  byte kind(int i) {
    return i < 0 || i >= length ? Kind.EDGE : kinds[i];
  }

  boolean is(int i, byte kind) {
    return kind(i) == kind;
  }

  boolean in(int i, int set) {
    return Kind.in(kind(i), set);
  }

  /// Whether the character at `i` is `c`; never beyond the ends.
  boolean has(int i, char c) {
    return i >= 0 && i < length && text[i] == c;
  }

  /// Whether `word` stands at `i`.
  boolean hasWord(int i, String word) {
    if (i < 0 || i + word.length() > length) {
      return false;
    }
    for (int k = 0; k < word.length(); k++) {
      if (text[i + k] != word.charAt(k)) {
        return false;
      }
    }
    return true;
  }

  /// Whether a character of one of these kinds is in the line.
  boolean any(int set) {
    return (present & set) != 0;
  }

  /// The place before `i` that is no space, if at most `limit` spaces are between; else the last of
  /// these.
  int before(int i, int limit) {
    int k = i - 1;
    while (limit-- > 0 && is(k, Kind.SPACE)) {
      k--;
    }
    return k;
  }

  /// The place from `i` on that is no space, if at most `limit` spaces are between; else the last
  /// of these.
  int after(int i, int limit) {
    int k = i;
    while (limit-- > 0 && is(k, Kind.SPACE)) {
      k++;
    }
    return k;
  }

  /// The first place that is no space of any kind.
  int indent() {
    int i = 0;
    while (in(i, Kind.set(Kind.SPACE, Kind.TAB, Kind.WIDE_SPACE, Kind.ODD_SPACE))) {
      i++;
    }
    return i;
  }

  /// Gives a stretch a kind of its own, so that rules leave it alone.
  void protect(int from, int to, byte kind) {
    Arrays.fill(kinds, from, to, kind);
    present |= 1 << kind;
  }

  /// Marks characters `from` to `to` to be replaced when the rule is done.
  void replace(int from, int to, String replacement) {
    if (edits == starts.length) {
      starts = Arrays.copyOf(starts, 2 * edits);
      ends = Arrays.copyOf(ends, 2 * edits);
      replacements = Arrays.copyOf(replacements, 2 * edits);
    }
    int e = edits++;
    for (; e > 0 && starts[e - 1] > from; e--) {
      starts[e] = starts[e - 1];
      ends[e] = ends[e - 1];
      replacements[e] = replacements[e - 1];
    }
    starts[e] = from;
    ends[e] = to;
    replacements[e] = replacement;
  }

  void insert(int at, String what) {
    replace(at, at, what);
  }

  void delete(int from, int to) {
    replace(from, to, "");
  }

  /// Carries the edits of `rule` out; tells whether there were any.
  boolean commit(Rule rule, Consumer<Change> changes) {
    if (edits == 0) {
      return false;
    }
    int grown = length;
    for (int e = 0; e < edits; e++) {
      grown += replacements[e].length() - (ends[e] - starts[e]);
      if (traced) {
        changes.accept(change(rule, e));
      }
    }
    carryOut(grown);
    edits = 0;
    classify();
    return true;
  }

  private Change change(Rule rule, int e) {
    String before = new String(text, starts[e], ends[e] - starts[e]);
    return change(rule, starts[e], before, replacements[e]);
  }

  /// A change at `i`, which may be the end.
  Change change(Rule rule, int i, String before, String after) {
    long origin = origin(i);
    return new Change(rule.id(), (int) (origin >> 32), (int) origin, before, after);
  }

  /// Of what is put in: where what follows comes from.
  private long origin(int i) {
    if (!traced) {
      return 0;
    }
    return i < length ? origins[i] : length == 0 ? 1L << 32 | 1 : origins[length - 1] + 1;
  }

  private void carryOut(int grown) {
    if (spareText.length < grown) {
      spareText = new char[2 * grown];
      spareKinds = new byte[2 * grown];
    }
    if (traced && spareOrigins.length < grown) {
      spareOrigins = new long[2 * grown];
    }
    int to = 0;
    int from = 0;
    for (int e = 0; e <= edits; e++) {
      int end = e < edits ? starts[e] : length;
      System.arraycopy(text, from, spareText, to, end - from);
      if (traced) {
        System.arraycopy(origins, from, spareOrigins, to, end - from);
      }
      to += end - from;
      if (e < edits) {
        String put = replacements[e];
        put.getChars(0, put.length(), spareText, to);
        if (traced) {
          Arrays.fill(spareOrigins, to, to + put.length(), origin(end));
        }
        to += put.length();
        from = ends[e];
      }
    }
    char[] oldText = text;
    text = spareText;
    spareText = oldText;
    byte[] oldKinds = kinds;
    kinds = spareKinds;
    spareKinds = oldKinds;
    long[] oldOrigins = origins;
    origins = spareOrigins;
    spareOrigins = oldOrigins;
    length = grown;
  }

  private void ensure(int size) {
    if (text.length < size) {
      text = Arrays.copyOf(text, 2 * size);
      kinds = new byte[2 * size];
    }
    if (traced && origins.length < size) {
      origins = Arrays.copyOf(origins, 2 * size);
    }
  }

  private void classify() {
    int seen = 0;
    for (int i = 0; i < length; i++) {
      char c = text[i];
      byte kind = Kind.of(c);
      if (kind == Kind.MARK) {
        kind = mark(i);
      } else if (Character.isHighSurrogate(c)
          && i + 1 < length
          && Character.isLowSurrogate(text[i + 1])) {
        kind = Kind.ofPair(c);
        kind = kind == Kind.MARK ? mark(i) : kind;
        kinds[i++] = kind;
      }
      kinds[i] = kind;
      seen |= 1 << kind;
    }
    present = seen;
    if (any(Span.BEGINNINGS)) {
      Span.protectAll(this);
    }
  }

  /// A mark belongs to what it is on. On a space it makes a character of its own.
  private byte mark(int i) {
    if (i > 0 && (kinds[i - 1] == Kind.HAN || Kind.in(kinds[i - 1], Kind.WORD))) {
      return kinds[i - 1];
    }
    if (i > 0 && !Kind.in(kinds[i - 1], Kind.GOING)) {
      kinds[i - 1] = Kind.OTHER;
    }
    return Kind.OTHER;
  }

  /// Places it takes where Han characters take two.
  int columns() {
    int columns = 0;
    for (int i = 0; i < length; i++) {
      char c = text[i];
      columns += c < 0x1100 ? 1 : Character.isLowSurrogate(c) ? 0 : 2;
    }
    return columns;
  }

  void appendTo(StringBuilder out) {
    out.append(text, 0, length);
  }

  @Override
  public String toString() {
    return new String(text, 0, length);
  }
}
