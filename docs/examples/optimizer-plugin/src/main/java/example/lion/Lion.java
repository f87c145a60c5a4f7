package example.lion;

import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.Plan;
import dev.yushan.optim.Optimizer;
import dev.yushan.optim.OptimizerConfig;
import dev.yushan.optim.WeightDecay;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Lion (Chen et al. 2023, algorithm 2): every weight moves by the learning rate, up or down.
///
/// ```
/// c = beta1 · m + (1 − beta1) · g
/// p = p − lr · (sign(c) + weightDecay · p)
/// m = beta2 · m + (1 − beta2) · g
/// ```
///
/// Since all move by as much, its learning rate is 3 to 10 times smaller than AdamW's, and its
/// weight decay as many times larger. The paper's betas are 0.9 and 0.99.
final class Lion implements Optimizer {
  private record Slot(String name, Tensor weight, Tensor gradient, Tensor m, Tensor move) {}

  private final Backend backend;
  private final OptimizerConfig config;
  private final List<Slot> slots = new ArrayList<>();
  private final List<Tensor> owned = new ArrayList<>();
  private final Tensor scaling; // [scale of the gradient, 0]
  private final Tensor move; // [−lr, 1 − lr · weightDecay]
  private final Tensor moveExempt; // [−lr, 1]
  private final Tensor scaled; // the gradient of one weight, clipped
  private final Tensor direction; // its c
  private final Plan update;
  private long steps;

  Lion(Backend backend, List<Parameter> parameters, OptimizerConfig config) {
    this.backend = backend;
    this.config = config;
    this.scaling = own(Shape.of(2));
    this.move = own(Shape.of(2));
    this.moveExempt = own(Shape.of(2));
    long largest = 1;
    for (Parameter p : parameters) {
      if (p.gradient().isPresent()) {
        Tensor m = own(p.value().shape());
        Tensor by = WeightDecay.exempt(p.name()) ? moveExempt : move;
        slots.add(new Slot(p.name(), p.value(), p.gradient().get(), m, by));
        largest = Math.max(largest, p.value().elements());
      }
    }
    this.scaled = own(Shape.of(largest));
    this.direction = own(Shape.of(largest));
    this.update = backend.record("lion", this::update);
  }

  private Tensor own(Shape shape) {
    Tensor tensor = backend.allocate(DType.F32, shape);
    owned.add(tensor);
    return tensor;
  }

  /// The first elements of a buffer in the shape of a weight.
  private static Tensor part(Tensor buffer, Tensor weight) {
    Tensor flat = buffer.rows(0, weight.elements());
    return weight.shape().rank() == 1 ? flat : flat.reshape(weight.rows(), weight.columns());
  }

  private void update() {
    Kernels kernels = backend.kernels();
    for (Slot slot : slots) {
      Tensor g = part(scaled, slot.weight());
      Tensor c = part(direction, slot.weight());
      kernels.axpby(scaling, slot.gradient(), g);
      kernels.lerp(slot.m(), g, (float) (1 - config.beta1()), c);
      kernels.sign(c, c);
      kernels.axpby(slot.move(), c, slot.weight());
      kernels.lerp(slot.m(), g, (float) (1 - config.beta2()), slot.m());
    }
  }

  @Override
  public void step(double learningRate, double gradientScale) {
    steps++;
    float down = (float) -learningRate;
    float keep = (float) (1 - learningRate * config.weightDecay());
    // what changes from step to step travels in tensors, so that a device can replay the calls
    backend.upload(new float[] {(float) gradientScale, 0}, scaling);
    backend.upload(new float[] {down, keep}, move);
    backend.upload(new float[] {down, 1}, moveExempt);
    update.run();
  }

  @Override
  public long steps() {
    return steps;
  }

  /// What a checkpoint keeps, and a run that is continued finds filled.
  @Override
  public Map<String, Tensor> state() {
    Map<String, Tensor> state = new LinkedHashMap<>();
    slots.forEach(slot -> state.put("lion." + slot.name(), slot.m()));
    return state;
  }

  @Override
  public void resumeAt(long stepsTaken) {
    steps = stepsTaken;
  }

  @Override
  public void close() {
    update.close();
    owned.forEach(Tensor::close);
  }
}
