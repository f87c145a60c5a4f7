package example.naive;

import static example.naive.Vector.all;
import static example.naive.Vector.column;
import static example.naive.Vector.live;
import static example.naive.Vector.part;
import static example.naive.Vector.row;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.KvPages;
import dev.yushan.backend.Qkv;
import dev.yushan.tensor.Tensor;

/// Each op as its formula, one loop after the other.
final class NaiveKernels implements Kernels {
  private static final int IGNORED = -100;

  // ---- rows by index ---------------------------------------------------------------------------

  @Override
  public void gather(Tensor table, Tensor ids, Tensor out) {
    for (int i = 0; i < live(ids, out); i++) {
      row(out, i).copy(row(table, all(ids).index(i)));
    }
  }

  @Override
  public void scatterAdd(Tensor rows, Tensor ids, Tensor table) {
    for (int i = 0; i < live(rows, ids); i++) {
      row(table, all(ids).index(i)).add(row(rows, i)::get);
    }
  }

  @Override
  public void scatter(Tensor rows, Tensor ids, Tensor table) {
    for (int i = 0; i < live(rows, ids); i++) {
      if (all(ids).index(i) >= 0) {
        row(table, all(ids).index(i)).copy(row(rows, i));
      }
    }
  }

  // ---- linear algebra --------------------------------------------------------------------------

  @Override
  public void matmul(Op opA, Op opB, float alpha, Tensor a, Tensor b, float beta, Tensor c) {
    int rows = opA == Op.N ? live(a, c) : live(c);
    for (int i = 0; i < rows; i++) {
      Vector left = opA == Op.N ? row(a, i) : column(a, i);
      Vector to = row(c, i);
      for (int j = 0; j < to.length(); j++) {
        double product = alpha * left.dot(opB == Op.N ? column(b, j) : row(b, j));
        // with beta 0 what is in c does not count, not even a NaN
        to.set(j, beta == 0 ? product : product + beta * to.get(j));
      }
    }
  }

  // ---- the Llama block -------------------------------------------------------------------------

  @Override
  public void rmsNorm(Tensor x, Tensor weight, float eps, Tensor out, Tensor inverseRms) {
    Vector w = all(weight);
    int heads = live(x, out, inverseRms) * (int) inverseRms.columns(); // those of all rows
    for (int h = 0; h < heads; h++) {
      Vector head = part(x, h, w.length());
      double r = 1 / Math.sqrt(head.dot(head) / w.length() + eps);
      all(inverseRms).set(h, r);
      part(out, h, w.length()).fill(j -> head.get(j) * r * w.get(j));
    }
  }

  @Override
  public void rmsNormBackward(
      Tensor dOut,
      Tensor x,
      Tensor weight,
      Tensor inverseRms,
      float beta,
      Tensor dX,
      Tensor dWeight) {
    Vector w = all(weight);
    int length = w.length();
    double[] dW = new double[length];
    for (int h = 0; h < live(dOut, x, inverseRms, dX) * inverseRms.columns(); h++) {
      Vector head = part(x, h, length);
      Vector d = part(dOut, h, length);
      Vector to = part(dX, h, length);
      double r = all(inverseRms).get(h);
      double mean = Vector.sum(length, j -> d.get(j) * w.get(j) * head.get(j) * r) / length;
      for (int j = 0; j < length; j++) {
        dW[j] += d.get(j) * head.get(j) * r;
        double gradient = r * (d.get(j) * w.get(j) - head.get(j) * r * mean);
        to.set(j, beta == 0 ? gradient : gradient + beta * to.get(j));
      }
    }
    all(dWeight).add(j -> dW[j]);
  }

  @Override
  public void rope(Tensor x, Tensor positions, Tensor cosSin, boolean inverse, Tensor out) {
    int length = (int) cosSin.columns();
    int half = length / 2;
    int heads = (int) x.columns() / length;
    for (int h = 0; h < live(x, positions, out) * heads; h++) {
      Vector angles = row(cosSin, all(positions).index(h / heads));
      Vector head = part(x, h, length);
      Vector turned = part(out, h, length);
      for (int j = 0; j < half; j++) {
        double cos = angles.get(j);
        double sin = inverse ? -angles.get(j + half) : angles.get(j + half);
        double first = head.get(j);
        double second = head.get(j + half);
        turned.set(j, first * cos - second * sin);
        turned.set(j + half, second * cos + first * sin);
      }
    }
  }

