package dev.yushan.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.backend.Traffic;
import dev.yushan.io.DurableFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/// The record of a run as users of Hugging Face `Trainer` and LLaMA-Factory know it: the history in
/// `trainer_state.json`, and a line of `trainer_log.jsonl` for each entry as it is made.
final class TrainingLog implements TrainingListener {
  static final String STATE = "trainer_state.json";
  static final String JSONL = "trainer_log.jsonl";
  private static final String TALLY = "Tally";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path outputDir;
  private final TrainingConfig config;
  private final Tally tally;
  private final boolean countsTokens;
  private final ArrayNode history = JSON.createArrayNode();
  private Consumer<ObjectNode> entries = entry -> {};
  private StepPlan plan = new StepPlan(1, 1, 0);
  private Progress start = Progress.START;
  private long begin = System.nanoTime();
  private Pace pace = new Pace();

  TrainingLog(Path outputDir, TrainingConfig config, Tally tally) {
    this.outputDir = outputDir;
    this.config = config;
    this.tally = tally;
    String include = config.text("include_num_input_tokens_seen");
    this.countsTokens = !include.equals("no") && !include.equals("false");
  }

  /// Takes up the record of a checkpoint: what was logged after it is forgotten.
  void resume(Path checkpoint, long steps) {
    try {
      JsonNode state = JSON.readTree(checkpoint.resolve(STATE).toFile());
      state.path("log_history").forEach(history::add);
      tally.resume(state.path("stateful_callbacks").path(TALLY));
      JsonLines.keepUpTo(outputDir.resolve(JSONL), "current_steps", steps);
    } catch (IOException e) {
      throw new UncheckedIOException(checkpoint + ": its record cannot be read", e);
    }
  }

  /// Hands every entry of the history that is made from now on to `consumer` too.
  void alsoTo(Consumer<ObjectNode> consumer) {
    entries = consumer;
  }

  @Override
  public void started(StepPlan steps, Progress progress) {
    plan = steps;
    start = progress;
    begin = System.nanoTime();
    pace = new Pace();
    pace.mark(begin);
  }

  /// A spike stands in the record for itself, however rarely losses are logged.
  @Override
  public void stepped(StepReport step, Progress progress) {
    pace.mark(System.nanoTime());
    step.spike().ifPresent(spike -> spike(spike, progress));
  }

  /// Records a spike at the step that led to `progress`, or if the run stops before it, the next.
  void spike(Spike spike, Progress progress) {
    long step = progress.steps() + (spike.action() == SpikeGuard.Action.STOP ? 1 : 0);
    for (boolean line : new boolean[] {false, true}) {
      ObjectNode json = line ? line(progress) : entry(progress);
      json.put("spike", spike.what());
      json.put("spike_step", step);
      json.put("spike_value", spike.value());
      json.put("spike_z_score", rounded(spike.zScore(), 2));
      json.put("spike_mean", spike.mean());
      json.put("spike_action", spike.action().name().toLowerCase(Locale.ROOT));
      if (line) {
        append(json);
      } else {
        add(json);
      }
    }
  }

  @Override
  public void logged(StepReport step, double loss, Progress progress) {
    ObjectNode tallied = tally.takeLogged();
    ObjectNode entry = entry(progress);
    entry.put("loss", loss);
    entry.put("grad_norm", step.gradientNorm());
    entry.put("learning_rate", step.learningRate());
    entry.setAll(tallied);
    noteSkipped(entry, progress);
    noteTraffic(entry, step);
    add(entry);
    ObjectNode line = line(progress);
    line.put("loss", loss);
    line.put("lr", step.learningRate());
    line.put("grad_norm", step.gradientNorm());
    line.setAll(tallied);
    noteSkipped(line, progress);
    noteTraffic(line, step);
    append(line);
  }

  @Override
  public void evaluated(List<EvalResult> results, Progress progress) {
    ObjectNode entry = entry(progress);
    entry.setAll(Results.evaluation(results));
    add(entry);
    ObjectNode line = line(progress);
    results.forEach(result -> line.put(Results.prefix(results, result) + "_loss", result.loss()));
    append(line);
  }

  /// Bytes that the last step moved, where that is counted.
  private static void noteTraffic(ObjectNode entry, StepReport step) {
    if (!step.traffic().equals(Traffic.NONE)) {
      entry.put("device_sent_bytes", step.traffic().sent());
      entry.put("device_fetched_bytes", step.traffic().fetched());
      entry.put("device_launches", step.traffic().launches());
    }
  }

