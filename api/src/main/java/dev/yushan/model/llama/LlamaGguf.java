package dev.yushan.model.llama;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.io.FileFormatException;
import dev.yushan.io.gguf.Gguf;
import dev.yushan.io.gguf.GgufType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// What GGUF calls the parts of a Llama model, and how it keeps them.
///
/// Source: `constants.py` of gguf and `LlamaModel` in `convert_hf_to_gguf.py`, both of llama.cpp.
public final class LlamaGguf {
  /// The value of `general.architecture`.
  public static final String ARCHITECTURE = "llama";

  /// What each pair of a head is divided by, where the frequencies of RoPE are stretched.
  public static final String ROPE_FACTORS = "rope_freqs.weight";

  static final String EMBEDDING = "token_embd.weight";
  static final String HEAD = "output.weight";

  /// What the names of all that belongs to a layer begin with.
  static final String LAYERS = "blk.";

  private static final ValueLayout.OfFloat F32 =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /// Of a layer: the name in GGUF and that of transformers.
  private static final List<Map.Entry<String, String>> LAYER =
      List.of(
          Map.entry("attn_norm", "input_layernorm"),
          Map.entry("attn_q", "self_attn.q_proj"),
          Map.entry("attn_k", "self_attn.k_proj"),
          Map.entry("attn_v", "self_attn.v_proj"),
          Map.entry("attn_output", "self_attn.o_proj"),
          Map.entry("ffn_norm", "post_attention_layernorm"),
          Map.entry("ffn_gate", "mlp.gate_proj"),
          Map.entry("ffn_up", "mlp.up_proj"),
          Map.entry("ffn_down", "mlp.down_proj"));

  private LlamaGguf() {}

  /// The GGUF name of each weight of a model, under its name in transformers.
  public static Map<String, String> names(LlamaConfig config) {
    Map<String, String> names = new LinkedHashMap<>();
    names.put("model.embed_tokens.weight", EMBEDDING);
    for (int i = 0; i < config.layers(); i++) {
      for (Map.Entry<String, String> part : LAYER) {
        names.put(
            "model.layers.%d.%s.weight".formatted(i, part.getValue()),
            LAYERS + "%d.%s.weight".formatted(i, part.getKey()));
      }
    }
    names.put("model.norm.weight", "output_norm.weight");
    if (!config.tiedEmbeddings()) {
      names.put("lm_head.weight", HEAD);
    }
    return names;
  }

  /// Whether GGUF keeps the rows of a weight in another order: it pairs neighbouring rows for RoPE,
  /// transformers the halves of a head.
  public static boolean turns(String name) {
    return name.endsWith("self_attn.q_proj.weight") || name.endsWith("self_attn.k_proj.weight");
  }

  /// The row of GGUF that is row `row` of transformers.
  public static long turned(long row, int headDim) {
    long inHead = row % headDim;
    return row - inHead + inHead % (headDim / 2) * 2 + inHead / (headDim / 2);
  }

  /// The row of transformers that is row `row` of GGUF.
  public static long straight(long row, int headDim) {
    long inHead = row % headDim;
    return row - inHead + inHead / 2 + inHead % 2 * (headDim / 2);
  }

  // ---- metadata --------------------------------------------------------------------------------

  /// The metadata of a model, without its tokenizer's.
  public static Map<String, Object> metadata(JsonNode json, String name) {
    LlamaConfig config = LlamaConfig.of(json);
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("general.architecture", ARCHITECTURE);
    data.put("general.type", "model");
    data.put("general.name", name);
    data.put("llama.block_count", config.layers());
    data.put("llama.context_length", config.maxPositions());
    data.put("llama.embedding_length", config.hiddenSize());
    data.put("llama.feed_forward_length", config.intermediateSize());
    data.put("llama.attention.head_count", config.heads());
    data.put("llama.attention.head_count_kv", config.kvHeads());
    data.put("llama.rope.freq_base", (float) config.ropeTheta());
    data.put("llama.attention.layer_norm_rms_epsilon", config.rmsNormEps());
    data.put("llama.attention.key_length", config.headDim());
    data.put("llama.attention.value_length", config.headDim());
    data.put("llama.vocab_size", config.vocabSize());
    data.put("llama.rope.dimension_count", config.headDim());
    return data;
  }

  /// The factors of RoPE's frequencies, if the model stretches them.
  public static Optional<float[]> ropeFactors(LlamaConfig config) {
    return config.ropeScaling().map(scaling -> factors(config, scaling));
  }

