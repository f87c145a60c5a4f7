package dev.yushan.cli.bench;

import dev.yushan.backend.Backend;
import dev.yushan.engine.Engine;
import dev.yushan.engine.EngineConfig;
import dev.yushan.generate.KvCache;
import dev.yushan.model.CausalLM;
import dev.yushan.tensor.DType;
import dev.yushan.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `yushan bench serve-mix`: the engine of the server with requests that join.
@Command(
    name = "serve-mix",
    description =
        "Measure the engine of the server: streams that run, and a long prompt that joins.",
    footer = {
      "%nAll streams begin at once; when a quarter of their tokens are there, a long prompt joins"
          + " and gets one token. No HTTP is in it. For example:",
      "  yushan bench serve-mix --shape 1b --weights bf16 --streams 8 --joining 2000"
    })
final class ServeMixBench implements Callable<Integer> {
  /// Tokens of a forward pass at most, as the server has it.
  private static final int PASS = 512;

  private static final int LEAST_TOKENS = 8;

  @Mixin private ModelOptions modelOptions;
  @Mixin private BenchOptions options;

  @Option(
      names = "--streams",
      paramLabel = "N",
      defaultValue = "8",
      description = "Streams that run (default: ${DEFAULT-VALUE}).")
  private int streams;

  @Option(
      names = "--prompt",
      paramLabel = "N",
      defaultValue = "32",
      description = "Tokens of the prompt of each (default: ${DEFAULT-VALUE}).")
  private int prompt;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "128",
      description = "Tokens that each generates (default: ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--joining",
      paramLabel = "N",
      defaultValue = "1000",
      description = "Tokens of the prompt that joins (default: ${DEFAULT-VALUE}).")
  private int joining;

  @Option(
      names = "--weights",
      paramLabel = "TYPE",
      split = ",",
      defaultValue = "bf16",
      description =
          "Types to keep the weights in, one after the other (default: ${DEFAULT-VALUE}).")
  private Set<Weights> weights;

  @Override
  public Integer call() {
    options.requireAtLeast("--streams", streams, 1);
    options.requireAtLeast("--prompt", prompt, 1);
    options.requireAtLeast("--tokens", tokens, LEAST_TOKENS);
    options.requireAtLeast("--joining", joining, 1);
    options.requireSome("--weights", weights);
    return modelOptions.run(options, this::measure);
  }

  private List<Measurement> measure(Backend backend, BenchModel shape) {
    int longest = Math.max(prompt + tokens, joining + 1);
    options.requirePositions("--prompt and --tokens, or --joining", longest, shape.config());
    EngineConfig config = config(shape, longest);
    Tokenizer tokenizer = SampleText.tokenizer();
    List<Measurement> measured = new ArrayList<>();
    for (Weights type : weights) {
      type.requireOn(backend);
      Room.require(
          backend,
          "serving with weights in " + type,
          sizes -> {
            CausalLM model = shape.create(sizes, type.dtype(), false);
            return new Engine(sizes, model, tokenizer, config);
          },
          "a smaller --shape, fewer --streams, --tokens or --joining");
      try (CausalLM model = shape.create(backend, type.dtype(), false)) {
        model.freeze(backend);
        try (Engine engine = new Engine(backend, model, tokenizer, config)) {
          measured.addAll(measure(engine, shape, type));
        }
      }
    }
    return measured;
  }

  /// With room for all at once, and nothing found again.
  private EngineConfig config(BenchModel shape, int longest) {
    int all = streams + 1;
    long pages = (long) all * (KvCache.pagesFor(longest) + 1);
    long bytes = pages * KvCache.pageBytes(shape.config(), DType.F32);
    return new EngineConfig(longest, all, Math.max(PASS, all), bytes, DType.F32, false, 0);
  }

  private List<Measurement> measure(Engine engine, BenchModel shape, Weights type) {
    ServeMix mix = new ServeMix(streams, prompt, tokens, joining);
    options.stopwatch().warmUp(() -> mix.withTokens(LEAST_TOKENS).run(engine, shape));
    List<ServeMix.Outcome> all = new ArrayList<>();
    for (int i = 0; i < options.repeat(); i++) {
      all.add(mix.run(engine, shape));
    }
    return List.of(
        line(type, "generated", "tokens/s", all, ServeMix.Outcome::rate),
        line(type, "first token", "ms", all, ServeMix.Outcome::first),
        line(type, "between tokens, p99", "ms", all, ServeMix.Outcome::quiet),
        line(type, "the same beside a long prompt", "ms", all, ServeMix.Outcome::beside),
        line(type, "first token of the long prompt", "ms", all, ServeMix.Outcome::joined));
  }

  private Measurement line(
      Weights type,
      String what,
      String unit,
      List<ServeMix.Outcome> all,
      ToDoubleFunction<ServeMix.Outcome> value) {
    return Measurement.of(
        Measurement.columns(
            "weights", type, "streams", streams, "prompt", prompt, "tokens", tokens, "joining",
            joining, "measure", what),
        unit,
        all.stream().mapToDouble(value).toArray());
  }
}
