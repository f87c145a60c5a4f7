package dev.yushan.backend.testkit;

import static dev.yushan.backend.testkit.Faults.accumulates;
import static dev.yushan.backend.testkit.Faults.aligns;
import static dev.yushan.backend.testkit.Faults.dependsOnRows;
import static dev.yushan.backend.testkit.Faults.exchanged;
import static dev.yushan.backend.testkit.Faults.hidesNaN;
import static dev.yushan.backend.testkit.Faults.ignoresCount;
import static dev.yushan.backend.testkit.Faults.indices;
import static dev.yushan.backend.testkit.Faults.scaled;
import static dev.yushan.backend.testkit.Faults.swapped;
import static dev.yushan.backend.testkit.Faults.tail;
import static dev.yushan.backend.testkit.Faults.with;

import dev.yushan.backend.Invocation;
import dev.yushan.backend.Kernels.AdamWConstants;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.function.Consumer;

/// Wrong backends for the loss and for the ops that go element by element.
final class ElementMutants {
  private final Mutants table;

  ElementMutants(Mutants table) {
    this.table = table;
  }

  void list() {
    loss();
    elements();
  }

  private void add(String op, String name, Consumer<Invocation> fault) {
    table.add(op, name, fault);
  }

  private void loss() {
    add("crossEntropy", "last logit not a gradient", tail(0));
    add("crossEntropy", "last loss not written", tail(3));
    add(
        "crossEntropy",
        "scale ignored",
        call -> {
          try (Tensor one = call.backend().tensor(new float[] {1}, 1)) {
            call.with(2, one).proceed();
          }
        });
    add("crossEntropy", "ignored targets count", indices(1, t -> Math.max(0, t)));
    add("crossEntropy", "target one too low", indices(1, t -> t > 0 ? t - 1 : t));
    add("crossEntropy", "NaN hidden", hidesNaN(3));
    add("crossEntropy", "one row has other bits", dependsOnRows(0));
  }

  private void elements() {
    add("add", "last element not written", tail(2));
    add("add", "first operand twice", call -> call.with(1, call.tensor(0)).proceed());
    add("add", "neighbours swapped", swapped(2));
    add("add", "NaN hidden", hidesNaN(2));
    add("add", "operand aligned", aligns(1));
    add(
        "squaredNorm",
        "last element left out",
        call -> call.with(0, allButLast(call.tensor(0))).proceed());
    add("squaredNorm", "adds to the old norm", accumulates(1));
    add("squaredNorm", "live count ignored", ignoresCount(0));
    add("squaredNorm", "off by 1e-4", scaled(1, 1 + 1e-4));
    add("squaredNorm", "NaN hidden", hidesNaN(1));
    add(
        "squaredNorm",
        "the norm instead of its square",
        call -> {
          call.proceed();
          Matrix out = Matrix.vector(call.tensor(1));
          out.set(0, Math.sqrt(out.get(0)));
        });
    add("scale", "last element left out", tail(0));
    add(
        "scale",
        "twice",
        call -> {
          call.proceed();
          call.proceed();
        });
    add("scale", "NaN hidden", hidesNaN(0));
    add("scale", "neighbours swapped", swapped(0));
    add("axpby", "factors exchanged", call -> factors(call, 1, 0));
    add("axpby", "second factor taken for one", call -> factors(call, 0, -1));
    add("axpby", "last element left out", tail(2));
    add("axpby", "old values added again", accumulates(2));
    add("axpby", "NaN hidden", hidesNaN(2));
    add("lerp", "weight of the other end", with(2, 0.7f));
    add("lerp", "ends exchanged", exchanged(0, 1));
    add("lerp", "last element left out", tail(3));
    add("lerp", "off by 1e-6", scaled(3, 1 + 1e-6));
    add("sign", "last element left out", tail(1));
    add("sign", "the other sign", scaled(1, -1));
    add("sign", "NaN hidden", hidesNaN(1));
    add(
        "sign",
        "zero is positive",
        call -> {
          call.proceed();
          Matrix out = Matrix.vector(call.tensor(1));
          for (int i = 0; i < Matrix.liveElements(call.tensor(1)); i++) {
            out.set(i, out.get(i) == 0 ? 1 : out.get(i));
          }
        });
    add("fill", "last element left out", tail(0));
    add(
        "fill",
        "first element left out",
        call ->
            call.with(0, flat(call.tensor(0)).rows(Math.min(1, live(call)), live(call))).proceed());
    add("fill", "from an aligned address", aligns(0));
    add("fill", "zero", with(1, 0f));
    adamW();
  }

  private static int live(Invocation call) {
    return Matrix.liveElements(call.tensor(0));
  }

  private static Tensor flat(Tensor t) {
    return Tensor.view(t.storage(), t.byteOffset(), t.dtype(), Shape.of(t.elements()));
  }

  private static Tensor allButLast(Tensor t) {
    return flat(t).rows(0, Math.max(0, Matrix.liveElements(t) - 1));
  }

  private static void factors(Invocation call, int first, int second) {
    Matrix old = Matrix.vector(call.tensor(0));
    float[] wrong = {(float) old.get(first), second < 0 ? 1 : (float) old.get(second)};
    try (Tensor factors = call.backend().tensor(wrong, 2)) {
      call.with(0, factors).proceed();
    }
  }

  private void adamW() {
    add("adamW", "no weight decay", with(0, new AdamWConstants(0.9, 0.999, 1e-8, 0)));
    add("adamW", "beta2 of 0.99", with(0, new AdamWConstants(0.9, 0.99, 1e-8, 0)));
    add(
        "adamW",
        "1 - beta2 of the rounded beta2",
        call -> {
          AdamWConstants c = (AdamWConstants) call.arguments()[0];
          double rounded = (float) c.beta2();
          call.with(0, new AdamWConstants(c.beta1(), rounded, c.eps(), c.weightDecay())).proceed();
        });
    add("adamW", "last parameter left out", tail(2));
    add("adamW", "old moment added again", accumulates(4));
    add("adamW", "moments exchanged", exchanged(4, 5));
    add("adamW", "no correction of the second moment", call -> step(call, 2, 1));
    add("adamW", "no gradient scale", call -> step(call, 3, 1));
  }

  private static void step(Invocation call, int index, float value) {
    Matrix old = Matrix.vector(call.tensor(1));
    float[] wrong = new float[4];
    for (int i = 0; i < 4; i++) {
      wrong[i] = i == index ? value : (float) old.get(i);
    }
    try (Tensor step = call.backend().tensor(wrong, 4)) {
      call.with(1, step).proceed();
    }
  }
}
