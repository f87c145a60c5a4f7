package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/// Transposes stripes of a matrix in registers.
///
/// A square block of V × V elements is transposed in log₂V stages; stage s swaps, between the rows
/// r and r + s, the lanes whose number has bit s with those that lack it. Two stages are done
/// between a load and a store, so a block goes through the first-level cache once or twice.
final class Transpose {
  private static final int V = Lanes.COUNT;

  private static final VectorShuffle<Float> SWAP_1 = swap(1);
  private static final VectorShuffle<Float> SWAP_2 = swap(2);
  private static final VectorShuffle<Float> SWAP_4 = swap(Math.min(4, V / 2));
  private static final VectorShuffle<Float> SWAP_8 = swap(Math.min(8, V / 2));
  private static final VectorMask<Float> BIT_1 = bit(1);
  private static final VectorMask<Float> BIT_2 = bit(2);
  private static final VectorMask<Float> BIT_4 = bit(4);
  private static final VectorMask<Float> BIT_8 = bit(8);

  private Transpose() {}

  private static VectorShuffle<Float> swap(int stage) {
    return VectorShuffle.fromOp(F32, lane -> lane ^ stage);
  }

  private static VectorMask<Float> bit(int stage) {
    boolean[] lanes = new boolean[V];
    for (int i = 0; i < V; i++) {
      lanes[i] = (i & stage) != 0;
    }
    return VectorMask.fromArray(F32, lanes, 0);
  }

  /// `target[c, r] = source[r, c]` for V rows of the source, and as many columns rounded up to V.
  ///
  /// @param source from `sourceAt`, rows `sourceLd` apart
  /// @param columns columns of the source
  /// @param target from `targetAt`, rows `targetLd` apart
  /// @param square room for V · V elements
  static void stripe(
      float[] source,
      int sourceAt,
      int sourceLd,
      int columns,
      float[] target,
      int targetAt,
      int targetLd,
      float[] square) {
    for (int c = 0; c < columns; c += V) {
      int to = targetAt + c * targetLd;
      if (V == 4) {
        quad(source, sourceAt + c, sourceLd, target, to, targetLd);
        continue;
      }
      for (int r = 0; r < V; r += 4) {
        quad(source, sourceAt + c + r * sourceLd, sourceLd, square, r * V, V);
      }
      last(square, target, to, targetLd);
    }
  }

  /// The same for rows of F32 anywhere in memory, of whole vectors.
  ///
  /// @param starts from `first` on, where V rows start, in bytes
  static void rows(
      MemorySegment source,
      long[] starts,
      int first,
      int columns,
      float[] target,
      int targetAt,
      int targetLd,
      float[] square) {
    for (int c = 0; c < columns; c += V) {
      int to = targetAt + c * targetLd;
      if (V == 4) {
        quad(source, starts, first, 4L * c, target, to, targetLd);
        continue;
      }
      for (int r = 0; r < V; r += 4) {
        quad(source, starts, first + r, 4L * c, square, r * V, V);
      }
      last(square, target, to, targetLd);
    }
  }

  private static void last(float[] square, float[] target, int to, int targetLd) {
    for (int r = 0; r < 4; r++) {
      if (V == 8) {
        lastOfEight(square, r * V, target, to + r * targetLd, 4 * targetLd);
      } else {
        lastOfSixteen(square, r * V, target, to + r * targetLd, 4 * targetLd);
      }
    }
  }

  private static void quad(
      MemorySegment s, long[] starts, int first, long offset, float[] t, int to, int toLd) {
    FloatVector a = FloatVector.fromMemorySegment(F32, s, starts[first] + offset, ORDER);
    FloatVector b = FloatVector.fromMemorySegment(F32, s, starts[first + 1] + offset, ORDER);
    FloatVector c = FloatVector.fromMemorySegment(F32, s, starts[first + 2] + offset, ORDER);
    FloatVector d = FloatVector.fromMemorySegment(F32, s, starts[first + 3] + offset, ORDER);
    quad(a, b, c, d, t, to, toLd);
  }

  private static void quad(float[] s, int at, int ld, float[] t, int to, int toLd) {
    FloatVector a = FloatVector.fromArray(F32, s, at);
    FloatVector b = FloatVector.fromArray(F32, s, at + ld);
    FloatVector c = FloatVector.fromArray(F32, s, at + 2 * ld);
    FloatVector d = FloatVector.fromArray(F32, s, at + 3 * ld);
    quad(a, b, c, d, t, to, toLd);
  }

  /// Stages 1 and 2 on four neighbouring rows.
  private static void quad(
      FloatVector a, FloatVector b, FloatVector c, FloatVector d, float[] t, int to, int toLd) {
    FloatVector a1 = a.blend(b.rearrange(SWAP_1), BIT_1);
    FloatVector b1 = a.rearrange(SWAP_1).blend(b, BIT_1);
    FloatVector c1 = c.blend(d.rearrange(SWAP_1), BIT_1);
    FloatVector d1 = c.rearrange(SWAP_1).blend(d, BIT_1);
    a1.blend(c1.rearrange(SWAP_2), BIT_2).intoArray(t, to);
    b1.blend(d1.rearrange(SWAP_2), BIT_2).intoArray(t, to + toLd);
    a1.rearrange(SWAP_2).blend(c1, BIT_2).intoArray(t, to + 2 * toLd);
    b1.rearrange(SWAP_2).blend(d1, BIT_2).intoArray(t, to + 3 * toLd);
  }

  /// Stage 4 of 8 × 8 on the rows r and r + 4.
  private static void lastOfEight(float[] s, int at, float[] t, int to, int toLd) {
    FloatVector a = FloatVector.fromArray(F32, s, at);
    FloatVector b = FloatVector.fromArray(F32, s, at + 4 * V);
    a.blend(b.rearrange(SWAP_4), BIT_4).intoArray(t, to);
    a.rearrange(SWAP_4).blend(b, BIT_4).intoArray(t, to + toLd);
  }

  /// Stages 4 and 8 of 16 × 16 on the rows r, r + 4, r + 8 and r + 12.
  private static void lastOfSixteen(float[] s, int at, float[] t, int to, int toLd) {
    FloatVector a = FloatVector.fromArray(F32, s, at);
    FloatVector b = FloatVector.fromArray(F32, s, at + 4 * V);
    FloatVector c = FloatVector.fromArray(F32, s, at + 8 * V);
    FloatVector d = FloatVector.fromArray(F32, s, at + 12 * V);
    FloatVector a1 = a.blend(b.rearrange(SWAP_4), BIT_4);
    FloatVector b1 = a.rearrange(SWAP_4).blend(b, BIT_4);
    FloatVector c1 = c.blend(d.rearrange(SWAP_4), BIT_4);
    FloatVector d1 = c.rearrange(SWAP_4).blend(d, BIT_4);
    a1.blend(c1.rearrange(SWAP_8), BIT_8).intoArray(t, to);
    b1.blend(d1.rearrange(SWAP_8), BIT_8).intoArray(t, to + toLd);
    a1.rearrange(SWAP_8).blend(c1, BIT_8).intoArray(t, to + 2 * toLd);
    b1.rearrange(SWAP_8).blend(d1, BIT_8).intoArray(t, to + 3 * toLd);
  }
}
