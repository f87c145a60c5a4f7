package dev.yushan.autograd;

import static dev.yushan.backend.Kernels.Op.N;
import static dev.yushan.backend.Kernels.Op.T;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Feature;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.KvPages;
import dev.yushan.backend.Qkv;
import dev.yushan.backend.Workspace;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/// What a model is written in: each method computes one op into a new activation and, when there is
/// a [Tape], records its backward beside it.
///
/// Without a tape nothing is kept: sums are taken in place and the memory of a block is released
/// behind it, so that a forward pass of any depth needs the activations of one block. With one, a
/// block keeps what the tape's [Keep] says.
public final class Ops {
  /// Rows of logits that [#crossEntropy] holds at a time, unless [#withLossChunk] says otherwise.
  public static final int LOSS_CHUNK = 512;

  /// What a chunk must be a multiple of: a whole number of k-blocks of `matmul`, so that the sums
  /// over rows have the same bits for any number of chunks.
  public static final int LOSS_CHUNK_UNIT = 256;

  private final Kernels kernels;

  /// Of what is used and forgotten; with a tape the scratch stack of the tape.
  private final Workspace workspace;

  private final Optional<Tape> tape;
  private final boolean quantisesRows;
  private final int lossChunk;

  private Ops(
      Kernels kernels,
      Workspace workspace,
      Optional<Tape> tape,
      boolean quantisesRows,
      int lossChunk) {
    this.kernels = kernels;
    this.workspace = workspace;
    this.tape = tape;
    this.quantisesRows = quantisesRows;
    this.lossChunk = lossChunk;
  }

  /// Forward only.
  public static Ops inference(Backend backend, Workspace workspace) {
    boolean quantisesRows = backend.supports(Feature.QUANTISED_ROWS);
    return new Ops(backend.kernels(), workspace, Optional.empty(), quantisesRows, LOSS_CHUNK);
  }

  /// Forward with a tape, on its stacks.
  public static Ops training(Backend backend, Tape tape) {
    return new Ops(backend.kernels(), tape.scratch(), Optional.of(tape), false, LOSS_CHUNK);
  }

  /// The same ops with `rows` rows of logits at a time: less memory, the same bits.
  ///
  /// @param rows a multiple of [#LOSS_CHUNK_UNIT]
  public Ops withLossChunk(int rows) {
    if (rows < LOSS_CHUNK_UNIT || rows % LOSS_CHUNK_UNIT != 0) {
      throw new IllegalArgumentException(
          "a chunk of %d rows of logits is no multiple of %d".formatted(rows, LOSS_CHUNK_UNIT));
    }
    return new Ops(kernels, workspace, tape, quantisesRows, rows);
  }

  // ---- layers ----------------------------------------------------------------------------------

  /// Rows of `table` (`[V, C]`) for each of `tokens` (I32 `[T]`): `[T, C]`.
  public Tensor embedding(Tensor tokens, Parameter table) {
    Tensor out = activation(tokens, table.value().columns());
    run(
        out,
        () -> kernels.gather(table.value(), tokens, out),
        t ->
            table
                .gradient()
                .ifPresent(dTable -> kernels.scatterAdd(t.gradient(out), tokens, dTable)));
    return out;
  }

  /// `x · weightᵀ`: `[T, K]` times `[N, K]` transposed is `[T, N]`.
  ///
  /// Without a tape, the rows of x are rounded to Q8_0 where the weights are Q4_0 and the backend
  /// multiplies such rows: as llama.cpp does, for up to twice the speed of decoding.
  public Tensor linear(Tensor x, Parameter weight) {
    Tensor out = product(x, weight.value().rows());
    run(
        out,
        () -> multiply(x, weight.value(), out),
        t -> {
          Tensor dOut = t.gradient(out);
          // First the weight: the gradient of x may go into the buffer of dOut.
          weight.gradient().ifPresent(dW -> kernels.matmul(T, N, 1, dOut, x, 1, dW));
          addGradient(
              t.target(x),
              dOut,
              dX -> kernels.matmul(N, N, 1, dOut, weight.value(), dX.beta(), dX.gradient()));
        });
    return out;
  }

