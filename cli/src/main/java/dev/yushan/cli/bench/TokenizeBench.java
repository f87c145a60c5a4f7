package dev.yushan.cli.bench;

import dev.yushan.cli.DataOptions;
import dev.yushan.data.DataException;
import dev.yushan.data.DataRecord;
import dev.yushan.data.OnBadRecord;
import dev.yushan.data.Records;
import dev.yushan.data.SourceConfig;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizer.Specials;
import dev.yushan.text.Tokenizers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `yushan bench tokenize`: how fast texts become ids.
@Command(
    name = "tokenize",
    description = "Measure how fast a tokenizer encodes text, on one thread.",
    footer = {
      "%nWithout options: the sample text of the demo, by a tokenizer made from it. For example:",
      "  yushan bench tokenize --tokenizer models/Llama-3.2-1B --data laws.jsonl"
    })
final class TokenizeBench implements Callable<Integer> {
  /// Text that is taken again until there is so much: a repetition is to last a while.
  private static final long ENOUGH_CHARACTERS = 2_000_000;

  private static final String SAMPLE = "sample";

  @Mixin private BenchOptions options;

  @Option(
      names = "--tokenizer",
      paramLabel = "DIR",
      description = "Directory with tokenizer.json, or the file itself.")
  private Optional<Path> tokenizer = Optional.empty();

  @Option(
      names = "--data",
      arity = "1..*",
      paramLabel = "FILE",
      description = "Texts to encode, in files as for training.")
  private List<String> files = List.of();

  @Option(
      names = "--text-column",
      paramLabel = "NAME",
      defaultValue = "text",
      description = "Where in a record the text is (default: ${DEFAULT-VALUE}).")
  private String textColumn;

  @Override
  public Integer call() {
    options.check();
    Tokenizer chosen = tokenizer.map(Tokenizers::load).orElseGet(SampleText::tokenizer);
    List<String> texts = files.isEmpty() ? SampleText.texts() : texts();
    long characters = texts.stream().mapToLong(String::length).sum();
    if (characters == 0) {
      throw new IllegalArgumentException("--data: holds no text to encode; name other files");
    }
    long bytes = texts.stream().mapToLong(t -> t.getBytes(StandardCharsets.UTF_8).length).sum();
    long rounds = Math.ceilDiv(ENOUGH_CHARACTERS, characters);
    long tokens = encode(chosen, texts);
    double[] seconds =
        options
            .stopwatch()
            .seconds(
                () -> encode(chosen, texts),
                () -> {
                  for (long round = 0; round < rounds; round++) {
                    encode(chosen, texts);
                  }
                });
    var what =
        Measurement.columns(
            "tokenizer",
            tokenizer.map(Path::toString).orElse(SAMPLE),
            "data",
            files.isEmpty() ? SAMPLE : String.join(", ", files),
            "texts",
            texts.size(),
            "bytes",
            bytes,
            "tokens",
            tokens,
            "threads",
            1);
    options.finish(
        new BenchReport(
            Optional.empty(),
            1,
            Optional.empty(),
            OptionalLong.empty(),
            List.of(
                Measurement.of(what, "Mtokens/s", Stopwatch.rates(rounds * tokens * 1e-6, seconds)),
                Measurement.of(what, "MB/s", Stopwatch.rates(rounds * bytes * 1e-6, seconds))),
            List.of()));
    return 0;
  }

  private static long encode(Tokenizer tokenizer, List<String> texts) {
    long tokens = 0;
    for (String text : texts) {
      tokens += tokenizer.encode(text, Specials.AS_TEXT).length;
    }
    return tokens;
  }

  private List<String> texts() {
    List<String> texts = new ArrayList<>();
    try (Records records =
        Records.open(
            new SourceConfig(files, SourceConfig.DATASET_DIR, textColumn, OnBadRecord.FAIL))) {
      while (records.hasNext()) {
        if (records.next() instanceof DataRecord.Text text) {
          texts.add(text.text());
        }
      }
    } catch (DataException e) {
      throw DataOptions.inOptions(e);
    }
    return texts;
  }
}
