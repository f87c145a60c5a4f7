package dev.yushan.optim;

import dev.yushan.tensor.Tensor;
import java.util.Map;

/// Moves the weights against their gradients. It holds the parameters it was made for, and state of
/// its own beside each.
public interface Optimizer extends AutoCloseable {
  /// One step on all parameters.
  ///
  /// @param learningRate the rate of this step
  /// @param gradientScale factor on every gradient first: the clip coefficient
  void step(double learningRate, double gradientScale);

  /// Steps taken so far.
  long steps();

  /// What a checkpoint must hold beside [#steps], by names that are stable between versions, for
  /// example `exp_avg.model.norm.weight`. The tensors are the optimizer's own.
  Map<String, Tensor> state();

  /// Continues after `steps` steps; the tensors of [#state] have been filled before.
  void resumeAt(long steps);

  /// Frees the state.
  @Override
  void close();
}
