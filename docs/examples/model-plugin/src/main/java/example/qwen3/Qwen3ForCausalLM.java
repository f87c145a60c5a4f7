package example.qwen3;

import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.model.CausalLM;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.TokenBatch;
import dev.yushan.model.Weights;
import dev.yushan.model.llama.Rope;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Qwen3 (Yang et al. 2025): embedding, decoder layers, norm.
///
/// Names and arithmetic follow `modeling_qwen3.py` of transformers.
final class Qwen3ForCausalLM implements CausalLM {
  private final Qwen3Config config;
  private final List<Tensor> owned = new ArrayList<>();
  private final Parameter embedding;
  private final List<Qwen3Layer> layers = new ArrayList<>();
  private final Parameter norm;
  private final Parameter head;
  private final Tensor cosSin;

  /// The model with weights of zero.
  Qwen3ForCausalLM(Backend backend, Qwen3Config config, DType matrices, boolean trainable) {
    this.config = config;
    try {
      Weights weights = new Weights(backend, matrices, trainable, owned);
      long hidden = config.hiddenSize();
      long vocabulary = config.vocabSize();
      embedding = weights.matrix("model.embed_tokens.weight", vocabulary, hidden);
      for (int i = 0; i < config.layers(); i++) {
        layers.add(Qwen3Layer.of(i, config, weights));
      }
      norm = weights.norm("model.norm.weight", hidden);
      head =
          config.tiedEmbeddings()
              ? embedding
              : weights.matrix("lm_head.weight", vocabulary, hidden);
      float[] frequencies =
          Rope.inverseFrequencies(config.headDim(), config.ropeTheta(), Optional.empty());
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
    for (Qwen3Layer layer : layers) {
      x = ops.block(x, (o, in) -> layer.forward(o, in, batch, cosSin));
    }
    return ops.rmsNorm(x, norm, config.rmsNormEps());
  }

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public Parameter head() {
    return head;
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

  /// A backend may now store the matrices in another order: as they are, not in their parts.
  @Override
  public void freeze(Backend backend) {
    backend.freeze(embedding.value());
    layers.stream().flatMap(Qwen3Layer::matrices).map(Parameter::value).forEach(backend::freeze);
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
