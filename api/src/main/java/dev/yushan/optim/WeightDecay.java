package dev.yushan.optim;

import java.util.Locale;
import java.util.regex.Pattern;

/// Which weights decay.
public final class WeightDecay {
  private static final Pattern EXEMPT =
      Pattern.compile("bias|layernorm|rmsnorm|(?:^|\\.)norm(?:$|\\.)|_norm(?:$|\\.)");

  private WeightDecay() {}

  /// Whether a weight is left out of weight decay by its name: biases and norms, as in
  /// `Trainer.get_decay_parameter_names` of transformers.
  public static boolean exempt(String parameterName) {
    return EXEMPT.matcher(parameterName.toLowerCase(Locale.ROOT)).find();
  }
}
