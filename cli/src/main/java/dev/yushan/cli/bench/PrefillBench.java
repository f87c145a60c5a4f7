package dev.yushan.cli.bench;

import dev.yushan.backend.Backend;
import dev.yushan.model.CausalLM;
import dev.yushan.train.FlopCount;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `yushan bench prefill`: how fast a prompt is read.
@Command(
    name = "prefill",
    description = "Measure how fast a prompt is read, up to the logits of its last token.",
    footer = {
      "%nFor example:",
      "  yushan bench prefill --shape 1b --weights bf16,q8_0,q4_0 --json prefill.json"
    })
final class PrefillBench implements Callable<Integer> {
  /// Tokens that a server computes at a time.
  private static final int CHUNK = 512;

  @Mixin private ModelOptions modelOptions;
  @Mixin private BenchOptions options;
  @Mixin private ProfileOption profile;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "512",
      description =
          "Length of the prompt (default: ${DEFAULT-VALUE}); more than 512 are read in parts.")
  private int tokens;

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
    options.requireAtLeast("--tokens", tokens, 1);
    options.requireSome("--weights", weights);
    return modelOptions.run(options, profile, this::measure);
  }

  private List<Measurement> measure(Backend backend, BenchModel shape) {
    options.requirePositions("--tokens", tokens, shape.config());
    double flops =
        FlopCount.of(shape.config(), false).forward(tokens, (long) tokens * (tokens + 1) / 2, 1);
    int[] ids = shape.tokens(Math.min(CHUNK, tokens), 1);
    List<Measurement> measured = new ArrayList<>();
    for (Weights type : weights) {
      type.requireOn(backend);
      Room.require(
          backend,
          "prefill with weights in " + type,
          sizes -> {
            CausalLM model = shape.create(sizes, type.dtype(), false);
            pass(sizes, model, ids);
            return model;
          },
          "a smaller --shape, fewer --tokens");
      try (CausalLM model = shape.create(backend, type.dtype(), false);
          ServingPass pass = pass(backend, model, ids)) {
        model.freeze(backend);
        double[] seconds = options.stopwatch().seconds(() -> read(pass));
        profile.measure(backend, type.toString(), () -> read(pass));
        measured.add(
            options.measured(
                new Measurement(
                    Measurement.columns("weights", type, "tokens", tokens),
                    "tokens/s",
                    Stopwatch.rates(tokens, seconds),
                    flops / tokens,
                    0)));
      }
    }
    return measured;
  }

  private ServingPass pass(Backend backend, CausalLM model, int[] ids) {
    return new ServingPass(backend, model, 1, ids.length, tokens, ids);
  }

  private void read(ServingPass pass) {
    for (int from = 0; from < tokens; from += CHUNK) {
      pass.run(from, Math.min(CHUNK, tokens - from));
    }
  }
}
