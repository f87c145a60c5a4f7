package dev.yushan.engine;

import dev.yushan.autograd.Ops;
import dev.yushan.backend.Backend;
import dev.yushan.backend.KvPages;
import dev.yushan.backend.Traffic;
import dev.yushan.backend.Workspace;
import dev.yushan.generate.KvCache;
import dev.yushan.model.CausalLM;
import dev.yushan.model.RecordedPass;
import dev.yushan.model.TokenBatch;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Computes what the scheduler decided: one forward pass over slices of many sequences, and the
/// logits of the rows that are asked for.
final class ModelRunner implements AutoCloseable {
  private static final int PAGE = KvPages.PAGE_LENGTH;

  private final Backend backend;
  private final CausalLM model;
  private final int maxSequences;
  private final KvCache cache;
  private final Workspace workspace;
  private final Tensor pageTable;
  private final Tensor hidden;
  private final Tensor headCount;
  private final Tensor headIds;
  private final Tensor logits;
  private final TokenBatch none;
  private final RecordedPass head;
  private final List<Pass> passes = new ArrayList<>();
  private int loaded;

  /// @param pages of the cache
  ModelRunner(Backend backend, CausalLM model, EngineConfig config, int pages) {
    this.backend = backend;
    this.model = model;
    this.maxSequences = config.maxNumSeqs();
    this.workspace = new Workspace(backend, 1L << 22);
    int most = config.maxNumBatchedTokens();
    int vocabulary = model.config().vocabSize();
    pageTable =
        backend.allocate(DType.I32, Shape.of(maxSequences, KvCache.pagesFor(config.maxModelLen())));
    hidden = backend.allocate(DType.F32, Shape.of(most, model.config().hiddenSize()));
    headCount = backend.allocate(DType.I32, Shape.of(1));
    headIds = backend.allocate(DType.I32, Shape.of(maxSequences)).counted(headCount);
    logits = backend.allocate(DType.F32, Shape.of(maxSequences, vocabulary)).counted(headCount);
    cache = new KvCache(backend, model.config(), config.kvCacheDtype(), pages);
    none = TokenBatch.allocate(backend, 1, 1);
    head = RecordedPass.forward("head", backend, workspace, none, this::head);
    if (maxSequences < most) {
      passes.add(new Pass(maxSequences));
    }
    passes.add(new Pass(most));
  }

  /// What went between host and device so far.
  Traffic traffic() {
    return backend.traffic();
  }

  private void head(Ops ops) {
    Tensor rows =
        workspace.allocate(DType.F32, Shape.of(maxSequences, hidden.columns())).counted(headCount);
    backend.kernels().gather(hidden, headIds, rows);
    ops.logits(rows, model.head(), logits);
  }

  /// A forward pass of up to so many tokens, recorded once and replayed.
  private final class Pass implements AutoCloseable {
    private final TokenBatch batch;
    private final Tensor slots;
    private final RecordedPass forward;

    Pass(int capacity) {
      TokenBatch plain = TokenBatch.allocate(backend, capacity, maxSequences);
      slots = backend.allocate(DType.I32, Shape.of(capacity));
      batch = plain.with(cache.view(pageTable, slots.counted(plain.count())));
      forward =
          RecordedPass.forward("serve " + capacity, backend, workspace, batch, this::hiddenStates);
    }

    private void hiddenStates(Ops ops) {
      Tensor states = model.hidden(ops, batch);
      backend.kernels().copy(states, hidden.rows(0, batch.capacity()).counted(batch.count()));
    }

    @Override
    public void close() {
      forward.close();
      batch.close();
      slots.close();
    }
  }

  /// Computes a step; afterwards [#logits] gives what its rows say.
  void run(Scheduler.Step step) {
    step.copies().forEach(this::copy);
    int total = step.tokens();
    Pass pass = passes.stream().filter(p -> p.batch.capacity() >= total).findFirst().orElseThrow();
    int[] tokens = new int[total];
    int[] positions = new int[total];
    int[] slots = new int[total];
    int[] starts = new int[step.slices().size() + 1];
    int[] table = new int[step.slices().size() * (int) pageTable.columns()];
    int at = 0;
    for (int s = 0; s < step.slices().size(); s++) {
      Scheduler.Slice slice = step.slices().get(s);
      Sequence sequence = slice.sequence();
      System.arraycopy(sequence.tokens(), slice.from(), tokens, at, slice.count());
      for (int position = slice.from(); position < slice.from() + slice.count(); position++) {
        positions[at] = position;
        slots[at++] = sequence.page(position / PAGE) * PAGE + position % PAGE;
      }
      starts[s + 1] = at;
      for (int i = 0; i < sequence.pages().size(); i++) {
        table[s * (int) pageTable.columns() + i] = sequence.page(i);
      }
    }
    int[] targets = new int[total];
    Arrays.fill(targets, TokenBatch.NO_TARGET);
    backend.upload(slots, pass.slots.rows(0, total));
    backend.upload(table, pageTable.rows(0, step.slices().size()));
    pass.forward.run(new TokenBatch.Rows(tokens, positions, starts, targets));
  }

  private void copy(Scheduler.Copy copy) {
    KvPages all = cache.view(pageTable, headIds);
    for (List<Tensor> layers : List.of(all.keys(), all.values())) {
      for (Tensor rows : layers) {
        backend
            .kernels()
            .copy(
                rows.rows((long) copy.from() * PAGE, (copy.from() + 1L) * PAGE),
                rows.rows((long) copy.to() * PAGE, (copy.to() + 1L) * PAGE));
      }
    }
  }

  /// Computes the logits of rows of the last step.
  ///
  /// @param rows at most as many as there may be sequences
  void head(int[] rows) {
    backend.upload(rows, headIds.rows(0, rows.length));
    backend.upload(new int[] {rows.length}, headCount);
    loaded = rows.length;
    head.run(TokenBatch.Rows.ofSequences());
  }

  /// Copies the logits of one of the rows of [#head].
  ///
  /// @param to `[vocabSize]`
  void logits(int row, float[] to) {
    if (row >= loaded) {
      throw new IllegalArgumentException("row %d of %d".formatted(row, loaded));
    }
    backend.download(logits.rows(row, row + 1L), MemorySegment.ofArray(to));
  }

  int maxRows() {
    return maxSequences;
  }

  int vocabSize() {
    return (int) logits.columns();
  }

  @Override
  public void close() {
    passes.forEach(Pass::close);
    head.close();
    none.close();
    for (Tensor tensor : List.of(pageTable, hidden, headCount, headIds, logits)) {
      tensor.storage().close();
    }
    cache.close();
    workspace.close();
  }
}
