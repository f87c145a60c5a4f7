package dev.yushan.backend.testkit;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.KvPages;
import dev.yushan.backend.Qkv;
import dev.yushan.tensor.Tensor;

/// The op set in float64, each op where its formula is.
final class ReferenceKernels implements Kernels {
  @Override
  public void gather(Tensor table, Tensor ids, Tensor out) {
    Rows.gather(table, ids, out);
  }

  @Override
  public void scatterAdd(Tensor rows, Tensor ids, Tensor table) {
    Rows.scatterAdd(rows, ids, table);
  }

  @Override
  public void scatter(Tensor rows, Tensor ids, Tensor table) {
    Rows.scatter(rows, ids, table);
  }

  @Override
  public void matmul(Op opA, Op opB, float alpha, Tensor a, Tensor b, float beta, Tensor c) {
    LinearAlgebra.matmul(opA, opB, alpha, a, b, beta, c);
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, float eps, Tensor out, Tensor inverseRms) {
    Normalisation.rmsNorm(x, weight, eps, out, inverseRms);
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
    Normalisation.rmsNormBackward(dOut, x, weight, inverseRms, beta, dX, dWeight);
  }

  @Override
  public void rope(Tensor x, Tensor positions, Tensor cosSin, boolean inverse, Tensor out) {
    Rotary.rope(x, positions, cosSin, inverse, out);
  }

  @Override
  public void attention(
      AttentionShape shape, Qkv in, Tensor sequences, Tensor out, Tensor logSumExp) {
    Attention.attention(shape, in, sequences, out, logSumExp);
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
    Attention.attentionBackward(shape, dOut, in, out, logSumExp, sequences, gradients);
  }

  @Override
  public void pagedAttention(
      AttentionShape shape,
      Tensor q,
      KvPages.Layer pages,
      Tensor sequences,
      Tensor positions,
      Tensor out) {
    Attention.pagedAttention(shape, q, pages, sequences, positions, out);
  }

  @Override
  public void swiGlu(Tensor gate, Tensor up, Tensor out) {
    Activation.swiGlu(gate, up, out);
  }

  @Override
  public void swiGluBackward(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    Activation.swiGluBackward(dOut, gate, up, dGate, dUp);
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    Elements.add(a, b, out);
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor scale, Tensor nll) {
    Activation.crossEntropy(logits, targets, scale, nll);
  }

  @Override
  public void squaredNorm(Tensor x, Tensor out) {
    Elements.squaredNorm(x, out);
  }

  @Override
  public void scale(Tensor x, Tensor factor) {
    Elements.scale(x, factor);
  }

  @Override
  public void axpby(Tensor ab, Tensor x, Tensor y) {
    Elements.axpby(ab, x, y);
  }

  @Override
  public void lerp(Tensor a, Tensor b, float weight, Tensor out) {
    Elements.lerp(a, b, weight, out);
  }

  @Override
  public void sign(Tensor x, Tensor out) {
    Elements.sign(x, out);
  }

  @Override
  public void fill(Tensor x, float value) {
    Elements.fill(x, value);
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    Conversion.copy(source, target);
  }

  @Override
  public void adamW(
      AdamWConstants constants,
      Tensor step,
      Tensor parameter,
      Tensor gradient,
      Tensor m,
      Tensor v) {
    Elements.adamW(constants, step, parameter, gradient, m, v);
  }
}
