package dev.yushan.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.data.Document;
import dev.yushan.data.MicroBatch;
import dev.yushan.model.TokenBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// What is added up over a run beside its loss, and goes into checkpoints with it: time and work of
/// the steps, and the loss of each source of documents since the last log entry.
final class Tally implements TrainingListener {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final SourceNames sources;
  private final Map<String, Sum> bySource = new TreeMap<>();
  private final List<Computed> step = new ArrayList<>();
  private long pairs;
  private double stepSeconds;
  private long loggedTokens;
  private double loggedSeconds;

  /// The loss over some targets.
  private record Sum(double nll, long targets) {
    Sum plus(double more, long count) {
      return new Sum(nll + more, targets + count);
    }
  }

  /// A micro-batch of the step that is under way.
  private record Computed(MicroBatch batch, float[] nll) {}

  /// @param sources of the documents; a single one is not told apart
  Tally(SourceNames sources) {
    this.sources = sources;
  }

  @Override
  public void computed(MicroBatch batch, float[] nll) {
    step.add(new Computed(batch, nll));
  }

  /// A target belongs to the document it is a token of. Position `p` predicts token `p + 1`, so
  /// those of a document are predicted from one before its first token on.
  private void addLosses(MicroBatch batch, float[] nll) {
    int[] targets = batch.rows().targets();
    int at = 0;
    for (Document document : batch.documents()) {
      double sum = 0;
      long count = 0;
      for (int p = Math.max(0, at - 1); p < at + document.length() - 1; p++) {
        if (targets[p] != TokenBatch.NO_TARGET) {
          sum += nll[p];
          count++;
        }
      }
      at += document.length();
      Sum before = bySource.getOrDefault(sources.of(document.file()), new Sum(0, 0));
      bySource.put(sources.of(document.file()), before.plus(sum, count));
    }
  }

  @Override
  public void stepped(StepReport report, Progress progress) {
    // not before: a step that is refused is computed again by the run that goes on
    for (Computed computed : step) {
      pairs += FlopCount.pairs(computed.batch().rows().starts());
      if (sources.several()) {
        addLosses(computed.batch(), computed.nll());
      }
    }
    step.clear();
    stepSeconds += report.seconds();
    loggedSeconds += report.seconds();
    loggedTokens += report.tokens();
  }

  /// Pairs of a token and one it saw, over the whole run.
  long pairs() {
    return pairs;
  }

  /// Seconds in optimizer steps, over the whole run: evaluation, checkpoints and samples are not in
  /// it.
  double stepSeconds() {
    return stepSeconds;
  }

  /// Takes what belongs into the log entry that is due: `loss_<source>`, and the speed of the steps
  /// since the last entry.
  ObjectNode takeLogged() {
    ObjectNode entry = JSON.createObjectNode();
    bySource.forEach(
        (source, sum) -> {
          if (sum.targets() > 0) {
            entry.put("loss_" + source, sum.nll() / sum.targets());
          }
        });
    entry.put(
        "tokens_per_second", TrainingLog.rounded(loggedTokens / Math.max(1e-9, loggedSeconds), 2));
    bySource.clear();
    loggedTokens = 0;
    loggedSeconds = 0;
    return entry;
  }

  /// All of it, for a checkpoint.
  ObjectNode toJson() {
    ObjectNode json = JSON.createObjectNode();
    json.put("attention_pairs", pairs);
    json.put("step_seconds", stepSeconds);
    json.put("logged_tokens", loggedTokens);
    json.put("logged_seconds", loggedSeconds);
    ObjectNode losses = json.putObject("losses");
    bySource.forEach(
        (source, sum) ->
            losses.putObject(source).put("nll", sum.nll()).put("targets", sum.targets()));
    return json;
  }

  /// Goes on from a checkpoint; one without a tally counts from here on.
  void resume(JsonNode json) {
    pairs = json.path("attention_pairs").asLong();
    stepSeconds = json.path("step_seconds").asDouble();
    loggedTokens = json.path("logged_tokens").asLong();
    loggedSeconds = json.path("logged_seconds").asDouble();
    bySource.clear();
    json.path("losses")
        .properties()
        .forEach(
            entry ->
                bySource.put(
                    entry.getKey(),
                    new Sum(
                        entry.getValue().path("nll").asDouble(),
                        entry.getValue().path("targets").asLong())));
  }
}
