package dev.yushan.model.llama;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.yushan.backend.AttentionShape;
import dev.yushan.model.ConfigReader;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.ModelException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// The shape of a Llama model, as its config.json gives it.
///
/// @param initializerRange standard deviation of fresh weights
/// @param bosId as `bos_token_id`, `eosIds` as `eos_token_id`, which may be one id or a list
public record LlamaConfig(
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
    Optional<RopeScaling> ropeScaling,
    boolean tiedEmbeddings,
    float initializerRange,
    OptionalInt bosId,
    List<Integer> eosIds)
    implements ModelConfig {

  public LlamaConfig {
    eosIds = List.copyOf(eosIds);
  }

  /// Reads a config.json in either spelling: `rope_parameters` (transformers 5) or `rope_theta` and
  /// `rope_scaling` (before).
  ///
  /// @throws dev.yushan.model.ModelException naming the key that is missing, wrong or unsupported
  public static LlamaConfig of(JsonNode json) {
    ConfigReader config = new ConfigReader(json);
    config.refuseUnless("attention_bias", false, "biases are not supported");
    config.refuseUnless("mlp_bias", false, "biases are not supported");
    config.refuseUnless("hidden_act", "silu", "only SwiGLU with silu is supported");
    config.refuse("quantization_config", "load the unquantised weights instead");
    int hidden = config.positive("hidden_size");
    int heads = config.positive("num_attention_heads");
    int kvHeads = config.positive("num_key_value_heads", heads);
    int headDim = config.positive("head_dim", Math.max(1, hidden / heads));
    if (heads % kvHeads != 0 || headDim % 2 != 0) {
      throw new ModelException(
          "num_attention_heads must be a multiple of num_key_value_heads and head_dim even, got %d, %d and %d"
              .formatted(heads, kvHeads, headDim));
    }
    int positions = config.positive("max_position_embeddings", 2048);
    if ((long) positions * headDim > Integer.MAX_VALUE) {
      throw new ModelException(
          "max_position_embeddings = %d: at most %d with heads of %d; set it to what texts need"
              .formatted(positions, Integer.MAX_VALUE / headDim, headDim));
    }
    ConfigReader rope = rope(config);
    return new LlamaConfig(
        config.positive("vocab_size"),
        hidden,
        config.positive("intermediate_size"),
        config.positive("num_hidden_layers"),
        heads,
        kvHeads,
        headDim,
        positions,
        (float) config.notNegative("rms_norm_eps", 1e-6),
        rope.aboveZero("rope_theta", config.aboveZero("rope_theta", 10_000)),
        scaling(rope),
        config.bool("tie_word_embeddings", false),
        (float) config.notNegative("initializer_range", 0.02),
        config.id("bos_token_id"),
        config.ids("eos_token_id"));
  }

  private static ConfigReader rope(ConfigReader config) {
    return config
        .object("rope_parameters")
        .or(() -> config.object("rope_scaling"))
        .orElseGet(() -> new ConfigReader(MissingNode.getInstance()));
  }

  private static Optional<RopeScaling> scaling(ConfigReader rope) {
    String type = rope.text("rope_type", rope.text("type", "default"));
    return switch (type) {
      case "default" -> Optional.empty();
      case "llama3" -> Optional.of(llama3(rope));
      default -> throw rope.unsupported("rope_type", type, "supported are 'default' and 'llama3'");
    };
  }

  private static RopeScaling llama3(ConfigReader rope) {
    double low = rope.aboveZero("low_freq_factor");
    double high = rope.aboveZero("high_freq_factor");
    if (high <= low) {
      throw rope.unsupported(
          "high_freq_factor", String.valueOf(high), "must be above low_freq_factor = " + low);
    }
    return new RopeScaling(
        rope.aboveZero("factor"), low, high, rope.positive("original_max_position_embeddings"));
  }

  /// The attention of every layer.
  public AttentionShape attention() {
    return AttentionShape.of(heads, kvHeads, headDim);
  }

  @Override
  public String architecture() {
    return LlamaProvider.ARCHITECTURE;
  }

  @Override
  public List<Detail> details() {
    return List.of(
        new Detail("rope theta", "%,.0f".formatted(ropeTheta)),
        new Detail("rope scaling", ropeScaling.map(LlamaConfig::text).orElse("none")),
        new Detail("norm epsilon", String.valueOf(rmsNormEps)));
  }

  private static String text(RopeScaling scaling) {
    return "llama3, %s times beyond %,d positions, frequency factors %s to %s"
        .formatted(
            scaling.factor(),
            scaling.originalMaxPositions(),
            scaling.lowFreqFactor(),
            scaling.highFreqFactor());
  }
}
