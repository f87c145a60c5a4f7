package dev.yushan.http;

import dev.yushan.engine.Completion;
import dev.yushan.engine.TokenScore;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// One continuation while it grows: what came since it was last looked at. Guarded by the
/// [Generation] it belongs to.
final class Choice {
  /// What came.
  ///
  /// @param first whether nothing was taken before
  /// @param promptScores of all tokens of the prompt but the first; only in the first piece
  /// @param end present in the last piece
  record Piece(
      boolean first,
      String text,
      List<TokenScore> tokens,
      List<TokenScore> promptScores,
      Optional<Completion> end) {}

  private final int index;
  private final GenerationRequest.Prompt prompt;
  private boolean untouched = true;
  private StringBuilder text = new StringBuilder();
  private List<TokenScore> tokens = new ArrayList<>();
  private List<TokenScore> promptScores = List.of();
  private Optional<Completion> end = Optional.empty();
  private int written;

  Choice(int index, GenerationRequest.Prompt prompt) {
    this.index = index;
    this.prompt = prompt;
  }

  int index() {
    return index;
  }

  GenerationRequest.Prompt prompt() {
    return prompt;
  }

  void prompt(List<TokenScore> scores) {
    promptScores = scores;
  }

  void token(TokenScore token, String more) {
    tokens.add(token);
    text.append(more);
    written++;
  }

  void finish(Completion completion, String rest) {
    text.append(rest);
    end = Optional.of(completion);
  }

  /// Tokens so far.
  int written() {
    return written;
  }

  boolean hasNews() {
    return !text.isEmpty() || end.isPresent() || !tokens.isEmpty();
  }

  /// What came since the last call.
  Piece take() {
    Piece piece = new Piece(untouched, text.toString(), tokens, promptScores, end);
    untouched = false;
    text = new StringBuilder();
    tokens = new ArrayList<>();
    promptScores = List.of();
    end = Optional.empty();
    return piece;
  }
}
