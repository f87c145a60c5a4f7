package example.naive;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.KvPages;
import dev.yushan.backend.Qkv;
import dev.yushan.tensor.Tensor;

/// Each op as its formula, one loop after the other. Sums are doubles, which are rounded once.
final class NaiveKernels implements Kernels {
  private static final int IGNORED = -100;

  // ---- rows by index ---------------------------------------------------------------------------

  @Override
  public void gather(Tensor table, Tensor ids, Tensor out) {
    Grid from = Grid.of(table);
    Grid id = Grid.row(ids);
    Grid to = Grid.of(out);
    for (int i = 0; i < Grid.live(ids, out); i++) {
      for (int j = 0; j < to.columns(); j++) {
        to.set(i, j, from.get(id.index(0, i), j));
      }
    }
  }

  @Override
  public void scatterAdd(Tensor rows, Tensor ids, Tensor table) {
    Grid from = Grid.of(rows);
    Grid id = Grid.row(ids);
    Grid to = Grid.of(table);
    for (int i = 0; i < Grid.live(rows, ids); i++) {
      for (int j = 0; j < to.columns(); j++) {
        to.add(id.index(0, i), j, from.get(i, j));
      }
    }
  }

  @Override
  public void scatter(Tensor rows, Tensor ids, Tensor table) {
    Grid from = Grid.of(rows);
    Grid id = Grid.row(ids);
    Grid to = Grid.of(table);
    for (int i = 0; i < Grid.live(rows, ids); i++) {
      for (int j = 0; j < to.columns() && id.index(0, i) >= 0; j++) {
        to.set(id.index(0, i), j, from.get(i, j));
      }
    }
  }

  // ---- linear algebra --------------------------------------------------------------------------

