package dev.yushan.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.backend.BackendException;
import dev.yushan.generate.Generator;
import dev.yushan.generate.SamplingParams;
import dev.yushan.generate.TextGenerator;
import dev.yushan.model.ModelConfig;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizer.Specials;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What the model makes of fixed prompts as it learns, in `samples.jsonl`: before the first step,
/// at the end, and in between at each evaluation or every `sample_steps` steps. Always the most
/// probable token, so that only the weights make a difference.
///
/// The weights are read and nothing else is touched: training goes the same way with and without.
/// The memory it takes, a key/value cache of one sequence, is taken for the moment; a device that
/// has not so much left gets a warning.
final class Samples implements TrainingListener {
  static final String FILE = "samples.jsonl";

  private static final Logger LOG = LoggerFactory.getLogger(Samples.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final ModelState state;
  private final Tokenizer tokenizer;
  private final Settings settings;
  private final Optional<TensorBoardLog> tensorBoard;
  private StepPlan plan = new StepPlan(1, 1, 0);
  private long sampledAt;

  /// What the configuration says of samples.
  ///
  /// @param every how often; at evaluations if empty
  /// @param maxTokens the longest completion
  private record Settings(List<String> prompts, Optional<Cadence> every, int maxTokens) {
    static Settings of(TrainingConfig config) {
      return new Settings(
          config.texts("sample_prompts"),
          config.find("sample_steps").map(steps -> every(config)),
          config.count("sample_max_tokens"));
    }

    private static Cadence every(TrainingConfig config) {
      if (config.number("sample_steps") == 0) {
        throw config.wrong(
            "sample_steps", "is no interval; leave it out to take samples at evaluations");
      }
      return Cadence.steps(config.number("sample_steps"));
    }

    /// Positions that the longest prompt and its completion take.
    int context(Tokenizer tokenizer) {
      return maxTokens
          + prompts.stream()
              .mapToInt(prompt -> tokenizer.encodeWithTemplate(prompt, Specials.PARSE).length)
              .max()
              .orElse(0);
    }
  }

  private Samples(
      Path outputDir,
      ModelState state,
      Tokenizer tokenizer,
      Settings settings,
      Optional<TensorBoardLog> tensorBoard,
      long sampledAt) {
    this.file = outputDir.resolve(FILE);
    this.state = state;
    this.tokenizer = tokenizer;
    this.settings = settings;
    this.tensorBoard = tensorBoard;
    this.sampledAt = sampledAt;
  }

  /// A listener that takes samples, if there are prompts.
  static Optional<TrainingListener> of(
      Path outputDir,
      TrainingConfig config,
      ModelState state,
      Optional<Tokenizer> tokenizer,
      Optional<TensorBoardLog> tensorBoard,
      Progress start) {
    long last = JsonLines.keepUpTo(outputDir.resolve(FILE), "step", start.steps());
    Settings settings = Settings.of(config);
    return settings.prompts().isEmpty()
        ? Optional.empty()
        : tokenizer.map(texts -> new Samples(outputDir, state, texts, settings, tensorBoard, last));
  }

  /// Positions of the cache that samples take, 0 where there are none.
  static int positions(TrainingConfig config, Optional<Tokenizer> tokenizer) {
    Settings settings = Settings.of(config);
    return settings.prompts().isEmpty() ? 0 : tokenizer.map(settings::context).orElse(0);
  }

  /// Throws unless the prompts can be completed.
  static void requirePossible(
      TrainingConfig config, Optional<Tokenizer> tokenizer, ModelConfig model) {
    Settings settings = Settings.of(config);
    if (settings.prompts().isEmpty()) {
      return;
    }
    if (tokenizer.isEmpty()) {
      throw config.wrong(
          "sample_prompts",
          "needs a tokenizer, but %s has no tokenizer.json; name one with tokenizer_name_or_path, or leave the prompts out"
              .formatted(config.text("tokenizer_name_or_path")));
    }
    int context = settings.context(tokenizer.get());
    if (context > model.maxPositions()) {
      throw config.wrong(
          "sample_prompts",
          "takes %d tokens with its completion, the model has %d positions; lower sample_max_tokens or shorten the prompts"
              .formatted(context, model.maxPositions()));
    }
  }

  @Override
  public void started(StepPlan steps, Progress progress) {
    plan = steps;
    if (progress.steps() == 0) {
      sample(0);
    }
  }

  @Override
  public void stepped(StepReport step, Progress progress) {
    if (settings.every().filter(cadence -> cadence.due(plan, progress.steps())).isPresent()) {
      sample(progress.steps());
    }
  }

  @Override
  public void evaluated(List<EvalResult> results, Progress progress) {
    if (settings.every().isEmpty()) {
      sample(progress.steps());
    }
  }

  @Override
  public void finished(Progress progress) {
    sample(progress.steps());
  }

  private void sample(long step) {
    if (step == sampledAt) {
      return;
    }
    sampledAt = step;
    int context = settings.context(tokenizer);
    try (Generator generator = new Generator(state.backend(), state.model(), context)) {
      TextGenerator texts = new TextGenerator(generator, tokenizer);
      SamplingParams greedy = SamplingParams.greedy(settings.maxTokens());
      for (int i = 0; i < settings.prompts().size(); i++) {
        String prompt = settings.prompts().get(i);
        String completion = texts.complete(prompt, greedy, piece -> {}).text();
        append(step, prompt, completion);
        int number = i + 1;
        tensorBoard.ifPresent(board -> board.sample(step, number, prompt, completion));
      }
    } catch (BackendException e) {
      LOG.warn("no samples at step {}: {}", step, e.getMessage());
    }
  }

  private void append(long step, String prompt, String completion) {
    ObjectNode line = JSON.createObjectNode();
    JsonLines.append(
        file, line.put("step", step).put("prompt", prompt).put("completion", completion));
  }
}
