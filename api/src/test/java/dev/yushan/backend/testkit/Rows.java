package dev.yushan.backend.testkit;

import dev.yushan.tensor.Tensor;

/// Ops that pick rows by index.
final class Rows {
  private Rows() {}

  static void gather(Tensor table, Tensor ids, Tensor out) {
    Matrix from = Matrix.reading(table);
    Matrix id = Matrix.vector(ids);
    Matrix to = Matrix.of(out);
    for (int i = 0; i < Matrix.live(ids, out); i++) {
      for (int j = 0; j < to.columns(); j++) {
        to.set(i, j, from.get(id.index(i), j));
      }
    }
  }

  static void scatterAdd(Tensor rows, Tensor ids, Tensor table) {
    Matrix from = Matrix.of(rows);
    Matrix id = Matrix.vector(ids);
    Matrix to = Matrix.of(table);
    for (int i = 0; i < Matrix.live(rows, ids); i++) {
      for (int j = 0; j < to.columns(); j++) {
        to.add(id.index(i), j, from.get(i, j));
      }
    }
  }

  static void scatter(Tensor rows, Tensor ids, Tensor table) {
    Matrix from = Matrix.of(rows);
    Matrix id = Matrix.vector(ids);
    for (int i = 0; i < Matrix.live(rows, ids); i++) {
      if (id.index(i) >= 0) {
        double[] row = new double[from.columns()];
        for (int j = 0; j < row.length; j++) {
          row[j] = from.get(i, j);
        }
        Conversion.write(table, id.index(i), row);
      }
    }
  }
}
