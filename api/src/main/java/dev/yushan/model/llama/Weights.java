package dev.yushan.model.llama;

import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/// Makes weights of zero.
///
/// @param matrices the type of the matrices; norms are F32, and matrices whose rows are no whole
///   blocks of a quantised type are BF16
/// @param trainable whether each weight has a gradient; needs F32 weights
/// @param owned takes every tensor that is made, for whoever is to close them
record Weights(Backend backend, DType matrices, boolean trainable, List<Tensor> owned) {
  Parameter matrix(String name, long rows, long columns) {
    boolean fits = columns % matrices.blockLength() == 0;
    return weight(name, fits ? matrices : DType.BF16, Shape.of(rows, columns));
  }

  Parameter norm(String name, long length) {
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
