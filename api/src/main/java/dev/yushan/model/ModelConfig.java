package dev.yushan.model;

import java.util.List;
import java.util.OptionalInt;

/// What the rest of the system must know of a model's shape. Two that describe the same model are
/// equal, as records are: a run is continued only on a base that is described as its checkpoint is.
public interface ModelConfig {
  /// The name in `architectures` of config.json, for example `LlamaForCausalLM`.
  String architecture();

  int vocabSize();

  int hiddenSize();

  int layers();

  int heads();

  int kvHeads();

  int headDim();

  int intermediateSize();

  /// The longest sequence the position embedding was made for.
  int maxPositions();

  boolean tiedEmbeddings();

  /// Weights of a decoder of this shape, tied ones once.
  default long parameters() {
    long hidden = hiddenSize();
    long query = (long) heads() * headDim();
    long kv = (long) kvHeads() * headDim();
    long layer = hidden * (2 * query + 2 * kv) + 3 * hidden * intermediateSize() + 2 * hidden;
    long embeddings = (tiedEmbeddings() ? 1L : 2L) * vocabSize() * hidden;
    return embeddings + layers() * layer + hidden;
  }

  /// The id that begins a text, if the model has one.
  OptionalInt bosId();

  /// The ids that end a text; several in the instruction-tuned Llamas.
  List<Integer> eosIds();

  /// What else there is to show to people, in their order.
  default List<Detail> details() {
    return List.of();
  }

  /// One property of a kind of models, for example `rope theta` and `500,000`.
  record Detail(String name, String text) {}
}
