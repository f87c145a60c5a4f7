package dev.yushan.backend.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.backend.Backend;
import dev.yushan.backend.Feature;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// Checks of `matmul` and `gather` with a frozen matrix: what a device makes of it changes no bit
/// of what is computed with it.
final class FrozenChecks {
  private static final int[] ROWS_OF_A = {1, 2, 7, 16, 67};
  private static final int[] IDS = {3, 0, 97, 3, 64, 100, 15, 16, 31};

  /// [n, k]: fewer rows than any group, one group and more, many k-blocks.
  private static final int[][] SHAPES = {{101, 32}, {128, 256}, {37, 800}, {131, 96}};

  private FrozenChecks() {}

  static List<Check> all() {
    Stream<Check> plain =
        Stream.of(DType.values())
            .filter(DType::real)
            .map(
                dtype ->
                    RowChecks.check(
                        "matmul",
                        "by frozen " + dtype + ", bits",
                        dtype,
                        trial -> same(trial, DType.F32, dtype)));
    Stream<Check> anyBlocks =
        Stream.of(DType.values())
            .filter(DType::quantised)
            .map(
                dtype ->
                    RowChecks.check(
                        "matmul",
                        "by frozen " + dtype + " of any blocks, bits",
                        dtype,
                        trial -> same(trial, DType.F32, dtype, 37, 800, true)));
    Check quantisedRows =
        Check.of(
                "matmul",
                "of Q8_0 by frozen Q4_0, bits",
                Feature.QUANTISED_ROWS,
                trial -> {
                  same(trial, DType.Q8_0, DType.Q4_0);
                  same(trial, DType.Q8_0, DType.Q4_0, 37, 800, true);
                })
            .with(DType.Q4_0);
    return Stream.of(plain, anyBlocks, Stream.of(quantisedRows)).flatMap(checks -> checks).toList();
  }

  private static void same(Trial trial, DType rows, DType dtype) {
    for (int[] shape : SHAPES) {
      same(trial, rows, dtype, shape[0], shape[1], false);
    }
    same(trial, rows, dtype, 5, 64, false);
    if (!dtype.quantised()) {
      same(trial, rows, dtype, 64, 33, false);
    }
  }

  /// @param anyBlocks whether quantised operands are of [QuantisedChecks#blocks]
  private static void same(
      Trial trial, DType rowType, DType dtype, int n, int k, boolean anyBlocks) {
    Backend backend = trial.backend();
    int most = ROWS_OF_A[ROWS_OF_A.length - 1];
    int[] ids = IDS.clone();
    for (int i = 0; i < ids.length; i++) {
      ids[i] %= n;
    }
    try (Tensor b = backend.allocate(dtype, Shape.of(n, k));
        Tensor wide = normal(trial, n, k);
        Tensor drawn = normal(trial, most, k);
        Tensor a = backend.allocate(rowType, Shape.of(most, k));
        Tensor c = backend.allocate(DType.F32, Shape.of(most, n));
        Tensor chosen = backend.tensor(ids, ids.length);
        Tensor rows = backend.allocate(DType.F32, Shape.of(ids.length, k))) {
      fill(trial, drawn, a, anyBlocks);
      fill(trial, wide, b, anyBlocks);
      List<float[]> wanted = uses(backend, a, b, c, chosen, rows);
      backend.freeze(b);
      List<float[]> seen = uses(backend, a, b, c, chosen, rows);
      for (int i = 0; i < wanted.size(); i++) {
        String what = i < ROWS_OF_A.length ? ROWS_OF_A[i] + " rows times" : "rows of";
        assertThat(seen.get(i)).as("%s frozen %s", what, b).containsExactly(wanted.get(i));
        trial.digest(seen.get(i));
      }
    }
  }

  private static void fill(Trial trial, Tensor drawn, Tensor target, boolean anyBlocks) {
    if (anyBlocks && target.dtype().quantised()) {
      int rows = (int) target.rows();
      byte[] blocks = QuantisedChecks.blocks(trial, target.dtype(), rows, (int) target.columns());
      QuantisedChecks.spoil(blocks, target.dtype(), rows);
      trial.backend().upload(MemorySegment.ofArray(blocks), target);
    } else {
      trial.backend().kernels().copy(drawn, target);
    }
  }

  private static Tensor normal(Trial trial, int rows, int columns) {
    double[] drawn = trial.normal(rows * columns);
    float[] values = new float[drawn.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) drawn[i];
    }
    return trial.backend().tensor(values, rows, columns);
  }

  private static List<float[]> uses(
      Backend backend, Tensor a, Tensor b, Tensor c, Tensor ids, Tensor rows) {
    List<float[]> results = new ArrayList<>();
    for (int m : ROWS_OF_A) {
      backend.kernels().fill(c, 1);
      backend.kernels().matmul(Op.N, Op.T, 0.5f, a.rows(0, m), b, 2, c.rows(0, m));
      results.add(backend.floats(c));
    }
    backend.kernels().gather(b, ids, rows);
    results.add(backend.floats(rows));
    return results;
  }
}
