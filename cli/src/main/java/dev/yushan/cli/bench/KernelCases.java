package dev.yushan.cli.bench;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Feature;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.Kernels.AdamWConstants;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.backend.KvPages;
import dev.yushan.backend.Qkv;
import dev.yushan.model.ModelConfig;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/// Every op of [Kernels] on the operands that a model of a shape gives it. One is laid out,
/// measured and freed before the next.
final class KernelCases {
  private static final int F32 = Float.BYTES;

  /// Rows of logits at a time, as in training.
  private static final int LOGIT_ROWS = 512;

  /// Rows of a decode step, of few streams and of many.
  private static final int[] FEW_ROWS = {1, 16};

  /// An op that is ready to run.
  ///
  /// @param op its name in [Kernels], for matmul with which of the operands are transposed
  /// @param operands in words
  /// @param flops operations of a run, or 0 where they are not what it costs
  /// @param bytes of its operands, or 0
  /// @param product that it is, where it is one of float32
  record Case(
      String op,
      String operands,
      double flops,
      double bytes,
      Optional<Product> product,
      Runnable body) {}

  /// C (`[m, n]`) = op(A) · op(B), summed over `k`.
  record Product(Op a, Op b, int m, int n, int k) {}

  private final Backend backend;
  private final Kernels kernels;
  private final ModelConfig config;
  private final AttentionShape attention;
  private final int tokens;
  private final Set<Weights> weights;
  private final Predicate<String> wanted;
  private final Consumer<Case> measure;

  /// @param tokens of a batch, all of one sequence
  /// @param weights types of frozen matrices
  /// @param wanted which ops, by their names in [Kernels]
  /// @param measure what is done with each
  KernelCases(
      Backend backend,
      ModelConfig config,
      int tokens,
      Set<Weights> weights,
      Predicate<String> wanted,
      Consumer<Case> measure) {
    this.backend = backend;
    this.kernels = backend.kernels();
    this.config = config;
    this.attention = AttentionShape.of(config.heads(), config.kvHeads(), config.headDim());
    this.tokens = tokens;
    this.weights = weights;
    this.wanted = wanted;
    this.measure = measure;
  }

  /// The tensors of a case.
  private final class Operands implements AutoCloseable {
    private final List<Tensor> open = new ArrayList<>();
    private final Tensor values = add(BenchModel.randomNumbers(backend));

    private Tensor add(Tensor tensor) {
      open.add(tensor);
      return tensor;
    }

    Tensor random(DType dtype, long rows, long columns) {
      Tensor matrix = add(backend.allocate(dtype, Shape.of(rows, columns)));
      BenchModel.fill(backend, values, matrix);
      return matrix;
    }

    Tensor matrix(long rows, long columns) {
      return random(DType.F32, rows, columns);
    }

    Tensor vector(float... elements) {
      return add(backend.tensor(elements, elements.length));
    }

    Tensor zeros(long length) {
      return add(backend.allocate(DType.F32, Shape.of(length)));
    }

    Tensor ids(int... elements) {
      return add(backend.tensor(elements, elements.length));
    }

    /// `tokens` ids below `bound`, spread over all of them.
    Tensor spread(int bound) {
      return ids(IntStream.range(0, tokens).map(i -> (int) (i * 7919L % bound)).toArray());
    }

    Tensor positions() {
      return ids(IntStream.range(0, tokens).toArray());
    }

    @Override
    public void close() {
      open.forEach(Tensor::close);
    }
  }

  private void run(
      String op, String operands, double flops, double bytes, Function<Operands, Runnable> layout) {
    run(op, operands, flops, bytes, Optional.empty(), layout);
  }

  private void run(
      String op,
      String operands,
      double flops,
      double bytes,
      Optional<Product> product,
      Function<Operands, Runnable> layout) {
    if (wanted.test(op.replaceFirst(" .*", ""))) {
      try (Operands tensors = new Operands()) {
        measure.accept(new Case(op, operands, flops, bytes, product, layout.apply(tensors)));
      }
    }
  }

  /// All of them.
  void run() {
    products();
    weights.forEach(this::frozen);
    rows();
    attention();
    blocks();
    elements();
    if (backend.supports(Feature.TRAINING)) {
      training();
    }
  }

  // ---- linear algebra --------------------------------------------------------------------------

