package dev.yushan.backend;

import static dev.yushan.backend.Feature.PAGED_ATTENTION;
import static dev.yushan.backend.Feature.TRAINING;

import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;

/// The contract of [Kernels] in code: every call is checked, then handed on.
///
/// A broken rule is an [IllegalArgumentException] that names the op, the operand and what was
/// expected; a closed tensor is an [IllegalStateException]; an optional op that the backend lacks
/// is an [UnsupportedOperationException].
public final class CheckedKernels implements Kernels {
  private final Backend backend;
  private final Kernels kernels;

  CheckedKernels(Backend backend) {
    this.backend = backend;
    this.kernels = backend.kernels();
  }

  @Override
  public void gather(Tensor table, Tensor ids, Tensor out) {
    Operands o = operands("gather");
    long columns = o.any("table", table).columns();
    o.contiguous("table", table);
    o.supported(table.dtype());
    o.ints("ids", ids, ids.rows());
    o.matrix("out", out, ids.rows(), columns);
    o.apart("out", out, table, ids);
    kernels.gather(table, ids, out);
  }

  @Override
  public void scatterAdd(Tensor rows, Tensor ids, Tensor table) {
    Operands o = operands("scatterAdd", TRAINING);
    o.matrix("table", table, table.rows(), rows.columns());
    o.ints("ids", ids, rows.rows());
    o.matrix("rows", rows, rows.rows(), table.columns());
    o.apart("table", table, rows, ids);
    kernels.scatterAdd(rows, ids, table);
  }

  @Override
  public void scatter(Tensor rows, Tensor ids, Tensor table) {
    Operands o = operands("scatter", PAGED_ATTENTION);
    o.any("table", table);
    o.contiguous("table", table);
    o.supported(table.dtype());
    o.require(!table.dtype().quantised(), "table", table, "not quantised");
    o.ints("ids", ids, rows.rows());
    o.strided("rows", rows, rows.rows(), table.columns());
    o.apart("table", table, rows, ids);
    kernels.scatter(rows, ids, table);
  }

  @Override
  public void matmul(Op opA, Op opB, float alpha, Tensor a, Tensor b, float beta, Tensor c) {
    Operands o = operands("matmul");
    long m = c.rows();
    long n = c.columns();
    long k = opA == Op.N ? a.columns() : a.rows();
    o.strided("c", c, m, n);
    if (a.dtype() == DType.Q8_0) {
      o.quantisedRows(a, m, k, opA, b);
    } else {
      o.strided("a", a, opA == Op.N ? m : k, opA == Op.N ? k : m);
    }
    o.any("b", b);
    o.supported(b.dtype());
    o.shape("b", b, opB == Op.N ? k : n, opB == Op.N ? n : k);
    o.require(
        !b.dtype().quantised() || opB == Op.T, "b", b, "transposed (opB = T) where quantised");
    o.apart("c", c, a, b);
    kernels.matmul(opA, opB, alpha, a, b, beta, c);
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, float eps, Tensor out, Tensor inverseRms) {
    Operands o = operands("rmsNorm");
    o.normed(x, weight, inverseRms);
    o.strided("out", out, x.rows(), x.columns());
    o.sameOrApart("out", out, x);
    o.apart("out", out, weight, inverseRms);
    o.apart("inverseRms", inverseRms, x, weight);
    kernels.rmsNorm(x, weight, eps, out, inverseRms);
  }

  @Override
  public void rmsNormBackward(
      Tensor dOut,
      Tensor x,
      Tensor weight,
      Tensor inverseRms,
      float beta,
      Tensor dX,
      Tensor dWeight) {
    Operands o = operands("rmsNormBackward", TRAINING);
    o.normed(x, weight, inverseRms);
    o.strided("dOut", dOut, x.rows(), x.columns());
    o.strided("dX", dX, x.rows(), x.columns());
    o.vector("dWeight", dWeight, weight.elements());
    if (beta == 0) {
      o.sameOrApart("dX", dX, dOut);
    } else {
      o.apart("dX", dX, dOut);
    }
    o.apart("dX", dX, x, weight, inverseRms, dWeight);
    o.apart("dWeight", dWeight, dOut, x, weight, inverseRms);
    kernels.rmsNormBackward(dOut, x, weight, inverseRms, beta, dX, dWeight);
  }

