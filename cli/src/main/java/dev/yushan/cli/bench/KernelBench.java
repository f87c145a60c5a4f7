package dev.yushan.cli.bench;

import dev.yushan.backend.Backend;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.SizingBackend;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `yushan bench kernels`: how fast each op is.
@Command(
    name = "kernels",
    description =
        "Measure how fast each op of the backend is, on operands as the model gives them.",
    footer = {
      "%nGB/s are of what an op reads and writes, and of a product with a frozen matrix of reading"
          + " that. Products",
      "are written rows·columns·depth; the backend may have arranged a frozen matrix, as for"
          + " serving. For example:",
      "  yushan bench kernels --shape 1b --only matmul,attention"
    })
final class KernelBench implements Callable<Integer> {
  /// A repetition takes so long or longer, that the clock and its reading do not count.
  private static final double SECONDS = 0.02;

  /// Marks a product that the library of `--cblas` computed.
  private static final String BESIDE = ", cblas";

  @Mixin private ModelOptions modelOptions;
  @Mixin private BenchOptions options;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "2048",
      description = "Rows of a batch, one sequence (default: ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--only",
      paramLabel = "OP",
      split = ",",
      description = "Ops to measure, such as matmul, attention, adamW; default: all.")
  private Set<String> only = Set.of();

  @Option(
      names = "--weights",
      paramLabel = "TYPE",
      split = ",",
      defaultValue = "f32,bf16,f16,q8_0,q4_0",
      description = "Types of frozen matrices (default: ${DEFAULT-VALUE}).")
  private Set<Weights> weights;

  @Option(
      names = "--cblas",
      paramLabel = "LIBRARY",
      description =
          "Measure each product of float32 beside cblas_sgemm of this shared library, for example"
              + " /usr/lib/x86_64-linux-gnu/libopenblas.so.0.")
  private Optional<Path> cblas = Optional.empty();

  @Override
  public Integer call() {
    options.requireAtLeast("--tokens", tokens, 1);
    options.requireSome("--weights", weights);
    if (options.has("--only")) {
      requireKnown(only);
    }
    List<Measurement> all = new ArrayList<>();
    int exit =
        modelOptions.run(
            options,
            (backend, shape) -> {
              all.addAll(measure(backend, shape));
              return all;
            });
    ratios(all);
    return exit;
  }

  private void requireKnown(Set<String> ops) {
    options.requireSome("--only", ops);
    Set<String> known =
        Arrays.stream(Kernels.class.getMethods())
            .map(Method::getName)
            .collect(Collectors.toCollection(TreeSet::new));
    for (String op : ops) {
      if (!known.contains(op)) {
        throw options.wrong(
            "--only %s: there is no such op; there are %s".formatted(op, String.join(", ", known)));
      }
    }
  }

  private List<Measurement> measure(Backend backend, BenchModel shape) {
    SizingBackend sizes = new SizingBackend(backend);
    long[] most = new long[1];
    cases(sizes, shape, one -> most[0] = Math.max(most[0], sizes.held())).run();
    Room.require(backend, "the largest op", most[0], "a smaller --shape, fewer --tokens");
    List<Measurement> measured = new ArrayList<>();
    Optional<Cblas> peer = cblas.map(library -> new Cblas(library, modelOptions.threads()));
    try (Tensor probe = backend.tensor(new float[] {0}, 1)) {
      Consumer<KernelCases.Case> both =
          one -> {
            measured.add(measure(backend, probe, one));
            peer.ifPresent(library -> measured.addAll(beside(backend, probe, one, library)));
          };
      cases(backend, shape, both).run();
    } finally {
      peer.ifPresent(Cblas::close);
    }
    return measured;
  }

  /// The same product by the library; nothing for another op.
  private List<Measurement> beside(
      Backend backend, Tensor probe, KernelCases.Case ours, Cblas library) {
    if (ours.product().isEmpty()) {
      return List.of();
    }
    try (Arena operands = Arena.ofShared()) {
      Runnable body = library.product(operands, ours.product().get());
      return List.of(
          measure(
              backend,
              probe,
              new KernelCases.Case(
                  ours.op(), ours.operands() + BESIDE, ours.flops(), 0, ours.product(), body)));
    }
  }

  /// Of each product the rate of ours to that of the library, printed below the table.
  private void ratios(List<Measurement> measured) {
    List<Double> ratios = new ArrayList<>();
    for (int i = 1; i < measured.size(); i++) {
      if (measured.get(i).what().get("operands").toString().endsWith(BESIDE)) {
        Measurement ours = measured.get(i - 1);
        ratios.add(ours.median() / measured.get(i).median());
        options.say(
            "%s, %s: %.2f"
                .formatted(ours.what().get("op"), ours.what().get("operands"), ratios.getLast()));
      }
    }
    if (!ratios.isEmpty()) {
      options.say(
          "products to those of %s: %.2f to %.2f, geometric mean %.2f"
              .formatted(
                  cblas.orElseThrow(),
                  Collections.min(ratios),
                  Collections.max(ratios),
                  Math.exp(ratios.stream().mapToDouble(Math::log).average().orElseThrow())));
    }
  }

  private KernelCases cases(Backend backend, BenchModel shape, Consumer<KernelCases.Case> measure) {
    return new KernelCases(
        backend,
        shape.config(),
        tokens,
        weights,
        op -> only.isEmpty() || only.contains(op),
        measure);
  }

  private Measurement measure(Backend backend, Tensor probe, KernelCases.Case one) {
    Stopwatch stopwatch = options.stopwatch();
    stopwatch.warmUp(() -> runs(backend, probe, one, 1));
    double single = new Stopwatch(1, 0).repeated(() -> runs(backend, probe, one, 1))[0];
    int count = (int) Math.ceil(SECONDS / Math.max(single, 1e-6));
    double[] seconds = stopwatch.repeated(() -> runs(backend, probe, one, count));
    boolean computes = one.flops() > 0;
    double work = computes ? one.flops() : one.bytes();
    return options.measured(
        new Measurement(
            Measurement.columns("op", one.op(), "operands", one.operands()),
            computes ? "GFLOP/s" : "GB/s",
            Stopwatch.rates(count * work * 1e-9, seconds),
            1e9 * one.flops() / work,
            1e9 * one.bytes() / work));
  }

  /// Reading a tensor waits for the calls before.
  private static void runs(Backend backend, Tensor probe, KernelCases.Case one, int count) {
    for (int i = 0; i < count; i++) {
      one.body().run();
    }
    backend.floats(probe);
  }
}
