package example.lion;

import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.optim.Optimizer;
import dev.yushan.optim.OptimizerConfig;
import dev.yushan.optim.OptimizerProvider;
import dev.yushan.plugin.Plugin;
import java.util.List;

/// What [java.util.ServiceLoader] finds: `optim: lion`.
public final class LionProvider implements OptimizerProvider {
  @Override
  public String name() {
    return "lion";
  }

  @Override
  public int apiVersion() {
    return Plugin.API_VERSION;
  }

  @Override
  public Optimizer create(Backend backend, List<Parameter> parameters, OptimizerConfig config) {
    return new Lion(backend, parameters, config);
  }

  /// One momentum, where AdamW keeps two.
  @Override
  public int stateBytesPerWeight() {
    return 4;
  }
}
