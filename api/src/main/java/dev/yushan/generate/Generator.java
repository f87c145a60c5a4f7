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
import java.util.Arrays;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;

/// Continues one token sequence at a time with a key/value cache: the prompt in chunks, then token
/// by token. The tokens do not depend on the size of the chunks.
public final class Generator implements AutoCloseable {
  private static final int PREFILL_CHUNK = 256;

  /// Why a completion ended: `LENGTH` at `maxTokens` or the end of the context, `EOS` at an id that
  /// ends a text, `STOP` at one of the stop ids or because the listener said so.
  public enum Finish {
    LENGTH,
    EOS,
    STOP
  }

  /// Receives tokens as they are chosen.
  @FunctionalInterface
  public interface Listener {
    /// Returns whether to go on.
    ///
    /// @param logProbability of the token, computed when it is asked for: a pass over the
    ///   vocabulary
    boolean token(int id, DoubleSupplier logProbability);
  }

  /// What was generated, with the time it took in nanoseconds; without the end-of-text id, and with
  /// a stop id only if the parameters say so.
  public record Generation(int[] tokens, Finish finish, long prefillNanos, long decodeNanos) {}

  private final Backend backend;
  private final CausalLM model;
  private final int contextLength;
  private final Owned owned = new Owned();
  private final Workspace workspace;
  private final KvCache cache;
  private final Tensor pageTable;
  private final Step prefill;
  private final Step decode;

  /// A generator for sequences of up to `contextLength` tokens, prompt included. The model stays
  /// the caller's.
  ///
  /// @throws IllegalArgumentException if the model has fewer positions
  public Generator(Backend backend, CausalLM model, int contextLength) {
    if (contextLength < 1 || contextLength > model.config().maxPositions()) {
      throw new IllegalArgumentException(
          "a context of %d tokens is outside of 1 to max_position_embeddings = %d"
              .formatted(contextLength, model.config().maxPositions()));
    }
    this.backend = backend;
    this.model = model;
    this.contextLength = contextLength;
    int pages = KvCache.pagesFor(contextLength);
    try {
      this.workspace = owned.add(new Workspace(backend, 1L << 22));
      this.cache = owned.add(new KvCache(backend, model.config(), DType.F32, pages));
      this.pageTable = owned.add(backend.tensor(IntStream.range(0, pages).toArray(), 1, pages));
      this.prefill = new Step(Math.min(PREFILL_CHUNK, contextLength));
      this.decode = new Step(1);
    } catch (RuntimeException | Error e) {
      owned.closeAfter(e);
      throw e;
    }
  }

  /// One forward pass over up to `capacity` tokens, recorded once and replayed.
  private final class Step {
    private final TokenBatch batch;
    private final Tensor slots;
    private final Tensor last;
    private final Tensor logits;
    private final RecordedPass forward;

    Step(int capacity) {
      TokenBatch plain = owned.add(TokenBatch.allocate(backend, capacity, 1));
      slots = owned.add(backend.allocate(DType.I32, Shape.of(capacity)));
      batch = plain.with(cache.view(pageTable, slots.counted(plain.count())));
      last = owned.add(backend.allocate(DType.I32, Shape.of(1)));
      logits = owned.add(backend.allocate(DType.F32, Shape.of(1, model.config().vocabSize())));
      forward =
          owned.add(
              RecordedPass.forward(
                  "generate " + capacity, backend, workspace, batch, this::logits));
    }

    private void logits(Ops ops) {
      Tensor hidden = model.hidden(ops, batch);
      // One row, or none where the batch is empty.
      Tensor id = last.counted(batch.count());
      Tensor row =
          workspace.allocate(DType.F32, Shape.of(1, hidden.columns())).counted(batch.count());
      backend.kernels().gather(hidden, id, row);
      ops.logits(row, model.head(), logits);
    }

    /// Logits after `tokens` at positions `from` and on.
    void run(int[] tokens, int from) {
      int n = tokens.length;
      int[] positions = IntStream.range(from, from + n).toArray();
      int[] none = new int[n];
      Arrays.fill(none, TokenBatch.NO_TARGET);
      // The one sequence has all pages in order, so a token's slot is its position.
      backend.upload(positions, slots.rows(0, n));
      backend.upload(new int[] {n - 1}, last);
      forward.run(new TokenBatch.Rows(tokens, positions, new int[] {0, n}, none));
    }
  }

  /// Continues `prompt`.
  ///
  /// @throws IllegalArgumentException if the prompt is empty, leaves no room for a token in the
  ///   context, or has an id outside of the vocabulary, or the parameters do
  /// @throws dev.yushan.model.ModelException if the model's logits are not numbers
  public Generation generate(int[] prompt, SamplingParams params, Listener listener) {
    requireUsable(prompt, params);
    params.requireVocabulary(model.config().vocabSize());
    int limit = Math.min(params.maxTokens(), contextLength - prompt.length);
    long start = System.nanoTime();
    float[] logits = limit == 0 ? new float[0] : prefill(prompt);
    long prefilled = limit == 0 ? start : System.nanoTime();
    TokenHistory history = new TokenHistory(prompt);
    Finish finish = Finish.LENGTH;
    while (history.generated() < limit) {
      int id = Sampler.next(logits, history, params, model.config().eosIds(), Optional.empty());
      if (model.config().eosIds().contains(id) && !params.ignoreEos()) {
        finish = Finish.EOS;
        break;
      }
      boolean stops = params.stopTokenIds().contains(id);
      if (!stops || params.includeStopStrInOutput()) {
        history.add(id);
        float[] row = logits;
        stops |= !listener.token(id, () -> LogProbabilities.of(row).of(id));
      }
      if (stops) {
        finish = Finish.STOP;
        break;
      }
      if (history.generated() < limit) {
        decode.run(new int[] {id}, history.length() - 1);
        logits = backend.floats(decode.logits);
      }
    }
    return new Generation(
        history.output(), finish, prefilled - start, System.nanoTime() - prefilled);
  }

  private void requireUsable(int[] prompt, SamplingParams params) {
    if (prompt.length == 0) {
      throw new IllegalArgumentException("the prompt has no tokens; begin it with the BOS token");
    }
    int least = Math.min(1, params.maxTokens());
    if (prompt.length > contextLength - least) {
      throw new IllegalArgumentException(
          "the prompt has %d tokens, which leaves no room in a context of %d: shorten it or enlarge the context"
              .formatted(prompt.length, contextLength));
    }
    int vocabSize = model.config().vocabSize();
    for (int id : prompt) {
      if (id < 0 || id >= vocabSize) {
        throw new IllegalArgumentException(
            "the prompt has the id %d, the model knows 0 to %d; use the tokenizer it was trained with"
                .formatted(id, vocabSize - 1));
      }
    }
  }

  private float[] prefill(int[] prompt) {
    int chunk = prefill.batch.capacity();
    for (int from = 0; from < prompt.length; from += chunk) {
      int to = Math.min(prompt.length, from + chunk);
      prefill.run(Arrays.copyOfRange(prompt, from, to), from);
    }
    return backend.floats(prefill.logits);
  }

  @Override
  public void close() {
    owned.close();
  }
}
