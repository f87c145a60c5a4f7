package dev.yushan.backend.cpu;

import static dev.yushan.backend.HostBackend.memory;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.HostBackend;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.KvPages;
import dev.yushan.backend.Qkv;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Takes tensors apart for the static kernels of this package, and hands those their threads.
final class CpuKernels implements Kernels {
  private final ThreadTeam team;

  CpuKernels(ThreadTeam team) {
    this.team = team;
  }

  private static float scalar(Tensor t, int index) {
    return memory(t).get(JAVA_FLOAT_UNALIGNED, 4L * index);
  }

  private static int index(Tensor t, long i) {
    return memory(t).get(JAVA_INT_UNALIGNED, 4 * i);
  }

  private void elements(ThreadTeam.Range range, Tensor... tensors) {
    team.ranges(Matrix.liveElements(tensors), Elementwise.GRAIN, range);
  }

  // ---- rows by index ---------------------------------------------------------------------------

  @Override
  public void gather(Tensor table, Tensor ids, Tensor out) {
    Matrix rows = Matrix.of(out).withRows(Matrix.live(ids, out));
    Rows.gather(team, Matrix.weight(table), memory(ids), rows);
  }

  @Override
  public void scatterAdd(Tensor rows, Tensor ids, Tensor table) {
    Matrix source = Matrix.of(rows).withRows(Matrix.live(rows, ids));
    Rows.scatterAdd(team, source, memory(ids), Matrix.of(table));
  }

  @Override
  public void scatter(Tensor rows, Tensor ids, Tensor table) {
    Matrix source = Matrix.of(rows).withRows(Matrix.live(rows, ids));
    Rows.scatter(team, source, memory(ids), Matrix.of(table));
  }

  // ---- linear algebra --------------------------------------------------------------------------

  @Override
  public void matmul(Op opA, Op opB, float alpha, Tensor a, Tensor b, float beta, Tensor c) {
    boolean transposeA = opA == Op.T;
    boolean transposeB = opB == Op.T;
    Matrix left = Matrix.of(a);
    Matrix right = transposeB ? Matrix.weight(b) : Matrix.of(b);
    Matrix result = Matrix.of(c);
    int m = transposeA ? result.rows() : Math.min(result.rows(), left.rows());
    int n = transposeB ? Math.min(result.columns(), right.rows()) : result.columns();
    int k = transposeA ? left.rows() : left.columns();
    k = transposeB ? k : Math.min(k, right.rows());
    Matmul.multiply(
        team,
        new Matmul.Product(transposeA, transposeB, alpha, left, right, beta, result, m, n, k));
  }

  // ---- the Llama block -------------------------------------------------------------------------

  @Override
  public void rmsNorm(Tensor x, Tensor weight, float eps, Tensor out, Tensor inverseRms) {
    Matrix rows = Matrix.of(x).withRows(Matrix.live(x, out, inverseRms));
    Normalisation.forward(team, rows, Matrix.of(weight), eps, Matrix.of(out), memory(inverseRms));
  }

  @Override
  public void rmsNormBackward(
      Tensor dOut,
      Tensor x,
      Tensor weight,
      Tensor inverseRms,
      float beta,
      Tensor dX,
      Tensor dWeight) {
    Normalisation.backward(
        team,
        Matrix.of(dOut),
        Matrix.of(x).withRows(Matrix.live(dOut, x, inverseRms, dX)),
        Matrix.of(weight),
        memory(inverseRms),
        beta,
        Matrix.of(dX),
        memory(dWeight));
  }

  @Override
  public void rope(Tensor x, Tensor positions, Tensor cosSin, boolean inverse, Tensor out) {
    Matrix rows = Matrix.of(x).withRows(Matrix.live(x, positions, out));
    Rope.rotate(team, rows, memory(positions), Matrix.of(cosSin), inverse, Matrix.of(out));
  }

  @Override
  public void attention(
      AttentionShape shape, Qkv in, Tensor sequences, Tensor out, Tensor logSumExp) {
    Heads heads = Heads.of(in);
    List<Attention.Queries> queries = new ArrayList<>();
    for (Attention.Sequence s :
        sequences(sequences, Math.min(heads.rows(), Matrix.live(out, logSumExp)))) {
      int[] visible = new int[s.length()];
      Arrays.setAll(visible, i -> i + 1);
      queries.add(new Attention.Queries(s, visible, new KeyRows.Contiguous(s.start())));
    }
    Attention.forward(
        team, new Attention.Call(shape, heads, Matrix.of(out), memory(logSumExp)), queries);
  }

  /// Every sequence of a batch, empty ones too, cut off at the live rows.
  private static List<Attention.Sequence> sequences(Tensor starts, int live) {
    List<Attention.Sequence> sequences = new ArrayList<>();
    for (long s = 0; s + 1 < HostBackend.liveRows(starts); s++) {
      int end = Math.min(live, index(starts, s + 1));
      sequences.add(new Attention.Sequence(Math.min(end, index(starts, s)), end));
    }
    return sequences;
  }

