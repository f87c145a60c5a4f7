package dev.yushan.backend;

import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;

/// The checks of one kernel call: each names the op, the operand and what it must be.
record Operands(Backend backend, String op) {
  Tensor any(String name, Tensor t) {
    if (t.storage().closed()) {
      throw new IllegalStateException("%s: %s is closed: %s".formatted(op, name, t));
    }
    t.count().ifPresent(count -> ints("count of " + name, count.rows(), 1));
    return t;
  }

  void require(boolean holds, String name, Tensor t, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "%s: %s must be %s, got %s".formatted(op, name, expected, t));
    }
  }

  void supported(DType dtype) {
    boolean half = dtype == DType.F16 || dtype == DType.BF16;
    Feature needed = half ? Feature.HALF_WEIGHTS : Feature.QUANTISED_WEIGHTS;
    if ((half || dtype.quantised()) && !backend.supports(needed)) {
      throw new UnsupportedOperationException(
          "%s: the %s backend does not support %s".formatted(op, backend.name(), dtype));
    }
  }

  void contiguous(String name, Tensor t) {
    require(t.contiguous(), name, t, "contiguous");
  }

  void shape(String name, Tensor t, long rows, long columns) {
    require(
        t.shape().rank() == 2 && t.rows() == rows && t.columns() == columns,
        name,
        t,
        "[%d, %d]".formatted(rows, columns));
  }

  /// An F32 matrix whose rows may lie apart.
  void strided(String name, Tensor t, long rows, long columns) {
    any(name, t);
    require(t.dtype() == DType.F32, name, t, "F32");
    shape(name, t, rows, columns);
  }

  /// A contiguous F32 matrix.
  void matrix(String name, Tensor t, long rows, long columns) {
    strided(name, t, rows, columns);
    contiguous(name, t);
  }

  /// `a` of a product whose `b` must be of Q4_0.
  void quantisedRows(Tensor a, long m, long k, Kernels.Op opA, Tensor b) {
    any("a", a);
    if (!backend.supports(Feature.QUANTISED_ROWS)) {
      throw new UnsupportedOperationException(
          "%s: the %s backend does not support an a of %s"
              .formatted(op, backend.name(), a.dtype()));
    }
    require(opA == Kernels.Op.N, "a", a, "F32 where transposed");
    require(b.dtype() == DType.Q4_0, "a", a, "F32 where b is not Q4_0");
    shape("a", a, m, k);
  }

  /// Queries, keys and values, or their gradients, of `tokens` tokens.
  void qkv(String name, Qkv parts, long tokens, AttentionShape shape) {
    strided(name + ".q", parts.q(), tokens, shape.queryColumns());
    strided(name + ".k", parts.k(), tokens, shape.kvColumns());
    strided(name + ".v", parts.v(), tokens, shape.kvColumns());
  }

  /// Pages of keys or values.
  void pages(String name, Tensor t, long rows, AttentionShape shape) {
    any(name, t);
    supported(t.dtype());
    require(!t.dtype().quantised(), name, t, "not quantised");
    shape(name, t, rows, shape.kvColumns());
    contiguous(name, t);
  }

  /// What is normalised in heads as long as `weight`, and a number for each head.
  void normed(Tensor x, Tensor weight, Tensor inverseRms) {
    long length = weight.elements();
    vector("weight", weight, length);
    strided("x", x, x.rows(), x.columns());
    require(
        length > 0 && x.columns() % length == 0, "x", x, "whole heads of " + length + " columns");
    vector("inverseRms", inverseRms, x.rows() * (x.columns() / length));
    require(inverseRms.rows() == x.rows(), "inverseRms", inverseRms, "of " + x.rows() + " rows");
  }

  /// A contiguous F32 tensor of `length` elements.
  void vector(String name, Tensor t, long length) {
    any(name, t);
    require(
        t.dtype() == DType.F32 && t.elements() == length && t.contiguous(),
        name,
        t,
        "F32 of %d elements".formatted(length));
  }

  /// A contiguous F32 tensor with as many elements as `model`.
  void like(String name, Tensor t, Tensor model) {
    vector(name, t, model.elements());
  }

  /// A contiguous I32 vector.
  void ints(String name, Tensor t, long length) {
    any(name, t);
    require(
        t.dtype() == DType.I32 && t.elements() == length && t.contiguous(),
        name,
        t,
        "I32 of %d elements".formatted(length));
  }

  /// Where sequences start, and the last one ends.
  void offsets(String name, Tensor t) {
    ints(name, t, t.rows());
    require(t.rows() >= 1, name, t, "at least one offset");
  }

  void intMatrix(String name, Tensor t, long rows) {
    any(name, t);
    require(
        t.dtype() == DType.I32 && t.shape().rank() == 2 && t.rows() == rows && t.contiguous(),
        name,
        t,
        "I32 with %d rows".formatted(rows));
  }

  void apart(String name, Tensor output, Tensor... others) {
    for (Tensor other : others) {
      require(!output.overlaps(other), name, output, "apart from the operand " + other);
    }
  }

  void sameOrApart(String name, Tensor output, Tensor input) {
    boolean same =
        output.storage() == input.storage()
            && output.byteOffset() == input.byteOffset()
            && output.ld() == input.ld()
            && output.elements() == input.elements();
    require(same || !output.overlaps(input), name, output, "the operand itself or apart from it");
  }
}
