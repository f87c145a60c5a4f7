package dev.yushan.model.llama;

import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.model.CausalLM;
import dev.yushan.model.TokenBatch;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Llama (Touvron et al. 2023; Grattafiori et al. 2024): embedding, decoder layers, norm.
///
/// Names and arithmetic follow `modeling_llama.py` of transformers.
public final class LlamaForCausalLM implements CausalLM {
  private final LlamaConfig config;
  private final List<Tensor> owned = new ArrayList<>();
  private final Parameter embedding;
  private final List<LlamaLayer> layers = new ArrayList<>();
  private final Parameter norm;
  private final Parameter head;
  private final Tensor cosSin;

  /// The model with weights of zero.
  ///
  /// @param weights the type of the matrices; norms are F32
  /// @param trainable whether each weight has a gradient; needs F32 weights
  LlamaForCausalLM(Backend backend, LlamaConfig config, DType weights, boolean trainable) {
    this.config = config;
    Allocator allocator = new Allocator(backend, owned, trainable);
    long hidden = config.hiddenSize();
    embedding = allocator.weight("model.embed_tokens.weight", weights, config.vocabSize(), hidden);
    for (int i = 0; i < config.layers(); i++) {
      layers.add(layer(allocator, i, weights));
    }
    norm = allocator.weight("model.norm.weight", DType.F32, hidden);
    head =
        config.tiedEmbeddings()
            ? embedding
            : allocator.weight("lm_head.weight", weights, config.vocabSize(), hidden);
    float[] frequencies =
        Rope.inverseFrequencies(config.headDim(), config.ropeTheta(), config.ropeScaling());
    cosSin =
        backend.tensor(
            Rope.cosSin(frequencies, config.maxPositions()),
            config.maxPositions(),
            config.headDim());
    owned.add(cosSin);
  }

  private LlamaLayer layer(Allocator allocator, int index, DType weights) {
    String prefix = "model.layers." + index + ".";
    long hidden = config.hiddenSize();
    long query = config.attention().queryColumns();
    long kv = config.attention().kvColumns();
    long intermediate = config.intermediateSize();
    return new LlamaLayer(
        index,
        config,
        allocator.weight(prefix + "input_layernorm.weight", DType.F32, hidden),
        allocator.weight(prefix + "self_attn.qkv", weights, query + 2 * kv, hidden),
        allocator.weight(prefix + "self_attn.o_proj.weight", weights, hidden, query),
        allocator.weight(prefix + "post_attention_layernorm.weight", DType.F32, hidden),
        allocator.weight(prefix + "mlp.gate_up", weights, 2 * intermediate, hidden),
        allocator.weight(prefix + "mlp.down_proj.weight", weights, hidden, intermediate));
  }

  @Override
  public Tensor hidden(Ops ops, TokenBatch batch) {
    Tensor x = ops.embedding(batch.tokens(), embedding);
    for (LlamaLayer layer : layers) {
      x = ops.block(x, (o, in) -> layer.forward(o, in, batch, cosSin));
    }
    return ops.rmsNorm(x, norm, config.rmsNormEps());
  }

  @Override
  public LlamaConfig config() {
    return config;
  }

  @Override
  public Parameter head() {
    return head;
  }

  List<LlamaLayer> layers() {
    return layers;
  }

  Tensor cosSin() {
    return cosSin;
  }

  @Override
  public List<Parameter> parameters() {
    List<Parameter> all = new ArrayList<>();
    all.add(embedding);
    layers.forEach(layer -> all.addAll(layer.parameters()));
    all.add(norm);
    if (!config.tiedEmbeddings()) {
      all.add(head);
    }
    return all;
  }

  @Override
  public void close() {
    owned.forEach(Tensor::close);
    owned.clear();
  }

  private record Allocator(Backend backend, List<Tensor> owned, boolean trainable) {
    Parameter weight(String name, DType dtype, long... dims) {
      Tensor value = tensor(dtype, dims);
      return new Parameter(
          name, value, trainable ? Optional.of(tensor(DType.F32, dims)) : Optional.empty());
    }

    private Tensor tensor(DType dtype, long... dims) {
      Tensor tensor = backend.allocate(dtype, Shape.of(dims));
      owned.add(tensor);
      return tensor;
    }
  }
}
