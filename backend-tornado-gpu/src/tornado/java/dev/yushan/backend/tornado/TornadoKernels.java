package dev.yushan.backend.tornado;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.KvPages;
import dev.yushan.backend.Qkv;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.util.Optional;

/// Takes tensors apart for the device code of this package.
final class TornadoKernels implements Kernels {
  /// Takes launches: to run them or to remember them.
  interface Target {
    void launch(Kernel kernel, int[] parameters, long groups);
  }

  private final Target target;
  private final Optional<LibraryProducts> library;

  /// @param library for the products that it takes
  TornadoKernels(Target target, Optional<LibraryProducts> library) {
    this.target = target;
    this.library = library;
  }

  private Call call(Kernel kernel) {
    return new Call(target, kernel);
  }

  private static int type(DType dtype) {
    return switch (dtype) {
      case F32, I32 -> Packed.F32;
      case F16 -> Packed.F16;
      case BF16 -> Packed.BF16;
      case Q8_0 -> Packed.Q8;
      case Q4_0 -> Packed.Q4;
    };
  }

  // ---- rows by index ---------------------------------------------------------------------------

  @Override
  public void gather(Tensor table, Tensor ids, Tensor out) {
    call(Kernel.GATHER)
        .rows(ids, out)
        .columns(out)
        .tensors(table, ids, out)
        .value(type(table.dtype()))
        .forElements(out.elements());
  }

  @Override
  public void scatterAdd(Tensor rows, Tensor ids, Tensor table) {
    call(Kernel.SCATTER_ADD)
        .rows(rows, ids)
        .columns(table)
        .tensors(rows, ids, table)
        .forElements(table.columns());
  }

  @Override
  public void scatter(Tensor rows, Tensor ids, Tensor table) {
    call(Kernel.SCATTER)
        .rows(rows, ids)
        .columns(table)
        .strided(rows)
        .tensors(ids, table)
        .value(type(table.dtype()))
        .forElements(rows.elements());
  }

  // ---- linear algebra --------------------------------------------------------------------------

  @Override
  public void matmul(Op opA, Op opB, float alpha, Tensor a, Tensor b, float beta, Tensor c) {
    if (library.isPresent() && library.get().matmul(opA, opB, alpha, a, b, beta, c)) {
      return;
    }
    long m = c.rows();
    long n = c.columns();
    long k = opA == Op.N ? a.columns() : a.rows();
    Kernel kernel = MatmulKernels.of(m);
    Call call = call(kernel);
    call = opA == Op.N ? call.rows(c, a) : call.rows(c);
    call = opA == Op.N ? call.inner(k) : opB == Op.N ? call.inner(k, a, b) : call.inner(k, a);
    call.value(m)
        .value(n)
        .value(k)
        .tensors(a)
        .value(opA == Op.N ? a.ld() : 1)
        .value(opA == Op.N ? 1 : a.ld())
        .tensors(b)
        .value(opB == Op.N ? b.ld() : 1)
        .value(opB == Op.N ? 1 : b.ld())
        .value(type(b.dtype()))
        .tensors(c)
        .value(c.ld())
        .number(alpha)
        .number(beta)
        .value(beta == 0 ? 0 : 1);
    call.forGroups(MatmulKernels.groups(kernel, m, n));
  }

  // ---- the Llama block -------------------------------------------------------------------------

  @Override
  public void rmsNorm(Tensor x, Tensor weight, float eps, Tensor out, Tensor inverseRms) {
    long heads = x.columns() / weight.elements();
    call(Kernel.RMS_NORM)
        .rows(x, out, inverseRms)
        .value(weight.elements())
        .value(heads)
        .strided(x)
        .tensors(weight)
        .strided(out)
        .tensors(inverseRms)
        .number(eps)
        .forGroups(x.rows() * heads);
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
    long heads = x.columns() / weight.elements();
    // the weight first: dX may be dOut
    call(Kernel.RMS_NORM_WEIGHT)
        .rows(dOut, x, inverseRms, dX)
        .value(weight.elements())
        .value(heads)
        .strided(dOut, x)
        .tensors(inverseRms, dWeight)
        .forGroups(NormKernels.weightGroups(weight.elements()));
    call(Kernel.RMS_NORM_BACKWARD)
        .rows(dOut, x, inverseRms, dX)
        .value(weight.elements())
        .value(heads)
        .strided(dOut, x, dX)
        .tensors(weight, inverseRms)
        .value(beta == 0 ? 0 : 1)
        .number(beta)
        .forGroups(x.rows() * heads);
  }