  /// Each row over its root mean square, times `weight` (`[C]`): `[T, C]`.
  public Tensor rmsNorm(Tensor x, Parameter weight, float eps) {
    Tensor out = activation(x, x.columns());
    Tensor inverseRms = activation(x, 1).reshape(x.rows());
    run(
        out,
        () -> kernels.rmsNorm(x, weight.value(), eps, out, inverseRms),
        t -> {
          Tensor dOut = t.gradient(out);
          Tensor dWeight = weight.gradient().orElseGet(() -> scratchLike(weight.value()));
          addGradient(
              t.target(x),
              dOut,
              dX ->
                  kernels.rmsNormBackward(
                      dOut, x, weight.value(), inverseRms, dX.beta(), dX.gradient(), dWeight));
        });
    return out;
  }

  /// Normalises each head of the queries, and each of the keys, by itself (Henry et al. 2020), in
  /// place as [#rope] does, before which it comes.
  ///
  /// @param qkv `[T, (H + 2G) · D]`, of which the values stay as they are
  /// @param queryNorm `[D]`, the same for all heads
  /// @param keyNorm like `queryNorm`
  public Tensor headNorm(
      Tensor qkv, AttentionShape shape, Parameter queryNorm, Parameter keyNorm, float eps) {
    Tensor before = tape.isPresent() ? product(qkv, qkv.columns()) : qkv;
    if (tape.isPresent()) {
      run(before, () -> kernels.copy(qkv, before), t -> {});
    }
    headNorm(before, qkv, 0, shape.keysFrom(), queryNorm, eps);
    headNorm(before, qkv, shape.keysFrom(), shape.valuesFrom(), keyNorm, eps);
    return qkv;
  }

  private void headNorm(Tensor before, Tensor qkv, int from, int to, Parameter weight, float eps) {
    Tensor x = before.columns(from, to);
    Tensor inverseRms = besideProduct(qkv, (to - from) / weight.value().elements());
    run(
        qkv,
        () -> kernels.rmsNorm(x, weight.value(), eps, qkv.columns(from, to), inverseRms),
        t -> {
          Tensor d = t.gradient(qkv).columns(from, to);
          Tensor dWeight = weight.gradient().orElseGet(() -> scratchLike(weight.value()));
          kernels.rmsNormBackward(d, x, weight.value(), inverseRms, 0, d, dWeight);
        });
  }

  /// Turns queries and keys by their positions, in place: the values before are gone, so nothing
  /// recorded earlier may need them.
  ///
  /// @param qkv `[T, (H + 2G) · D]`, of which the values stay as they are
  public Tensor rope(Tensor qkv, AttentionShape shape, Tensor positions, Tensor cosSin) {
    Tensor turned = qkv.columns(0, shape.valuesFrom());
    run(
        qkv,
        () -> kernels.rope(turned, positions, cosSin, false, turned),
        t -> {
          Tensor dTurned = t.gradient(qkv).columns(0, shape.valuesFrom());
          kernels.rope(dTurned, positions, cosSin, true, dTurned);
        });
    return qkv;
  }

  /// Causal attention within each sequence, from one matrix of queries, keys and values: `[T, H ·
  /// D]`.
  ///
  /// With `pages`, those of a cache, the new keys and values go there, and each token sees what the
  /// cache holds of its sequence up to its own position. That cannot be trained through.
  ///
  /// @param qkv `[T, (H + 2G) · D]`
  /// @param sequences I32 `[S + 1]`
  /// @param layer whose pages
  public Tensor attention(
      Tensor qkv,
      AttentionShape shape,
      Tensor sequences,
      Tensor positions,
      Optional<KvPages> pages,
      int layer) {
    Qkv in = Qkv.of(qkv, shape);
    return pages
        .map(cache -> cachedAttention(in, shape, sequences, positions, cache, layer))
        .orElseGet(() -> attention(qkv, in, shape, sequences));
  }

