package dev.yushan.cli.bench;

import dev.yushan.autograd.Ops;
import dev.yushan.backend.Backend;
import dev.yushan.backend.KvPages;
import dev.yushan.backend.Workspace;
import dev.yushan.generate.KvCache;
import dev.yushan.model.CausalLM;
import dev.yushan.model.RecordedPass;
import dev.yushan.model.TokenBatch;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;

/// A forward pass over as many tokens of each of a few sequences, with their keys and values in
/// pages, as serving makes it: of a prompt, or of one more token each. The logits are those of the
/// last token of each sequence, and are read on the host.
final class ServingPass implements AutoCloseable {
  private static final long SLAB_BYTES = 1 << 22;

  private final Backend backend;
  private final CausalLM model;
  private final int sequences;
  private final int[] ids;
  private final Workspace workspace;
  private final KvCache cache;
  private final Tensor pageTable;
  private final Tensor slots;
  private final Tensor last;
  private final Tensor logits;
  private final TokenBatch batch;
  private final RecordedPass forward;
  private final int positions;

  /// @param length tokens of each sequence in a pass, at most
  /// @param context positions of each sequence
  /// @param ids tokens to take, at least as many as a pass has
  ServingPass(Backend backend, CausalLM model, int sequences, int length, int context, int[] ids) {
    this.backend = backend;
    this.model = model;
    this.sequences = sequences;
    this.ids = ids;
    int pages = KvCache.pagesFor(context);
    positions = pages * KvPages.PAGE_LENGTH;
    workspace = new Workspace(backend, SLAB_BYTES);
    cache = new KvCache(backend, model.config(), DType.F32, sequences * pages);
    pageTable = backend.tensor(IntStream.range(0, sequences * pages).toArray(), sequences, pages);
    slots = backend.allocate(DType.I32, Shape.of((long) sequences * length));
    last = backend.allocate(DType.I32, Shape.of(sequences));
    logits = backend.allocate(DType.F32, Shape.of(sequences, model.config().vocabSize()));
    TokenBatch plain = TokenBatch.allocate(backend, sequences * length, sequences);
    batch = plain.with(cache.view(pageTable, slots.counted(plain.count())));
    forward = RecordedPass.forward("bench", backend, workspace, batch, this::logits);
  }

  private void logits(Ops ops) {
    Tensor hidden = model.hidden(ops, batch);
    // none where the batch is empty
    Tensor rows =
        workspace.allocate(DType.F32, Shape.of(sequences, hidden.columns())).counted(batch.count());
    backend.kernels().gather(hidden, last.counted(batch.count()), rows);
    ops.logits(rows, model.head(), logits);
  }

  /// Computes the tokens of each sequence at `from` to `from + length - 1`.
  void run(int from, int length) {
    int total = sequences * length;
    int[] at = IntStream.range(0, total).map(i -> from + i % length).toArray();
    int[] rows = IntStream.range(0, total).map(i -> i / length * positions + at[i]).toArray();
    int[] starts = IntStream.rangeClosed(0, sequences).map(s -> s * length).toArray();
    int[] none = new int[total];
    Arrays.fill(none, TokenBatch.NO_TARGET);
    backend.upload(rows, slots.rows(0, total));
    backend.upload(IntStream.rangeClosed(1, sequences).map(s -> s * length - 1).toArray(), last);
    forward.run(new TokenBatch.Rows(Arrays.copyOf(ids, total), at, starts, none));
    float first = backend.floats(logits)[0];
    if (!Float.isFinite(first)) {
      throw new IllegalStateException(
          "the %s backend computed %s in the place of a logit; it is not to be measured but repaired"
              .formatted(backend.name(), first));
    }
  }

  @Override
  public void close() {
    forward.close();
    batch.close();
    slots.close();
    last.close();
    logits.close();
    pageTable.close();
    cache.close();
    workspace.close();
  }
}
