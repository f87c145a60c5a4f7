package dev.yushan.backend.testkit;

import dev.yushan.tensor.Tensor;

/// Root mean square normalisation.
final class Normalisation {
  private Normalisation() {}

  static void rmsNorm(Tensor x, Tensor weight, float eps, Tensor out, Tensor inverseRms) {
    Matrix in = Matrix.of(x);
    Matrix w = Matrix.vector(weight);
    Matrix normed = Matrix.of(out);
    Matrix r = Matrix.vector(inverseRms);
    for (int i = 0; i < Matrix.live(x, out, inverseRms); i++) {
      double squares = 0;
      for (int j = 0; j < in.columns(); j++) {
        squares += in.get(i, j) * in.get(i, j);
      }
      r.set(i, 1 / Math.sqrt(squares / in.columns() + eps));
      for (int j = 0; j < in.columns(); j++) {
        normed.set(i, j, in.get(i, j) * r.get(i) * w.get(j));
      }
    }
  }

  /// With y = x·r the normalised row and g = dOut·weight its gradient: `dX = r · (g − y · mean(g ·
  /// y))`, `dWeight = Σ over rows of dOut · y`.
  static void rmsNormBackward(
      Tensor dOut,
      Tensor x,
      Tensor weight,
      Tensor inverseRms,
      float beta,
      Tensor dX,
      Tensor dWeight) {
    Matrix dO = Matrix.of(dOut);
    Matrix in = Matrix.of(x);
    Matrix w = Matrix.vector(weight);
    Matrix r = Matrix.vector(inverseRms);
    Matrix dIn = Matrix.of(dX);
    Matrix dW = Matrix.vector(dWeight);
    for (int i = 0; i < Matrix.live(dOut, x, inverseRms, dX); i++) {
      double mean = 0;
      for (int j = 0; j < in.columns(); j++) {
        double y = in.get(i, j) * r.get(i);
        mean += dO.get(i, j) * w.get(j) * y / in.columns();
        dW.set(j, dW.get(j) + dO.get(i, j) * y);
      }
      for (int j = 0; j < in.columns(); j++) {
        double y = in.get(i, j) * r.get(i);
        double d = r.get(i) * (dO.get(i, j) * w.get(j) - y * mean);
        dIn.set(i, j, beta == 0 ? d : beta * dIn.get(i, j) + d);
      }
    }
  }
}
