package dev.yushan.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.generate.SamplingParams;
import dev.yushan.io.JsonFault;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// How the next token is chosen: by options, where they are silent by the model's
/// `generation_config.json`, and else greedily.
final class SamplingOptions {
  private static final String FILE = "generation_config.json";
  private static final int MAX_TOKENS = 256;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--temperature",
      paramLabel = "X",
      description = "Divide the logits by X; 0 takes the most probable token each time.")
  private Optional<Double> temperature = Optional.empty();

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "Choose among the K most probable tokens; 0 or -1 for all.")
  private Optional<Integer> topK = Optional.empty();

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "Choose among the most probable tokens that together have probability P.")
  private Optional<Double> topP = Optional.empty();

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description = "Leave out tokens less than P times as probable as the most probable.")
  private Optional<Double> minP = Optional.empty();

  @Option(
      names = "--typical-p",
      paramLabel = "P",
      description =
          "Choose among the tokens nearest to the expected information that together have"
              + " probability P.")
  private Optional<Double> typicalP = Optional.empty();

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      description = "Make tokens that have occurred less probable, if X is above 1.")
  private Optional<Double> repetitionPenalty = Optional.empty();

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Seed of the random choice (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "End after N tokens (default: " + MAX_TOKENS + ").")
  private Optional<Integer> maxTokens = Optional.empty();

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "End before this text; may be given several times.")
  private List<String> stop = new ArrayList<>();

  @Option(names = "--ignore-eos", description = "Go on after a token that ends a text.")
  private boolean ignoreEos;

  /// How tokens are chosen, and the words that say so and where each value is from.
  record Chosen(SamplingParams params, String words) {}

  /// Takes the defaults from the model in `directory`.
  ///
  /// @throws ParameterException naming the option that a wrong value is from
  /// @throws IllegalArgumentException naming the file that it is from
  Chosen resolve(Path directory) {
    if (topK.isPresent() && topK.get() < -1) {
      throw new ParameterException(
          command.commandLine(),
          "--top-k: must be 1 or more, or 0 or -1 for all, got " + topK.get());
    }
    Path file = directory.resolve(FILE);
    Choice choice = new Choice(read(file));
    try {
      SamplingParams params = params(choice);
      String kind = params.temperature() == 0 ? "greedy" : "sampling with seed " + seed;
      return new Chosen(
          params, choice.said.isEmpty() ? kind : kind + ": " + String.join(", ", choice.said));
    } catch (IllegalArgumentException e) {
      String message = choice.origin(e.getMessage(), file) + e.getMessage();
      throw message.startsWith("--")
          ? new ParameterException(command.commandLine(), message, e)
          : new IllegalArgumentException(message, e);
    }
  }

  private SamplingParams params(Choice choice) {
    boolean sample = choice.defaults.path("do_sample").asBoolean(false);
    boolean restricted =
        topK.isPresent() || topP.isPresent() || minP.isPresent() || typicalP.isPresent();
    double heat =
        sample || restricted
            ? choice.number("temperature", temperature, true, 1)
            : choice.number("temperature", temperature, false, 0);
    // what only restricts a random choice is not taken from a model that chooses greedily
    return SamplingParams.builder()
        .temperature(heat)
        .topK(Math.max(0, (int) choice.number("top_k", topK.map(Integer::doubleValue), sample, 0)))
        .topP(choice.number("top_p", topP, sample, 1))
        .minP(choice.number("min_p", minP, sample, 0))
        .typicalP(choice.number("typical_p", typicalP, sample, 1))
        .repetitionPenalty(choice.number("repetition_penalty", repetitionPenalty, true, 1))
        .seed(seed)
        .maxTokens(
            (int)
                choice.number("max_tokens", maxTokens.map(Integer::doubleValue), true, MAX_TOKENS))
        .stop(stop)
        .ignoreEos(ignoreEos)
        .build();
  }

  private static JsonNode read(Path file) {
    if (!Files.isRegularFile(file)) {
      return new ObjectMapper().createObjectNode();
    }
    try {
      return new ObjectMapper().readTree(file.toFile());
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "%s: no valid JSON: %s; repair or remove it".formatted(file, JsonFault.of(e)), e);
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read: check its permissions", e);
    }
  }

  /// Picks values, and keeps what to say of them.
  ///
  /// @param options keys whose value is from an option
  private record Choice(JsonNode defaults, List<String> said, List<String> options) {
    Choice(JsonNode defaults) {
      this(defaults, new ArrayList<>(), new ArrayList<>());
    }

    /// Where the value is from that a complaint begins with.
    String origin(String complaint, Path file) {
      String key = complaint.substring(0, Math.max(0, complaint.indexOf(' ')));
      if (options.contains(key)) {
        return "--" + key.replace('_', '-') + ": ";
      }
      return said.stream().anyMatch(word -> word.startsWith(key + " ")) ? file + ": " : "";
    }

    double number(String key, Optional<Double> option, boolean useDefault, double otherwise) {
      JsonNode theirs = defaults.path(key.equals("max_tokens") ? "max_new_tokens" : key);
      if (option.isEmpty() && useDefault && theirs.isNumber()) {
        said.add("%s %s (%s)".formatted(key, theirs.asText(), FILE));
        return theirs.doubleValue();
      }
      option.ifPresent(
          value -> {
            options.add(key);
            said.add("%s %s".formatted(key, plain(value)));
          });
      return option.orElse(otherwise);
    }

    private static String plain(double value) {
      return value == Math.rint(value) ? String.valueOf((long) value) : String.valueOf(value);
    }
  }
}
