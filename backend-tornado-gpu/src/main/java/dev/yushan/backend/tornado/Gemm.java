package dev.yushan.backend.tornado;

/// A product `c = alpha · op(a) · op(b) + beta · c` of row-major matrices in device memory, op(a)
/// of shape `[m, k]`, op(b) `[k, n]`.
///
/// With `parts` of 1 all matrices lie in the lane of floats. Otherwise `a` and `b` are BF16 and lie
/// in the lane of shorts, and the product is that of the sum of so many matrices `a`, each without
/// gaps and right behind the one before.
record Gemm(int parts, int m, int n, int k, float alpha, Matrix a, Matrix b, float beta, Matrix c) {
  /// A matrix as it is stored.
  ///
  /// @param at its first element in its lane
  /// @param ld elements from row to row
  record Matrix(int at, int ld, boolean transposed) {
    static Matrix of(long at, long ld, boolean transposed) {
      return new Matrix(Math.toIntExact(at), Math.toIntExact(ld), transposed);
    }

    private static Matrix read(int[] parameters, int from) {
      return new Matrix(parameters[from], parameters[from + 1], parameters[from + 2] == 1);
    }
  }

  /// As the parameters of a launch.
  int[] parameters() {
    return new int[] {
      m,
      n,
      k,
      parts,
      Float.floatToRawIntBits(alpha),
      Float.floatToRawIntBits(beta),
      a.at,
      a.ld,
      a.transposed ? 1 : 0,
      b.at,
      b.ld,
      b.transposed ? 1 : 0,
      c.at,
      c.ld,
      0
    };
  }

  /// What [#parameters] wrote.
  static Gemm read(int[] parameters) {
    return new Gemm(
        parameters[3],
        parameters[0],
        parameters[1],
        parameters[2],
        Float.intBitsToFloat(parameters[4]),
        Matrix.read(parameters, 6),
        Matrix.read(parameters, 9),
        Float.intBitsToFloat(parameters[5]),
        Matrix.read(parameters, 12));
  }

  @Override
  public String toString() {
    return "%s [%d, %d] by %s [%d, %d]%s"
        .formatted(
            a.transposed ? "transposed" : "plain",
            m,
            k,
            b.transposed ? "transposed" : "plain",
            k,
            n,
            parts == 1 ? " of F32" : " of BF16");
  }
}
