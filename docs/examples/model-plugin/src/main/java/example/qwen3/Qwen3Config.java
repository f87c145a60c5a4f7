package example.qwen3;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.yushan.backend.AttentionShape;
import dev.yushan.model.ConfigReader;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.ModelException;
import java.util.List;
import java.util.OptionalInt;

/// The shape of a Qwen3 model, as its config.json gives it. What is absent has the default of
/// `configuration_qwen3.py` of transformers.
///
/// @param headDim is not hiddenSize / heads: `head_dim`, 128 if it is absent
/// @param initializerRange standard deviation of fresh weights
record Qwen3Config(
    int vocabSize,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int maxPositions,
    float rmsNormEps,
    double ropeTheta,
    boolean tiedEmbeddings,
    float initializerRange,
    OptionalInt bosId,
    List<Integer> eosIds)
    implements ModelConfig {

  /// Reads a config.json in either spelling: `rope_parameters` (transformers 5) or `rope_theta` and
  /// `rope_scaling` (before).
  ///
  /// @throws ModelException naming the key that is missing, wrong, or asks for what is not here
  static Qwen3Config of(JsonNode json) {
    ConfigReader config = new ConfigReader(json);
    ConfigReader rope =
        config
            .object("rope_parameters")
            .or(() -> config.object("rope_scaling"))
            .orElseGet(() -> new ConfigReader(MissingNode.getInstance()));
    refuseOthers(config, rope);
    int heads = config.positive("num_attention_heads");
    int kvHeads = config.positive("num_key_value_heads", heads);
    int headDim = config.positive("head_dim", 128);
    if (heads % kvHeads != 0 || headDim % 2 != 0) {
      throw new ModelException(
          "num_attention_heads must be a multiple of num_key_value_heads and head_dim even, got %d, %d and %d"
              .formatted(heads, kvHeads, headDim));
    }
    return new Qwen3Config(
        config.positive("vocab_size"),
        config.positive("hidden_size"),
        config.positive("intermediate_size"),
        config.positive("num_hidden_layers"),
        heads,
        kvHeads,
        headDim,
        config.positive("max_position_embeddings", 32_768),
        (float) config.notNegative("rms_norm_eps", 1e-6),
        rope.notNegative("rope_theta", config.notNegative("rope_theta", 10_000)),
        config.bool("tie_word_embeddings", false),
        (float) config.notNegative("initializer_range", 0.02),
        config.id("bos_token_id"),
        config.ids("eos_token_id"));
  }

  /// What would give other numbers than transformers must not load.
  private static void refuseOthers(ConfigReader config, ConfigReader rope) {
    config.refuseUnless("attention_bias", false, "take a model without biases");
    config.refuseUnless("hidden_act", "silu", "only SwiGLU with silu is supported");
    config.refuse("quantization_config", "load the unquantised weights instead");
    String attention = "every layer must see the whole text; take a model without sliding windows";
    config.refuseUnless("use_sliding_window", false, attention);
    for (JsonNode type : config.json().path("layer_types")) {
      if (!type.asText().equals("full_attention")) {
        throw config.unsupported("layer_types", type.asText(), attention);
      }
    }
    String scaling =
        "only plain rotary positions are supported; remove the scaling to use the model"
            + " up to the length it was trained at";
    rope.refuseUnless("rope_type", "default", scaling);
    rope.refuseUnless("type", "default", scaling);
  }

  AttentionShape attention() {
    return AttentionShape.of(heads, kvHeads, headDim);
  }

  @Override
  public String architecture() {
    return Qwen3Provider.ARCHITECTURE;
  }

  @Override
  public List<Detail> details() {
    return List.of(
        new Detail("rope theta", "%,.0f".formatted(ropeTheta)),
        new Detail("norm epsilon", String.valueOf(rmsNormEps)));
  }

  /// Those of a Llama, and the norms of queries and keys.
  @Override
  public long parameters() {
    return ModelConfig.super.parameters() + 2L * layers * headDim;
  }
}
