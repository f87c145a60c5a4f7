package dev.yushan.optim;

/// The settings of an optimizer that do not change during a run.
///
/// @param weightDecay decoupled; not applied to weights that [WeightDecay#exempt] names
public record OptimizerConfig(double beta1, double beta2, double epsilon, double weightDecay) {
  public OptimizerConfig {
    require(beta1 >= 0 && beta1 < 1, "adam_beta1", beta1, "in [0, 1)");
    require(beta2 >= 0 && beta2 < 1, "adam_beta2", beta2, "in [0, 1)");
    require(epsilon >= 0, "adam_epsilon", epsilon, "0 or more");
    require(weightDecay >= 0, "weight_decay", weightDecay, "0 or more");
  }

  /// What Hugging Face's `TrainingArguments` default to.
  public static OptimizerConfig defaults() {
    return new OptimizerConfig(0.9, 0.999, 1e-8, 0);
  }

  private static void require(boolean holds, String key, double value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException("%s must be %s, got %s".formatted(key, expected, value));
    }
  }
}
