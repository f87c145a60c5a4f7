package dev.yushan.model;

import dev.yushan.autograd.Keep;
import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Tape;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Plan;
import dev.yushan.backend.SizingBackend;
import dev.yushan.backend.Workspace;
import java.util.Optional;
import java.util.function.Consumer;

/// A pass over a batch, recorded once and replayed on whatever the batch is loaded with.
///
/// Its activations lie on top of a workspace and are gone after each run, so that forward passes
/// which do not run at the same time can share one.
public final class RecordedPass implements AutoCloseable {
  private static final long SLAB_BYTES = 1 << 24;

  private final Backend backend;
  private final TokenBatch batch;
  private final Plan plan;
  private final Optional<Workspace> owned;

  private RecordedPass(
      String name,
      Backend backend,
      Workspace workspace,
      TokenBatch batch,
      Optional<Workspace> owned,
      Runnable body) {
    this.backend = backend;
    this.batch = batch;
    this.owned = owned;
    Runnable whole =
        () -> {
          Workspace.Mark bottom = workspace.mark();
          try {
            body.run();
          } finally {
            workspace.release(bottom);
          }
        };
    // A first run on no tokens makes the workspace take its memory, which a recording must not.
    batch.load(backend, TokenBatch.Rows.ofSequences());
    whole.run();
    plan = backend.record(name, whole);
  }

  /// Records a forward pass. It is run once on no tokens, where it must do no harm.
  ///
  /// @param name what to call it in profiles
  /// @param batch what `body` reads; stays the caller's, as does the workspace
  public static RecordedPass forward(
      String name, Backend backend, Workspace workspace, TokenBatch batch, Consumer<Ops> body) {
    return new RecordedPass(
        name,
        backend,
        workspace,
        batch,
        Optional.empty(),
        () -> body.accept(Ops.inference(backend, workspace)));
  }

  /// Records a forward pass and the backward pass of what it computes, which adds to the gradients
  /// of the parameters: as [#forward], for a `body` that ends in the loss. It has a workspace of
  /// its own, of the size that a run without arithmetic finds out.
  ///
  /// @param keep what each block keeps for the backward pass
  /// @param body is run more than once, and does what it does by its ops alone
  public static RecordedPass training(
      String name, Backend backend, TokenBatch batch, Keep keep, Consumer<Ops> body) {
    Workspace workspace = sized(backend, keep, body);
    try {
      return new RecordedPass(
          name,
          backend,
          workspace,
          batch,
          Optional.of(workspace),
          () -> trained(backend, workspace, keep, body));
    } catch (RuntimeException | Error e) {
      workspace.close();
      throw e;
    }
  }

  /// An empty workspace with the room that `body` takes.
  private static Workspace sized(Backend backend, Keep keep, Consumer<Ops> body) {
    try (Backend sizes = new SizingBackend();
        Workspace workspace = new Workspace(sizes, SLAB_BYTES)) {
      trained(sizes, workspace, keep, body);
      return workspace.sameSize(backend);
    }
  }

  private static void trained(Backend backend, Workspace workspace, Keep keep, Consumer<Ops> body) {
    Tape tape = new Tape(backend, workspace, keep);
    body.accept(Ops.training(backend, tape));
    tape.backward();
  }

  /// Loads the batch with `rows` and runs the pass on them.
  public void run(TokenBatch.Rows rows) {
    batch.load(backend, rows);
    plan.run();
  }

  @Override
  public void close() {
    plan.close();
    owned.ifPresent(Workspace::close);
  }
}
