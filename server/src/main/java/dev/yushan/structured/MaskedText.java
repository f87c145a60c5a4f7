package dev.yushan.structured;

import dev.yushan.generate.TokenConstraint;
import java.util.BitSet;

/// An automaton over bytes, seen through a vocabulary.
record MaskedText(Automaton automaton, Vocabulary vocabulary) implements TokenConstraint {
  @Override
  public State start() {
    return new Written(automaton.start());
  }

  /// What was written; further tokens come.
  final class Written implements State {
    private final Automaton.State state;

    Written(Automaton.State state) {
      this.state = state;
    }

    Automaton.State automatonState() {
      return state;
    }

    @Override
    public BitSet allowed() {
      return vocabulary.mask(state);
    }

    @Override
    public State next(int id) {
      if (vocabulary.eos().get(id) && state.accepts()) {
        return new Ended();
      }
      byte[] bytes = vocabulary.bytes(id);
      Automaton.State to = state;
      for (int i = 0; i < bytes.length && !to.isDead(); i++) {
        to = to.next(bytes[i] & 0xFF);
      }
      if (bytes.length == 0 || to.isDead()) {
        throw new IllegalArgumentException(
            "token %d may not come here: choose one of allowed()".formatted(id));
      }
      return new Written(to);
    }
  }

  /// After the end, where only the end may be said again.
  private final class Ended implements State {
    @Override
    public BitSet allowed() {
      return vocabulary.eos();
    }

    @Override
    public State next(int id) {
      if (!vocabulary.eos().get(id)) {
        throw new IllegalArgumentException(
            "token %d may not come after the end of the text".formatted(id));
      }
      return this;
    }
  }
}