  @Override
  public void rope(Tensor x, Tensor positions, Tensor cosSin, boolean inverse, Tensor out) {
    call(Kernel.ROPE)
        .rows(x, positions, out)
        .columns(x)
        .strided(x)
        .tensors(positions, cosSin)
        .value(cosSin.columns())
        .strided(out)
        .value(inverse ? -1 : 1)
        .forElements(x.elements() / 2);
  }

  private Call attentionCall(Kernel kernel, AttentionShape shape, Tensor sequences) {
    if (shape.headDim() > AttentionKernels.MOST) {
      throw new BackendException(
          "the tornado backend has attention for heads of up to %d elements, not %d: use --backend cpu"
              .formatted(AttentionKernels.MOST, shape.headDim()));
    }
    return call(kernel)
        .value(shape.heads())
        .value(shape.kvHeads())
        .value(shape.headDim())
        .number(shape.scale())
        .tensors(sequences)
        .value(sequences.rows() - 1);
  }

  /// Rows by themselves if no sequence needs to have more than one: their tiles would be all but
  /// empty.
  private static Kernel forward(Tensor out, Tensor sequences) {
    return out.rows() < sequences.rows() ? Kernel.ATTENTION : Kernel.ATTENTION_TILES;
  }

  private static long forwardGroups(AttentionShape shape, Tensor out, Tensor sequences) {
    return shape.heads()
        * (forward(out, sequences) == Kernel.ATTENTION
            ? out.rows()
            : AttentionTiles.most(out.rows(), sequences.rows() - 1));
  }

  @Override
  public void attention(
      AttentionShape shape, Qkv in, Tensor sequences, Tensor out, Tensor logSumExp) {
    attentionCall(forward(out, sequences), shape, sequences)
        .rows(in.q(), in.k(), in.v(), out, logSumExp)
        .strided(in.q(), in.k(), in.v(), out)
        .tensors(logSumExp)
        .value(0)
        .forGroups(forwardGroups(shape, out, sequences));
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
    Tensor[] all = {
      dOut, in.q(), in.k(), in.v(), out, logSumExp, gradients.q(), gradients.k(), gradients.v()
    };
    long tiles = AttentionTiles.most(out.rows(), sequences.rows() - 1);
    attentionCall(Kernel.ATTENTION_GRADIENTS, shape, sequences)
        .rows(all)
        .strided(out)
        .tensors(logSumExp)
        .value(0)
        .strided(in.q(), dOut, in.k(), in.v(), gradients.q())
        .forGroups(tiles * shape.heads());
    attentionCall(Kernel.ATTENTION_GRADIENTS, shape, sequences)
        .rows(all)
        .strided(out)
        .tensors(logSumExp)
        .value(1)
        .strided(in.k(), in.v(), in.q(), dOut, gradients.k(), gradients.v())
        .forGroups(tiles * shape.kvHeads());
  }

  @Override
  public void pagedAttention(
      AttentionShape shape,
      Tensor q,
      KvPages.Layer pages,
      Tensor sequences,
      Tensor positions,
      Tensor out) {
    attentionCall(forward(out, sequences), shape, sequences)
        .rows(q, positions, out)
        .strided(q, pages.keys(), pages.values(), out)
        .value(-1)
        .value(1)
        .tensors(pages.pageTable())
        .value(pages.pageTable().columns())
        .value(pages.pageLength())
        .tensors(positions)
        .value(type(pages.keys().dtype()))
        .forGroups(forwardGroups(shape, out, sequences));
  }

  @Override
  public void swiGlu(Tensor gate, Tensor up, Tensor out) {
    call(Kernel.SWI_GLU)
        .rows(gate, up, out)
        .columns(out)
        .strided(gate, up, out)
        .forElements(out.elements());
  }

