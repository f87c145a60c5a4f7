package dev.yushan.autograd;

import dev.yushan.backend.Backend;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.Workspace;
import dev.yushan.tensor.DType;
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
/// The gradient of an activation is made when the first of its uses asks for it and has the
/// activation's shape and live rows. Gradients of parameters belong to the [Parameter]s.
///
/// Activations lie on two stacks: on the workspace what is kept, on its scratch stack what is gone
/// behind its [#block] and computed again, into the same memory, before the block's backward: see
/// [Keep].
public final class Tape {
  private final Kernels kernels;
  private final Workspace workspace;
  private final Workspace scratch;
  private final Keep keep;
  private final Map<Tensor, Tensor> gradients = new IdentityHashMap<>();

  /// Products of the block that runs which are to be rounded, and those that are.
  private final List<Tensor> unrounded = new ArrayList<>();

  private final Map<Tensor, Tensor> rounded = new IdentityHashMap<>();
  private List<Node> nodes = new ArrayList<>();
  private boolean inBlock;

  /// An op that has run.
  ///
  /// @param output what it wrote, which for one in place may be that of an earlier node
  /// @param forward computes the output again
  /// @param readsOutput whether `backward` does
  private record Node(Tensor output, Runnable forward, boolean readsOutput, Runnable backward) {}

  /// Where an op's gradient goes.
  ///
  /// @param beta what is there already is multiplied by this: 0 for the first use (the memory holds
  ///   anything), 1 for later ones
  record Target(Tensor gradient, float beta) {}

  /// A tape for one forward pass on `backend`, whose activations and gradients live in `workspace`,
  /// and which has the scratch stack for itself.
  public Tape(Backend backend, Workspace workspace, Keep keep) {
    this.kernels = backend.kernels();
    this.workspace = workspace;
    this.scratch = workspace.scratch();
    this.keep = keep;
    scratch.clear();
  }

  // ---- memory ----------------------------------------------------------------------------------

  /// Room for the result of an op that is cheap: `like`'s rows, live ones too, of `columns`.
  Tensor cheap(Tensor like, long columns) {
    return (inBlock ? scratch : workspace).rowsOf(DType.F32, like, columns);
  }

  /// Room for the result of a product.
  Tensor product(Tensor like, long columns) {
    if (!inBlock || keep == Keep.PRODUCTS) {
      return workspace.rowsOf(DType.F32, like, columns);
    }
    Tensor out = cheap(like, columns);
    if (keep == Keep.PRODUCTS_BF16) {
      unrounded.add(out);
    }
    return out;
  }

  /// Rounds a product, if that is to be, before it is used rather than behind the block: for an op
  /// that would have the backward read values which do not fit together.
  void round(Tensor product) {
    if (unrounded.remove(product)) {
      Tensor half = workspace.rowsOf(DType.BF16, product, product.columns());
      kernels.copy(product, half);
      kernels.copy(half, product);
      rounded.put(product, half);
    }
  }

  /// Room for a few columns that belong to the result of a product and are never rounded.
  Tensor besideProduct(Tensor like, long columns) {
    return keep == Keep.INPUTS ? cheap(like, columns) : workspace.rowsOf(DType.F32, like, columns);
  }

  /// The stack for what is used and forgotten.
  Workspace scratch() {
    return scratch;
  }

  // ---- forward ---------------------------------------------------------------------------------

  /// Runs an op and adds what must be done once the gradient of `output` is known.
  ///
  /// @param readsOutput whether `backward` needs the values of `output`
  void run(Tensor output, Runnable forward, boolean readsOutput, Runnable backward) {
    forward.run();
    nodes.add(new Node(output, forward, readsOutput, backward));
  }

  /// The tensor that the last node computed.
  boolean justComputed(Tensor tensor) {
    return !nodes.isEmpty() && nodes.getLast().output() == tensor;
  }

  /// Whether the last node's output may be written over: its backward does not read it.
  boolean mayOverwriteLatest() {
    return !nodes.getLast().readsOutput();
  }

