package dev.yushan.autograd;

import dev.yushan.backend.Workspace;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// The record of one forward pass: what each op must do when the gradients come back.
///
/// A node is one coarse op of [Ops]: about a dozen in a layer. [#backward] runs them last to first.
/// The gradient of an activation is made when the first of its uses asks for it, on the workspace,
/// and has the activation's shape and live rows. Gradients of parameters belong to the
/// [Parameter]s.
public final class Tape {
  private final Workspace workspace;
  private final Map<Tensor, Tensor> gradients = new IdentityHashMap<>();
  private List<Node> nodes = new ArrayList<>();

  private record Node(Tensor output, Runnable backward) {}

  /// Where an op's gradient goes.
  ///
  /// @param beta what is there already is multiplied by this: 0 for the first use (the memory holds
  ///   anything), 1 for later ones
  record Target(Tensor gradient, float beta) {}

  /// A tape whose gradients live in `workspace`.
  public Tape(Workspace workspace) {
    this.workspace = workspace;
  }

  /// Adds what must be done once the gradient of `output` is known.
  void record(Tensor output, Runnable backward) {
    nodes.add(new Node(output, backward));
  }

  /// The tensor that the last node computed.
  boolean justComputed(Tensor tensor) {
    return !nodes.isEmpty() && nodes.getLast().output() == tensor;
  }

  /// The gradient of something computed on this tape, once its users have run.
  public Tensor gradient(Tensor output) {
    return Optional.ofNullable(gradients.get(output))
        .orElseThrow(() -> new IllegalStateException("no gradient reached " + output));
  }

  /// Where to put a gradient of `input`.
  Target target(Tensor input) {
    Tensor known = gradients.get(input);
    if (known != null) {
      return new Target(known, 1);
    }
    return new Target(fresh(input), 0);
  }

  /// The gradient of an input that has one user, which writes all of it.
  Tensor only(Tensor input) {
    Target target = target(input);
    if (target.beta() != 0) {
      throw new IllegalStateException(input + " is used twice; this op can only be its one user");
    }
    return target.gradient();
  }

  private Tensor fresh(Tensor input) {
    Tensor raw = workspace.allocate(input.dtype(), input.shape());
    Tensor gradient = input.count().map(raw::counted).orElse(raw);
    gradients.put(input, gradient);
    return gradient;
  }

  /// Gives `input` a buffer that already holds its gradient.
  void adopt(Tensor input, Tensor gradient) {
    if (gradients.putIfAbsent(input, gradient) != null) {
      throw new IllegalStateException("the gradient of " + input + " exists already");
    }
  }

  /// Runs `body` with its nodes bundled into one, whose backward releases the gradients made in it.
  Tensor bundle(Tensor input, UnaryOperator<Tensor> body) {
    List<Node> outer = nodes;
    nodes = new ArrayList<>();
    Tensor output;
    List<Node> inner;
    try {
      output = body.apply(input);
    } finally {
      inner = nodes;
      nodes = outer;
    }
    record(output, () -> scoped(input, () -> replay(inner)));
    return output;
  }

  /// Runs part of a backward pass on top of the workspace and releases what it took. The gradient
  /// of `input` must not be part of that, which holds where the block ends in a residual add.
  void scoped(Tensor input, Runnable backward) {
    Workspace.Mark mark = workspace.mark();
    backward.run();
    if (!workspace.outlives(gradient(input), mark)) {
      throw new IllegalStateException("a block must return its input plus something");
    }
    gradients.entrySet().removeIf(entry -> !workspace.outlives(entry.getValue(), mark));
    workspace.release(mark);
  }

  /// Sends the gradients back through everything recorded, then forgets it.
  public void backward() {
    List<Node> all = nodes;
    nodes = new ArrayList<>();
    replay(all);
  }

  private static void replay(List<Node> nodes) {
    for (Node node : nodes.reversed()) {
      node.backward().run();
    }
  }
}
