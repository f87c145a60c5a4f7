package dev.yushan.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.data.DataException;
import dev.yushan.data.DataRecord;
import dev.yushan.data.Records;
import dev.yushan.io.JsonFault;
import dev.yushan.text.BpeTrainer;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizer.Specials;
import dev.yushan.text.Tokenizers;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.StreamSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `yushan tokenizer`: makes tokenizers and applies them.
@Command(
    name = "tokenizer",
    description = "Make a tokenizer from text, encode text, decode ids.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      TokenizerCommand.Train.class,
      TokenizerCommand.Encode.class,
      TokenizerCommand.Decode.class
    })
final class TokenizerCommand implements Runnable {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "say what to do: train, encode or decode");
  }

  /// The tokenizer that `--tokenizer` names.
  private static final class Choice {
    @Option(
        names = "--tokenizer",
        required = true,
        paramLabel = "DIR",
        description =
            "Directory with tokenizer.json, the file itself, or the id (org/name) of a model of the"
                + " Hugging Face Hub.")
    private String name;

    Tokenizer load() {
      Path path = ModelChoice.tokenizerDirectory(name);
      Path file = Files.isDirectory(path) ? path.resolve("tokenizer.json") : path;
      if (!Files.isRegularFile(file)) {
        throw new IllegalArgumentException(
            "--tokenizer: there is no %s; name a directory that holds one".formatted(file));
      }
      return Tokenizers.load(file);
    }
  }

  /// `yushan tokenizer train`: a byte-level BPE tokenizer in the format of Llama 3.
  @Command(
      name = "train",
      description = "Make a byte-level BPE tokenizer from text, in the format of Llama 3.")
  static final class Train implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private DataOptions data;

    @Option(
        names = "--vocab-size",
        required = true,
        paramLabel = "N",
        description = "Number of ids, the 256 bytes and the special tokens included.")
    private int vocabSize;

    @Option(
        names = "--min-frequency",
        paramLabel = "N",
        defaultValue = "2",
        description = "Merge only pairs that occur N times or more (default: ${DEFAULT-VALUE}).")
    private int minFrequency;

    @Option(
        names = "--output",
        required = true,
        paramLabel = "DIR",
        description = "Directory to write tokenizer.json and tokenizer_config.json to.")
    private Path output;

    @Option(names = "--force", description = "Replace a tokenizer that is there.")
    private boolean force;

    @Override
    public Integer call() {
      if (minFrequency < 1) {
        throw new ParameterException(
            spec.commandLine(), "--min-frequency %d: must be 1 or more".formatted(minFrequency));
      }
      if (!force && Files.exists(output.resolve("tokenizer.json"))) {
        throw new IllegalArgumentException(
            "%s holds a tokenizer; name another --output, or replace it by --force"
                .formatted(output));
      }
      var options = BpeTrainer.Options.ofVocabSize(vocabSize).withMinFrequency(minFrequency);
      data.read(records -> train(texts(records), options));
      return 0;
    }

    private void train(Iterator<String> texts, BpeTrainer.Options options) {
      if (!texts.hasNext()) {
        throw new IllegalArgumentException("--data: holds no text to learn from; name other files");
      }
      Tokenizer made = BpeTrainer.train(texts, options, output);
      PrintWriter out = spec.commandLine().getOut();
      out.printf("%s: %,d ids%n", output, made.vocabSize());
      if (made.vocabSize() < vocabSize) {
        out.printf("(fewer than %,d: no other pair occurs %d times)%n", vocabSize, minFrequency);
      }
    }

    private static Iterator<String> texts(Records records) {
      Iterable<DataRecord> all = () -> records;
      return StreamSupport.stream(all.spliterator(), false)
          .map(
              record ->
                  switch (record) {
                    case DataRecord.Text text -> text.text();
                    case DataRecord.Ids ids ->
                        throw new DataException(
                            ids.place() + ": holds input_ids; a tokenizer learns from texts");
                  })
          .filter(text -> !text.isEmpty())
          .iterator();
    }
  }

  /// `yushan tokenizer encode`: texts to ids.
  @Command(
      name = "encode",
      description = "Print {\"ids\": [...]} for each text, with BOS as the tokenizer says.")
  static final class Encode implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private Choice choice;
    @Mixin private DataOptions data;

    @Option(
        names = "--parse-special-tokens",
        description = "Read <|...|> in a text as a special token, not as plain text.")
    private boolean parse;

    @Override
    public Integer call() {
      Tokenizer tokenizer = choice.load();
      PrintWriter out = spec.commandLine().getOut();
      Specials specials = parse ? Specials.PARSE : Specials.AS_TEXT;
      data.read(
          records -> {
            while (records.hasNext()) {
              int[] ids =
                  switch (records.next()) {
                    case DataRecord.Text text ->
                        tokenizer.encodeWithTemplate(text.text(), specials);
                    case DataRecord.Ids given -> given.ids();
                  };
              out.println(JSON.writeValueAsString(Map.of("ids", ids)));
              StandardOutput.requireSound();
            }
          });
      return 0;
    }
  }

  /// `yushan tokenizer decode`: ids to texts.
  @Command(
      name = "decode",
      description = "Print {\"text\": ...} for each {\"ids\": [...]}, one a line.")
  static final class Decode implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private Choice choice;

    @Option(
        names = "--data",
        required = true,
        arity = "1..*",
        paramLabel = "FILE",
        description = "JSON lines with ids (or input_ids); - for standard input.")
    private List<String> files;

    @Option(
        names = "--keep-special-tokens",
        description = "Leave special tokens such as BOS in the text.")
    private boolean keep;

    @Override
    public Integer call() throws IOException {
      Tokenizer tokenizer = choice.load();
      for (String file : files) {
        if (Files.isDirectory(Path.of(file))) {
          throw new IllegalArgumentException(file + ": is a directory; name its files");
        }
        try (BufferedReader lines =
            file.equals("-")
                ? new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))
                : Files.newBufferedReader(Path.of(file))) {
          decode(file, lines, tokenizer);
        }
      }
      return 0;
    }

    private void decode(String file, BufferedReader lines, Tokenizer tokenizer) throws IOException {
      int number = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        if (!line.isBlank()) {
          int[] ids = ids(file + " line " + number, line, tokenizer.vocabSize());
          String text = tokenizer.decode(ids, !keep);
          spec.commandLine().getOut().println(JSON.writeValueAsString(Map.of("text", text)));
          StandardOutput.requireSound();
        }
      }
    }

    private static int[] ids(String place, String line, int vocabSize) {
      JsonNode record;
      try {
        record = JSON.readTree(line);
      } catch (JsonProcessingException e) {
        throw new DataException(
            "%s: broken JSON: %s; repair the line".formatted(place, JsonFault.of(e).what()), e);
      }
      JsonNode ids = record.path(record.has("ids") ? "ids" : "input_ids");
      int[] values = new int[ids.size()];
      Arrays.setAll(values, i -> ids.get(i).isInt() ? ids.get(i).intValue() : -1);
      boolean usable = Arrays.stream(values).allMatch(id -> id >= 0 && id < vocabSize);
      if (!ids.isArray() || !usable) {
        throw new DataException(
            "%s: needs \"ids\", a list of numbers from 0 to %d".formatted(place, vocabSize - 1));
      }
      return values;
    }
  }
}
