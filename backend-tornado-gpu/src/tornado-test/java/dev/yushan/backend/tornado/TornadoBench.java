package dev.yushan.backend.tornado;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.backend.KvPages;
import dev.yushan.backend.Plan;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/// Times the backend on one device: `TornadoBench DEVICE what…`, where `what` is `launch`, `copy`,
/// `matmul`, `layers` (a decode step of the 1B shape with BF16 weights) or `prefill`.
final class TornadoBench {
  private static final int REPEATS = 7;
  private static final int HIDDEN = 2048;
  private static final int INNER = 8192;
  private static final int LAYERS = 16;
  private static final int VOCABULARY = 128_256;
  private static final int CONTEXT = 512;

  private TornadoBench() {}

  public static void main(String[] args) {
    BackendOptions options = new BackendOptions(0, Optional.of(args[0]), Map.of());
    for (String what : Arrays.asList(args).subList(1, args.length)) {
      // one each: what a benchmark leaves open is freed with it
      try (Backend backend = new TornadoBackendProvider().open(options)) {
        System.out.println("device " + backend.description());
        switch (what) {
          case "launch" -> launch(backend);
          case "copy" -> copy(backend);
          case "matmul" -> matmul(backend);
          case "layers" -> step(backend, 1);
          case "prefill" -> step(backend, CONTEXT);
          default -> throw new IllegalArgumentException("no benchmark '" + what + "'");
        }
      }
    }
  }

  /// The best time of some runs in seconds, after one that compiles. A download waits for the
  /// device.
  private static double seconds(Backend backend, Tensor sync, Runnable body) {
    double best = Double.MAX_VALUE;
    for (int i = 0; i <= REPEATS; i++) {
      long start = System.nanoTime();
      body.run();
      backend.floats(sync);
      if (i > 0) {
        best = Math.min(best, (System.nanoTime() - start) / 1e9);
      }
    }
    return best;
  }

  private static Tensor floats(Backend backend, long... dims) {
    Tensor tensor = backend.allocate(DType.F32, Shape.of(dims));
    backend.kernels().fill(tensor, 0.01f);
    return tensor;
  }

  private static void launch(Backend backend) {
    Tensor x = floats(backend, 64);
    int launches = 1000;
    double time =
        seconds(
            backend,
            x,
            () -> {
              for (int i = 0; i < launches; i++) {
                backend.kernels().add(x, x, x);
              }
            });
    System.out.printf("launch: %.1f µs%n", time / launches * 1e6);
    x.close();
  }

  private static void copy(Backend backend) {
    int n = (int) Math.min(1 << 28, backend.availableBytes() / 16);
    Tensor from = floats(backend, n);
    Tensor to = floats(backend, n);
    Tensor sync = floats(backend, 1);
    double time = seconds(backend, sync, () -> backend.kernels().copy(from, to));
    System.out.printf(
        "copy of %,d MiB: %.0f GB/s read and written%n", n >> 18, 8.0 * n / time / 1e9);
    from.close();
    to.close();
    sync.close();
  }

  private static void matmul(Backend backend) {
    for (int n : new int[] {512, 1024, 2048, 4096}) {
      Tensor a = floats(backend, n, n);
      Tensor b = floats(backend, n, n);
      Tensor c = floats(backend, n, n);
      Tensor sync = floats(backend, 1);
      for (Op opB : Op.values()) {
        double time =
            seconds(backend, sync, () -> backend.kernels().matmul(Op.N, opB, 1, a, b, 0, c));
        System.out.printf("matmul N%s %d: %.0f GFLOP/s%n", opB, n, 2.0 * n * n * n / time / 1e9);
      }
      a.close();
      b.close();
      c.close();
      sync.close();
    }
  }