  @Override
  public void matmul(Op opA, Op opB, float alpha, Tensor a, Tensor b, float beta, Tensor c) {
    Grid left = Grid.of(a);
    Grid right = Grid.of(b);
    Grid result = Grid.of(c);
    int rows = opA == Op.N ? Grid.live(c, a) : Grid.live(c);
    int inner = opA == Op.N ? left.columns() : opB == Op.N ? Grid.live(a, b) : Grid.live(a);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < result.columns(); j++) {
        double sum = 0;
        for (int p = 0; p < inner; p++) {
          double x = opA == Op.N ? left.get(i, p) : left.get(p, i);
          sum += x * (opB == Op.N ? right.get(p, j) : right.get(j, p));
        }
        // with beta 0 what is in c does not count, not even a NaN
        result.set(i, j, beta == 0 ? alpha * sum : alpha * sum + beta * result.get(i, j));
      }
    }
  }

  // ---- the Llama block -------------------------------------------------------------------------

  @Override
  public void rmsNorm(Tensor x, Tensor weight, float eps, Tensor out, Tensor inverseRms) {
    Grid in = Grid.of(x);
    Grid w = Grid.row(weight);
    Grid normed = Grid.of(out);
    int length = w.columns(); // of a head, of which a row may be several
    int heads = in.columns() / length;
    for (int h = 0; h < Grid.live(x, out, inverseRms) * heads; h++) {
      int i = h / heads;
      int at = h % heads * length;
      double squares = 0;
      for (int j = 0; j < length; j++) {
        squares += (double) in.get(i, at + j) * in.get(i, at + j);
      }
      double r = 1 / Math.sqrt(squares / length + eps);
      Grid.row(inverseRms).set(0, h, r);
      for (int j = 0; j < length; j++) {
        normed.set(i, at + j, in.get(i, at + j) * r * w.get(0, j));
      }
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
    Grid d = Grid.of(dOut);
    Grid in = Grid.of(x);
    Grid w = Grid.row(weight);
    Grid dIn = Grid.of(dX);
    int length = w.columns();
    int heads = in.columns() / length;
    double[] dW = new double[length];
    for (int h = 0; h < Grid.live(dOut, x, inverseRms, dX) * heads; h++) {
      int i = h / heads;
      int at = h % heads * length;
      double r = Grid.row(inverseRms).get(0, h);
      double mean = 0;
      for (int j = 0; j < length; j++) {
        dW[j] += d.get(i, at + j) * in.get(i, at + j) * r;
        mean += (double) d.get(i, at + j) * w.get(0, j) * in.get(i, at + j) * r / length;
      }
      for (int j = 0; j < length; j++) {
        double grad = r * ((double) d.get(i, at + j) * w.get(0, j) - in.get(i, at + j) * r * mean);
        dIn.set(i, at + j, beta == 0 ? grad : beta * dIn.get(i, at + j) + grad);
      }
    }
    for (int j = 0; j < dW.length; j++) {
      Grid.row(dWeight).add(0, j, dW[j]);
    }
  }

  @Override
  public void rope(Tensor x, Tensor positions, Tensor cosSin, boolean inverse, Tensor out) {
    Grid in = Grid.of(x);
    Grid table = Grid.of(cosSin);
    Grid turned = Grid.of(out);
    int half = table.columns() / 2;
    for (int i = 0; i < Grid.live(x, positions, out); i++) {
      int position = Grid.row(positions).index(0, i);
      for (int head = 0; head < in.columns(); head += 2 * half) {
        for (int j = head; j < head + half; j++) {
          double cos = table.get(position, j - head);
          double sin = (inverse ? -1 : 1) * table.get(position, j - head + half);
          double first = in.get(i, j);
          double second = in.get(i, j + half);
          turned.set(i, j, first * cos - second * sin);
          turned.set(i, j + half, second * cos + first * sin);
        }
      }
    }
  }

  @Override
  public void attention(
      AttentionShape shape, Qkv in, Tensor sequences, Tensor out, Tensor logSumExp) {
    NaiveAttention.forward(shape, in, sequences, out, logSumExp);
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
    NaiveAttention.backward(shape, dOut, in, out, logSumExp, sequences, gradients);
  }

  @Override
  public void pagedAttention(
      AttentionShape shape,
      Tensor q,
      KvPages.Layer pages,
      Tensor sequences,
      Tensor positions,
      Tensor out) {
    NaiveAttention.paged(shape, q, pages, sequences, positions, out);
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  @Override
  public void swiGlu(Tensor gate, Tensor up, Tensor out) {
    Grid g = Grid.of(gate);
    Grid u = Grid.of(up);
    Grid o = Grid.of(out);
    for (int i = 0; i < Grid.live(gate, up, out); i++) {
      for (int j = 0; j < o.columns(); j++) {
        o.set(i, j, g.get(i, j) * sigmoid(g.get(i, j)) * u.get(i, j));
      }
    }
  }

  @Override
  public void swiGluBackward(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    Grid d = Grid.of(dOut);
    Grid g = Grid.of(gate);
    Grid u = Grid.of(up);
    for (int i = 0; i < Grid.live(dOut, gate, up, dGate, dUp); i++) {
      for (int j = 0; j < d.columns(); j++) {
        double x = g.get(i, j);
        double s = sigmoid(x);
        Grid.of(dGate).set(i, j, d.get(i, j) * u.get(i, j) * s * (1 + x * (1 - s)));
        Grid.of(dUp).set(i, j, d.get(i, j) * x * s);
      }
    }
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor scale, Tensor nll) {
    Grid x = Grid.of(logits);
    double factor = Grid.row(scale).get(0, 0);
    for (int i = 0; i < Grid.live(logits, targets, nll); i++) {
      int target = Grid.row(targets).index(0, i);
      double largest = Double.NEGATIVE_INFINITY;
      for (int j = 0; j < x.columns(); j++) {
        largest = Math.max(largest, x.get(i, j));
      }
      double sum = 0;
      for (int j = 0; j < x.columns(); j++) {
        sum += Math.exp(x.get(i, j) - largest);
      }
      double logSum = largest + Math.log(sum);
      Grid.row(nll).set(0, i, target == IGNORED ? 0 : logSum - x.get(i, target));
      for (int j = 0; j < x.columns(); j++) {
        double p = Math.exp(x.get(i, j) - logSum);
        x.set(i, j, target == IGNORED ? 0 : factor * (j == target ? p - 1 : p));
      }
    }
  }

  // ---- element by element ----------------------------------------------------------------------

  /// What an element of the output is made of, element by element.
  private interface Formula {
    double of(int element);
  }

  private static void each(int elements, Tensor out, Formula formula) {
    Grid to = Grid.row(out);
    for (int i = 0; i < elements; i++) {
      to.set(0, i, formula.of(i));
    }
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    Grid x = Grid.row(a);
    Grid y = Grid.row(b);
    each(Grid.liveElements(a, b, out), out, i -> (double) x.get(0, i) + y.get(0, i));
  }

  @Override
  public void squaredNorm(Tensor x, Tensor out) {
    Grid in = Grid.row(x);
    double sum = 0;
    for (int i = 0; i < Grid.liveElements(x); i++) {
      sum += (double) in.get(0, i) * in.get(0, i);
    }
    Grid.row(out).set(0, 0, sum);
  }

  @Override
  public void scale(Tensor x, Tensor factor) {
    Grid in = Grid.row(x);
    double by = Grid.row(factor).get(0, 0);
    each(Grid.liveElements(x), x, i -> by * in.get(0, i));
  }

  @Override
  public void axpby(Tensor ab, Tensor x, Tensor y) {
    double a = Grid.row(ab).get(0, 0);
    double b = Grid.row(ab).get(0, 1);
    Grid in = Grid.row(x);
    Grid inOut = Grid.row(y);
    each(Grid.liveElements(x, y), y, i -> a * in.get(0, i) + b * inOut.get(0, i));
  }

  @Override
  public void lerp(Tensor a, Tensor b, float weight, Tensor out) {
    Grid from = Grid.row(a);
    Grid to = Grid.row(b);
    each(
        Grid.liveElements(a, b, out),
        out,
        i -> from.get(0, i) + weight * ((double) to.get(0, i) - from.get(0, i)));
  }

  @Override
  public void sign(Tensor x, Tensor out) {
    Grid in = Grid.row(x);
    each(Grid.liveElements(x, out), out, i -> Math.signum(in.get(0, i)));
  }

  @Override
  public void fill(Tensor x, float value) {
    each(Grid.liveElements(x), x, i -> value);
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    Grid from = Grid.of(source);
    Grid to = Grid.of(target);
    for (int i = 0; i < Grid.live(source, target); i++) {
      for (int j = 0; j < to.columns(); j++) {
        to.setBits(i, j, from.index(i, j)); // the types are the same: there is but one
      }
    }
  }

  @Override
  public void adamW(
      AdamWConstants constants,
      Tensor step,
      Tensor parameter,
      Tensor gradient,
      Tensor m,
      Tensor v) {
    Grid s = Grid.row(step); // learning rate, two bias corrections, scale of the gradient
    Grid p = Grid.row(parameter);
    Grid first = Grid.row(m);
    Grid second = Grid.row(v);
    for (int i = 0; i < Grid.liveElements(parameter, gradient, m, v); i++) {
      double g = (double) s.get(0, 3) * Grid.row(gradient).get(0, i);
      first.add(0, i, (1 - constants.beta1()) * (g - first.get(0, i)));
      second.set(0, i, constants.beta2() * second.get(0, i) + (1 - constants.beta2()) * g * g);
      double root = Math.sqrt(second.get(0, i)) / Math.sqrt(s.get(0, 2)) + constants.eps();
      double decayed = p.get(0, i) * (1 - s.get(0, 0) * constants.weightDecay());
      p.set(0, i, decayed - s.get(0, 0) / s.get(0, 1) * first.get(0, i) / root);
    }
  }
}
