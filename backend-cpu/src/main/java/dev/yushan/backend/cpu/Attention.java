package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static dev.yushan.backend.cpu.Lanes.VIRTUAL;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import dev.yushan.backend.AttentionShape;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// Causal attention with an online softmax.
///
/// Keys are visited in blocks of [#KEYS] positions from position 0 of their sequence. For each
/// block a query takes its scores (chains over the head dimension), the new maximum, the sum of the
/// exponentials (virtual lanes, one tree) and their product with the values (a chain over the
/// positions it sees); what was summed before is scaled to the new maximum. So the bits of an
/// output depend on its query and the keys and values it sees, and on nothing beside it: not on
/// later tokens, on how queries are cut into tasks, or on pages.
///
/// A task is one key/value head of one sequence and some of its queries, with all query heads that
/// share the keys: those are the rows of the register tile. Of a sequence with so few queries that
/// they are one tile, as in decoding, it is several such heads, best all, since memory is read
/// fastest from end to end, and a position's keys of all heads lie one after the other.
final class Attention {
  /// Positions in a block of keys. Part of the results: never a function of the machine.
  static final int KEYS = 256;

  /// Query heads times queries of a task: as many as leave each thread some tasks, since a task
  /// arranges all keys and values anew.
  private static final int LEAST_TASK_ROWS = 256;

  private static final int MOST_TASK_ROWS = 1024;
  private static final int TASKS = 4;

  private static final int V = Lanes.COUNT;
  private static final int STRIP = Tile.STRIP;

  private Attention() {}

  /// The operands of one call.
  ///
  /// @param out `[T, H · D]`
  /// @param logSumExp `[T, H]`, or empty memory where it is not wanted
  record Call(AttentionShape shape, Heads in, Matrix out, MemorySegment logSumExp) {
    int group() {
      return shape.heads() / shape.kvHeads();
    }
  }

  /// Rows `start` to `end` of the batch.
  record Sequence(int start, int end) {
    int length() {
      return end - start;
    }
  }

  /// The queries of one sequence, of which number `i` sees the positions below `visible[i]`.
  record Queries(Sequence rows, int[] visible, KeyRows keys) {}

  /// One task: queries `from` to `to` of a sequence, counted from its start, under `kvHeads` key
  /// heads from `kvHead` on.
  private record Task(Queries queries, int kvHead, int kvHeads, int from, int to) {}

  /// Refuses what the strips of [Tile] cannot hold.
  static void requireHeadDim(AttentionShape shape) {
    if (shape.headDim() > STRIP) {
      throw new IllegalArgumentException(
          "attention: the cpu backend takes a headDim up to %d, got %d"
              .formatted(STRIP, shape.headDim()));
    }
  }

  static void forward(ThreadTeam team, Call call, List<Queries> sequences) {
    requireHeadDim(call.shape);
    int kvHeads = call.shape.kvHeads();
    long rows = sequences.stream().mapToLong(q -> q.rows.length()).sum() * call.shape.heads();
    long each = rows / ((long) TASKS * team.threads());
    int step = Math.max(1, Math.clamp(each, LEAST_TASK_ROWS, MOST_TASK_ROWS) / call.group());
    int few = (int) sequences.stream().filter(queries -> oneTile(call, queries)).count();
    int together = Math.ceilDiv(kvHeads, parts(few, team.threads()));
    List<Task> tasks = new ArrayList<>();
    for (Queries queries : sequences) {
      int n = queries.rows.length();
      int heads = oneTile(call, queries) ? together : 1;
      // the longest first: later queries see more keys
      for (int from = Math.ceilDiv(n, step) * step - step; from >= 0; from -= step) {
        for (int head = 0; head < kvHeads; head += heads) {
          int to = Math.min(n, from + step);
          tasks.add(new Task(queries, head, Math.min(heads, kvHeads - head), from, to));
        }
      }
    }
    team.deal(tasks.size(), i -> new Worker(call, tasks.get(i)).run());
  }

  /// Whether all queries of a sequence are one tile under each key head.
  private static boolean oneTile(Call call, Queries queries) {
    int rows = queries.rows.length() * call.group();
    return rows > 0 && rows <= Tile.ROWS;
  }

  /// Into how many tasks a sequence of few queries is cut: into one where there are enough of them
  /// for the threads.
  private static int parts(int sequences, int threads) {
    int parts = 1;
    while (sequences > 0
        && sequences * parts < TASKS * threads
        && sequences * parts % threads > 0) {
      parts++;
    }
    return parts;
  }

