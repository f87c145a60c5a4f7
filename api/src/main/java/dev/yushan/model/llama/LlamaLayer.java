package dev.yushan.model.llama;

import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.AttentionShape;
import dev.yushan.model.TokenBatch;
import dev.yushan.tensor.Tensor;
import java.util.List;

/// One decoder layer: attention and feed-forward, each normalised first and added back.
///
/// Query, key and value weights are one matrix, as are gate and up: one product each. Their parts
/// keep their Hugging Face names, as views.
///
/// @param qkv `[(heads + 2·kvHeads) · headDim, hiddenSize]`
/// @param output `[hiddenSize, heads · headDim]`
/// @param gateUp `[2 · intermediateSize, hiddenSize]`
/// @param down `[hiddenSize, intermediateSize]`
record LlamaLayer(
    int index,
    LlamaConfig config,
    Parameter inputNorm,
    Parameter qkv,
    Parameter output,
    Parameter postAttentionNorm,
    Parameter gateUp,
    Parameter down) {

  /// `x` (`[T, hiddenSize]`) plus attention, plus feed-forward.
  Tensor forward(Ops ops, Tensor x, TokenBatch batch, Tensor cosSin) {
    Tensor attended = attention(ops, ops.rmsNorm(x, inputNorm, config.rmsNormEps()), batch, cosSin);
    Tensor middle = ops.add(x, ops.linear(attended, output));

    Tensor normed = ops.rmsNorm(middle, postAttentionNorm, config.rmsNormEps());
    Tensor activated = ops.swiGlu(ops.linear(normed, gateUp));
    return ops.add(middle, ops.linear(activated, down));
  }

  private Tensor attention(Ops ops, Tensor normed, TokenBatch batch, Tensor cosSin) {
    AttentionShape shape = config.attention();
    Tensor heads = ops.rope(ops.linear(normed, qkv), shape, batch.positions(), cosSin);
    return ops.attention(heads, shape, batch.sequences(), batch.positions(), batch.pages(), index);
  }

  /// The layer's weights in the order and under the names of transformers.
  List<Parameter> parameters() {
    String prefix = "model.layers." + index + ".";
    long q = config.attention().queryColumns();
    long kv = config.attention().kvColumns();
    long i = config.intermediateSize();
    return List.of(
        qkv.rows(prefix + "self_attn.q_proj.weight", 0, q),
        qkv.rows(prefix + "self_attn.k_proj.weight", q, q + kv),
        qkv.rows(prefix + "self_attn.v_proj.weight", q + kv, q + 2 * kv),
        output,
        gateUp.rows(prefix + "mlp.gate_proj.weight", 0, i),
        gateUp.rows(prefix + "mlp.up_proj.weight", i, 2 * i),
        down,
        inputNorm,
        postAttentionNorm);
  }
}
