package dev.yushan.model;

import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Tape;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Plan;
import dev.yushan.backend.Workspace;
import java.util.function.Consumer;

/// A pass over a batch, recorded once and replayed on whatever the batch is loaded with.
///
/// Its activations lie on top of a workspace and are gone after each run, so that passes which do
/// not run at the same time can share one.
public final class RecordedPass implements AutoCloseable {
  private final Backend backend;
  private final TokenBatch batch;
  private final Plan plan;

  private RecordedPass(
      String name, Backend backend, Workspace workspace, TokenBatch batch, Runnable body) {
    this.backend = backend;
    this.batch = batch;
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
        name, backend, workspace, batch, () -> body.accept(Ops.inference(backend, workspace)));
  }

  /// Records a forward pass and the backward pass of what it computes, which adds to the gradients
  /// of the parameters: as [#forward], for a `body` that ends in the loss.
  ///
  /// @param checkpointing whether blocks are computed again in the backward pass: see [Ops]
  public static RecordedPass training(
      String name,
      Backend backend,
      Workspace workspace,
      TokenBatch batch,
      boolean checkpointing,
      Consumer<Ops> body) {
    return new RecordedPass(
        name,
        backend,
        workspace,
        batch,
        () -> {
          Tape tape = new Tape(workspace);
          body.accept(Ops.training(backend, workspace, tape, checkpointing));
          tape.backward();
        });
  }

  /// Loads the batch with `rows` and runs the pass on them.
  public void run(TokenBatch.Rows rows) {
    batch.load(backend, rows);
    plan.run();
  }

  @Override
  public void close() {
    plan.close();
  }
}
