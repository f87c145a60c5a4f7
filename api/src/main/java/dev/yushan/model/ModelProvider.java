package dev.yushan.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.backend.Backend;
import dev.yushan.plugin.Plugin;
import dev.yushan.tensor.DType;

/// Makes models of one architecture. Registered with [java.util.ServiceLoader]; [Models] picks the
/// one whose [#architecture] a config.json names.
public interface ModelProvider extends Plugin {
  /// The entry of `architectures` in config.json that it serves.
  String architecture();

  /// Reads the model's shape.
  ///
  /// @throws ModelException if a key is missing, wrong, or asks for something unsupported, by name
  ModelConfig config(JsonNode configJson);

  /// The model with weights of zero.
  ///
  /// @param weights the type weights are kept in: F32 to train
  /// @param trainable whether gradients are allocated
  CausalLM allocate(Backend backend, ModelConfig config, DType weights, boolean trainable);

  /// The standard deviation of each fresh weight, or a constant: how a new model is initialised.
  Initializer initializer(JsonNode configJson, String parameter);

  /// A fresh weight: normally distributed around zero, or with deviation 0 the constant `mean`.
  record Initializer(float mean, float deviation) {}
}
