package dev.yushan.generate;

import java.util.BitSet;

/// What a text must look like, as the set of tokens that may come next: the base of structured
/// output. Immutable, and safe for concurrent use.
public interface TokenConstraint {
  /// Before the first token.
  State start();

  /// What was written so far.
  interface State {
    /// The ids that may come next; where the text may end here, those that end a text among them.
    /// Not to be changed.
    BitSet allowed();

    /// After one of the allowed ids.
    State next(int id);
  }
}
