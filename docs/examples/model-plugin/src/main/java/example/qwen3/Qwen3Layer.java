package example.qwen3;

import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.AttentionShape;
import dev.yushan.model.TokenBatch;
import dev.yushan.model.Weights;
import dev.yushan.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;

/// One decoder layer: attention and feed-forward, each normalised first and added back. Unlike
/// Llama's, it normalises each head of queries and keys by itself before they are turned.
///
/// Query, key and value weights are one matrix, as are gate and up: one product each. Their parts
/// keep their Hugging Face names, as views.
///
/// @param qkv `[(heads + 2·kvHeads) · headDim, hiddenSize]`
/// @param queryNorm `[headDim]`, as `keyNorm`
/// @param output `[hiddenSize, heads · headDim]`
/// @param gateUp `[2 · intermediateSize, hiddenSize]`
/// @param down `[hiddenSize, intermediateSize]`
record Qwen3Layer(
    int index,
    Qwen3Config config,
    Parameter inputNorm,
    Parameter qkv,
    Parameter queryNorm,
    Parameter keyNorm,
    Parameter output,
    Parameter postAttentionNorm,
    Parameter gateUp,
    Parameter down) {

  /// Layer `index` with weights of zero.
  static Qwen3Layer of(int index, Qwen3Config config, Weights weights) {
    AttentionShape shape = config.attention();
    long hidden = config.hiddenSize();
    long intermediate = config.intermediateSize();
    return new Qwen3Layer(
        index,
        config,
        weights.norm(name(index, "input_layernorm"), hidden),
        weights.matrix(name(index, "self_attn.qkv_proj"), shape.qkvColumns(), hidden),
        weights.norm(name(index, "self_attn.q_norm"), shape.headDim()),
        weights.norm(name(index, "self_attn.k_norm"), shape.headDim()),
        weights.matrix(name(index, "self_attn.o_proj"), hidden, shape.queryColumns()),
        weights.norm(name(index, "post_attention_layernorm"), hidden),
        weights.matrix(name(index, "mlp.gate_up_proj"), 2 * intermediate, hidden),
        weights.matrix(name(index, "mlp.down_proj"), hidden, intermediate));
  }

  private static String name(int index, String part) {
    return "model.layers." + index + "." + part + ".weight";
  }

  /// `x` (`[T, hiddenSize]`) plus attention, plus feed-forward.
  Tensor forward(Ops ops, Tensor x, TokenBatch batch, Tensor cosSin) {
    float eps = config.rmsNormEps();
    Tensor h = ops.add(x, attention(ops, ops.rmsNorm(x, inputNorm, eps), batch, cosSin));
    return ops.add(h, feedForward(ops, ops.rmsNorm(h, postAttentionNorm, eps)));
  }

  private Tensor attention(Ops ops, Tensor x, TokenBatch batch, Tensor cosSin) {
    AttentionShape shape = config.attention();
    Tensor heads = ops.linear(x, qkv);
    heads = ops.headNorm(heads, shape, queryNorm, keyNorm, config.rmsNormEps());
    heads = ops.rope(heads, shape, batch.positions(), cosSin);
    Tensor attended =
        ops.attention(heads, shape, batch.sequences(), batch.positions(), batch.pages(), index);
    return ops.linear(attended, output);
  }

  private Tensor feedForward(Ops ops, Tensor x) {
    return ops.linear(ops.swiGlu(ops.linear(x, gateUp)), down);
  }

  /// The matrices as they are kept.
  Stream<Parameter> matrices() {
    return Stream.of(qkv, output, gateUp, down);
  }

  /// The layer's weights under the names of transformers.
  List<Parameter> parameters() {
    AttentionShape shape = config.attention();
    long intermediate = config.intermediateSize();
    return List.of(
        qkv.rows(name(index, "self_attn.q_proj"), 0, shape.keysFrom()),
        qkv.rows(name(index, "self_attn.k_proj"), shape.keysFrom(), shape.valuesFrom()),
        qkv.rows(name(index, "self_attn.v_proj"), shape.valuesFrom(), shape.qkvColumns()),
        queryNorm,
        keyNorm,
        output,
        gateUp.rows(name(index, "mlp.gate_proj"), 0, intermediate),
        gateUp.rows(name(index, "mlp.up_proj"), intermediate, 2 * intermediate),
        down,
        inputNorm,
        postAttentionNorm);
  }
}
