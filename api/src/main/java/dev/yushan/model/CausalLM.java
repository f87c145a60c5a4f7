package dev.yushan.model;

import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.tensor.Tensor;
import java.util.List;

/// A decoder-only language model with its weights on a backend. One forward pass serves training,
/// prefill and decode.
public interface CausalLM extends AutoCloseable {
  ModelConfig config();

  /// All weights under their Hugging Face names, each once: a tied head is not repeated.
  List<Parameter> parameters();

  /// The hidden states after the final norm, `[T, hiddenSize]`.
  Tensor hidden(Ops ops, TokenBatch batch);

  /// The output projection, `[vocabSize, hiddenSize]`; the embedding itself where they are tied.
  Parameter head();

  /// Says that the weights are final ([Backend#freeze]): from now on they are used, but neither
  /// read nor changed.
  ///
  /// @param backend the one that holds them
  default void freeze(Backend backend) {}

  /// Frees the weights.
  @Override
  void close();
}
