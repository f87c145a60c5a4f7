package dev.yushan.model.llama;

import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.model.CausalLM;
import dev.yushan.model.TokenBatch;
import dev.yushan.model.Weights;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

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
  /// @param types those of the matrices; norms are F32
  /// @param trainable whether each weight has a gradient; needs F32 weights
  LlamaForCausalLM(Backend backend, LlamaConfig config, MatrixTypes types, boolean trainable) {
    this.config = config;
    try {
      long hidden = config.hiddenSize();
      long vocabulary = config.vocabSize();
      embedding =
          new Weights(backend, types.embedding(), trainable, owned)
              .matrix("model.embed_tokens.weight", vocabulary, hidden);
      Weights weights = new Weights(backend, types.layers(), trainable, owned);
      for (int i = 0; i < config.layers(); i++) {
        layers.add(LlamaLayer.of(i, config, weights));
      }
      norm = weights.norm("model.norm.weight", hidden);
      head =
          config.tiedEmbeddings()
              ? embedding
              : new Weights(backend, types.head(), trainable, owned)
                  .matrix("lm_head.weight", vocabulary, hidden);
      float[] frequencies =
          Rope.inverseFrequencies(config.headDim(), config.ropeTheta(), config.ropeScaling());
      int positions = config.maxPositions();
      float[] angles = Rope.cosSin(frequencies, positions);
      cosSin = backend.tensor(angles, positions, config.headDim());
      owned.add(cosSin);
    } catch (RuntimeException | Error e) {
      close(); // what a device has no room for is not to stay there in part
      throw e;
    }
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
  public void freeze(Backend backend) {
    backend.freeze(embedding.value());
    layers.stream().flatMap(LlamaLayer::matrices).map(Parameter::value).forEach(backend::freeze);
    if (!config.tiedEmbeddings()) {
      backend.freeze(head.value());
    }
  }

  @Override
  public void close() {
    owned.forEach(Tensor::close);
    owned.clear();
  }
}
