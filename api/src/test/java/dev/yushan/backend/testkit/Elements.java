package dev.yushan.backend.testkit;

import dev.yushan.backend.Kernels.AdamWConstants;
import dev.yushan.tensor.Tensor;

/// Ops that go through tensors element by element.
final class Elements {
  private Elements() {}

  static void add(Tensor a, Tensor b, Tensor out) {
    Matrix x = Matrix.vector(a);
    Matrix y = Matrix.vector(b);
    Matrix sum = Matrix.vector(out);
    for (int i = 0; i < Matrix.liveElements(a, b, out); i++) {
      sum.set(i, x.get(i) + y.get(i));
    }
  }

  static void squaredNorm(Tensor x, Tensor out) {
    Matrix in = Matrix.vector(x);
    double sum = 0;
    for (int i = 0; i < Matrix.liveElements(x); i++) {
      sum += in.get(i) * in.get(i);
    }
    Matrix.vector(out).set(0, sum);
  }

  static void scale(Tensor x, Tensor factor) {
    Matrix in = Matrix.vector(x);
    double by = Matrix.vector(factor).get(0);
    for (int i = 0; i < Matrix.liveElements(x); i++) {
      in.set(i, by * in.get(i));
    }
  }

  static void axpby(Tensor ab, Tensor x, Tensor y) {
    Matrix factor = Matrix.vector(ab);
    Matrix in = Matrix.vector(x);
    Matrix inOut = Matrix.vector(y);
    for (int i = 0; i < Matrix.liveElements(x, y); i++) {
      inOut.set(i, factor.get(0) * in.get(i) + factor.get(1) * inOut.get(i));
    }
  }

  static void lerp(Tensor a, Tensor b, float weight, Tensor out) {
    Matrix from = Matrix.vector(a);
    Matrix to = Matrix.vector(b);
    Matrix between = Matrix.vector(out);
    for (int i = 0; i < Matrix.liveElements(a, b, out); i++) {
      between.set(i, from.get(i) + weight * (to.get(i) - from.get(i)));
    }
  }

  static void sign(Tensor x, Tensor out) {
    Matrix in = Matrix.vector(x);
    Matrix signs = Matrix.vector(out);
    for (int i = 0; i < Matrix.liveElements(x, out); i++) {
      signs.set(i, Math.signum(in.get(i)));
    }
  }

  static void fill(Tensor x, float value) {
    Matrix all = Matrix.vector(x);
    for (int i = 0; i < Matrix.liveElements(x); i++) {
      all.set(i, value);
    }
  }

  static void adamW(
      AdamWConstants constants,
      Tensor step,
      Tensor parameter,
      Tensor gradient,
      Tensor m,
      Tensor v) {
    Matrix steps = Matrix.vector(step);
    double learningRate = steps.get(0);
    double correction1 = steps.get(1);
    double correction2 = steps.get(2);
    double gradientScale = steps.get(3);
    Matrix grad = Matrix.vector(gradient);
    Matrix p = Matrix.vector(parameter);
    Matrix first = Matrix.vector(m);
    Matrix second = Matrix.vector(v);
    for (int i = 0; i < Matrix.liveElements(parameter, gradient, m, v); i++) {
      double g = gradientScale * grad.get(i);
      double decayed = p.get(i) - learningRate * constants.weightDecay() * p.get(i);
      first.set(i, first.get(i) + (1 - constants.beta1()) * (g - first.get(i)));
      second.set(i, constants.beta2() * second.get(i) + (1 - constants.beta2()) * g * g);
      double denominator = Math.sqrt(second.get(i)) / Math.sqrt(correction2) + constants.eps();
      p.set(i, decayed - learningRate / correction1 * first.get(i) / denominator);
    }
  }
}
