package dev.yushan.train;

import dev.yushan.model.ModelConfig;

/// The floating-point operations that training takes: those of the matrix products, a multiply and
/// an add counted as two, which are all but a few per cent of the whole.
///
/// - A weight matrix costs 2 operations a token and weight forward, and twice that backward: one
///   product for the gradient of its input, one for its own. The output projection counts, the
///   embedding, a look-up, does not.
/// - Attention costs, for every pair of a token and one it sees, 2 products of `headDim` and head
///   forward (scores, values) and 4 backward. That the backward kernels compute scores again is not
///   counted here, as by Dao et al. 2022.
/// - Activation checkpointing runs the layers forward once more, but for their last product, whose
///   result no op of the layer reads: counted in [#performed], not in [#model], which is what a
///   utilisation is measured with (Chowdhery et al. 2022, appendix B).
///
/// @param layerWeights elements of all matrices in the layers
/// @param headWeights elements of the output projection
/// @param pairCost forward operations of a token and one token it sees, over all layers
/// @param againWeights elements of the matrices that are multiplied again in the backward pass
/// @param againPairCost of `pairCost`, what is done again there
public record FlopCount(
    long layerWeights, long headWeights, long pairCost, long againWeights, long againPairCost) {
  /// Of a model of this shape.
  ///
  /// @param checkpointing whether the layers run forward twice
  public static FlopCount of(ModelConfig model, boolean checkpointing) {
    long hidden = model.hiddenSize();
    long query = (long) model.heads() * model.headDim();
    long kv = (long) model.kvHeads() * model.headDim();
    long down = hidden * model.intermediateSize();
    long layer = hidden * (2 * query + 2 * kv) + 3 * down;
    long pair = model.layers() * 4 * query;
    return new FlopCount(
        model.layers() * layer,
        model.vocabSize() * hidden,
        pair,
        checkpointing ? model.layers() * (layer - down) : 0,
        checkpointing ? pair : 0);
  }

  /// Pairs of a token and one it sees, itself included, in sequences that begin at `starts`, `[S +
  /// 1]`.
  public static long pairs(int[] starts) {
    long pairs = 0;
    for (int s = 0; s + 1 < starts.length; s++) {
      long length = starts[s + 1] - starts[s];
      pairs += length * (length + 1) / 2;
    }
    return pairs;
  }

  /// What the layers need to read or generate tokens, and the head of so many of them.
  public double forward(long tokens, long pairs, long headTokens) {
    return 2.0 * (tokens * layerWeights + headTokens * headWeights) + (double) pairs * pairCost;
  }

  /// What forward and backward of the model need.
  public double model(long tokens, long pairs) {
    return 3 * forward(tokens, pairs, tokens);
  }

  /// What is done: recomputation included.
  double performed(long tokens, long pairs) {
    double again = 2.0 * tokens * againWeights + (double) pairs * againPairCost;
    return model(tokens, pairs) + again;
  }
}
