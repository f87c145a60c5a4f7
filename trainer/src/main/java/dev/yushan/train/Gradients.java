package dev.yushan.train;

import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.Plan;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// The gradients of all parameters together: set to zero, and measured.
final class Gradients implements AutoCloseable {
  private final Backend backend;
  private final Tensor squaredNorms;
  private final Plan zero;
  private final Plan measure;

  Gradients(Backend backend, List<Parameter> parameters) {
    this.backend = backend;
    Kernels kernels = backend.kernels();
    List<Tensor> all =
        parameters.stream().map(Parameter::gradient).flatMap(Optional::stream).toList();
    squaredNorms = backend.allocate(DType.F32, Shape.of(all.size()));
    zero = backend.record("zero gradients", () -> all.forEach(g -> kernels.fill(g, 0)));
    measure =
        backend.record(
            "measure gradients",
            () ->
                IntStream.range(0, all.size())
                    .forEach(i -> kernels.squaredNorm(all.get(i), squaredNorms.rows(i, i + 1L))));
  }

  void zero() {
    zero.run();
  }

  /// The Euclidean norm of all gradients taken as one vector.
  double norm() {
    measure.run();
    double sum = 0;
    for (float square : backend.floats(squaredNorms)) {
      sum += square;
    }
    return Math.sqrt(sum);
  }

  @Override
  public void close() {
    zero.close();
    measure.close();
    squaredNorms.close();
  }
}
