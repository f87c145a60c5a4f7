package example.qwen3;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.backend.Backend;
import dev.yushan.model.CausalLM;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.ModelProvider;
import dev.yushan.plugin.Plugin;
import dev.yushan.tensor.DType;

/// What [java.util.ServiceLoader] finds: the dense models of Qwen3.
public final class Qwen3Provider implements ModelProvider {
  static final String ARCHITECTURE = "Qwen3ForCausalLM";

  @Override
  public String name() {
    return "qwen3";
  }

  @Override
  public int apiVersion() {
    return Plugin.API_VERSION; // the compiler puts the number in
  }

  @Override
  public String architecture() {
    return ARCHITECTURE;
  }

  @Override
  public ModelConfig config(JsonNode configJson) {
    return Qwen3Config.of(configJson);
  }

  @Override
  public CausalLM allocate(Backend backend, ModelConfig config, DType weights, boolean trainable) {
    return new Qwen3ForCausalLM(backend, (Qwen3Config) config, weights, trainable);
  }

  /// Norm weights are one, everything else is normal with `initializer_range`.
  @Override
  public Initializer initializer(JsonNode configJson, String parameter) {
    return parameter.endsWith("norm.weight")
        ? new Initializer(1, 0)
        : new Initializer(0, Qwen3Config.of(configJson).initializerRange());
  }
}