  private static float[] factors(LlamaConfig config, RopeScaling scaling) {
    float[] plain = Rope.inverseFrequencies(config.headDim(), config.ropeTheta(), Optional.empty());
    float[] factors = new float[plain.length];
    for (int i = 0; i < plain.length; i++) {
      factors[i] = plain[i] / scaling.apply(plain[i]);
    }
    return factors;
  }

  /// The config.json of the model in a file.
  ///
  /// @throws FileFormatException naming the key that is missing or not supported
  public static ObjectNode config(Gguf file) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.putArray("architectures").add(LlamaProvider.ARCHITECTURE);
    json.put("model_type", "llama");
    json.put("hidden_act", "silu");
    long hidden = whole(file, "llama.embedding_length");
    long heads = whole(file, "llama.attention.head_count");
    if (heads < 1) {
      throw new FileFormatException(
          file.path(),
          "llama.attention.head_count is %d: the file is damaged, get it again".formatted(heads));
    }
    Gguf.Entry embedding = file.tensors().get(EMBEDDING);
    if (embedding == null) {
      throw new FileFormatException(file.path(), "lacks the tensor token_embd.weight");
    }
    json.put("vocab_size", embedding.dims().getFirst());
    json.put("hidden_size", hidden);
    json.put("intermediate_size", whole(file, "llama.feed_forward_length"));
    json.put("num_hidden_layers", whole(file, "llama.block_count"));
    json.put("num_attention_heads", heads);
    json.put("num_key_value_heads", file.integer("llama.attention.head_count_kv").orElse(heads));
    json.put("head_dim", file.integer("llama.attention.key_length").orElse(hidden / heads));
    json.put("max_position_embeddings", whole(file, "llama.context_length"));
    json.put(
        "rms_norm_eps",
        file.require(
            "llama.attention.layer_norm_rms_epsilon",
            file.number("llama.attention.layer_norm_rms_epsilon")));
    json.put("rope_theta", file.number("llama.rope.freq_base").orElse(10_000.0));
    json.put("tie_word_embeddings", !file.tensors().containsKey(HEAD));
    file.integer("tokenizer.ggml.bos_token_id").ifPresent(id -> json.put("bos_token_id", id));
    file.integer("tokenizer.ggml.eos_token_id").ifPresent(id -> json.put("eos_token_id", id));
    ropeScaling(file, json);
    return json;
  }

  private static long whole(Gguf file, String key) {
    return file.require(key, file.integer(key));
  }

  /// GGUF keeps the factors and not what they were made from: with the low and high factor of all
  /// Llama 3 models, 1 and 4, lengths that are powers of two are tried.
  private static void ropeScaling(Gguf file, ObjectNode json) {
    String type = file.text("llama.rope.scaling.type").orElse("none");
    if (!type.equals("none")) {
      throw new FileFormatException(
          file.path(), "llama.rope.scaling.type %s is not supported".formatted(type));
    }
    Gguf.Entry stored = file.tensors().get(ROPE_FACTORS);
    if (stored == null) {
      return;
    }
    if (stored.type() != GgufType.F32) {
      throw new FileFormatException(
          file.path(), "%s has type %s, not F32".formatted(ROPE_FACTORS, stored.type()));
    }
    float[] wanted = new float[Math.toIntExact(stored.elements())];
    MemorySegment.copy(stored.data(), F32, 0, wanted, 0, wanted.length);
    float most = wanted[wanted.length - 1];
    LlamaConfig plain = LlamaConfig.of(json);
    Optional<RopeScaling> found =
        IntStream.rangeClosed(4, 20)
            .mapToObj(power -> new RopeScaling(most, 1, 4, 1 << power))
            .filter(scaling -> close(factors(plain, scaling), wanted))
            .findFirst();
    RopeScaling scaling =
        found.orElseThrow(
            () ->
                new FileFormatException(
                    file.path(),
                    "its %s are not those of a Llama 3 model; take the weights in safetensors"
                        .formatted(ROPE_FACTORS)));
    json.putObject("rope_scaling")
        .put("rope_type", "llama3")
        .put("factor", scaling.factor())
        .put("low_freq_factor", scaling.lowFreqFactor())
        .put("high_freq_factor", scaling.highFreqFactor())
        .put("original_max_position_embeddings", scaling.originalMaxPositions());
  }

  private static boolean close(float[] a, float[] b) {
    boolean close = a.length == b.length;
    for (int i = 0; close && i < a.length; i++) {
      close = Math.abs(a[i] - b[i]) <= 1e-4f * Math.abs(b[i]);
    }
    return close;
  }
}
