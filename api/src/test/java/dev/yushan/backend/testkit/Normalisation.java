package dev.yushan.backend.testkit;

import dev.yushan.tensor.Tensor;

/// Root mean square normalisation of rows, or of each head of a row.
final class Normalisation {
  private Normalisation() {}

  static void rmsNorm(Tensor x, Tensor weight, float eps, Tensor out, Tensor inverseRms) {
    Matrix in = Matrix.of(x);
    Matrix w = Matrix.vector(weight);
    Matrix normed = Matrix.of(out);
    Matrix r = Matrix.vector(inverseRms);
    int length = w.rows();
    int heads = in.columns() / length;
    for (int i = 0; i < Matrix.live(x, out, inverseRms); i++) {
      for (int head = 0; head < heads; head++) {
        int at = head * length;
        double squares = 0;
        for (int j = 0; j < length; j++) {
          squares += in.get(i, at + j) * in.get(i, at + j);
        }
        r.set(i * heads + head, 1 / Math.sqrt(squares / length + eps));
        for (int j = 0; j < length; j++) {
          normed.set(i, at + j, in.get(i, at + j) * r.get(i * heads + head) * w.get(j));
        }
      }
    }
  }

  /// With y = x·r the normalised head and g = dOut·weight its gradient: `dX = r · (g − y · mean(g ·
  /// y))`, `dWeight = Σ over rows and heads of dOut · y`.
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
    int length = w.rows();
    int heads = in.columns() / length;
    for (int i = 0; i < Matrix.live(dOut, x, inverseRms, dX); i++) {
      for (int head = 0; head < heads; head++) {
        int at = head * length;
        double inverse = r.get(i * heads + head);
        double mean = 0;
        for (int j = 0; j < length; j++) {
          double y = in.get(i, at + j) * inverse;
          mean += dO.get(i, at + j) * w.get(j) * y / length;
          dW.set(j, dW.get(j) + dO.get(i, at + j) * y);
        }
        for (int j = 0; j < length; j++) {
          double y = in.get(i, at + j) * inverse;
          double d = inverse * (dO.get(i, at + j) * w.get(j) - y * mean);
          dIn.set(i, at + j, beta == 0 ? d : beta * dIn.get(i, at + j) + d);
        }
      }
    }
  }
}