  @Override
  public void rope(Tensor x, Tensor positions, Tensor cosSin, boolean inverse, Tensor out) {
    Operands o = operands("rope");
    o.strided("x", x, x.rows(), x.columns());
    o.ints("positions", positions, x.rows());
    o.matrix("cosSin", cosSin, cosSin.rows(), cosSin.columns());
    o.require(
        cosSin.columns() % 2 == 0 && x.columns() % cosSin.columns() == 0,
        "x",
        x,
        "whole heads of " + cosSin.columns() + " columns");
    o.strided("out", out, x.rows(), x.columns());
    o.sameOrApart("out", out, x);
    o.apart("out", out, positions, cosSin);
    kernels.rope(x, positions, cosSin, inverse, out);
  }

  @Override
  public void attention(
      AttentionShape shape, Qkv in, Tensor sequences, Tensor out, Tensor logSumExp) {
    Operands o = operands("attention");
    long tokens = in.q().rows();
    o.qkv("in", in, tokens, shape);
    o.offsets("sequences", sequences);
    o.strided("out", out, tokens, shape.queryColumns());
    o.matrix("logSumExp", logSumExp, tokens, shape.heads());
    o.apart("out", out, in.q(), in.k(), in.v(), sequences, logSumExp);
    o.apart("logSumExp", logSumExp, in.q(), in.k(), in.v(), sequences);
    kernels.attention(shape, in, sequences, out, logSumExp);
  }

  @Override
  public void attentionBackward(
      AttentionShape shape,
      Tensor dOut,
      Qkv in,
      Tensor out,
      Tensor logSumExp,
      Tensor sequences,
      Qkv gradients) {
    Operands o = operands("attentionBackward", TRAINING);
    long tokens = in.q().rows();
    o.strided("dOut", dOut, tokens, shape.queryColumns());
    o.qkv("in", in, tokens, shape);
    o.strided("out", out, tokens, shape.queryColumns());
    o.matrix("logSumExp", logSumExp, tokens, shape.heads());
    o.offsets("sequences", sequences);
    o.qkv("gradients", gradients, tokens, shape);
    Tensor[] inputs = {dOut, in.q(), in.k(), in.v(), out, logSumExp, sequences};
    o.apart("gradients.q", gradients.q(), inputs);
    o.apart("gradients.k", gradients.k(), inputs);
    o.apart("gradients.v", gradients.v(), inputs);
    o.apart("gradients.q", gradients.q(), gradients.k(), gradients.v());
    o.apart("gradients.k", gradients.k(), gradients.v());
    kernels.attentionBackward(shape, dOut, in, out, logSumExp, sequences, gradients);
  }

  @Override
  public void pagedAttention(
      AttentionShape shape,
      Tensor q,
      KvPages.Layer pages,
      Tensor sequences,
      Tensor positions,
      Tensor out) {
    Operands o = operands("pagedAttention", PAGED_ATTENTION);
    Tensor keys = pages.keys();
    o.strided("q", q, q.rows(), shape.queryColumns());
    o.pages("pages.keys", keys, keys.rows(), shape);
    o.pages("pages.values", pages.values(), keys.rows(), shape);
    o.require(
        keys.dtype() == pages.values().dtype(),
        "pages.values",
        pages.values(),
        "of the type of pages.keys");
    o.require(
        pages.pageLength() > 0 && keys.rows() % pages.pageLength() == 0,
        "pages.keys",
        keys,
        "whole pages of " + pages.pageLength() + " rows");
    o.offsets("sequences", sequences);
    o.intMatrix("pages.pageTable", pages.pageTable(), sequences.rows() - 1);
    o.ints("positions", positions, q.rows());
    o.strided("out", out, q.rows(), shape.queryColumns());
    o.apart("out", out, q, keys, pages.values(), pages.pageTable(), sequences, positions);
    kernels.pagedAttention(shape, q, pages, sequences, positions, out);
  }

  @Override
  public void swiGlu(Tensor gate, Tensor up, Tensor out) {
    Operands o = operands("swiGlu");
    o.strided("gate", gate, gate.rows(), gate.columns());
    o.strided("up", up, gate.rows(), gate.columns());
    o.strided("out", out, gate.rows(), gate.columns());
    o.apart("out", out, gate, up);
    kernels.swiGlu(gate, up, out);
  }

