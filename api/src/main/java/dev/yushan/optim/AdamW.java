package dev.yushan.optim;

import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.Kernels.AdamWConstants;
import dev.yushan.backend.Owned;
import dev.yushan.backend.Plan;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// AdamW (Loshchilov and Hutter 2019) with F32 moments, as `torch.optim.AdamW` computes it.
final class AdamW implements Optimizer {
  private record Slot(
      String name, Tensor value, Tensor gradient, Tensor m, Tensor v, AdamWConstants constants) {}

  private final Backend backend;
  private final OptimizerConfig config;
  private final Owned owned = new Owned();
  private final List<Slot> slots = new ArrayList<>();
  private final Tensor scalars;
  private final Plan update;
  private long steps;

  AdamW(Backend backend, List<Parameter> parameters, OptimizerConfig config) {
    this.backend = backend;
    this.config = config;
    try {
      this.scalars = owned.add(backend.allocate(DType.F32, Shape.of(4)));
      for (Parameter parameter : parameters) {
        parameter.gradient().ifPresent(gradient -> slots.add(slot(parameter, gradient)));
      }
      this.update = owned.add(backend.record("adamw", this::update));
    } catch (RuntimeException | Error e) {
      owned.closeAfter(e);
      throw e;
    }
  }

  private Slot slot(Parameter parameter, Tensor gradient) {
    Shape shape = parameter.value().shape();
    return new Slot(
        parameter.name(),
        parameter.value(),
        gradient,
        owned.add(backend.allocate(DType.F32, shape)),
        owned.add(backend.allocate(DType.F32, shape)),
        new AdamWConstants(
            config.beta1(),
            config.beta2(),
            config.epsilon(),
            WeightDecay.exempt(parameter.name()) ? 0 : config.weightDecay()));
  }

  private void update() {
    Kernels kernels = backend.kernels();
    slots.forEach(s -> kernels.adamW(s.constants, scalars, s.value, s.gradient, s.m, s.v));
  }

  @Override
  public void step(double learningRate, double gradientScale) {
    steps++;
    float[] values = {
      (float) learningRate,
      (float) (1 - Math.pow(config.beta1(), steps)),
      (float) (1 - Math.pow(config.beta2(), steps)),
      (float) gradientScale
    };
    backend.upload(values, scalars);
    update.run();
  }

  @Override
  public long steps() {
    return steps;
  }

  @Override
  public Map<String, Tensor> state() {
    Map<String, Tensor> state = new LinkedHashMap<>();
    for (Slot slot : slots) {
      state.put("exp_avg." + slot.name, slot.m);
      state.put("exp_avg_sq." + slot.name, slot.v);
    }
    return state;
  }

  @Override
  public void resumeAt(long stepsTaken) {
    steps = stepsTaken;
  }

  @Override
  public void close() {
    owned.close();
    slots.clear();
  }
}
