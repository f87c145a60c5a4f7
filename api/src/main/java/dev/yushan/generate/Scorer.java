package dev.yushan.generate;

import dev.yushan.autograd.Ops;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Owned;
import dev.yushan.backend.Workspace;
import dev.yushan.model.CausalLM;
import dev.yushan.model.RecordedPass;
import dev.yushan.model.TokenBatch;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// How probable a model finds token sequences: the loss of every single prediction.
///
/// Sequences are computed side by side, in batches of so many tokens; what comes out does not
/// depend on who is beside whom, to the bit.
public final class Scorer implements AutoCloseable {
  private static final int MAX_SEQUENCES = 256;

  private final Backend backend;
  private final CausalLM model;
  private final Workspace workspace;
  private Pass pass;

  /// A scorer that computes up to `batchTokens` tokens at a time, or as many as the longest
  /// sequence has. The model stays the caller's.
  public Scorer(Backend backend, CausalLM model, int batchTokens) {
    this.backend = backend;
    this.model = model;
    this.workspace = new Workspace(backend, 1L << 22);
    try {
      this.pass = new Pass(batchTokens);
    } catch (RuntimeException | Error e) {
      workspace.close();
      throw e;
    }
  }

  /// One forward pass with the loss, recorded once and replayed.
  private final class Pass implements AutoCloseable {
    private final Owned owned = new Owned();
    private final TokenBatch batch;
    private final Tensor one;
    private final Tensor nll;
    private final RecordedPass forward;

    Pass(int capacity) {
      try {
        batch = owned.add(TokenBatch.allocate(backend, capacity, MAX_SEQUENCES));
        one = owned.add(backend.tensor(new float[] {1}, 1));
        nll = owned.add(backend.allocate(DType.F32, Shape.of(capacity)));
        forward =
            owned.add(
                RecordedPass.forward("score " + capacity, backend, workspace, batch, this::losses));
      } catch (RuntimeException | Error e) {
        owned.closeAfter(e);
        throw e;
      }
    }

    private void losses(Ops ops) {
      ops.crossEntropy(model.hidden(ops, batch), model.head(), batch.targets(), one, nll);
    }

    float[] run(TokenBatch.Rows rows) {
      forward.run(rows);
      return backend.floats(nll.rows(0, rows.length()));
    }

    @Override
    public void close() {
      owned.close();
    }
  }

  /// For each sequence the negative log-likelihood (natural log) of each token after the first,
  /// given those before it: one number less than there are tokens. An empty sequence has none.
  ///
  /// @throws IllegalArgumentException if a sequence is longer than the model's positions or has an
  ///   id outside of its vocabulary
  public List<float[]> score(List<int[]> sequences) {
    sequences.forEach(this::requireUsable);
    List<float[]> losses = new ArrayList<>();
    int from = 0;
    while (from < sequences.size()) {
      int to = from;
      int tokens = 0;
      do {
        tokens += sequences.get(to++).length;
      } while (to < sequences.size()
          && to - from < MAX_SEQUENCES
          && tokens + sequences.get(to).length <= pass.batch.capacity());
      losses.addAll(scoreTogether(sequences.subList(from, to), tokens));
      from = to;
    }
    return losses;
  }

  private List<float[]> scoreTogether(List<int[]> sequences, int tokens) {
    if (tokens == 0) {
      return sequences.stream().map(empty -> new float[0]).toList();
    }
    if (tokens > pass.batch.capacity()) {
      Pass larger = new Pass(tokens);
      pass.close();
      pass = larger;
    }
    TokenBatch.Rows rows = TokenBatch.Rows.ofSequences(sequences.toArray(int[][]::new));
    float[] nll = pass.run(rows);
    List<float[]> losses = new ArrayList<>();
    for (int s = 0; s < sequences.size(); s++) {
      int start = rows.starts()[s];
      losses.add(Arrays.copyOfRange(nll, start, Math.max(start, rows.starts()[s + 1] - 1)));
    }
    return losses;
  }

  private void requireUsable(int[] sequence) {
    int positions = model.config().maxPositions();
    if (sequence.length > positions) {
      throw new IllegalArgumentException(
          "a sequence of %d tokens is over max_position_embeddings = %d; cut or split it"
              .formatted(sequence.length, positions));
    }
    int vocabSize = model.config().vocabSize();
    for (int id : sequence) {
      if (id < 0 || id >= vocabSize) {
        throw new IllegalArgumentException(
            "the id %d is outside of the model's vocabulary of %d; was it made by another tokenizer?"
                .formatted(id, vocabSize));
      }
    }
  }

  @Override
  public void close() {
    pass.close();
    workspace.close();
  }
}