  @Override
  public void swiGluBackward(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    call(Kernel.SWI_GLU_BACKWARD)
        .rows(dOut, gate, up, dGate, dUp)
        .columns(dOut)
        .strided(dOut, gate, up, dGate, dUp)
        .forElements(dOut.elements());
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor scale, Tensor nll) {
    call(Kernel.CROSS_ENTROPY)
        .rows(logits, targets, nll)
        .columns(logits)
        .tensors(logits, targets, scale, nll)
        .forGroups(logits.rows());
  }

  // ---- element by element ----------------------------------------------------------------------

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    call(Kernel.ADD).rows(a, b, out).columns(a).tensors(a, b, out).forElements(a.elements());
  }

  @Override
  public void squaredNorm(Tensor x, Tensor out) {
    call(Kernel.SQUARES).rows(x).columns(x).tensors(x).forGroups(NormKernels.GROUP);
    call(Kernel.SUM_SQUARES).rows(out).tensors(out).forGroups(1);
  }

  @Override
  public void scale(Tensor x, Tensor factor) {
    call(Kernel.SCALE).rows(x).columns(x).tensors(x, factor).forElements(x.elements());
  }

  @Override
  public void axpby(Tensor ab, Tensor x, Tensor y) {
    call(Kernel.AXPBY).rows(x, y).columns(x).tensors(ab, x, y).forElements(x.elements());
  }

  @Override
  public void lerp(Tensor a, Tensor b, float weight, Tensor out) {
    call(Kernel.LERP)
        .rows(a, b, out)
        .columns(a)
        .tensors(a, b, out)
        .number(weight)
        .forElements(a.elements());
  }

  @Override
  public void sign(Tensor x, Tensor out) {
    call(Kernel.SIGN).rows(x, out).columns(x).tensors(x, out).forElements(x.elements());
  }

  @Override
  public void fill(Tensor x, float value) {
    call(Kernel.FILL).rows(x).columns(x).tensors(x).number(value).forElements(x.elements());
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    DType from = source.dtype();
    DType to = target.dtype();
    if (from == to) {
      copySame(source, target);
    } else if (from.quantised() && to != DType.F32) {
      throw new UnsupportedOperationException(
          "the tornado backend copies %s to F32 alone, not to %s".formatted(from, to));
    } else {
      Kernel kernel =
          switch (to) {
            case Q8_0 -> Kernel.QUANTISE_8;
            case Q4_0 -> Kernel.QUANTISE_4;
            case F16, BF16 -> Kernel.PACK;
            case F32, I32 -> Kernel.UNPACK;
          };
      // a vector of blocks is one row
      boolean one = source.shape().rank() == 1 && source.count().isEmpty();
      call(kernel)
          .rows(one ? source.reshape(1, source.elements()) : source, target)
          .value(one ? source.elements() : source.columns())
          .tensors(source, target)
          .value(type(from))
          .value(type(to))
          .forElements(source.elements() / to.blockLength());
    }
  }

  private void copySame(Tensor source, Tensor target) {
    Kernel kernel =
        switch (source.dtype()) {
          case F32 -> Kernel.COPY_FLOATS;
          case I32 -> Kernel.COPY_INTS;
          case F16, BF16, Q8_0, Q4_0 -> Kernel.COPY_SHORTS;
        };
    int unit = kernel == Kernel.COPY_SHORTS ? 2 : 4;
    boolean one = source.shape().rank() == 1 && source.count().isEmpty();
    long rows = one ? 1 : Math.max(1, source.rows());
    call(kernel)
        .rows(one ? source.reshape(1, source.elements()) : source, target)
        .value(source.bytes() / unit / rows)
        .tensors(source, target)
        .forElements(source.bytes() / unit);
  }

  @Override
  public void adamW(
      AdamWConstants constants,
      Tensor step,
      Tensor parameter,
      Tensor gradient,
      Tensor m,
      Tensor v) {
    call(Kernel.ADAM_W)
        .rows(parameter, gradient, m, v)
        .columns(parameter)
        .tensors(step, parameter, gradient, m, v)
        .number((float) (1 - constants.beta1()))
        .number((float) constants.beta2())
        .number((float) (1 - constants.beta2()))
        .number((float) constants.eps())
        .number((float) constants.weightDecay())
        .forElements(parameter.elements());
  }
}
