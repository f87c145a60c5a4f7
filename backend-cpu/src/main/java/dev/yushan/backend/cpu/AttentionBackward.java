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
/// A task is a key head of a sequence: its blocks of queries, each with the blocks of keys that it
/// sees, give all three gradients. Where there are too few of these for the threads, the blocks of
/// keys are tasks of their own, for dK and dV, and so are the blocks of queries, for dQ. These
/// compute p a second time, so that no two tasks add to the same place, and the bits are the same.
///
/// Sequences are cut into blocks of constant length from their starts. dQ visits keys in ascending,
/// dK and dV queries in descending order within a block: then what the causal mask leaves out is
/// the end of a chain, and is left out rather than multiplied by zero.
final class AttentionBackward {
  /// Keys of a block. Part of the results, as in [Attention], but half as many: more is kept of
  /// them.
  private static final int KEYS = 128;

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
            tasks.add(new KeyTask(call, delta, s, head, from));
          }
          for (int from = s.start(); from < s.end(); from += call.queries()) {
            tasks.add(new QueryTask(call, delta, s, head, from));
          }
        }
      }
    }
    team.deal(tasks.size(), i -> tasks.get(i).run());
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

    /// How many may see position `key` or one after it: the first of them, as they descend.
    int seeing(int key) {
      int group = n / (row[0] + 1 - row[n - 1]);
      return Math.clamp((long) (row[0] + 1 - key) * group, 0, n);
    }

    /// The queries and the gradients of their outputs as columns and as rows.
    void panels(Call call, AttentionBuffers b) {
      int headDim = call.shape.headDim();
      b.packer.transposed(call.in.q(), row, head, n, headDim, b.columnPanels);
      b.packer.transposed(call.dOut, row, head, n, headDim, b.otherColumnPanels);
      b.packer.panels(call.in.q(), row, head, n, headDim, b.rowPanels);
      b.packer.panels(call.dOut, row, head, n, headDim, b.otherRowPanels);
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
      b.ensureOthers(queries.n, KEYS, headDim);
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
      b.packer.panels(call.in.k(), b.rows, b.parts, keys, headDim, b.rowPanels);
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

  /// dK and dV of one block of keys.
  private record KeyTask(Call call, float[] delta, Sequence sequence, int kvHead, int from)
      implements Runnable {
    @Override
    public void run() {
      AttentionBuffers b = AttentionBuffers.local();
      b.ensureOthers(KEYS, ROWS, call.shape.headDim());
      KeyBlock keys = new KeyBlock(call, kvHead, from, Math.min(KEYS, sequence.end() - from));
      keys.strips(b);
      keys.clear();
      int step = call.queries();
      int first = sequence.start() + (from - sequence.start()) / step * step;
      for (int query = first; query < sequence.end(); query += step) {
        int end = Math.min(sequence.end(), query + step);
        QueryRows queries = new QueryRows(call, delta, kvHead, Math.max(query, from), end, true);
        queries.panels(call, b);
        keys.add(b, queries);
      }
    }
  }

  /// All gradients of one key head of a sequence.
  private record HeadTask(Call call, float[] delta, Sequence sequence, int kvHead)
      implements Runnable {
    @Override
    public void run() {
      AttentionBuffers b = AttentionBuffers.local();
      int headDim = call.shape.headDim();
      int ld = Tile.padded(headDim);
      int length = sequence.length();
      b.ensureOthers(ROWS, ROWS, headDim);
      b.ensureTransposed(KEYS, ROWS, headDim);
      new KeyBlock(call, kvHead, sequence.start(), length).clear();
      Matrix dQ = call.gradients.q();
      for (int from = sequence.start(); from < sequence.end(); from += call.queries()) {
        int to = Math.min(sequence.end(), from + call.queries());
        QueryRows queries = new QueryRows(call, delta, kvHead, from, to, true);
        queries.panels(call, b);
        Arrays.fill(b.sums, 0, queries.n * ld, 0);
        for (int key = sequence.start(); key < to; key += KEYS) {
          KeyBlock keys = new KeyBlock(call, kvHead, key, Math.min(KEYS, to - key));
          keys.strips(b);
          keys.add(b, queries);
          addKeys(b, queries, keys);
        }
        for (int i = 0; i < queries.n; i++) {
          store(b.sums, i * ld, dQ.memory(), queries.at(dQ, i, headDim), headDim);
        }
      }
    }

    /// What the keys add to dQ, from the gradients of scores that [KeyBlock#add] left.
    private void addKeys(AttentionBuffers b, QueryRows queries, KeyBlock keys) {
      int headDim = call.shape.headDim();
      int ld = Tile.padded(headDim);
      int n = queries.seeing(keys.from);
      b.packer.panels(call.in.k(), b.rows, b.parts, keys.n, headDim, b.keyPanels);
      for (int key = 0; key < keys.n; key += V) {
        b.packer.transpose(b.otherScores, key * STRIP, n, b.gradientStrips, key);
      }
      int[] counts = new int[Tile.ROWS];
      for (int i = 0; i < n; i += Tile.ROWS) {
        int rows = Math.min(Tile.ROWS, n - i);
        for (int r = 0; r < rows; r++) {
          counts[r] = Math.min(keys.n, queries.row[i + r] + 1 - keys.from);
        }
        int at = i * STRIP;
        Tile.ragged(
            rows, headDim, counts, b.gradientStrips, at, b.keyPanels, keys.n, b.product, ld);
        for (int r = 0; r < rows; r++) {
          Attention.add(b.product, r * ld, b.sums, (i + r) * ld, headDim);
        }
      }
    }
  }

  /// A block of keys of one key head, whose dK and dV blocks of queries add to.
  private record KeyBlock(Call call, int kvHead, int from, int n) {
    private long at(Matrix m, int i) {
      return m.at(from + i, kvHead * call.shape.headDim());
    }

    /// dK and dV to zero.
    void clear() {
      for (int i = 0; i < n; i++) {
        for (Matrix m : List.of(call.gradients.k(), call.gradients.v())) {
          m.memory().asSlice(at(m, i), 4L * call.shape.headDim()).fill((byte) 0);
        }
      }
    }

    /// Keys and values to strips, and where they are to `rows` and `parts`.
    void strips(AttentionBuffers b) {
      int headDim = call.shape.headDim();
      ascending(from, n, b.rows);
      Arrays.fill(b.parts, 0, n, kvHead);
      Panels.strips(call.in.k(), b.rows, n, kvHead * headDim, headDim, b.strips);
      Panels.strips(call.in.v(), b.rows, n, kvHead * headDim, headDim, b.otherStrips);
    }

    /// Adds what the queries that see these keys give. Leaves the gradients of the scores, a strip
    /// for each key, in `otherScores`.
    void add(AttentionBuffers b, QueryRows queries) {
      int headDim = call.shape.headDim();
      int[] counts = new int[Tile.ROWS];
      for (int i = 0; i < n; i += Tile.ROWS) {
        int rows = Math.min(Tile.ROWS, n - i);
        for (int r = 0; r < rows; r++) {
          counts[r] = queries.seeing(from + i + r);
        }
        int most = counts[0];
        int at = i * STRIP;
        float[] panels = b.columnPanels;
        float[] otherPanels = b.otherColumnPanels;
        Tile.rows(rows, most, headDim, b.strips, at, panels, headDim, b.scores, 0, STRIP);
        Tile.rows(
            rows, most, headDim, b.otherStrips, at, otherPanels, headDim, b.otherScores, at, STRIP);
        for (int r = 0; r < rows; r++) {
          scoreGradients(b, r * STRIP, at + r * STRIP, most, queries, call.shape.scale());
        }
        accumulate(b, counts, b.otherScores, at, b.rowPanels, queries.n, call.gradients.k(), i);
        accumulate(b, counts, b.scores, 0, b.otherRowPanels, queries.n, call.gradients.v(), i);
      }
    }

    private void accumulate(
        AttentionBuffers b,
        int[] counts,
        float[] scores,
        int at,
        float[] panels,
        int panelRows,
        Matrix gradient,
        int key) {
      int headDim = call.shape.headDim();
      int ld = Tile.padded(headDim);
      int rows = Math.min(Tile.ROWS, n - key);
      Tile.ragged(rows, headDim, counts, scores, at, panels, panelRows, b.product, ld);
      for (int r = 0; r < rows && counts[r] > 0; r++) {
        addTo(b.product, r * ld, gradient.memory(), at(gradient, key + r), headDim);
      }
    }

    /// One key: p takes the place of `q·k`, and dS that of `dOut·v`.
    private static void scoreGradients(
        AttentionBuffers b, int at, int otherAt, int n, QueryRows queries, float scale) {
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
