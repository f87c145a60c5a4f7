package dev.yushan.cli.bench;

import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.backend.KvPages;
import dev.yushan.generate.KvCache;
import dev.yushan.model.CausalLM;
import dev.yushan.tensor.DType;
import dev.yushan.train.FlopCount;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `yushan bench decode`: how fast texts are generated.
@Command(
    name = "decode",
    description = "Measure how fast texts are generated, one token of each stream at a time.",
    footer = {
      "%nTokens a second are those of all streams together. For example:",
      "  yushan bench decode --shape 1b --streams 1,16 --weights bf16,q8_0,q4_0"
    })
final class DecodeBench implements Callable<Integer> {
  @Mixin private ModelOptions modelOptions;
  @Mixin private BenchOptions options;
  @Mixin private ProfileOption profile;

  @Option(
      names = "--streams",
      paramLabel = "N",
      split = ",",
      defaultValue = "1,16",
      description = "Texts at once, one number after the other (default: ${DEFAULT-VALUE}).")
  private Set<Integer> streams;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "128",
      description =
          "Tokens of each stream to generate in a repetition (default: ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--context",
      paramLabel = "N",
      defaultValue = "0",
      description = "Tokens that each text has before (default: ${DEFAULT-VALUE}).")
  private int context;

  @Option(
      names = "--weights",
      paramLabel = "TYPE",
      split = ",",
      defaultValue = "f32,bf16,f16,q8_0,q4_0",
      description =
          "Types to keep the weights in, one after the other (default: ${DEFAULT-VALUE}).")
  private Set<Weights> weights;

  @Override
  public Integer call() {
    options.requireSome("--streams", streams);
    options.requireSome("--weights", weights);
    streams.forEach(count -> options.requireAtLeast("--streams", count, 1));
    options.requireAtLeast("--tokens", tokens, 1);
    options.requireAtLeast("--context", context, 0);
    return modelOptions.run(options, profile, this::measure);
  }

  private List<Measurement> measure(Backend backend, BenchModel shape) {
    options.requirePositions("--context and --tokens", context + tokens, shape.config());
    int most = streams.stream().mapToInt(n -> n).max().orElseThrow();
    List<Measurement> measured = new ArrayList<>();
    for (Weights type : weights) {
      type.requireOn(backend);
      Room.require(
          backend,
          "decode of %s with weights in %s".formatted(streams(most), type),
          sizes -> {
            CausalLM model = shape.create(sizes, type.dtype(), false);
            pass(sizes, shape, model, most);
            return model;
          },
          "a smaller --shape, fewer --streams, --tokens or --context");
      try (CausalLM model = shape.create(backend, type.dtype(), false)) {
        model.freeze(backend);
        for (int count : streams) {
          try (ServingPass pass = pass(backend, shape, model, count)) {
            measured.add(measure(shape, model, pass, type, count));
            profile.measure(
                backend, "%s, %s".formatted(type, streams(count)), () -> generate(pass));
          }
        }
      }
    }
    return measured;
  }

  private ServingPass pass(Backend backend, BenchModel shape, CausalLM model, int count) {
    return new ServingPass(backend, model, count, 1, context + tokens, shape.tokens(count, 1));
  }

  private Measurement measure(
      BenchModel shape, CausalLM model, ServingPass pass, Weights type, int count) {
    double[] seconds =
        options.stopwatch().seconds(() -> pass.run(context, 1), () -> generate(pass));
    // on average over the tokens of a repetition
    double seen = context + (tokens + 1) / 2.0;
    double flops =
        FlopCount.of(shape.config(), false).forward(tokens, (long) (tokens * seen), tokens);
    double keysAndValues =
        seen * KvCache.pageBytes(shape.config(), DType.F32) / KvPages.PAGE_LENGTH;
    return options.measured(
        new Measurement(
            Measurement.columns(
                "weights", type, "streams", count, "context", context, "tokens", tokens),
            "tokens/s",
            Stopwatch.rates((double) count * tokens, seconds),
            flops / tokens,
            (double) weightBytes(model) / count + keysAndValues));
  }

  /// What the contexts hold is whatever the memory does: no speed depends on it.
  private void generate(ServingPass pass) {
    for (int i = 0; i < tokens; i++) {
      pass.run(context + i, 1);
    }
  }

  /// Bytes of weights that a pass reads: all, but of an embedding that is not the head only rows.
  private static long weightBytes(CausalLM model) {
    long all = model.parameters().stream().map(Parameter::value).mapToLong(w -> w.bytes()).sum();
    return model.config().tiedEmbeddings() ? all : all - model.head().value().bytes();
  }

  private static String streams(int count) {
    return count == 1 ? "1 stream" : count + " streams";
  }
}