  private void products() {
    int hidden = config.hiddenSize();
    product("qkv", tokens, attention.qkvColumns(), hidden);
    product("output", tokens, hidden, attention.queryColumns());
    product("gate, up", tokens, 2 * config.intermediateSize(), hidden);
    product("down", tokens, hidden, config.intermediateSize());
    product("head", Math.min(tokens, LOGIT_ROWS), config.vocabSize(), hidden);
  }

  private void product(String name, int m, int n, int k) {
    for (Op a : Op.values()) {
      for (Op b : Op.values()) {
        run(
            "matmul " + a + b,
            "%s, %d·%d·%d".formatted(name, m, n, k),
            2.0 * m * n * k,
            0,
            Optional.of(new Product(a, b, m, n, k)),
            tensors -> {
              Tensor left = a == Op.N ? tensors.matrix(m, k) : tensors.matrix(k, m);
              Tensor right = b == Op.N ? tensors.matrix(k, n) : tensors.matrix(n, k);
              Tensor out = tensors.matrix(m, n);
              return () -> kernels.matmul(a, b, 1, left, right, 0, out);
            });
      }
    }
  }

  private void frozen(Weights type) {
    int n = 2 * config.intermediateSize();
    int k = config.hiddenSize();
    DType rows =
        type == Weights.Q4_0 && backend.supports(Feature.QUANTISED_ROWS) ? DType.Q8_0 : DType.F32;
    String by = rows == DType.F32 ? "" : ", rows in q8_0";
    for (int m :
        IntStream.concat(IntStream.of(FEW_ROWS), IntStream.of(tokens)).distinct().toArray()) {
      run(
          "matmul NT",
          "gate, up in %s%s, frozen, %d·%d·%d".formatted(type, by, m, n, k),
          2.0 * m * n * k,
          type.dtype().bytes((long) n * k),
          tensors -> {
            type.requireOn(backend);
            Tensor left = tensors.random(rows, m, k);
            Tensor right = tensors.random(type.dtype(), n, k);
            Tensor out = tensors.matrix(m, n);
            backend.freeze(right);
            return () -> kernels.matmul(Op.N, Op.T, 1, left, right, 0, out);
          });
    }
  }

  // ---- rows by index ---------------------------------------------------------------------------

  private void rows() {
    int hidden = config.hiddenSize();
    double moved = 2.0 * tokens * hidden * F32;
    run(
        "gather",
        size(tokens, hidden),
        0,
        moved,
        tensors -> {
          Tensor table = tensors.matrix(config.vocabSize(), hidden);
          Tensor ids = tensors.spread(config.vocabSize());
          Tensor out = tensors.matrix(tokens, hidden);
          return () -> kernels.gather(table, ids, out);
        });
    run(
        "scatter",
        size(tokens, attention.kvColumns()),
        0,
        2.0 * tokens * attention.kvColumns() * F32,
        tensors -> {
          Tensor rows = tensors.matrix(tokens, attention.kvColumns());
          Tensor ids = tensors.positions();
          Tensor table = tensors.matrix(tokens, attention.kvColumns());
          return () -> kernels.scatter(rows, ids, table);
        });
  }

  // ---- attention -------------------------------------------------------------------------------

  private void attention() {
    double flops = 4.0 * attention.queryColumns() * ((double) tokens * (tokens + 1) / 2);
    String size = "%d tokens, %d heads on %d".formatted(tokens, config.heads(), config.kvHeads());
    run("attention", size, flops, 0, this::attention);
    if (backend.supports(Feature.TRAINING)) {
      run("attentionBackward", size, 2 * flops, 0, this::attentionBackward);
    }
    if (backend.supports(Feature.PAGED_ATTENTION)) {
      int streams = FEW_ROWS[1];
      run(
          "pagedAttention",
          "%d streams of %d tokens".formatted(streams, tokens),
          0,
          2.0 * streams * tokens * attention.kvColumns() * F32,
          tensors -> paged(tensors, streams));
    }
  }

  private Runnable attention(Operands tensors) {
    Qkv in = Qkv.of(tensors.matrix(tokens, attention.qkvColumns()), attention);
    Tensor sequences = tensors.ids(0, tokens);
    Tensor out = tensors.matrix(tokens, attention.queryColumns());
    Tensor logSumExp = tensors.matrix(tokens, attention.heads());
    return () -> kernels.attention(attention, in, sequences, out, logSumExp);
  }

