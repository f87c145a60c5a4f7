package dev.yushan.backend;

/// The constants of an attention layer.
///
/// @param heads query heads, a multiple of `kvHeads`
/// @param kvHeads key and value heads; query head `h` reads head `h · kvHeads / heads`
/// @param headDim elements of a head, even
/// @param scale factor on the scores, 1/√headDim in Llama
public record AttentionShape(int heads, int kvHeads, int headDim, float scale) {
  public AttentionShape {
    if (heads < 1 || kvHeads < 1 || heads % kvHeads != 0 || headDim < 2 || headDim % 2 != 0) {
      throw new IllegalArgumentException(
          "attention needs heads a multiple of kvHeads and an even headDim, got %d, %d and %d"
              .formatted(heads, kvHeads, headDim));
    }
  }

  /// The usual shape, scaled by 1/√headDim.
  public static AttentionShape of(int heads, int kvHeads, int headDim) {
    return new AttentionShape(heads, kvHeads, headDim, (float) (1 / Math.sqrt(headDim)));
  }

  /// Columns of a query matrix.
  public int queryColumns() {
    return heads * headDim;
  }

  /// Columns of a key or value matrix.
  public int kvColumns() {
    return kvHeads * headDim;
  }

  /// Columns of a fused matrix: queries, then keys, then values.
  public int qkvColumns() {
    return queryColumns() + 2 * kvColumns();
  }

  /// Where the keys begin in a fused matrix, and the queries end.
  public int keysFrom() {
    return queryColumns();
  }

  /// Where the values begin in a fused matrix, and the keys end.
  public int valuesFrom() {
    return queryColumns() + kvColumns();
  }
}
