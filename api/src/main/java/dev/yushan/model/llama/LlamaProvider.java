package dev.yushan.model.llama;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.backend.Backend;
import dev.yushan.model.CausalLM;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.ModelProvider;
import dev.yushan.plugin.Plugin;
import dev.yushan.tensor.DType;

/// Llama 2, 3, 3.1 and 3.2 text models.
public final class LlamaProvider implements ModelProvider {
  static final String ARCHITECTURE = "LlamaForCausalLM";

  @Override
  public String name() {
    return "llama";
  }

  @Override
  public int apiVersion() {
    return Plugin.API_VERSION;
  }

  @Override
  public String architecture() {
    return ARCHITECTURE;
  }

  @Override
  public ModelConfig config(JsonNode configJson) {
    return LlamaConfig.of(configJson);
  }

  @Override
  public CausalLM allocate(Backend backend, ModelConfig config, DType weights, boolean trainable) {
    return new LlamaForCausalLM(backend, (LlamaConfig) config, MatrixTypes.all(weights), trainable);
  }

  /// Norm weights are one; everything else is normal with `initializer_range`, as in
  /// `LlamaPreTrainedModel._init_weights` of transformers.
  @Override
  public Initializer initializer(JsonNode configJson, String parameter) {
    return parameter.endsWith("norm.weight")
        ? new Initializer(1, 0)
        : new Initializer(0, LlamaConfig.of(configJson).initializerRange());
  }
}
