package dev.yushan.backend.testkit;

import static dev.yushan.backend.testkit.Faults.accumulates;
import static dev.yushan.backend.testkit.Faults.aligns;
import static dev.yushan.backend.testkit.Faults.changed;
import static dev.yushan.backend.testkit.Faults.dependsOnRows;
import static dev.yushan.backend.testkit.Faults.exchanged;
import static dev.yushan.backend.testkit.Faults.forgets;
import static dev.yushan.backend.testkit.Faults.hidesNaN;
import static dev.yushan.backend.testkit.Faults.ignoresCounts;
import static dev.yushan.backend.testkit.Faults.ignoresStride;
import static dev.yushan.backend.testkit.Faults.indices;
import static dev.yushan.backend.testkit.Faults.scaled;
import static dev.yushan.backend.testkit.Faults.swapped;
import static dev.yushan.backend.testkit.Faults.tail;
import static dev.yushan.backend.testkit.Faults.with;
import static dev.yushan.backend.testkit.Faults.withoutLastRow;
import static dev.yushan.backend.testkit.Faults.zeros;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Invocation;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// The wrong backends that the checks are measured by, some for each op.
final class Mutants {
  private final List<Mutant> mutants = new ArrayList<>();

  private Mutants() {}

  static List<Mutant> all() {
    Mutants table = new Mutants();
    table.rows();
    table.matmul();
    table.block();
    table.attention();
    new ElementMutants(table).list();
    new QuantisedMutants(table).list();
    return table.mutants;
  }

  void add(String op, String name, Consumer<Invocation> fault) {
    mutants.add(new Mutant(op, name, fault));
  }

  private void rows() {
    add("gather", "last element not written", tail(2));
    add("gather", "neighbours swapped", swapped(2));
    add("gather", "id of the first row for all", indices(1, id -> 0));
    add("gather", "live count ignored", ignoresCounts());
    add("gather", "table aligned", aligns(0));
    add("gather", "NaN hidden", hidesNaN(2));
    add(
        "scatterAdd",
        "replaces",
        call -> call.backend().kernels().scatter(call.tensor(0), call.tensor(1), call.tensor(2)));
    add("scatterAdd", "last token left out", withoutLastRow(0, 1));
    add("scatterAdd", "old gradient lost", forgets(2));
    add("scatterAdd", "live count ignored", ignoresCounts());
    add("scatterAdd", "one row too far up", indices(1, id -> Math.max(0, id - 1)));
    add("scatter", "last token left out", withoutLastRow(0, 1));
    add("scatter", "negative ids write row 0", indices(1, id -> Math.max(0, id)));
    add("scatter", "row stride ignored", ignoresStride(0));
    add("scatter", "live count ignored", ignoresCounts());
    add("scatter", "table aligned", aligns(2));
    add("copy", "last row left out", withoutLastRow(0, 1));
    add("copy", "source aligned", aligns(0));
    add("copy", "target aligned", aligns(1));
    add(
        "copy",
        "first row for all",
        call -> {
          for (int i = 0; i < Matrix.live(call.tensor(0)); i++) {
            call.with(0, call.tensor(0).rows(0, 1))
                .with(1, call.tensor(1).rows(i, i + 1))
                .proceed();
          }
        });
    add("copy", "rounds by cutting off", Mutants::cutsOff);
  }

  private static void cutsOff(Invocation call) {
    Tensor source = call.tensor(0);
    call.proceed();
    if (call.tensor(1).dtype().quantised() || call.tensor(1).dtype().blockBytes() == 4) {
      return;
    }
    Matrix from = Matrix.reading(source.rows(0, Matrix.live(source)));
    for (int i = 0; i < from.rows(); i++) {
      double[] row = new double[from.columns()];
      for (int j = 0; j < row.length; j++) {
        row[j] = Float.intBitsToFloat(Float.floatToIntBits((float) from.get(i, j)) & ~0xFFFF);
      }
      Conversion.write(call.tensor(1), i, row);
    }
  }

  private void matmul() {
    add("matmul", "last term dropped", call -> inner(call, 0, k(call) - 1));
    add("matmul", "first term dropped", call -> inner(call, Math.min(1, k(call)), k(call)));
    add(
        "matmul",
        "long sums lose all but their last 4096 terms",
        call -> inner(call, Math.max(0, k(call) - 4096), k(call)));
    add("matmul", "last element not written", tail(6));
    add("matmul", "neighbours swapped", swapped(6));
    add("matmul", "alpha ignored", with(2, 1f));
    add("matmul", "beta ignored", with(5, 0f));
    add(
        "matmul",
        "beta taken for one",
        call -> call.with(5, (float) call.arguments()[5] == 0 ? 0f : 1f).proceed());
    add("matmul", "reads C where beta is 0", accumulatesIfZero());
    add("matmul", "row stride of A ignored", ignoresStride(3));
    add("matmul", "row stride of C ignored", ignoresStride(6));
    add(
        "matmul",
        "live count of sums ignored",
        call -> {
          if (call.arguments()[0] == Op.T && call.arguments()[1] == Op.N) {
            ignoresCounts().accept(call);
          } else {
            call.proceed();
          }
        });
    add("matmul", "NaN hidden", hidesNaN(6));
    add("matmul", "one row has other bits", dependsOnRows(6));
    add("matmul", "off by 1e-5", scaled(6, 1 + 1e-5));
    add("matmul", "F16 taken for BF16", changed(4, t -> retyped(t, DType.F16, DType.BF16)));
  }

