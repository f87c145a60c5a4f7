package dev.yushan.backend.testkit;

import dev.yushan.backend.Invocation;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;
import java.util.function.UnaryOperator;

/// Ways to get an op wrong that many ops share, on a [ReferenceBackend].
final class Faults {
  private Faults() {}

  /// The last element of output `index` keeps its old value: a loop that ends one too early.
  static Consumer<Invocation> tail(int index) {
    return call -> {
      Tensor out = call.tensor(index);
      Matrix matrix = Matrix.of(out);
      int row = Matrix.live(out) - 1;
      int column = matrix.columns() - 1;
      double old = row < 0 ? 0 : matrix.get(row, column);
      call.proceed();
      if (row >= 0) {
        matrix.set(row, column, old);
      }
    };
  }

  /// The last row of tensor arguments `indices` is left out.
  static Consumer<Invocation> withoutLastRow(int... indices) {
    return call -> {
      Invocation shorter = call;
      for (int index : indices) {
        Tensor t = call.tensor(index);
        int live = Matrix.live(t);
        shorter = shorter.with(index, t.rows(0, Math.max(0, live - 1)));
      }
      shorter.proceed();
    };
  }

  /// Argument `index` is replaced.
  static Consumer<Invocation> with(int index, Object value) {
    return call -> call.with(index, value).proceed();
  }

  static Consumer<Invocation> changed(int index, UnaryOperator<Tensor> change) {
    return call -> call.with(index, change.apply(call.tensor(index))).proceed();
  }

  /// Arguments `i` and `j` are confused.
  static Consumer<Invocation> exchanged(int i, int j) {
    return call -> call.with(i, call.tensor(j)).with(j, call.tensor(i)).proceed();
  }

  /// The live count of argument `index` is not looked at.
  static Consumer<Invocation> ignoresCount(int index) {
    return changed(index, t -> uncounted(t));
  }

  /// No live count is looked at.
  static Consumer<Invocation> ignoresCounts() {
    return call -> {
      Invocation all = call;
      for (int i = 0; i < call.arguments().length; i++) {
        if (call.arguments()[i] instanceof Tensor t && t.count().isPresent()) {
          all = all.with(i, uncounted(t));
        }
      }
      all.proceed();
    };
  }

  private static Tensor uncounted(Tensor t) {
    if (t.contiguous()) {
      return Tensor.view(t.storage(), t.byteOffset(), t.dtype(), t.shape());
    }
    // a strided tensor keeps its stride only as columns of a matrix that ends with it
    long rows = Math.max(1, t.rows() - 1);
    Tensor wide = Tensor.view(t.storage(), t.byteOffset(), t.dtype(), Shape.of(rows, t.ld()));
    return wide.columns(0, t.columns());
  }

  /// Argument `index` is read as if its rows followed each other.
  static Consumer<Invocation> ignoresStride(int index) {
    return changed(
        index,
        t -> {
          Tensor dense = Tensor.view(t.storage(), t.byteOffset(), t.dtype(), t.shape());
          return t.count().map(dense::counted).orElse(dense);
        });
  }

  /// Argument `index` is taken from an aligned address below its own.
  static Consumer<Invocation> aligns(int index) {
    return changed(
        index,
        t -> {
          long aligned = t.byteOffset() / 16 * 16;
          Tensor moved = Tensor.view(t.storage(), aligned, t.dtype(), t.shape());
          return t.contiguous() ? t.count().map(moved::counted).orElse(moved) : t;
        });
  }

  /// Elements of output `index` change places: element i goes where `to` says.
  static Consumer<Invocation> misplaced(int index, IntUnaryOperator to) {
    return call -> {
      call.proceed();
      Matrix out = Matrix.of(call.tensor(index));
      int rows = Matrix.live(call.tensor(index));
      double[] values = new double[rows * out.columns()];
      for (int i = 0; i < values.length; i++) {
        values[i] = out.get(i / out.columns(), i % out.columns());
      }
      for (int i = 0; i < values.length; i++) {
        int target = to.applyAsInt(i);
        if (target < values.length) {
          out.set(target / out.columns(), target % out.columns(), values[i]);
        }
      }
    };
  }

  /// Neighbours of output `index` are swapped.
  static Consumer<Invocation> swapped(int index) {
    return misplaced(index, i -> i ^ 1);
  }

  /// Old values of output `index` are added to what should replace them.
  static Consumer<Invocation> accumulates(int index) {
    return call -> combine(call, index, 1);
  }

  /// Old values of output `index` are lost where they should be added to.
  static Consumer<Invocation> forgets(int index) {
    return call -> combine(call, index, -1);
  }

  private static void combine(Invocation call, int index, double sign) {
    Matrix out = Matrix.of(call.tensor(index));
    int live = Matrix.live(call.tensor(index));
    double[] old = new double[live * out.columns()];
    for (int i = 0; i < old.length; i++) {
      old[i] = out.get(i / out.columns(), i % out.columns());
    }
    call.proceed();
    for (int i = 0; i < old.length; i++) {
      out.add(i / out.columns(), i % out.columns(), sign * old[i]);
    }
  }

  /// Output `index` is multiplied by a number close to one.
  static Consumer<Invocation> scaled(int index, double by) {
    return call -> {
      call.proceed();
      Matrix out = Matrix.of(call.tensor(index));
      for (int i = 0; i < Matrix.live(call.tensor(index)); i++) {
        for (int j = 0; j < out.columns(); j++) {
          out.set(i, j, out.get(i, j) * by);
        }
      }
    };
  }

  /// NaN in output `index` becomes zero.
  static Consumer<Invocation> hidesNaN(int index) {
    return call -> {
      call.proceed();
      Matrix out = Matrix.of(call.tensor(index));
      for (int i = 0; i < Matrix.live(call.tensor(index)); i++) {
        for (int j = 0; j < out.columns(); j++) {
          out.set(i, j, Double.isNaN(out.get(i, j)) ? 0 : out.get(i, j));
        }
      }
    };
  }

  /// The last bit of output `index` depends on how many rows are computed.
  static Consumer<Invocation> dependsOnRows(int index) {
    return call -> {
      call.proceed();
      Tensor tensor = call.tensor(index);
      Matrix out = Matrix.of(tensor);
      if (tensor.rows() == 1) {
        out.set(0, 0, Math.nextUp((float) out.get(0, 0)));
      }
    };
  }

  /// Integers of argument `index` are replaced, in a tensor of their own.
  static Consumer<Invocation> indices(int index, IntUnaryOperator change) {
    return call -> {
      Tensor t = call.tensor(index);
      Matrix old = Matrix.vector(t);
      int[] values = new int[old.rows()];
      for (int i = 0; i < values.length; i++) {
        values[i] = change.applyAsInt(old.index(i));
      }
      try (Tensor wrong = call.backend().tensor(values, t.shape().toArray())) {
        call.with(index, t.count().map(wrong::counted).orElse(wrong)).proceed();
      }
    };
  }

  /// Argument `index` is taken for zeros.
  static Consumer<Invocation> zeros(int index) {
    return call -> {
      Tensor t = call.tensor(index);
      try (Tensor zero = call.backend().allocate(DType.F32, t.shape())) {
        call.with(index, t.count().map(zero::counted).orElse(zero)).proceed();
      }
    };
  }
}