  /// The state of one task. Its rows are the queries of its first key head, by position and head,
  /// then those of the next.
  private static final class Worker {
    private final Call call;
    private final Task task;
    private final AttentionBuffers b = AttentionBuffers.local();
    private final int headDim;
    private final int group;
    private final int each;
    private final int rows;
    private final int[] visible;
    private final int[] counts = new int[Tile.ROWS];
    private final float[] max;
    private final float[] sum;
    private final int ld;

    /// What was fetched, so that the compiler does not drop the reading.
    private int touched;

    Worker(Call call, Task task) {
      this.call = call;
      this.task = task;
      this.headDim = call.shape.headDim();
      this.group = call.group();
      this.each = (task.to - task.from) * group;
      this.rows = task.kvHeads * each;
      this.visible = new int[rows];
      this.max = new float[rows];
      this.sum = new float[rows];
      this.ld = Tile.padded(headDim);
    }

    void run() {
      Arrays.fill(max, Float.NEGATIVE_INFINITY);
      b.ensure(rows, KEYS, headDim);
      Arrays.fill(b.sums, 0, rows * ld, 0);
      Matrix q = call.in.q();
      int most = 0;
      for (int r = 0; r < rows; r++) {
        visible[r] = task.queries.visible[query(r)];
        most = Math.max(most, visible[r]);
        Widen.floats(q.dtype(), q.memory(), at(q, r), b.strips, r * STRIP, headDim);
      }
      for (int start = 0; start < most; start += KEYS) {
        int keys = Math.min(KEYS, most - start);
        task.queries.keys.rows(start, start + keys, b.rows);
        if (each <= Tile.ROWS) {
          oneTile(start, keys);
        } else {
          keyBlock(start, keys);
        }
      }
      for (int r = 0; r < rows; r++) {
        finish(r);
      }
    }

    /// Where row `r` of the task lies in a `[T, H · D]` matrix.
    private long at(Matrix m, int r) {
      return m.row(row(r)) + 4L * head(r) * headDim;
    }

    private int query(int r) {
      return task.from + r % each / group;
    }

    private int row(int r) {
      return task.queries.rows.start + query(r);
    }

    private int head(int r) {
      return (task.kvHead + r / each) * group + r % group;
    }

    /// Many queries of one head: each tile of them goes through keys and values that stay packed.
    private void keyBlock(int start, int keys) {
      packKeys(0, keys);
      packValues(0, keys);
      for (int i = 0; i < rows; i += Tile.ROWS) {
        int n = Math.min(Tile.ROWS, rows - i);
        scores(i, n, start, keys, 0);
        values(i, n, start, keys, 0);
      }
    }

    /// One tile of queries of each head: first all keys of the block, then all values, each read
    /// from end to end before they are packed.
    private void oneTile(int start, int keys) {
      b.ensureScores(rows);
      fetch(call.in.k(), keys);
      for (int head = 0; head < task.kvHeads; head++) {
        packKeys(head, keys);
        scores(head * each, each, start, keys, head * each * STRIP);
      }
      fetch(call.in.v(), keys);
      for (int head = 0; head < task.kvHeads; head++) {
        packValues(head, keys);
        values(head * each, each, start, keys, head * each * STRIP);
      }
    }

    /// Has the memory deliver the rows of a block, as few long pieces as they are. Whole rows, if
    /// half of them is needed: pieces between gaps come at a third of the speed.
    private void fetch(Matrix m, int keys) {
      long needed = m.dtype().bytes((long) task.kvHeads * headDim);
      boolean whole = 2 * needed >= m.row(1);
      long column = whole ? 0 : (long) task.kvHead * headDim;
      int i = 0;
      while (i < keys) {
        int n = 1;
        while (whole && i + n < keys && b.rows[i + n] == b.rows[i] + n) {
          n++;
        }
        long bytes = whole ? n * m.row(1) : needed;
        touched |= Packed.fetch(m.memory(), m.at(b.rows[i], column), bytes);
        i += n;
      }
    }

    private void packKeys(int head, int keys) {
      Arrays.fill(b.parts, 0, keys, task.kvHead + head);
      b.packer.transposed(call.in.k(), b.rows, b.parts, keys, headDim, b.columnPanels);
    }

