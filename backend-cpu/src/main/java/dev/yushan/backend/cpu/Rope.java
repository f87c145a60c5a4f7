package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// Rotary position embedding.
final class Rope {
  private static final int V = Lanes.COUNT;

  private Rope() {}

  /// Turns each pair (j, j + D/2) of each head by the angle of its row's position, or back.
  ///
  /// @param cosSin `[P, D]`: D/2 cosines, then D/2 sines
  static void rotate(
      ThreadTeam team,
      Matrix x,
      MemorySegment positions,
      Matrix cosSin,
      boolean inverse,
      Matrix out) {
    int headDim = cosSin.columns();
    team.ranges(
        x.rows(),
        1 + 16384 / Math.max(1, x.columns()),
        (from, to) -> {
          for (long row = from; row < to; row++) {
            long angles = cosSin.row(positions.get(JAVA_INT_UNALIGNED, 4 * row));
            for (int head = 0; head < x.columns(); head += headDim) {
              head(
                  x.memory(),
                  x.row(row) + 4L * head,
                  cosSin.memory(),
                  angles,
                  headDim / 2,
                  inverse ? -1 : 1,
                  out.memory(),
                  out.row(row) + 4L * head);
            }
          }
        });
  }

  private static void head(
      MemorySegment x,
      long at,
      MemorySegment table,
      long angles,
      int half,
      float sign,
      MemorySegment out,
      long to) {
    int i = 0;
    for (; i <= half - V; i += V) {
      long low = 4L * i;
      long high = 4L * (i + half);
      FloatVector cos = FloatVector.fromMemorySegment(F32, table, angles + low, ORDER);
      FloatVector sin = FloatVector.fromMemorySegment(F32, table, angles + high, ORDER).mul(sign);
      FloatVector a = FloatVector.fromMemorySegment(F32, x, at + low, ORDER);
      FloatVector b = FloatVector.fromMemorySegment(F32, x, at + high, ORDER);
      a.mul(cos).sub(b.mul(sin)).intoMemorySegment(out, to + low, ORDER);
      b.mul(cos).add(a.mul(sin)).intoMemorySegment(out, to + high, ORDER);
    }
    for (; i < half; i++) {
      long low = 4L * i;
      long high = 4L * (i + half);
      float cos = table.get(JAVA_FLOAT_UNALIGNED, angles + low);
      float sin = table.get(JAVA_FLOAT_UNALIGNED, angles + high) * sign;
      float a = x.get(JAVA_FLOAT_UNALIGNED, at + low);
      float b = x.get(JAVA_FLOAT_UNALIGNED, at + high);
      out.set(JAVA_FLOAT_UNALIGNED, to + low, a * cos - b * sin);
      out.set(JAVA_FLOAT_UNALIGNED, to + high, b * cos + a * sin);
    }
  }
}