  private static Tensor retyped(Tensor t, DType from, DType to) {
    return t.dtype() == from ? Tensor.view(t.storage(), t.byteOffset(), to, t.shape()) : t;
  }

  private static Consumer<Invocation> accumulatesIfZero() {
    return call -> {
      if ((float) call.arguments()[5] == 0) {
        accumulates(6).accept(call);
      } else {
        call.proceed();
      }
    };
  }

  private static int k(Invocation call) {
    return (int) (call.arguments()[0] == Op.N ? call.tensor(3).columns() : call.tensor(3).rows());
  }

  /// Sums over some of K only, where that can be had by views.
  private static void inner(Invocation call, int from, int to) {
    Tensor a = call.tensor(3);
    Tensor b = call.tensor(4);
    if (b.dtype().quantised() || a.count().isPresent()) {
      call.proceed();
      return;
    }
    Tensor partA = call.arguments()[0] == Op.N ? a.columns(from, to) : a.rows(from, to);
    Tensor partB = call.arguments()[1] == Op.N ? b.rows(from, to) : b.columns(from, to);
    call.with(3, partA).with(4, partB).proceed();
  }

  private void block() {
    add("rmsNorm", "eps left out", with(2, 0f));
    add("rmsNorm", "1/rms not written to the end", tail(4));
    add("rmsNorm", "last element not written", tail(3));
    add(
        "rmsNorm",
        "weights left out",
        call -> {
          call.proceed();
          divideByWeight(call);
        });
    add("rmsNorm", "row stride ignored", ignoresStride(0));
    add("rmsNorm", "row stride of out ignored", ignoresStride(3));
    add("rmsNorm", "heads taken together", Mutants::together);
    add("rmsNorm", "NaN hidden", hidesNaN(3));
    add("rmsNorm", "one row has other bits", dependsOnRows(3));
    add("rmsNormBackward", "mean term dropped", Mutants::withoutMean);
    add("rmsNormBackward", "old weight gradient lost", forgets(6));
    add("rmsNormBackward", "beta ignored", with(4, 0f));
    add("rmsNormBackward", "last row left out", withoutLastRow(0, 1, 3, 5));
    add("rmsNormBackward", "live count ignored", ignoresCounts());
    add("rmsNormBackward", "last weight left out", tail(6));
    add("rmsNormBackward", "row stride of x ignored", ignoresStride(1));
    add("rmsNormBackward", "row stride of dX ignored", ignoresStride(5));
    add("rmsNormBackward", "1/rms of the first head for all", Mutants::firstHead);
    add(
        "rope",
        "turns the other way",
        call -> call.with(3, !(boolean) call.arguments()[3]).proceed());
    add("rope", "positions by row", indices(1, p -> 0));
    add("rope", "last element not written", tail(4));
    add("rope", "row stride ignored", ignoresStride(0));
    add("rope", "pairs of neighbours", swapped(4));
    add("rope", "position one too low", indices(1, p -> Math.max(0, p - 1)));
    add("swiGlu", "gate and up exchanged", exchanged(0, 1));
    add("swiGlu", "last element not written", tail(2));
    add("swiGlu", "row stride of gate ignored", ignoresStride(0));
    add("swiGlu", "row stride of out ignored", ignoresStride(2));
    add("swiGlu", "NaN hidden", hidesNaN(2));
    add("swiGlu", "off by 1e-6", scaled(2, 1 + 1e-6));
    add("swiGluBackward", "gradients exchanged", exchanged(3, 4));
    add("swiGluBackward", "gate and up exchanged", exchanged(1, 2));
    add("swiGluBackward", "last element not written", tail(3));
    add("swiGluBackward", "row stride of dUp ignored", ignoresStride(4));
    add("swiGluBackward", "dGate accumulated", accumulates(3));
  }

  private static void divideByWeight(Invocation call) {
    Matrix out = Matrix.of(call.tensor(3));
    Matrix weight = Matrix.vector(call.tensor(1));
    for (int i = 0; i < Matrix.live(call.tensor(3)); i++) {
      for (int j = 0; j < out.columns(); j++) {
        out.set(i, j, out.get(i, j) / weight.get(j % weight.rows()));
      }
    }
  }

