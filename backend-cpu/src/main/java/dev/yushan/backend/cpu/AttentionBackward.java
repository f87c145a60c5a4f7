package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.cpu.Attention.Sequence;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import jdk.incubator.vector.FloatVector;

/// Gradients of [Attention], after Dao et al. 2022: with `p = exp(scale · q·k − logSumExp)` and `δ
/// = dOut · out` of a row, `dS = scale · p · (dOut·v − δ)`, and dQ = dS·K, dK = dSᵀ·Q, dV =
/// pᵀ·dOut.
///
/// A task is a key head of a sequence: over its blocks of keys, each with the blocks of queries
/// that see it, and adds to all three gradients. Where there are too few of these for the threads,
/// the blocks of keys are tasks of their own, for dK and dV, and so are the blocks of queries, for
/// dQ. These compute p a second time, so that no two tasks add to the same place, but the same
/// bits.
///
/// Sequences are cut into blocks of constant length from their starts. dQ visits keys in ascending,
/// dK and dV queries in descending order within a block: then what the causal mask leaves out is
/// the end of a chain, and is left out rather than multiplied by zero.
final class AttentionBackward {
  private static final int KEYS = Attention.KEYS;
  private static final int V = Lanes.COUNT;
  private static final int STRIP = Tile.STRIP;

  /// Heads times queries of a block: whole panels of every width, so that scores fill no more than
  /// a strip.
  private static final int ROWS = 192;

  /// Products of tasks for dQ apart from dK and dV, seven, in the place of five.
  private static final double APART = 7.0 / 5;

  private AttentionBackward() {}

  /// The operands of one call.
  record Call(
      AttentionShape shape, Matrix dOut, Heads in, Matrix out, Matrix logSumExp, Heads gradients) {
    /// Rows that count in all operands.
    int rows() {
      int some = Math.min(dOut.rows(), Math.min(out.rows(), logSumExp.rows()));
      return Math.min(some, Math.min(in.rows(), gradients.rows()));
    }

    int group() {
      return shape.heads() / shape.kvHeads();
    }

    /// Queries of a block. Part of the results.
    int queries() {
      return Math.max(1, ROWS / group());
    }
  }

  static void backward(ThreadTeam team, Call call, List<Sequence> sequences) {
    Attention.requireHeadDim(call.shape);
    if (call.group() > ROWS) {
      throw new IllegalArgumentException(
          "attentionBackward: the cpu backend takes up to %d heads for each kvHead, got %d"
              .formatted(ROWS, call.group()));
    }
    float[] delta = deltas(team, call);
    List<Runnable> tasks = new ArrayList<>();
    if (wholeHeads(call, sequences, team.threads())) {
      // the longest first
      for (Sequence s : sorted(sequences)) {
        for (int head = 0; head < call.shape.kvHeads(); head++) {
          tasks.add(new HeadTask(call, delta, s, head));
        }
      }
    } else {
      for (Sequence s : sequences) {
        for (int head = 0; head < call.shape.kvHeads(); head++) {
          for (int from = s.start(); from < s.end(); from += KEYS) {
            tasks.add(new KeyTask(call, delta, s, head, from, false));
          }
          for (int from = s.start(); from < s.end(); from += call.queries()) {
            tasks.add(new QueryTask(call, delta, s, head, from));
          }
        }
      }
    }
    team.run(tasks.size(), i -> tasks.get(i).run());
  }

  private static List<Sequence> sorted(List<Sequence> sequences) {
    return sequences.stream().sorted(Comparator.comparingInt(Sequence::length).reversed()).toList();
  }

  /// Whether the key heads are tasks enough to keep the threads as busy as smaller ones would. Two
  /// bounds of the time they take: equal ones go in rounds, and unequal ones, the longest first,
  /// leave threads idle for no longer than the longest takes.
  private static boolean wholeHeads(Call call, List<Sequence> sequences, int threads) {
    double longest = 0;
    double all = 0;
    for (Sequence s : sequences) {
      double work = (double) s.length() * s.length();
      longest = Math.max(longest, work);
      all += work * call.shape.kvHeads();
    }
    long rounds = Math.ceilDiv((long) sequences.size() * call.shape.kvHeads(), threads);
    return Math.min(rounds * longest, all / threads + longest) <= APART * all / threads;
  }