  /// Runs `body`, a residual block, with its nodes bundled into one.
  Tensor block(Tensor input, UnaryOperator<Tensor> body) {
    if (inBlock) {
      throw new IllegalStateException("a block within a block cannot be trained");
    }
    List<Node> outer = nodes;
    nodes = new ArrayList<>();
    inBlock = true;
    Workspace.Mark bottom = scratch.mark();
    try {
      Tensor result = body.apply(input);
      Block block =
          new Block(input, result, outliving(result), nodes, again(result), bottom, scratch.mark());
      outer.add(new Node(block.output, () -> {}, false, () -> backward(block)));
      return block.output;
    } finally {
      scratch.release(bottom);
      unrounded.clear();
      rounded.clear();
      inBlock = false;
      nodes = outer;
    }
  }

  /// A block that has run.
  ///
  /// @param result what its body returned
  /// @param output the same where it outlives the block
  /// @param again computes what was not kept
  /// @param bottom of the scratch stack before the block
  /// @param top of the scratch stack behind the block
  private record Block(
      Tensor input,
      Tensor result,
      Tensor output,
      List<Node> nodes,
      List<Runnable> again,
      Workspace.Mark bottom,
      Workspace.Mark top) {}

  private Tensor outliving(Tensor result) {
    if (!scratch.holds(result)) {
      return result;
    }
    Tensor output = workspace.rowsOf(DType.F32, result, result.columns());
    kernels.copy(result, output);
    return output;
  }

  /// What must run before the backward of a block: what was rounded comes back, and each op whose
  /// output is on the scratch stack runs again. No op of the block reads its result.
  private List<Runnable> again(Tensor result) {
    List<Runnable> again = new ArrayList<>();
    unrounded.removeIf(result::overlaps);
    List.copyOf(unrounded).forEach(this::round);
    rounded.forEach((full, half) -> again.add(() -> kernels.copy(half, full)));
    for (Node node : nodes) {
      Tensor output = node.output();
      if (scratch.holds(output)
          && !output.overlaps(result)
          && rounded.keySet().stream().noneMatch(output::overlaps)) {
        again.add(node.forward());
      }
    }
    return again;
  }

  // ---- backward --------------------------------------------------------------------------------

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
    Tensor fresh = cheap(input, input.columns());
    gradients.put(input, fresh);
    return new Target(fresh, 0);
  }

  /// The gradient of an input that has one user, which writes all of it.
  Tensor only(Tensor input) {
    Target target = target(input);
    if (target.beta() != 0) {
      throw new IllegalStateException(input + " is used twice; this op can only be its one user");
    }
    return target.gradient();
  }

  /// Gives `input` a buffer that already holds its gradient.
  void adopt(Tensor input, Tensor gradient) {
    Tensor known = gradients.putIfAbsent(input, gradient);
    if (known != null && known != gradient) {
      throw new IllegalStateException("the gradient of " + input + " exists already");
    }
  }

  /// Sends the gradients back through everything recorded, then forgets it.
  public void backward() {
    List<Node> all = nodes;
    nodes = new ArrayList<>();
    replay(all);
  }

  /// Fills the scratch stack as it was behind the block, and releases it with the gradients made
  /// above. That of the input must not be among those, which holds where the block ends in a
  /// residual add.
  private void backward(Block block) {
    scratch.release(block.top());
    inBlock = true;
    try {
      block.again().forEach(Runnable::run);
      adopt(block.result(), gradient(block.output()));
      replay(block.nodes());
      if (scratch.holds(gradient(block.input()))) {
        throw new IllegalStateException("a block must return its input plus something");
      }
    } finally {
      gradients.values().removeIf(scratch::holds);
      scratch.release(block.bottom());
      inBlock = false;
    }
  }

  private static void replay(List<Node> nodes) {
    for (Node node : nodes.reversed()) {
      node.backward().run();
    }
  }
}
