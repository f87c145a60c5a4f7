package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import dev.yushan.backend.cpu.Matmul.Product;
import dev.yushan.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;

/// The product of a few rows with the transpose of B, as in decoding: the time goes into reading B.
///
/// A packed B ([Packed]) is read from end to end, a panel at a time. The rows of one that is not
/// are read in long pieces, so that the memory delivers them in sequence; each piece is then
/// transposed and used a k-block at a time. Every element is computed as in [Matmul], to the bit.
///
/// Products of quantised rows are computed here in any case, by [IntegerRows], some rows at a time;
/// groups of a B that is not packed are arranged first.
final class FewRows {
  /// More rows than this are worth the packing of whole blocks.
  private static final int MOST_UNPACKED = 16;

  /// Above this many rows A no longer stays in the cache from panel to panel.
  private static final int MOST = 64;

  private static final int V = Lanes.COUNT;
  private static final int WIDTH = Tile.WIDTH;
  private static final int K_BLOCK = Matmul.K_BLOCK;

  /// Elements of a row that are read at once: whole k-blocks.
  private static final int PIECE = 8 * K_BLOCK;

  /// From piece to piece; the extra cache line keeps rows from sharing a cache set.
  private static final int PIECE_LD = PIECE + 16;

  /// Bytes of B that are fetched at once: half of a small second-level cache.
  private static final int FETCH = 1 << 17;

  /// With 16 registers the pairs of BF16 would have no room beside the tile.
  private static final boolean WIDENS_IN_TILE = Tile.ROWS == Tile8x2.ROWS;

  private static final ThreadLocal<FewRows> LOCAL = ThreadLocal.withInitial(FewRows::new);

  private final float[] pieces = new float[WIDTH * PIECE_LD];
  private final float[] panel = new float[(K_BLOCK + V) * WIDTH];
  private final float[] sums = new float[(MOST + Tile.ROWS) * WIDTH];
  private final float[] result = new float[MOST * WIDTH];
  private final float[] square = new float[V * V];
  private final Panels panels = new Panels();
  private final IntegerRows integerRows = new IntegerRows();
  private float[] a = {};

  /// The piece whose A that is: a thread works on several parts of one.
  private Product arranged;

  /// Room for a group of B.
  private MemorySegment group = MemorySegment.NULL;

  /// B has been fetched up to here.
  private long fetched;

  /// What was read for that, since the compiler would drop reading it for nothing.
  private int touched;

  private FewRows() {}

  /// Whether this is the faster way.
  static boolean suits(Product p) {
    return p.k() > 0
        && (quantised(p) || p.m() <= (p.b().packed() ? MOST : MOST_UNPACKED) && p.transposeB());
  }

  private static boolean quantised(Product p) {
    return p.a().dtype().quantised();
  }

  /// A product in pieces of as many rows as can be computed at once. They are made anew for each
  /// call: by its piece a thread knows what it has arranged.
  static List<Product> pieces(Product p) {
    return IntStream.iterate(0, row -> row < p.m(), row -> row + MOST)
        .mapToObj(row -> p.rows(row, Math.min(MOST, p.m() - row)))
        .toList();
  }

  /// All rows of a piece of C, `columns` columns from `column` on, the first of a group.
  static void multiply(Product piece, int column, int columns) {
    LOCAL.get().rows(piece, column, columns);
  }

  private void rows(Product p, int column, int columns) {
    if (p != arranged) {
      arrange(p);
      arranged = p;
    }
    fetched = p.b().row(column);
    long end = p.b().row(column + columns);
    int step = p.m() == 1 ? Packed.width(p.b().dtype()) : WIDTH;
    for (int j = 0, n; j < columns; j += n) {
      boolean packed = column + j < p.b().packedRows();
      n = packed ? step : Math.min(WIDTH, columns - j);
      if (p.beta() != 0) {
        for (int i = 0; i < p.m(); i++) {
          long at = p.c().at(i, column + j);
          MemorySegment.copy(p.c().memory(), JAVA_FLOAT_UNALIGNED, at, result, i * WIDTH, n);
        }
      }
      if (packed) {
        packedPanel(p, column + j, n, end);
      } else if (quantised(p)) {
        arrangeGroup(p.b(), column + j, n);
        for (int k = 0; k < p.k(); k += K_BLOCK) {
          quantisedBlock(p, k, group, p.b().dtype().bytes(k) * WIDTH);
        }
      } else {
        panel(p, column + j, n);
      }
      for (int i = 0; i < p.m(); i++) {
        store(p.c().memory(), p.c().at(i, column + j), i * WIDTH, n);
      }
    }
  }

  /// A row of the panel of C. Where it is whole a few stores are faster than a call to copy it.
  private void store(MemorySegment c, long at, int from, int n) {
    if (n % WIDTH == 0) {
      for (int j = 0; j < n; j += V) {
        FloatVector.fromArray(F32, result, from + j).intoMemorySegment(c, at + 4L * j, ORDER);
      }
    } else {
      MemorySegment.copy(result, from, c, JAVA_FLOAT_UNALIGNED, at, n);
    }
  }