    private void packValues(int head, int keys) {
      Arrays.fill(b.parts, 0, keys, task.kvHead + head);
      b.packer.panels(call.in.v(), b.rows, b.parts, keys, headDim, b.rowPanels);
    }

    /// The keys of the block that each of `n` rows from `i` on sees, into [#counts], and the most.
    private int count(int i, int n, int start, int keys) {
      int most = 0;
      for (int r = 0; r < n; r++) {
        counts[r] = Math.clamp(visible[i + r] - start, 0, keys);
        most = Math.max(most, counts[r]);
      }
      return most;
    }

    /// Exponentials of the scores of a tile, in strips from `at` on.
    private void scores(int i, int n, int start, int keys, int at) {
      int most = count(i, n, start, keys);
      if (most > 0) {
        Tile.rows(
            n, most, headDim, b.strips, i * STRIP, b.columnPanels, headDim, b.scores, at, STRIP);
        for (int r = 0; r < n; r++) {
          if (counts[r] > 0) {
            softmax(i + r, b.scores, at + r * STRIP, counts[r]);
          }
        }
      }
    }

    /// Adds their product with the values.
    private void values(int i, int n, int start, int keys, int at) {
      if (count(i, n, start, keys) > 0) {
        Tile.ragged(n, headDim, counts, b.scores, at, b.rowPanels, keys, b.product, ld);
        for (int r = 0; r < n; r++) {
          if (counts[r] > 0) {
            add(b.product, r * ld, b.sums, (i + r) * ld, headDim);
          }
        }
      }
    }

    /// Turns the scores of a block into exponentials, and what row `r` has to the new maximum.
    private void softmax(int r, float[] p, int at, int n) {
      int whole = (n + VIRTUAL - 1) / VIRTUAL * VIRTUAL;
      Arrays.fill(p, at + n, at + whole, Float.NEGATIVE_INFINITY);
      FloatVector most = FloatVector.broadcast(F32, Float.NEGATIVE_INFINITY);
      for (int i = 0; i < whole; i += V) {
        FloatVector s = FloatVector.fromArray(F32, p, at + i).mul(call.shape.scale());
        s.intoArray(p, at + i);
        most = most.max(s);
      }
      float top = Math.max(max[r], most.reduceLanes(VectorOperators.MAX));
      float correction = VectorMath.exp(max[r] - top);
      max[r] = top;
      sum[r] = sum[r] * correction + exponentials(p, at, whole, top);
      for (int i = r * ld; i < (r + 1) * ld; i += V) {
        FloatVector.fromArray(F32, b.sums, i).mul(correction).intoArray(b.sums, i);
      }
    }

    private float exponentials(float[] p, int at, int n, float shift) {
      for (int g = 0; g < VIRTUAL; g += V) {
        FloatVector total = FloatVector.zero(F32);
        for (int i = at + g; i < at + n; i += VIRTUAL) {
          FloatVector e = VectorMath.exp(FloatVector.fromArray(F32, p, i).sub(shift));
          e.intoArray(p, i);
          total = total.add(e);
        }
        total.intoArray(b.lanes, g);
      }
      return VectorMath.tree(b.lanes);
    }

    private void finish(int r) {
      long to = at(call.out, r);
      MemorySegment out = call.out.memory();
      int i = 0;
      for (; i <= headDim - V; i += V) {
        FloatVector.fromArray(F32, b.sums, r * ld + i)
            .div(sum[r])
            .intoMemorySegment(out, to + 4L * i, ORDER);
      }
      for (; i < headDim; i++) {
        out.set(JAVA_FLOAT_UNALIGNED, to + 4L * i, b.sums[r * ld + i] / sum[r]);
      }
      if (call.logSumExp.byteSize() > 0) {
        float lse = (float) (max[r] + StrictMath.log(sum[r]));
        long index = (long) row(r) * call.shape.heads() + head(r);
        call.logSumExp.set(JAVA_FLOAT_UNALIGNED, 4 * index, lse);
      }
    }
  }

  /// `target += source` on `n` floats rounded up to whole vectors.
  static void add(float[] source, int from, float[] target, int to, int n) {
    for (int i = 0; i < n; i += V) {
      FloatVector v = FloatVector.fromArray(F32, source, from + i);
      FloatVector.fromArray(F32, target, to + i).add(v).intoArray(target, to + i);
    }
  }
}
