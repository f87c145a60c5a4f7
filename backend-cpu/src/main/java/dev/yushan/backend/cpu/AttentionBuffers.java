package dev.yushan.backend.cpu;

/// The packed operands and sums of one thread while it works on an attention task. Strips and
/// panels are those of [Tile].
final class AttentionBuffers {
  private static final ThreadLocal<AttentionBuffers> LOCAL =
      ThreadLocal.withInitial(AttentionBuffers::new);

  final Panels packer = new Panels();
  final float[] lanes = new float[Lanes.VIRTUAL];

  /// Rows of a matrix, by index.
  int[] rows = {};

  /// The head of each row.
  int[] parts = {};

  /// Query or key rows.
  float[] strips = {};

  /// Gradient or value rows.
  float[] otherStrips = {};

  /// Columns are positions: a transposed block of rows, and another one.
  float[] columnPanels = {};

  float[] otherColumnPanels = {};

  /// Columns are those of a head: a block of rows, and another one.
  float[] rowPanels = {};

  float[] otherRowPanels = {};

  /// Columns are those of a head: keys, beside blocks of queries.
  float[] keyPanels = {};

  /// Gradients of scores, a strip for each query.
  float[] gradientStrips = {};

  /// Scores, a strip for each row of a tile, or of the tiles of several heads.
  float[] scores = new float[(Tile.ROWS + 1) * Tile.STRIP];

  /// Their gradients, a strip for each row of a tile or of a block of keys.
  float[] otherScores = {};

  /// One tile of products.
  float[] product = {};

  /// What accumulates over blocks, a row for each strip.
  float[] sums = {};

  private AttentionBuffers() {}

  static AttentionBuffers local() {
    return LOCAL.get();
  }

  /// Makes room for `stripRows` strips and panels of `panelRows` rows.
  void ensure(int stripRows, int panelRows, int headDim) {
    int width = Tile.padded(headDim);
    rows = grown(rows, Math.max(stripRows, panelRows));
    parts = grown(parts, rows.length);
    strips = grown(strips, stripRows * Tile.STRIP);
    columnPanels = grown(columnPanels, columns(panelRows, headDim));
    rowPanels = grown(rowPanels, panelRows * width);
    product = grown(product, Tile.ROWS * width);
    sums = grown(sums, stripRows * width);
  }

  /// Makes room for the scores of so many rows.
  void ensureScores(int rows) {
    scores = grown(scores, (rows + Tile.ROWS) * Tile.STRIP);
  }

  /// [#ensure] for what the backward pass has beside them, too.
  void ensureOthers(int stripRows, int panelRows, int headDim) {
    ensure(stripRows, panelRows, headDim);
    otherStrips = grown(otherStrips, stripRows * Tile.STRIP);
    otherColumnPanels = grown(otherColumnPanels, columns(panelRows, headDim));
    otherRowPanels = grown(otherRowPanels, panelRows * Tile.padded(headDim));
    otherScores = grown(otherScores, (stripRows + Tile.ROWS) * Tile.STRIP);
  }

  /// Elements of a transposed block of rows: transposing writes whole vectors.
  private static int columns(int rows, int headDim) {
    return Tile.padded(rows) * (headDim + Lanes.COUNT) + Tile.WIDTH * Lanes.COUNT;
  }

  /// Makes room for a block of `keys` in panels, and for the gradients of its scores, transposed.
  void ensureTransposed(int keys, int queries, int headDim) {
    keyPanels = grown(keyPanels, keys * Tile.padded(headDim));
    gradientStrips = grown(gradientStrips, (queries + Tile.ROWS + Lanes.COUNT) * Tile.STRIP);
  }

  private static float[] grown(float[] array, int length) {
    return array.length >= length ? array : new float[length];
  }

  private static int[] grown(int[] array, int length) {
    return array.length >= length ? array : new int[length];
  }
}