  @Override
  public void attention(
      AttentionShape shape, Qkv in, Tensor sequences, Tensor out, Tensor logSumExp) {
    new NaiveAttention(shape, in).forward(sequences, out, logSumExp);
  }

  @Override
  public void attentionBackward(
      AttentionShape shape,
      Tensor dOut,
      Qkv in,
      Tensor out,
      Tensor logSumExp,
      Tensor sequences,
      Qkv gradients) {
    new NaiveAttention(shape, in).backward(dOut, out, logSumExp, sequences, gradients);
  }

  @Override
  public void pagedAttention(
      AttentionShape shape,
      Tensor q,
      KvPages.Layer pages,
      Tensor sequences,
      Tensor positions,
      Tensor out) {
    Qkv in = new Qkv(q, pages.keys(), pages.values());
    new NaiveAttention(shape, in).paged(pages, sequences, positions, out);
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  @Override
  public void swiGlu(Tensor gate, Tensor up, Tensor out) {
    for (int i = 0; i < live(gate, up, out); i++) {
      row(out, i).fill(row(gate, i), row(up, i), (g, u) -> g * sigmoid(g) * u);
    }
  }

  @Override
  public void swiGluBackward(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    for (int i = 0; i < live(dOut, gate, up, dGate, dUp); i++) {
      Vector d = row(dOut, i);
      Vector g = row(gate, i);
      Vector u = row(up, i);
      row(dUp, i).fill(d, g, (dy, x) -> dy * x * sigmoid(x));
      for (int j = 0; j < g.length(); j++) {
        double s = sigmoid(g.get(j));
        row(dGate, i).set(j, d.get(j) * u.get(j) * s * (1 + g.get(j) * (1 - s)));
      }
    }
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor scale, Tensor nll) {
    for (int i = 0; i < live(logits, targets, nll); i++) {
      Vector x = row(logits, i);
      int target = all(targets).index(i);
      boolean counts = target != IGNORED;
      double factor = all(scale).get(0);
      double logSum = Vector.logSumExp(x.length(), x::get);
      all(nll).set(i, counts ? logSum - x.get(target) : 0);
      x.fill(j -> counts ? factor * (Math.exp(x.get(j) - logSum) - (j == target ? 1 : 0)) : 0);
    }
  }

  // ---- element by element ----------------------------------------------------------------------

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    all(out).fill(all(a), all(b), (x, y) -> x + y);
  }

  @Override
  public void squaredNorm(Tensor x, Tensor out) {
    all(out).set(0, all(x).dot(all(x)));
  }

  @Override
  public void scale(Tensor x, Tensor factor) {
    double by = all(factor).get(0);
    all(x).fill(all(x), all(x), (value, _) -> by * value);
  }

  @Override
  public void axpby(Tensor ab, Tensor x, Tensor y) {
    double a = all(ab).get(0);
    double b = all(ab).get(1);
    all(y).fill(all(x), all(y), (in, inOut) -> a * in + b * inOut);
  }

  @Override
  public void lerp(Tensor a, Tensor b, float weight, Tensor out) {
    all(out).fill(all(a), all(b), (from, to) -> from + weight * (to - from));
  }

  @Override
  public void sign(Tensor x, Tensor out) {
    all(out).fill(all(x), all(x), (value, _) -> Math.signum(value));
  }

  @Override
  public void fill(Tensor x, float value) {
    all(x).fill(_ -> value);
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    all(target).copy(all(source)); // the types are the same: there is but one
  }

  @Override
  public void adamW(
      AdamWConstants constants,
      Tensor step,
      Tensor parameter,
      Tensor gradient,
      Tensor m,
      Tensor v) {
    Vector s = all(step); // learning rate, two bias corrections, scale of the gradient
    Vector p = all(parameter);
    Vector first = all(m);
    Vector second = all(v);
    for (int i = 0; i < live(parameter, gradient, m, v) * parameter.columns(); i++) {
      double g = s.get(3) * all(gradient).get(i);
      first.set(i, first.get(i) + (1 - constants.beta1()) * (g - first.get(i)));
      second.set(i, constants.beta2() * second.get(i) + (1 - constants.beta2()) * g * g);
      double root = Math.sqrt(second.get(i)) / Math.sqrt(s.get(2)) + constants.eps();
      double decayed = p.get(i) * (1 - s.get(0) * constants.weightDecay());
      p.set(i, decayed - s.get(0) / s.get(1) * first.get(i) / root);
    }
  }
}