  /// A step that was left out must not be known to the terminal alone.
  private static void noteSkipped(ObjectNode entry, Progress progress) {
    if (progress.skipped() > 0) {
      entry.put("skipped_steps", progress.skipped());
    }
  }

  /// Adds the summary of the whole run.
  void summary(Progress progress, ObjectNode results) {
    noteSkipped(results, progress);
    ObjectNode entry = entry(progress);
    entry.setAll(results);
    add(entry);
  }

  private ObjectNode entry(Progress progress) {
    ObjectNode entry = JSON.createObjectNode();
    entry.put("epoch", plan.epochsAfter(progress.steps()));
    entry.put("step", progress.steps());
    if (countsTokens) {
      entry.put("num_input_tokens_seen", progress.tokens());
      entry.put("train_runtime", rounded(seconds(), 4));
      entry.put("train_tokens_per_second", rounded(tokensPerSecond(progress), 3));
    }
    return entry;
  }

  private ObjectNode line(Progress progress) {
    double left = plan.totalSteps() - (double) progress.steps();
    ObjectNode line = JSON.createObjectNode();
    line.put("current_steps", progress.steps());
    line.put("total_steps", plan.totalSteps());
    line.put("epoch", rounded(plan.epochsAfter(progress.steps()), 4));
    line.put("percentage", rounded(100.0 * progress.steps() / plan.totalSteps(), 2));
    line.put("elapsed_time", clock(seconds()));
    line.put("remaining_time", clock(pace.secondsPerStep() * left));
    line.put("throughput", rounded(tokensPerSecond(progress), 2));
    line.put("total_tokens", progress.tokens());
    return line;
  }

  private void add(ObjectNode entry) {
    history.add(entry);
    entries.accept(entry);
  }

  private void append(ObjectNode line) {
    JsonLines.append(outputDir.resolve(JSONL), line);
  }

  /// Writes `trainer_state.json`.
  void writeState(Path directory, Progress progress) {
    ObjectNode state = JSON.createObjectNode();
    state.putNull("best_global_step");
    state.putNull("best_metric");
    state.putNull("best_model_checkpoint");
    state.put("epoch", plan.epochsAfter(progress.steps()));
    state.put("eval_steps", config.number("eval_steps"));
    state.put("global_step", progress.steps());
    state.put("is_hyper_param_search", false);
    state.put("is_local_process_zero", true);
    state.put("is_world_process_zero", true);
    state.set("log_history", history);
    state.put("logging_steps", config.number("logging_steps"));
    state.put("max_steps", plan.totalSteps());
    state.put("num_input_tokens_seen", progress.tokens());
    state.put("num_train_epochs", plan.epochs());
    state.put("save_steps", config.number("save_steps"));
    state.putObject("stateful_callbacks").set(TALLY, tally.toJson());
    state.put("train_batch_size", config.whole("per_device_train_batch_size"));
    state.putNull("trial_name");
    state.putNull("trial_params");
    DurableFiles.write(directory.resolve(STATE), state.toPrettyString() + "\n");
  }

  ArrayNode history() {
    return history;
  }

  /// What the last evaluation found, which may have been one before a resume; empty if there was
  /// none.
  ObjectNode lastEvaluation() {
    ObjectNode last = JSON.createObjectNode();
    for (JsonNode entry : history) {
      ObjectNode evaluation = JSON.createObjectNode();
      entry
          .propertyStream()
          .filter(field -> field.getKey().startsWith("eval_"))
          .forEach(field -> evaluation.set(field.getKey(), field.getValue()));
      last = evaluation.isEmpty() ? last : evaluation;
    }
    return last;
  }

  /// Seconds since the first step of this process.
  double seconds() {
    return (System.nanoTime() - begin) * 1e-9;
  }

  private double tokensPerSecond(Progress progress) {
    return (progress.tokens() - start.tokens()) / Math.max(1e-9, seconds());
  }

  static double rounded(double value, int digits) {
    double factor = Math.pow(10, digits);
    return Double.isFinite(value) ? Math.rint(value * factor) / factor : 0;
  }

  /// For example `1:02:03`, as LLaMA-Factory writes times.
  static String clock(double seconds) {
    Duration time = Duration.ofSeconds((long) seconds);
    return "%d:%02d:%02d".formatted(time.toHours(), time.toMinutesPart(), time.toSecondsPart());
  }
}
