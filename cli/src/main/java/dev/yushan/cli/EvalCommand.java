package dev.yushan.cli;

import dev.yushan.backend.Backend;
import dev.yushan.data.Records;
import dev.yushan.generate.Scorer;
import dev.yushan.io.DurableFiles;
import dev.yushan.model.CausalLM;
import dev.yushan.text.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `yushan eval`: how well a model predicts texts.
@Command(
    name = "eval",
    description = "Measure how well a model predicts texts: loss, perplexity, bits per byte.",
    footer = {
      "%nPrints one JSON line a record and a last one with \"total\": true. A text begins with BOS"
          + " as the tokenizer says; records of input_ids are taken as they are, with labels of"
          + " -100 left out of the loss, and need no tokenizer. For example:",
      "  yushan eval --model demo-run/continued --data demo-run/data/*-heldout.jsonl"
    })
final class EvalCommand implements Callable<Integer> {
  private static final int GROUP = 64;

  @Spec private CommandSpec spec;
  @Mixin private ModelChoice modelChoice;
  @Mixin private DataOptions data;
  @Mixin private BackendChoice backendChoice;

  @Option(
      names = "--per-token",
      description = "Add logprobs: the natural log of each predicted token's probability.")
  private boolean perToken;

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description = "Write the JSON lines to this file rather than to standard output.")
  private Optional<Path> output = Optional.empty();

  @Option(names = "--add-eos", description = "Let every text end with EOS, as in training.")
  private boolean addEos;

  @Option(
      names = "--max-length",
      paramLabel = "N",
      description =
          "Cut longer records after N tokens, rather than refuse those that are too long.")
  private Optional<Integer> maxLength = Optional.empty();

  @Option(
      names = "--max-samples",
      paramLabel = "N",
      description = "Take the first N records and no more.")
  private Optional<Long> maxSamples = Optional.empty();

  @Option(
      names = "--batch-tokens",
      paramLabel = "N",
      defaultValue = "2048",
      description =
          "Tokens to compute at a time (default: ${DEFAULT-VALUE}). No result depends on it.")
  private int batchTokens;

  @Override
  public Integer call() {
    if (batchTokens < 1) {
      throw new ParameterException(
          spec.commandLine(), "--batch-tokens %d: must be 1 or more".formatted(batchTokens));
    }
    if (maxSamples.orElse(1L) < 1) {
      throw new ParameterException(
          spec.commandLine(), "--max-samples %d: must be 1 or more".formatted(maxSamples.get()));
    }
    output.ifPresent(EvalCommand::requireWritable);
    data.read(this::score);
    return 0;
  }

  /// Before anything is computed.
  private static void requireWritable(Path file) {
    Path parent = file.toAbsolutePath().getParent();
    if (Files.isDirectory(file)) {
      throw new IllegalArgumentException(
          "--output: %s is a directory; name a file in it".formatted(file));
    }
    if (!Files.isDirectory(parent)) {
      throw new IllegalArgumentException(
          "--output: there is no directory %s; make it, or name another file".formatted(parent));
    }
    if (!Files.isWritable(parent)) {
      throw new IllegalArgumentException(
          "--output: the directory %s cannot be written; name a file elsewhere".formatted(parent));
    }
  }

  private void score(Records records) {
    Optional<Tokenizer> tokenizer = modelChoice.tokenizer();
    try (Backend backend = backendChoice.open();
        CausalLM model = modelChoice.load(backend);
        Scorer scorer = new Scorer(backend, model, batchTokens)) {
      RecordEncoder encoder = new RecordEncoder(tokenizer, addEos, maxLength, model.config());
      Run run = new Run(records, encoder, scorer);
      ScoredRecord.Total total =
          output.isPresent() ? toFile(output.get(), run) : run.write(standardOutput());
      spec.commandLine().getErr().println(total.summary());
    }
  }

  private ScoredRecord.Total toFile(Path file, Run run) {
    List<ScoredRecord.Total> total = new ArrayList<>();
    DurableFiles.write(
        file.toAbsolutePath(),
        channel -> {
          Writer writer = Channels.newWriter(channel, StandardCharsets.UTF_8);
          PrintWriter lines = new PrintWriter(writer);
          total.add(run.write(lines));
          if (lines.checkError()) {
            throw new IOException("not all of it could be written");
          }
        });
    return total.getFirst();
  }

  private PrintWriter standardOutput() {
    return spec.commandLine().getOut();
  }

  /// Scores group by group, in the order of the records.
  private final class Run {
    private final Records records;
    private final RecordEncoder encoder;
    private final Scorer scorer;

    Run(Records records, RecordEncoder encoder, Scorer scorer) {
      this.records = records;
      this.encoder = encoder;
      this.scorer = scorer;
    }

    ScoredRecord.Total write(PrintWriter lines) {
      ScoredRecord.Total total = new ScoredRecord.Total();
      long left = maxSamples.orElse(Long.MAX_VALUE);
      while (left > 0 && records.hasNext()) {
        List<RecordEncoder.Encoded> group = new ArrayList<>();
        while (group.size() < Math.min(GROUP, left) && records.hasNext()) {
          group.add(encoder.encode(records.next()));
        }
        left -= group.size();
        List<float[]> losses =
            scorer.score(group.stream().map(RecordEncoder.Encoded::ids).toList());
        for (int i = 0; i < group.size(); i++) {
          ScoredRecord scored = ScoredRecord.of(group.get(i), losses.get(i));
          total.add(scored);
          lines.println(scored.json(perToken));
        }
        lines.flush();
        StandardOutput.requireSound();
      }
      if (total.nothingPredicted()) {
        throw new IllegalArgumentException(
            "--data: %s; name files with texts of two tokens or more".formatted(total.summary()));
      }
      lines.println(total.json());
      lines.flush();
      return total;
    }
  }
}