  private Tensor attention(Tensor qkv, Qkv in, AttentionShape shape, Tensor sequences) {
    // The backward computes the scores again, and the log-sum-exp must be theirs.
    tape.ifPresent(t -> t.round(qkv));
    Tensor out = product(qkv, shape.queryColumns());
    Tensor logSumExp = besideProduct(qkv, shape.heads());
    run(
        out,
        () -> kernels.attention(shape, in, sequences, out, logSumExp),
        true,
        t ->
            kernels.attentionBackward(
                shape, t.gradient(out), in, out, logSumExp, sequences, Qkv.of(t.only(qkv), shape)));
    return out;
  }

  private Tensor cachedAttention(
      Qkv in, AttentionShape shape, Tensor sequences, Tensor positions, KvPages cache, int layer) {
    if (tape.isPresent()) {
      throw new IllegalStateException("a key/value cache cannot be trained through");
    }
    KvPages.Layer pages = cache.layer(layer);
    kernels.scatter(in.k(), cache.slots(), pages.keys());
    kernels.scatter(in.v(), cache.slots(), pages.values());
    Tensor out = activation(in.q(), shape.queryColumns());
    kernels.pagedAttention(shape, in.q(), pages, sequences, positions, out);
    return out;
  }

  /// `silu(gate) · up` from one matrix `[T, 2I]` with the gate in its first half: `[T, I]`.
  public Tensor swiGlu(Tensor gateUp) {
    long half = gateUp.columns() / 2;
    Tensor gate = gateUp.columns(0, half);
    Tensor up = gateUp.columns(half, 2 * half);
    Tensor out = activation(gateUp, half);
    run(
        out,
        () -> kernels.swiGlu(gate, up, out),
        t -> {
          Tensor dGateUp = t.only(gateUp);
          kernels.swiGluBackward(
              t.gradient(out), gate, up, dGateUp.columns(0, half), dGateUp.columns(half, 2 * half));
        });
    return out;
  }

  /// `residual + branch`, where `branch` is what was computed last, and is replaced by the sum
  /// unless its backward still needs it. Without a tape the sum replaces the residual.
  ///
  /// Both have the gradient of the sum, and share its buffer: by the time the residual's earlier
  /// users add to it, the branch has read it.
  public Tensor add(Tensor residual, Tensor branch) {
    if (tape.isEmpty()) {
      kernels.add(residual, branch, residual);
      return residual;
    }
    Tape t = tape.get();
    if (!t.justComputed(branch)) {
      throw new IllegalArgumentException("the branch of a residual must be what was computed last");
    }
    Tensor out = t.mayOverwriteLatest() ? branch : activation(residual, residual.columns());
    run(
        out,
        () -> kernels.add(residual, branch, out),
        recorded -> {
          Tensor dOut = recorded.gradient(out);
          recorded.adopt(branch, dOut);
          recorded.adopt(residual, dOut);
        });
    return out;
  }

  /// One residual block: `body` maps `[T, C]` to its input plus something, by [#add].
  ///
  /// @param body gets the ops to use
  public Tensor block(Tensor x, BiFunction<Ops, Tensor, Tensor> body) {
    return tape.map(t -> t.block(x, in -> body.apply(this, in)))
        .orElseGet(() -> blockInPlace(x, body));
  }

  private Tensor blockInPlace(Tensor x, BiFunction<Ops, Tensor, Tensor> body) {
    Workspace.Mark mark = workspace.mark();
    if (body.apply(this, x) != x) {
      throw new IllegalStateException("a block must return its input plus something");
    }
    workspace.release(mark);
    return x;
  }

  // ---- loss ------------------------------------------------------------------------------------

