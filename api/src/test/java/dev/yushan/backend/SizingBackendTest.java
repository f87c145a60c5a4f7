package dev.yushan.backend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.testkit.ReferenceBackend;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SizingBackendTest {
  private static final int ROWS = 8;
  private static final int LENGTH = 1024;

  @Test
  void rowsOfQ8AreCountedWhereTheBackendMultipliesThem() {
    try (Backend all = ReferenceBackend.float32()) {
      Backend without = without(Feature.QUANTISED_ROWS, all);
      long rounded = DType.Q8_0.bytes(ROWS * LENGTH);
      assertThat(taken(new SizingBackend(all)) - taken(new SizingBackend(without)))
          .isEqualTo(rounded);
      assertThat(taken(new SizingBackend())).isEqualTo(taken(new SizingBackend(all)));
    }
  }

  private static Backend without(Feature missing, Backend backend) {
    return new ForwardingBackend(backend) {
      @Override
      public boolean supports(Feature feature) {
        return feature != missing && super.supports(feature);
      }
    };
  }

  /// Bytes of a product by weights of Q4_0, each tensor in a slab of its own.
  private static long taken(SizingBackend sizes) {
    Tensor x = sizes.allocate(DType.F32, Shape.of(ROWS, LENGTH));
    Tensor weight = sizes.allocate(DType.Q4_0, Shape.of(64, LENGTH));
    try (Workspace workspace = new Workspace(sizes, 1)) {
      Ops.inference(sizes, workspace).linear(x, new Parameter("w", weight, Optional.empty()));
      return sizes.held();
    }
  }
}