  /// `dOut · out` of every live row and head.
  private static float[] deltas(ThreadTeam team, Call call) {
    int heads = call.shape.heads();
    int headDim = call.shape.headDim();
    int rows = Math.min(call.dOut.rows(), call.out.rows());
    float[] delta = new float[Math.multiplyExact(rows, heads)];
    team.ranges(
        delta.length,
        256,
        (from, to) -> {
          for (int i = (int) from; i < to; i++) {
            long a = call.dOut.at(i / heads, (long) i % heads * headDim);
            long b = call.out.at(i / heads, (long) i % heads * headDim);
            delta[i] = Reduce.dot(call.dOut.memory(), a, call.out.memory(), b, headDim);
          }
        });
    return delta;
  }

  /// What the rows of a block of queries have in common: their place and the numbers of the forward
  /// pass.
  private static final class QueryRows {
    final int n;
    final int[] row;
    final int[] head;
    final float[] logSumExp;
    final float[] delta;

    /// Queries `from` to `to`, ascending, or descending for the key pass; heads of one key head.
    QueryRows(Call call, float[] deltas, int kvHead, int from, int to, boolean descending) {
      int group = call.group();
      int headDim = call.shape.headDim();
      n = (to - from) * group;
      // whole vectors are read
      int length = Tile.padded(n);
      row = new int[n];
      head = new int[n];
      logSumExp = new float[length];
      delta = new float[length];
      for (int i = 0; i < n; i++) {
        row[i] = descending ? to - 1 - i / group : from + i / group;
        head[i] = kvHead * group + i % group;
        logSumExp[i] = call.logSumExp.get(row[i], head[i]);
        delta[i] = deltas[row[i] * call.shape.heads() + head[i]];
      }
    }

    long at(Matrix m, int i, int headDim) {
      return m.row(row[i]) + 4L * head[i] * headDim;
    }

    void strips(Matrix m, int headDim, float[] out) {
      for (int i = 0; i < n; i++) {
        Widen.floats(m.dtype(), m.memory(), at(m, i, headDim), out, i * STRIP, headDim);
      }
    }
  }

  /// dQ of one block of queries.
  private record QueryTask(Call call, float[] delta, Sequence sequence, int kvHead, int from)
      implements Runnable {
    @Override
    public void run() {
      AttentionBuffers b = AttentionBuffers.local();
      int headDim = call.shape.headDim();
      int ld = Tile.padded(headDim);
      int to = Math.min(sequence.end(), from + call.queries());
      QueryRows queries = new QueryRows(call, delta, kvHead, from, to, false);
      b.ensure(queries.n, KEYS, headDim);
      Arrays.fill(b.sums, 0, queries.n * ld, 0);
      queries.strips(call.in.q(), headDim, b.strips);
      queries.strips(call.dOut, headDim, b.otherStrips);
      for (int key = sequence.start(); key < to; key += KEYS) {
        keyBlock(b, queries, key, Math.min(KEYS, to - key));
      }
      Matrix dQ = call.gradients.q();
      for (int i = 0; i < queries.n; i++) {
        store(b.sums, i * ld, dQ.memory(), queries.at(dQ, i, headDim), headDim);
      }
    }

    private void keyBlock(AttentionBuffers b, QueryRows queries, int key, int keys) {
      int headDim = call.shape.headDim();
      int ld = Tile.padded(headDim);
      ascending(key, keys, b.rows);
      Arrays.fill(b.parts, 0, keys, kvHead);
      b.packer.transposed(call.in.k(), b.rows, b.parts, keys, headDim, b.columnPanels);
      b.packer.transposed(call.in.v(), b.rows, b.parts, keys, headDim, b.otherColumnPanels);
      Panels.panels(call.in.k(), b.rows, b.parts, keys, headDim, b.rowPanels);
      int[] counts = new int[Tile.ROWS];
      for (int i = 0; i < queries.n; i += Tile.ROWS) {
        int n = Math.min(Tile.ROWS, queries.n - i);
        int most = 0;
        for (int r = 0; r < n; r++) {
          counts[r] = Math.clamp(queries.row[i + r] + 1 - key, 0, keys);
          most = Math.max(most, counts[r]);
        }
        if (most == 0) {
          continue;
        }
        int at = i * STRIP;
        Tile.rows(n, most, headDim, b.strips, at, b.columnPanels, headDim, b.scores, 0, STRIP);
        Tile.rows(
            n,
            most,
            headDim,
            b.otherStrips,
            at,
            b.otherColumnPanels,
            headDim,
            b.otherScores,
            0,
            STRIP);
        for (int r = 0; r < n; r++) {
          scoreGradient(b, r * STRIP, most, queries.logSumExp[i + r], queries.delta[i + r]);
        }
        Tile.ragged(n, headDim, counts, b.otherScores, 0, b.rowPanels, keys, b.product, ld);
        for (int r = 0; r < n; r++) {
          if (counts[r] > 0) {
            Attention.add(b.product, r * ld, b.sums, (i + r) * ld, headDim);
          }
        }
      }
    }

    /// One query: `dS` takes the place of `dOut·v`.
    private void scoreGradient(AttentionBuffers b, int at, int n, float logSumExp, float delta) {
      float scale = call.shape.scale();
      for (int i = at; i < at + n; i += V) {
        FloatVector s = FloatVector.fromArray(F32, b.scores, i);
        FloatVector p = VectorMath.exp(s.mul(scale).sub(logSumExp));
        FloatVector d = FloatVector.fromArray(F32, b.otherScores, i).sub(delta);
        p.mul(d).mul(scale).intoArray(b.otherScores, i);
      }
    }
  }