  /// Negative log-likelihood of `targets` under `softmax(hidden · headᵀ)`, chunk by chunk of rows,
  /// so that the logits of the whole batch never exist. With a tape the gradients are computed in
  /// the same pass, and the loss to be minimised is `scale · Σ nll`.
  ///
  /// @param hidden `[T, C]`
  /// @param head `[V, C]`
  /// @param targets I32 `[T]`, −100 where nothing is predicted
  /// @param scale F32 `[1]`
  /// @param nll F32 `[T]`, the result; rows past the live count are not written
  public void crossEntropy(
      Tensor hidden, Parameter head, Tensor targets, Tensor scale, Tensor nll) {
    Optional<Tensor> dHidden = tape.map(t -> t.only(hidden));
    long rows = hidden.rows();
    Workspace.Mark mark = workspace.mark();
    Tensor buffer =
        workspace.allocate(DType.F32, Shape.of(Math.min(rows, lossChunk), head.value().rows()));
    for (long from = 0; from < rows; from += lossChunk) {
      long to = Math.min(rows, from + lossChunk);
      Tensor x = hidden.rows(from, to);
      Tensor chunk = buffer.rows(0, to - from);
      Tensor logits = x.count().map(chunk::counted).orElse(chunk);
      multiply(x, head.value(), logits);
      kernels.crossEntropy(logits, targets.rows(from, to), scale, nll.rows(from, to));
      if (dHidden.isPresent()) {
        kernels.matmul(N, N, 1, logits, head.value(), 0, dHidden.get().rows(from, to));
        head.gradient().ifPresent(dW -> kernels.matmul(T, N, 1, logits, x, 1, dW));
      }
    }
    workspace.release(mark);
  }

  /// [#linear] forward only, into `out`: the logits of chosen rows.
  ///
  /// @param x F32 `[R, C]`
  /// @param head `[V, C]`
  /// @param out F32 `[R, V]`
  public void logits(Tensor x, Parameter head, Tensor out) {
    multiply(x, head.value(), out);
  }

  private void multiply(Tensor x, Tensor weight, Tensor out) {
    if (!quantisesRows || weight.dtype() != DType.Q4_0 || x.ld() != x.columns()) {
      kernels.matmul(N, T, 1, x, weight, 0, out);
      return;
    }
    Workspace.Mark mark = workspace.mark();
    Tensor rows = workspace.rowsOf(DType.Q8_0, x, x.columns());
    kernels.copy(x, rows);
    kernels.matmul(N, T, 1, rows, weight, 0, out);
    workspace.release(mark);
  }

  // ---- memory ----------------------------------------------------------------------------------

  /// A new F32 activation with the rows, and the live rows, of `like`.
  private Tensor activation(Tensor like, long columns) {
    return tape.map(t -> t.cheap(like, columns))
        .orElseGet(() -> workspace.rowsOf(DType.F32, like, columns));
  }

  /// One that costs much arithmetic, so that a block may keep it.
  private Tensor product(Tensor like, long columns) {
    return tape.map(t -> t.product(like, columns))
        .orElseGet(() -> workspace.rowsOf(DType.F32, like, columns));
  }

  private Tensor besideProduct(Tensor like, long columns) {
    return tape.map(t -> t.besideProduct(like, columns))
        .orElseGet(() -> workspace.rowsOf(DType.F32, like, columns));
  }

  /// Runs `backward` into `target`, or where that is the buffer it reads, beside it first: so in `x
  /// + linear(x)`, where the gradient of the sum is the buffer of both.
  private void addGradient(Tape.Target target, Tensor dOut, Consumer<Tape.Target> backward) {
    if (!target.gradient().overlaps(dOut)) {
      backward.accept(target);
      return;
    }
    Tensor beside = activation(target.gradient(), target.gradient().columns());
    backward.accept(new Tape.Target(beside, 0));
    kernels.add(target.gradient(), beside, target.gradient());
  }

  private Tensor scratchLike(Tensor value) {
    return workspace.allocate(DType.F32, value.shape());
  }

  private void run(Tensor out, Runnable forward, Consumer<Tape> backward) {
    run(out, forward, false, backward);
  }

  private void run(Tensor out, Runnable forward, boolean readsOutput, Consumer<Tape> backward) {
    tape.ifPresentOrElse(
        t -> t.run(out, forward, readsOutput, () -> backward.accept(t)), forward::run);
  }
}