  @Override
  public void swiGluBackward(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    Operands o = operands("swiGluBackward", TRAINING);
    o.strided("gate", gate, gate.rows(), gate.columns());
    o.strided("up", up, gate.rows(), gate.columns());
    o.strided("dOut", dOut, gate.rows(), gate.columns());
    o.strided("dGate", dGate, gate.rows(), gate.columns());
    o.strided("dUp", dUp, gate.rows(), gate.columns());
    o.apart("dGate", dGate, dOut, gate, up, dUp);
    o.apart("dUp", dUp, dOut, gate, up);
    kernels.swiGluBackward(dOut, gate, up, dGate, dUp);
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    Operands o = operands("add");
    o.like("a", a, a);
    o.like("b", b, a);
    o.like("out", out, a);
    o.sameOrApart("out", out, a);
    o.sameOrApart("out", out, b);
    kernels.add(a, b, out);
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor scale, Tensor nll) {
    Operands o = operands("crossEntropy");
    o.matrix("logits", logits, logits.rows(), logits.columns());
    o.ints("targets", targets, logits.rows());
    o.vector("scale", scale, 1);
    o.vector("nll", nll, logits.rows());
    o.apart("logits", logits, targets, scale, nll);
    o.apart("nll", nll, targets, scale);
    kernels.crossEntropy(logits, targets, scale, nll);
  }

  @Override
  public void squaredNorm(Tensor x, Tensor out) {
    Operands o = operands("squaredNorm");
    o.like("x", x, x);
    o.vector("out", out, 1);
    o.apart("out", out, x);
    kernels.squaredNorm(x, out);
  }

  @Override
  public void scale(Tensor x, Tensor factor) {
    Operands o = operands("scale");
    o.like("x", x, x);
    o.vector("factor", factor, 1);
    o.apart("x", x, factor);
    kernels.scale(x, factor);
  }

  @Override
  public void axpby(Tensor ab, Tensor x, Tensor y) {
    Operands o = operands("axpby");
    o.vector("ab", ab, 2);
    o.like("x", x, x);
    o.like("y", y, x);
    o.sameOrApart("y", y, x);
    o.apart("y", y, ab);
    kernels.axpby(ab, x, y);
  }

  @Override
  public void lerp(Tensor a, Tensor b, float weight, Tensor out) {
    Operands o = operands("lerp");
    o.like("a", a, a);
    o.like("b", b, a);
    o.like("out", out, a);
    o.sameOrApart("out", out, a);
    o.sameOrApart("out", out, b);
    kernels.lerp(a, b, weight, out);
  }

  @Override
  public void sign(Tensor x, Tensor out) {
    Operands o = operands("sign");
    o.like("x", x, x);
    o.like("out", out, x);
    o.sameOrApart("out", out, x);
    kernels.sign(x, out);
  }

  @Override
  public void fill(Tensor x, float value) {
    operands("fill").like("x", x, x);
    kernels.fill(x, value);
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    Operands o = operands("copy");
    o.any("source", source);
    o.any("target", target);
    o.supported(source.dtype());
    o.supported(target.dtype());
    o.contiguous("source", source);
    o.contiguous("target", target);
    o.require(source.shape().equals(target.shape()), "target", target, "" + source.shape());
    o.require(
        source.dtype().real() == target.dtype().real(),
        "target",
        target,
        "a type that " + source.dtype() + " converts to");
    o.apart("target", target, source);
    kernels.copy(source, target);
  }

  @Override
  public void adamW(
      AdamWConstants constants,
      Tensor step,
      Tensor parameter,
      Tensor gradient,
      Tensor m,
      Tensor v) {
    Operands o = operands("adamW", TRAINING);
    o.vector("step", step, 4);
    o.like("parameter", parameter, parameter);
    o.like("gradient", gradient, parameter);
    o.like("m", m, parameter);
    o.like("v", v, parameter);
    o.apart("parameter", parameter, step, gradient, m, v);
    o.apart("m", m, step, gradient, v);
    o.apart("v", v, step, gradient);
    kernels.adamW(constants, step, parameter, gradient, m, v);
  }

  private Operands operands(String op, Feature... needed) {
    for (Feature feature : needed) {
      if (!backend.supports(feature)) {
        throw new UnsupportedOperationException(
            "%s: the %s backend does not support %s; choose another with --backend"
                .formatted(op, backend.name(), feature));
      }
    }
    return new Operands(backend, op);
  }
}
