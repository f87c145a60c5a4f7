package dev.yushan.optim;

import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.plugin.Plugin;
import java.util.List;

/// AdamW, under the name that configurations of transformers use.
public final class AdamWProvider implements OptimizerProvider {
  @Override
  public String name() {
    return "adamw_torch";
  }

  @Override
  public int apiVersion() {
    return Plugin.API_VERSION;
  }

  @Override
  public Optimizer create(Backend backend, List<Parameter> parameters, OptimizerConfig config) {
    return new AdamW(backend, parameters, config);
  }

  @Override
  public int stateBytesPerWeight() {
    return 8;
  }
}
