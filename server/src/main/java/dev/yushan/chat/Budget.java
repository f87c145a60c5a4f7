package dev.yushan.chat;

/// Bounds what one rendering may do. Work is counted, not timed, so that the same conversation ends
/// the same way on every machine: one unit for each node that is evaluated and each element that is
/// visited, one for sixteen characters that are made.
final class Budget {
  static final int MAX_CHARS = 1 << 24;
  static final long MAX_WORK = 50_000_000;
  static final int MAX_DEPTH = 200;

  private long work;
  private int depth;

  void charge(long units) {
    work += units;
    if (work > MAX_WORK) {
      throw new Fault("it does more than " + MAX_WORK + " steps; shorten the conversation");
    }
  }

  String made(String text) {
    room(text.length());
    charge(text.length() >> 4);
    return text;
  }

  /// Refuses a text before it is made.
  void room(long chars) {
    if (chars > MAX_CHARS) {
      throw new Fault(
          "it makes a text of more than " + MAX_CHARS + " characters; shorten the conversation");
    }
  }

  void enter() {
    charge(1);
    if (++depth > MAX_DEPTH) {
      throw new Fault("macros or values are nested deeper than " + MAX_DEPTH);
    }
  }

  void leave() {
    depth--;
  }
}
