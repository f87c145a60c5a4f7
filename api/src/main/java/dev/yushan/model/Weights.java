package dev.yushan.model;

import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/// Makes the weights of a model, of zero: those of a file, or fresh ones, are filled in later.
///
/// Weights that are used together may be one matrix; their parts are listed in
/// [CausalLM#parameters] under their own names, by [Parameter#rows].
///
/// @param matrices the type of the matrices; norms are F32, and matrices whose rows are no whole
///   blocks of a quantised type are BF16
/// @param trainable whether each weight has a gradient; needs F32 weights
/// @param owned takes every tensor that is made, for whoever is to close them
public record Weights(Backend backend, DType matrices, boolean trainable, List<Tensor> owned) {
  /// A matrix `[rows, columns]`.
  public Parameter matrix(String name, long rows, long columns) {
    boolean fits = columns % matrices.blockLength() == 0;
    return weight(name, fits ? matrices : DType.BF16, Shape.of(rows, columns));
  }

  /// The weight of a norm, `[length]`.
  public Parameter norm(String name, long length) {
    return weight(name, DType.F32, Shape.of(length));
  }

  private Parameter weight(String name, DType dtype, Shape shape) {
    Tensor value = tensor(dtype, shape);
    return new Parameter(
        name, value, trainable ? Optional.of(tensor(DType.F32, shape)) : Optional.empty());
  }

  private Tensor tensor(DType dtype, Shape shape) {
    Tensor tensor = backend.allocate(dtype, shape);
    owned.add(tensor);
    return tensor;
  }
}