  /// Each row over its own root mean square, whatever its heads.
  private static void together(Invocation call) {
    call.proceed();
    Matrix out = Matrix.of(call.tensor(3));
    Matrix r = Matrix.of(call.tensor(4));
    for (int i = 0; i < Matrix.live(call.tensor(3)); i++) {
      double squares = 0;
      for (int head = 0; head < r.columns(); head++) {
        squares += 1 / Math.pow(r.get(i, head), 2) / r.columns();
      }
      int length = out.columns() / r.columns();
      for (int j = 0; j < out.columns(); j++) {
        double own = r.get(i, j / length);
        out.set(i, j, r.columns() == 1 ? out.get(i, j) : out.get(i, j) / own / Math.sqrt(squares));
      }
    }
  }

  private static void firstHead(Invocation call) {
    Matrix r = Matrix.of(call.tensor(3));
    for (int i = 0; i < Matrix.live(call.tensor(3)); i++) {
      for (int head = 1; head < r.columns(); head++) {
        r.set(i, head, r.get(i, 0));
      }
    }
    call.proceed();
  }

  private static void withoutMean(Invocation call) {
    Matrix dOut = Matrix.of(call.tensor(0));
    Matrix weight = Matrix.vector(call.tensor(2));
    Matrix r = Matrix.of(call.tensor(3));
    int live = Matrix.live(call.tensor(0));
    double[][] gradient = new double[live][dOut.columns()];
    for (int i = 0; i < live; i++) {
      for (int j = 0; j < dOut.columns(); j++) {
        int length = weight.rows();
        gradient[i][j] = dOut.get(i, j) * weight.get(j % length) * r.get(i, j / length);
      }
    }
    call.proceed();
    Matrix dX = Matrix.of(call.tensor(5));
    for (int i = 0; i < live; i++) {
      for (int j = 0; j < dOut.columns(); j++) {
        dX.set(i, j, gradient[i][j]);
      }
    }
  }

  private static AttentionShape unscaled(Invocation call) {
    AttentionShape s = (AttentionShape) call.arguments()[0];
    return new AttentionShape(s.heads(), s.kvHeads(), s.headDim(), s.scale() * 1.01f);
  }

  private void attention() {
    add("attention", "scale off by a hundredth", call -> call.with(0, unscaled(call)).proceed());
    add("attention", "one sequence", Mutants::oneSequence);
    add("attention", "keys and values exchanged", exchanged(2, 3));
    add("attention", "log-sum-exp not written to the end", tail(6));
    add("attention", "last element not written", tail(5));
    add("attention", "row stride of keys ignored", ignoresStride(2));
    add("attention", "NaN hidden", hidesNaN(5));
    add("attention", "sees the key after its own", call -> shifted(call, 1, 2, 3, 5, 6));
    add(
        "attentionBackward",
        "scale off by a hundredth",
        call -> call.with(0, unscaled(call)).proceed());
    add("attentionBackward", "softmax term dropped", zeros(5));
    add("attentionBackward", "one sequence", Mutants::oneSequence);
    add("attentionBackward", "dQ accumulated", accumulates(8));
    add("attentionBackward", "dV not written to the end", tail(10));
    add("attentionBackward", "row stride of dK ignored", ignoresStride(9));
    add("pagedAttention", "pages in order", call -> indicesByPlace(call, 4));
    add("pagedAttention", "sees one token less", indices(7, p -> Math.max(0, p - 1)));
    add("pagedAttention", "keys and values exchanged", exchanged(2, 3));
    add("pagedAttention", "last element not written", tail(8));
    add("pagedAttention", "row stride of queries ignored", ignoresStride(1));
    add("pagedAttention", "other bits than attention", dependsOnHeads());
  }

  private static Consumer<Invocation> dependsOnHeads() {
    return call -> {
      call.proceed();
      Matrix out = Matrix.of(call.tensor(8));
      out.set(0, 0, Math.nextUp((float) out.get(0, 0)));
    };
  }

  private static void indicesByPlace(Invocation call, int index) {
    Tensor table = call.tensor(index);
    int[] inOrder = new int[(int) table.elements()];
    for (int i = 0; i < inOrder.length; i++) {
      inOrder[i] = i;
    }
    try (Tensor wrong = call.backend().tensor(inOrder, table.shape().toArray())) {
      call.with(index, wrong).proceed();
    }
  }

  private static void oneSequence(Invocation call) {
    int index = call.op().equals("attention") ? 4 : 7;
    Matrix starts = Matrix.vector(call.tensor(index));
    int[] all = {0, starts.index(starts.rows() - 1)};
    try (Tensor wrong = call.backend().tensor(all, 2)) {
      call.with(index, wrong).proceed();
    }
  }

  /// Queries and results meet keys and values of the row below.
  private static void shifted(Invocation call, int q, int k, int v, int out, int lse) {
    call.proceed();
    int rows = Matrix.live(call.tensor(q));
    if (rows > 1) {
      call.with(q, call.tensor(q).rows(0, rows - 1))
          .with(k, call.tensor(k).rows(1, rows))
          .with(v, call.tensor(v).rows(1, rows))
          .with(out, call.tensor(out).rows(0, rows - 1))
          .with(lse, call.tensor(lse).rows(0, rows - 1))
          .proceed();
    }
  }
}