  /// All gradients of one key head of a sequence.
  private record HeadTask(Call call, float[] delta, Sequence sequence, int kvHead)
      implements Runnable {
    @Override
    public void run() {
      Matrix dQ = call.gradients.q();
      long heads = 4L * call.group() * call.shape.headDim();
      for (int row = sequence.start(); row < sequence.end(); row++) {
        dQ.memory().asSlice(dQ.row(row) + kvHead * heads, heads).fill((byte) 0);
      }
      for (int from = sequence.start(); from < sequence.end(); from += KEYS) {
        new KeyTask(call, delta, sequence, kvHead, from, true).run();
      }
    }
  }

  /// dK and dV of one block of keys.
  ///
  /// @param withQueries whether dQ gets what the keys add to it, which takes the blocks one after
  ///   the other
  private record KeyTask(
      Call call, float[] delta, Sequence sequence, int kvHead, int from, boolean withQueries)
      implements Runnable {
    @Override
    public void run() {
      AttentionBuffers b = AttentionBuffers.local();
      int headDim = call.shape.headDim();
      int ld = Tile.padded(headDim);
      int keys = Math.min(KEYS, sequence.end() - from);
      b.ensure(KEYS, ROWS, headDim);
      Arrays.fill(b.sums, 0, keys * ld, 0);
      Arrays.fill(b.otherSums, 0, keys * ld, 0);
      ascending(from, keys, b.rows);
      int column = kvHead * headDim;
      Panels.strips(call.in.k(), b.rows, keys, column, headDim, b.strips);
      Panels.strips(call.in.v(), b.rows, keys, column, headDim, b.otherStrips);
      if (withQueries) {
        b.ensureTransposed(KEYS, ROWS, headDim);
        Arrays.fill(b.parts, 0, keys, kvHead);
        Panels.panels(call.in.k(), b.rows, b.parts, keys, headDim, b.keyPanels);
      }
      int step = call.queries();
      int first = sequence.start() + (from - sequence.start()) / step * step;
      for (int query = first; query < sequence.end(); query += step) {
        queryBlock(b, query, Math.min(sequence.end(), query + step), keys);
      }
      Matrix dK = call.gradients.k();
      Matrix dV = call.gradients.v();
      for (int i = 0; i < keys; i++) {
        store(b.sums, i * ld, dK.memory(), dK.at(from + i, column), headDim);
        store(b.otherSums, i * ld, dV.memory(), dV.at(from + i, column), headDim);
      }
    }

    private void queryBlock(AttentionBuffers b, int query, int end, int keys) {
      int headDim = call.shape.headDim();
      QueryRows queries = new QueryRows(call, delta, kvHead, Math.max(query, from), end, true);
      int n = queries.n;
      pack(b, queries, call.in.q(), b.columnPanels, b.rowPanels);
      pack(b, queries, call.dOut, b.otherColumnPanels, b.otherRowPanels);
      int[] counts = new int[Tile.ROWS];
      for (int i = 0; i < keys; i += Tile.ROWS) {
        int tile = Math.min(Tile.ROWS, keys - i);
        for (int r = 0; r < tile; r++) {
          counts[r] = Math.clamp((long) (end - from - i - r) * call.group(), 0, n);
        }
        int at = i * STRIP;
        Tile.rows(
            tile, counts[0], headDim, b.strips, at, b.columnPanels, headDim, b.scores, 0, STRIP);
        Tile.rows(
            tile,
            counts[0],
            headDim,
            b.otherStrips,
            at,
            b.otherColumnPanels,
            headDim,
            b.otherScores,
            at,
            STRIP);
        for (int r = 0; r < tile; r++) {
          scoreGradients(b, r * STRIP, at + r * STRIP, counts[0], queries);
        }
        accumulate(b, tile, counts, b.otherScores, at, b.rowPanels, n, b.sums, i);
        accumulate(b, tile, counts, b.scores, 0, b.otherRowPanels, n, b.otherSums, i);
      }
      if (withQueries) {
        queryGradients(b, queries, keys);
      }
    }

    /// What the keys add to dQ of a block of queries.
    private void queryGradients(AttentionBuffers b, QueryRows queries, int keys) {
      int headDim = call.shape.headDim();
      int ld = Tile.padded(headDim);
      for (int key = 0; key < keys; key += V) {
        b.packer.transpose(b.otherScores, key * STRIP, queries.n, b.gradientStrips, key);
      }
      Matrix dQ = call.gradients.q();
      int[] counts = new int[Tile.ROWS];
      for (int i = 0; i < queries.n; i += Tile.ROWS) {
        int tile = Math.min(Tile.ROWS, queries.n - i);
        for (int r = 0; r < tile; r++) {
          counts[r] = Math.min(keys, queries.row[i + r] + 1 - from);
        }
        Tile.ragged(
            tile, headDim, counts, b.gradientStrips, i * STRIP, b.keyPanels, keys, b.product, ld);
        for (int r = 0; r < tile; r++) {
          addTo(b.product, r * ld, dQ.memory(), queries.at(dQ, i + r, headDim), headDim);
        }
      }
    }

    /// A block of query rows, as they are and transposed.
    private void pack(
        AttentionBuffers b, QueryRows queries, Matrix m, float[] columns, float[] rows) {
      b.packer.transposed(m, queries.row, queries.head, queries.n, call.shape.headDim(), columns);
      Panels.panels(m, queries.row, queries.head, queries.n, call.shape.headDim(), rows);
    }

    private void accumulate(
        AttentionBuffers b,
        int tile,
        int[] counts,
        float[] scores,
        int at,
        float[] panels,
        int panelRows,
        float[] sums,
        int key) {
      int headDim = call.shape.headDim();
      int ld = Tile.padded(headDim);
      Tile.ragged(tile, headDim, counts, scores, at, panels, panelRows, b.product, ld);
      for (int r = 0; r < tile; r++) {
        if (counts[r] > 0) {
          Attention.add(b.product, r * ld, sums, (key + r) * ld, headDim);
        }
      }
    }

    /// One key: p takes the place of `q·k`, and dS that of `dOut·v`.
    private void scoreGradients(AttentionBuffers b, int at, int otherAt, int n, QueryRows queries) {
      float scale = call.shape.scale();
      for (int i = 0; i < n; i += V) {
        FloatVector s = FloatVector.fromArray(F32, b.scores, at + i);
        FloatVector shift = FloatVector.fromArray(F32, queries.logSumExp, i);
        FloatVector p = VectorMath.exp(s.mul(scale).sub(shift));
        FloatVector delta = FloatVector.fromArray(F32, queries.delta, i);
        FloatVector d = FloatVector.fromArray(F32, b.otherScores, otherAt + i).sub(delta);
        p.intoArray(b.scores, at + i);
        p.mul(d).mul(scale).intoArray(b.otherScores, otherAt + i);
      }
    }
  }

  private static void ascending(int from, int n, int[] rows) {
    for (int i = 0; i < n; i++) {
      rows[i] = from + i;
    }
  }

  private static void store(float[] sums, int from, MemorySegment out, long to, int n) {
    int i = 0;
    for (; i <= n - V; i += V) {
      FloatVector.fromArray(F32, sums, from + i).intoMemorySegment(out, to + 4L * i, ORDER);
    }
    for (; i < n; i++) {
      out.set(JAVA_FLOAT_UNALIGNED, to + 4L * i, sums[from + i]);
    }
  }

  /// `out += sums` on `n` floats.
  private static void addTo(float[] sums, int from, MemorySegment out, long to, int n) {
    int i = 0;
    for (; i <= n - V; i += V) {
      FloatVector sum = FloatVector.fromArray(F32, sums, from + i);
      long at = to + 4L * i;
      FloatVector.fromMemorySegment(F32, out, at, ORDER).add(sum).intoMemorySegment(out, at, ORDER);
    }
    for (; i < n; i++) {
      long at = to + 4L * i;
      out.set(JAVA_FLOAT_UNALIGNED, at, out.get(JAVA_FLOAT_UNALIGNED, at) + sums[from + i]);
    }
  }
}
