package dev.yushan.backend.testkit;

import dev.yushan.tensor.Tensor;

/// Rotary position embedding.
final class Rotary {
  private Rotary() {}

  static void rope(Tensor x, Tensor positions, Tensor cosSin, boolean inverse, Tensor out) {
    Matrix in = Matrix.of(x);
    Matrix position = Matrix.vector(positions);
    Matrix table = Matrix.of(cosSin);
    Matrix turned = Matrix.of(out);
    int headDim = table.columns();
    int half = headDim / 2;
    for (int i = 0; i < Matrix.live(x, positions, out); i++) {
      for (int head = 0; head < in.columns(); head += headDim) {
        for (int j = 0; j < half; j++) {
          double cos = table.get(position.index(i), j);
          double sin = table.get(position.index(i), half + j) * (inverse ? -1 : 1);
          double first = in.get(i, head + j);
          double second = in.get(i, head + half + j);
          turned.set(i, head + j, first * cos - second * sin);
          turned.set(i, head + half + j, second * cos + first * sin);
        }
      }
    }
  }
}