  private Runnable attentionBackward(Operands tensors) {
    Qkv in = Qkv.of(tensors.matrix(tokens, attention.qkvColumns()), attention);
    Qkv gradients = Qkv.of(tensors.matrix(tokens, attention.qkvColumns()), attention);
    Tensor sequences = tensors.ids(0, tokens);
    Tensor out = tensors.matrix(tokens, attention.queryColumns());
    Tensor dOut = tensors.matrix(tokens, attention.queryColumns());
    Tensor logSumExp = tensors.matrix(tokens, attention.heads());
    kernels.attention(attention, in, sequences, out, logSumExp);
    return () ->
        kernels.attentionBackward(attention, dOut, in, out, logSumExp, sequences, gradients);
  }

  private Runnable paged(Operands tensors, int streams) {
    int pages = Math.ceilDiv(tokens, KvPages.PAGE_LENGTH);
    long rows = (long) streams * pages * KvPages.PAGE_LENGTH;
    Tensor table = tensors.ids(IntStream.range(0, streams * pages).toArray());
    KvPages.Layer layer =
        new KvPages.Layer(
            tensors.matrix(rows, attention.kvColumns()),
            tensors.matrix(rows, attention.kvColumns()),
            table.reshape(streams, pages),
            KvPages.PAGE_LENGTH);
    Tensor q = tensors.matrix(streams, attention.queryColumns());
    Tensor out = tensors.matrix(streams, attention.queryColumns());
    Tensor sequences = tensors.ids(IntStream.rangeClosed(0, streams).toArray());
    Tensor positions = tensors.ids(IntStream.range(0, streams).map(i -> tokens - 1).toArray());
    return () -> kernels.pagedAttention(attention, q, layer, sequences, positions, out);
  }

  // ---- the rest of the block -------------------------------------------------------------------

  private void blocks() {
    int hidden = config.hiddenSize();
    int intermediate = config.intermediateSize();
    double states = (double) tokens * hidden * F32;
    run(
        "rmsNorm",
        size(tokens, hidden),
        0,
        2 * states,
        tensors -> {
          Tensor x = tensors.matrix(tokens, hidden);
          Tensor weight = tensors.zeros(hidden);
          Tensor out = tensors.matrix(tokens, hidden);
          Tensor inverse = tensors.zeros(tokens);
          return () -> kernels.rmsNorm(x, weight, 1e-5f, out, inverse);
        });
    int turned = attention.valuesFrom();
    run(
        "rope",
        size(tokens, turned),
        0,
        2.0 * tokens * turned * F32,
        tensors -> {
          Tensor x = tensors.matrix(tokens, turned);
          Tensor angles = tensors.matrix(tokens, config.headDim());
          Tensor positions = tensors.positions();
          return () -> kernels.rope(x, positions, angles, false, x);
        });
    run(
        "swiGlu",
        size(tokens, intermediate),
        0,
        3.0 * tokens * intermediate * F32,
        tensors -> {
          Tensor gateUp = tensors.matrix(tokens, 2L * intermediate);
          Tensor gate = gateUp.columns(0, intermediate);
          Tensor up = gateUp.columns(intermediate, 2L * intermediate);
          Tensor out = tensors.matrix(tokens, intermediate);
          return () -> kernels.swiGlu(gate, up, out);
        });
  }

  // ---- element by element ----------------------------------------------------------------------

  private void elements() {
    long rows = tokens;
    long columns = config.hiddenSize();
    double one = (double) rows * columns * F32;
    String size = size(rows, columns);
    run("add", size, 0, 3 * one, t -> binary(t, (a, b, out) -> kernels.add(a, b, out)));
    run("lerp", size, 0, 3 * one, t -> binary(t, (a, b, out) -> kernels.lerp(a, b, 0.5f, out)));
    run("sign", size, 0, 2 * one, t -> binary(t, (a, b, out) -> kernels.sign(a, out)));
    run("copy", size + " f32", 0, 2 * one, t -> binary(t, (a, b, out) -> kernels.copy(a, out)));
    run("fill", size, 0, one, t -> binary(t, (a, b, out) -> kernels.fill(out, 1)));
    for (Weights type : weights) {
      DType dtype = type.dtype();
      if (type != Weights.F32 && columns % dtype.blockLength() == 0) {
        run(
            "copy",
            size + " to " + type,
            0,
            one + dtype.bytes(rows * columns),
            tensors -> {
              type.requireOn(backend);
              Tensor from = tensors.matrix(rows, columns);
              Tensor to = tensors.random(dtype, rows, columns);
              return () -> kernels.copy(from, to);
            });
      }
    }
    run(
        "scale",
        size,
        0,
        2 * one,
        t -> {
          Tensor factor = t.vector(1);
          return binary(t, (a, b, out) -> kernels.scale(out, factor));
        });
    run(
        "axpby",
        size,
        0,
        3 * one,
        t -> {
          Tensor factors = t.vector(0.5f, 0.5f);
          return binary(t, (a, b, out) -> kernels.axpby(factors, a, out));
        });
    run(
        "squaredNorm",
        size,
        0,
        one,
        t -> {
          Tensor sum = t.zeros(1);
          return binary(t, (a, b, out) -> kernels.squaredNorm(a, sum));
        });
  }

