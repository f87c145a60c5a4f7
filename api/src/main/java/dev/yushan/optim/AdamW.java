package dev.yushan.optim;

import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Kernels.AdamWConstants;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// AdamW (Loshchilov and Hutter 2019) with F32 moments, as `torch.optim.AdamW` computes it.
final class AdamW implements Optimizer {
  private record Slot(Parameter parameter, Tensor m, Tensor v, AdamWConstants constants) {}

  private final Backend backend;
  private final OptimizerConfig config;
  private final List<Slot> slots = new ArrayList<>();
  private final Tensor scalars;
  private long steps;

  AdamW(Backend backend, List<Parameter> parameters, OptimizerConfig config) {
    this.backend = backend;
    this.config = config;
    this.scalars = backend.allocate(DType.F32, Shape.of(4));
    for (Parameter parameter : parameters) {
      if (parameter.gradient().isPresent()) {
        Shape shape = parameter.value().shape();
        Tensor m = backend.allocate(DType.F32, shape);
        Tensor v = backend.allocate(DType.F32, shape);
        slots.add(new Slot(parameter, m, v, constants(parameter.name())));
      }
    }
  }

  private AdamWConstants constants(String name) {
    return new AdamWConstants(
        config.beta1(),
        config.beta2(),
        config.epsilon(),
        WeightDecay.exempt(name) ? 0 : config.weightDecay());
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
    for (Slot slot : slots) {
      Parameter parameter = slot.parameter();
      backend
          .kernels()
          .adamW(
              slot.constants(),
              scalars,
              parameter.value(),
              parameter.gradient().orElseThrow(),
              slot.m(),
              slot.v());
    }
  }

  @Override
  public long steps() {
    return steps;
  }

  @Override
  public Map<String, Tensor> state() {
    Map<String, Tensor> state = new LinkedHashMap<>();
    for (Slot slot : slots) {
      state.put("exp_avg." + slot.parameter().name(), slot.m());
      state.put("exp_avg_sq." + slot.parameter().name(), slot.v());
    }
    return state;
  }

  @Override
  public void resumeAt(long stepsTaken) {
    steps = stepsTaken;
  }

  @Override
  public void close() {
    scalars.close();
    for (Slot slot : slots) {
      slot.m().close();
      slot.v().close();
    }
    slots.clear();
  }
}