  /// @param n columns: of one row those of a group, else of a panel
  /// @param end of what will be read of B
  private void packedPanel(Product p, int column, int n, long end) {
    for (int k = 0; k < p.k(); k += K_BLOCK) {
      int kc = Math.min(K_BLOCK, p.k() - k);
      if (p.m() == 1 && !quantised(p)) {
        OneRow.dot(p.b(), column, k, kc, a, k, panel, sums);
        add(p, k, n);
      } else {
        long from = Packed.block(p.b(), column, k);
        if (p.m() > 1 && from >= fetched) {
          fetch(p.b().memory(), Math.min(end, from + FETCH));
        }
        if (quantised(p)) {
          quantisedBlock(p, k, p.b().memory(), from);
        } else if (WIDENS_IN_TILE && p.b().dtype() == DType.BF16) {
          block(p, k, kc, from);
        } else {
          Packed.panel(p.b(), column, k, kc, panel, 0);
          block(p, k, kc);
        }
      }
    }
  }

  /// Has the memory deliver B up to `to` into the second-level cache. It stands still while the
  /// tile works, and takes a while to begin again: long pieces are a fifth faster than panel by
  /// panel.
  private void fetch(MemorySegment memory, long to) {
    touched |= Packed.fetch(memory, fetched, to - fetched);
    fetched = to;
  }

  /// The k-block at `k` of a group of B, which is of Q4_0, from byte `from` on.
  private void quantisedBlock(Product p, int k, MemorySegment b, long from) {
    int strip = k / K_BLOCK * p.m() * K_BLOCK;
    int kc = Math.min(K_BLOCK, p.k() - k);
    integerRows.multiply(p.m(), kc, b, from, a, strip, sums);
    add(p, k, p.m() * WIDTH);
  }

  /// `n` rows of a B that is not packed, as [#group].
  private void arrangeGroup(Matrix b, int row, int n) {
    byte[] rows = new byte[Math.toIntExact(b.row(WIDTH))];
    if (group.byteSize() < rows.length) {
      group = Arena.ofAuto().allocate(rows.length, 64);
    }
    MemorySegment copy = MemorySegment.ofArray(rows);
    MemorySegment.copy(b.memory(), b.row(row), copy, 0, b.row(n));
    Packed.group(b.dtype(), b.columns(), copy, group);
  }

  /// A as strips, all k-blocks one after the other.
  private void arrange(Product p) {
    int blocks = (p.k() + K_BLOCK - 1) / K_BLOCK;
    int blockLength = p.m() * K_BLOCK;
    // the tile reads, and transposing writes, rows beyond the last
    int length = blocks * blockLength + Math.max(V, Tile.ROWS) * K_BLOCK;
    if (a.length < length) {
      a = new float[length];
    }
    for (int block = 0; block < blocks; block++) {
      int k = block * K_BLOCK;
      int kc = Math.min(K_BLOCK, p.k() - k);
      if (quantised(p)) {
        IntegerRows.strips(p.a(), p.m(), k, kc, a, block * blockLength);
      } else {
        panels.packA(p.a(), p.transposeA(), 0, p.m(), k, kc, a, block * blockLength);
      }
    }
  }

  private void panel(Product p, int column, int n) {
    for (int piece = 0; piece < p.k(); piece += PIECE) {
      int length = Math.min(PIECE, p.k() - piece);
      for (int row = 0; row < n; row++) {
        long from = p.b().at(column + row, piece);
        Widen.floats(p.b().dtype(), p.b().memory(), from, pieces, row * PIECE_LD, length);
      }
      for (int k = 0; k < length; k += K_BLOCK) {
        int kc = Math.min(K_BLOCK, length - k);
        for (int g = 0; g < n; g += V) {
          Transpose.stripe(pieces, g * PIECE_LD + k, PIECE_LD, kc, panel, g, WIDTH, square);
        }
        block(p, piece + k, kc);
      }
    }
  }

  private void block(Product p, int k, int kc) {
    int strip = k / K_BLOCK * p.m() * K_BLOCK;
    for (int i = 0; i < p.m(); i += Tile.ROWS) {
      int rows = Tile.rounded(Math.min(Tile.ROWS, p.m() - i));
      Tile.panel(rows, kc, a, strip + i * K_BLOCK, panel, 0, sums, i * WIDTH, WIDTH);
    }
    add(p, k, p.m() * WIDTH);
  }

  /// The block of B at `from`, which is of BF16, without a panel.
  private void block(Product p, int k, int kc, long from) {
    int strip = k / K_BLOCK * p.m() * K_BLOCK;
    for (int i = 0; i < p.m(); i += Tile.ROWS) {
      Tile8x2.rows8(kc, a, strip + i * K_BLOCK, p.b().memory(), from, sums, i * WIDTH, WIDTH);
    }
    add(p, k, p.m() * WIDTH);
  }

  /// Adds `n` sums of the k-block at `k` to the panel of C, as [Matmul#update] does.
  private void add(Product p, int k, int n) {
    for (int i = 0; i < n; i += V) {
      FloatVector sum = FloatVector.fromArray(F32, sums, i).mul(p.alpha());
      if (k > 0) {
        sum = FloatVector.fromArray(F32, result, i).add(sum);
      } else if (p.beta() != 0) {
        sum = FloatVector.fromArray(F32, result, i).mul(p.beta()).add(sum);
      }
      sum.intoArray(result, i);
    }
  }
}