  /// The kernel calls of a forward pass of Llama 3.2 1B over `tokens` tokens of one sequence whose
  /// cache is full up to [#CONTEXT], and the head for the last of them; all weights are there
  /// (zeros).
  private static void step(Backend backend, int tokens) {
    AttentionShape shape = AttentionShape.of(32, 8, 64);
    Tensor x = floats(backend, tokens, HIDDEN);
    Tensor normed = floats(backend, tokens, HIDDEN);
    Tensor rms = floats(backend, tokens);
    Tensor weight = floats(backend, HIDDEN);
    Tensor qkv = floats(backend, tokens, shape.qkvColumns());
    Tensor attended = floats(backend, tokens, HIDDEN);
    Tensor branch = floats(backend, tokens, HIDDEN);
    Tensor gateUp = floats(backend, tokens, 2 * INNER);
    Tensor inner = floats(backend, tokens, INNER);
    Tensor logits = floats(backend, 1, VOCABULARY);
    Tensor cosSin = floats(backend, CONTEXT, 64);
    int[] at = new int[tokens];
    Arrays.setAll(at, i -> CONTEXT - tokens + i);
    Tensor positions = backend.tensor(at, tokens);
    Tensor sequences = backend.tensor(new int[] {0, tokens}, 2);
    int[] table = new int[CONTEXT / KvPages.PAGE_LENGTH];
    Arrays.setAll(table, i -> i);
    Tensor pages = backend.tensor(table, 1, table.length);
    Tensor keys = floats(backend, CONTEXT, shape.kvColumns());
    Tensor values = floats(backend, CONTEXT, shape.kvColumns());
    KvPages.Layer layer = new KvPages.Layer(keys, values, pages, KvPages.PAGE_LENGTH);
    Tensor[] weights = new Tensor[4 * LAYERS];
    for (int i = 0; i < LAYERS; i++) {
      weights[4 * i] = backend.allocate(DType.BF16, Shape.of(shape.qkvColumns(), HIDDEN));
      weights[4 * i + 1] = backend.allocate(DType.BF16, Shape.of(HIDDEN, HIDDEN));
      weights[4 * i + 2] = backend.allocate(DType.BF16, Shape.of(2 * INNER, HIDDEN));
      weights[4 * i + 3] = backend.allocate(DType.BF16, Shape.of(HIDDEN, INNER));
    }
    Tensor head = backend.allocate(DType.BF16, Shape.of(VOCABULARY, HIDDEN));
    Kernels k = backend.kernels();
    Runnable body =
        () -> {
          for (int i = 0; i < LAYERS; i++) {
            k.rmsNorm(x, weight, 1e-5f, normed, rms);
            k.matmul(Op.N, Op.T, 1, normed, weights[4 * i], 0, qkv);
            Tensor turned = qkv.columns(0, shape.valuesFrom());
            k.rope(turned, positions, cosSin, false, turned);
            k.scatter(qkv.columns(shape.keysFrom(), shape.valuesFrom()), positions, keys);
            k.scatter(qkv.columns(shape.valuesFrom(), shape.qkvColumns()), positions, values);
            Tensor q = qkv.columns(0, shape.keysFrom());
            k.pagedAttention(shape, q, layer, sequences, positions, attended);
            k.matmul(Op.N, Op.T, 1, attended, weights[4 * i + 1], 0, branch);
            k.add(x, branch, x);
            k.rmsNorm(x, weight, 1e-5f, normed, rms);
            k.matmul(Op.N, Op.T, 1, normed, weights[4 * i + 2], 0, gateUp);
            k.swiGlu(gateUp.columns(0, INNER), gateUp.columns(INNER, 2L * INNER), inner);
            k.matmul(Op.N, Op.T, 1, inner, weights[4 * i + 3], 0, branch);
            k.add(x, branch, x);
          }
          k.matmul(Op.N, Op.T, 1, x.rows(tokens - 1, tokens), head, 0, logits);
        };
    try (Plan plan = backend.record("step", body)) {
      double time = seconds(backend, logits, plan::run);
      System.out.printf(
          "forward pass of the 1B shape, BF16 weights, %d token(s): %.1f ms, %.0f tokens/s%n",
          tokens, time * 1e3, tokens / time);
    }
  }
}
