package dev.yushan.optim;

import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.plugin.Plugin;
import java.util.List;

/// Makes optimizers of one kind. Registered with [java.util.ServiceLoader]; the plugin's name is
/// what `optim` in a training configuration says.
public interface OptimizerProvider extends Plugin {
  /// An optimizer of `parameters`, those without a gradient left out.
  Optimizer create(Backend backend, List<Parameter> parameters, OptimizerConfig config);

  /// Bytes of state for each trained weight, for the memory forecast.
  int stateBytesPerWeight();
}