  @Override
  public void attentionBackward(
      AttentionShape shape,
      Tensor dOut,
      Qkv in,
      Tensor out,
      Tensor logSumExp,
      Tensor sequences,
      Qkv gradients) {
    AttentionBackward.Call call =
        new AttentionBackward.Call(
            shape,
            Matrix.of(dOut),
            Heads.of(in),
            Matrix.of(out),
            Matrix.of(logSumExp),
            Heads.of(gradients));
    AttentionBackward.backward(team, call, sequences(sequences, call.rows()));
  }

  @Override
  public void pagedAttention(
      AttentionShape shape,
      Tensor q,
      KvPages.Layer pages,
      Tensor sequences,
      Tensor positions,
      Tensor out) {
    Heads heads = new Heads(Matrix.of(q), Matrix.of(pages.keys()), Matrix.of(pages.values()));
    Matrix table = Matrix.of(pages.pageTable());
    List<Attention.Queries> queries = new ArrayList<>();
    for (Attention.Sequence s : sequences(sequences, Matrix.live(q, positions, out))) {
      int[] visible = new int[s.length()];
      Arrays.setAll(visible, i -> index(positions, s.start() + i) + 1);
      long row = table.row(queries.size());
      KeyRows keys = new KeyRows.Paged(table.memory(), row, pages.pageLength());
      queries.add(new Attention.Queries(s, visible, keys));
    }
    Attention.forward(
        team, new Attention.Call(shape, heads, Matrix.of(out), MemorySegment.NULL), queries);
  }

  @Override
  public void swiGlu(Tensor gate, Tensor up, Tensor out) {
    Matrix rows = Matrix.of(gate).withRows(Matrix.live(gate, up, out));
    SwiGlu.forward(team, rows, Matrix.of(up), Matrix.of(out));
  }

  @Override
  public void swiGluBackward(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    Matrix rows = Matrix.of(gate).withRows(Matrix.live(dOut, gate, up, dGate, dUp));
    SwiGlu.backward(team, Matrix.of(dOut), rows, Matrix.of(up), Matrix.of(dGate), Matrix.of(dUp));
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor scale, Tensor nll) {
    Matrix rows = Matrix.of(logits).withRows(Matrix.live(logits, targets, nll));
    CrossEntropy.rows(team, rows, memory(targets), scalar(scale, 0), memory(nll));
  }

  // ---- element by element ----------------------------------------------------------------------

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    MemorySegment x = memory(a);
    MemorySegment y = memory(b);
    MemorySegment sum = memory(out);
    elements((from, to) -> Elementwise.add(x, y, sum, from, to), a, b, out);
  }

  @Override
  public void squaredNorm(Tensor x, Tensor out) {
    double sum = Reduce.squaredNorm(team, memory(x), Matrix.liveElements(x));
    memory(out).set(JAVA_FLOAT_UNALIGNED, 0, (float) sum);
  }

  @Override
  public void scale(Tensor x, Tensor factor) {
    MemorySegment values = memory(x);
    float by = scalar(factor, 0);
    elements((from, to) -> Elementwise.scale(values, by, from, to), x);
  }

  @Override
  public void axpby(Tensor ab, Tensor x, Tensor y) {
    MemorySegment source = memory(x);
    MemorySegment target = memory(y);
    float alpha = scalar(ab, 0);
    float beta = scalar(ab, 1);
    elements((from, to) -> Elementwise.axpby(alpha, source, beta, target, from, to), x, y);
  }

  @Override
  public void lerp(Tensor a, Tensor b, float weight, Tensor out) {
    MemorySegment x = memory(a);
    MemorySegment y = memory(b);
    MemorySegment between = memory(out);
    elements((from, to) -> Elementwise.lerp(x, y, weight, between, from, to), a, b, out);
  }

  @Override
  public void sign(Tensor x, Tensor out) {
    MemorySegment source = memory(x);
    MemorySegment target = memory(out);
    elements((from, to) -> Elementwise.sign(source, target, from, to), x, out);
  }

  @Override
  public void fill(Tensor x, float value) {
    MemorySegment target = memory(x);
    elements((from, to) -> Elementwise.fill(target, value, from, to), x);
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    long live = Matrix.liveElements(source, target);
    Rows.copy(team, Matrix.flat(source), Matrix.flat(target), live);
  }

  @Override
  public void adamW(
      AdamWConstants constants,
      Tensor step,
      Tensor parameter,
      Tensor gradient,
      Tensor m,
      Tensor v) {
    AdamW now =
        AdamW.of(constants, scalar(step, 0), scalar(step, 1), scalar(step, 2), scalar(step, 3));
    MemorySegment p = memory(parameter);
    MemorySegment g = memory(gradient);
    MemorySegment mean = memory(m);
    MemorySegment square = memory(v);
    elements((from, to) -> now.step(p, g, mean, square, from, to), parameter, gradient, m, v);
  }
}
