package dev.yushan.cli.bench;

import dev.yushan.autograd.Keep;
import dev.yushan.autograd.Ops;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Feature;
import dev.yushan.train.FlopCount;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `yushan bench train`: how fast a training step is.
@Command(
    name = "train",
    description =
        "Measure how fast a training step of all parameters is: forward, backward, clipping, AdamW,"
            + " in F32.",
    footer = {
      "%nOperations are counted without those that --checkpointing does again. For example:",
      "  yushan bench train --shape 110m --json train.json"
    })
final class TrainBench implements Callable<Integer> {
  /// Sequences of a step and their length.
  private record Size(int batch, int length) {}

  private static final Map<String, Size> USUAL =
      Map.of("15m", new Size(8, 256), "110m", new Size(4, 512));

  private static final Size OTHERS = new Size(1, 512);

  /// Of a step: more than any machine keeps activations of.
  private static final int MOST_TOKENS = 1 << 22;

  @Mixin private ModelOptions modelOptions;
  @Mixin private BenchOptions options;
  @Mixin private ProfileOption profile;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Sequences of a step; default: 8 with --shape 15m, 4 with 110m, else 1.")
  private Optional<Integer> batch = Optional.empty();

  @Option(
      names = "--length",
      paramLabel = "N",
      description = "Tokens of a sequence; default: 256 with --shape 15m, else 512.")
  private Optional<Integer> length = Optional.empty();

  @Option(
      names = "--checkpointing",
      description = "Compute activations again in the backward pass rather than keep them.")
  private boolean checkpointing;

  @Option(names = "--bf16", description = "Keep activations rounded to bfloat16.")
  private boolean bf16;

  @Option(
      names = "--logits-chunk",
      paramLabel = "N",
      defaultValue = "" + Ops.LOSS_CHUNK,
      description =
          "Rows of logits at a time, as logits_chunk of a training run (default: ${DEFAULT-VALUE})."
              + " A larger chunk is faster and takes more memory.")
  private int chunk;

  @Override
  public Integer call() {
    batch.ifPresent(value -> options.requireAtLeast("--batch", value, 1));
    length.ifPresent(value -> options.requireAtLeast("--length", value, 2));
    if (chunk < Ops.LOSS_CHUNK_UNIT || chunk % Ops.LOSS_CHUNK_UNIT != 0) {
      throw options.wrong(
          "--logits-chunk %d: must be a positive multiple of %d"
              .formatted(chunk, Ops.LOSS_CHUNK_UNIT));
    }
    if (checkpointing && bf16) {
      throw options.wrong(
          "--bf16 rounds activations that are kept, and --checkpointing keeps none; leave one out");
    }
    return modelOptions.run(options, profile, this::measure);
  }

  private List<Measurement> measure(Backend backend, BenchModel shape) {
    Size usual = USUAL.getOrDefault(shape.name(), OTHERS);
    int sequences = batch.orElse(usual.batch);
    int each = length.orElse(usual.length);
    options.requirePositions("--length", each, shape.config());
    if ((long) sequences * each > MOST_TOKENS) {
      throw options.wrong(
          "--batch and --length: a step of %d tokens; at most %d are measured"
              .formatted((long) sequences * each, MOST_TOKENS));
    }
    if (!backend.supports(Feature.TRAINING)) {
      throw new IllegalArgumentException(
          "the %s backend cannot train; choose another --backend".formatted(backend.name()));
    }
    Keep keep = checkpointing ? Keep.INPUTS : bf16 ? Keep.PRODUCTS_BF16 : Keep.PRODUCTS;
    Room.require(
        backend,
        "a training step",
        sizes -> new TrainingStep(sizes, shape, sequences, each, keep, chunk),
        "a smaller --shape, --batch, --length or --logits-chunk, or --bf16 or --checkpointing");
    long tokens = (long) sequences * each;
    double flops =
        FlopCount.of(shape.config(), checkpointing)
            .model(tokens, sequences * ((long) each * (each + 1) / 2));
    try (TrainingStep step = new TrainingStep(backend, shape, sequences, each, keep, chunk)) {
      double[] seconds = options.stopwatch().seconds(step::run);
      profile.measure(backend, "a step", step::run);
      return List.of(
          new Measurement(
              Measurement.columns(
                  "batch",
                  sequences,
                  "length",
                  each,
                  "keep",
                  keep.name().toLowerCase(Locale.ROOT),
                  "logits_chunk",
                  chunk),
              "tokens/s",
              Stopwatch.rates(tokens, seconds),
              flops / tokens,
              0));
    }
  }
}