  private interface Binary {
    void run(Tensor a, Tensor b, Tensor out);
  }

  private Runnable binary(Operands tensors, Binary op) {
    Tensor a = tensors.matrix(tokens, config.hiddenSize());
    Tensor b = tensors.matrix(tokens, config.hiddenSize());
    Tensor out = tensors.matrix(tokens, config.hiddenSize());
    return () -> op.run(a, b, out);
  }

  // ---- training --------------------------------------------------------------------------------

  private void training() {
    int hidden = config.hiddenSize();
    int intermediate = config.intermediateSize();
    double states = (double) tokens * hidden * F32;
    run(
        "scatterAdd",
        size(tokens, hidden),
        0,
        3 * states,
        tensors -> {
          Tensor rows = tensors.matrix(tokens, hidden);
          Tensor ids = tensors.spread(config.vocabSize());
          Tensor table = tensors.matrix(config.vocabSize(), hidden);
          return () -> kernels.scatterAdd(rows, ids, table);
        });
    run(
        "rmsNormBackward",
        size(tokens, hidden),
        0,
        3 * states,
        tensors -> {
          Tensor dOut = tensors.matrix(tokens, hidden);
          Tensor x = tensors.matrix(tokens, hidden);
          Tensor weight = tensors.zeros(hidden);
          Tensor inverse = tensors.zeros(tokens);
          Tensor dX = tensors.matrix(tokens, hidden);
          Tensor dWeight = tensors.zeros(hidden);
          return () -> kernels.rmsNormBackward(dOut, x, weight, inverse, 0, dX, dWeight);
        });
    run(
        "swiGluBackward",
        size(tokens, intermediate),
        0,
        5.0 * tokens * intermediate * F32,
        tensors -> {
          Tensor dOut = tensors.matrix(tokens, intermediate);
          Tensor gate = tensors.matrix(tokens, intermediate);
          Tensor up = tensors.matrix(tokens, intermediate);
          Tensor dGate = tensors.matrix(tokens, intermediate);
          Tensor dUp = tensors.matrix(tokens, intermediate);
          return () -> kernels.swiGluBackward(dOut, gate, up, dGate, dUp);
        });
    int rows = Math.min(tokens, LOGIT_ROWS);
    run(
        "crossEntropy",
        size(rows, config.vocabSize()),
        0,
        2.0 * rows * config.vocabSize() * F32,
        tensors -> {
          Tensor logits = tensors.matrix(rows, config.vocabSize());
          Tensor targets = tensors.spread(config.vocabSize()).rows(0, rows);
          Tensor scale = tensors.vector(1);
          Tensor nll = tensors.zeros(rows);
          return () -> kernels.crossEntropy(logits, targets, scale, nll);
        });
    long elements = 2L * intermediate * hidden;
    run(
        "adamW",
        size(2L * intermediate, hidden),
        0,
        7.0 * elements * F32,
        tensors -> {
          Tensor step = tensors.vector(1e-5f, 0.1f, 0.001f, 1);
          Tensor parameter = tensors.matrix(2L * intermediate, hidden);
          Tensor gradient = tensors.matrix(2L * intermediate, hidden);
          Tensor m = tensors.zeros(elements).reshape(2L * intermediate, hidden);
          Tensor v = tensors.zeros(elements).reshape(2L * intermediate, hidden);
          AdamWConstants constants = new AdamWConstants(0.9, 0.999, 1e-8, 0);
          return () -> kernels.adamW(constants, step, parameter, gradient, m, v);
        });
  }

  private static String size(long rows, long columns) {
    return rows + "·" + columns;
  }
}
