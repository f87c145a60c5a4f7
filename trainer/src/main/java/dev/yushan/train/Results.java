package dev.yushan.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.io.DurableFiles;
import java.nio.file.Path;
import java.util.List;

/// The result files of a run, with the keys that `transformers` uses.
final class Results {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Results() {}

  /// Keys of one dataset begin with `eval`, of several with `eval_` and their name.
  static String prefix(List<EvalResult> all, EvalResult one) {
    return all.size() == 1 ? "eval" : "eval_" + one.name();
  }

  static ObjectNode evaluation(List<EvalResult> results) {
    ObjectNode json = JSON.createObjectNode();
    for (EvalResult result : results) {
      String prefix = prefix(results, result);
      json.put(prefix + "_loss", result.loss());
      json.put(prefix + "_loss_hf", result.lossHf());
      json.put(prefix + "_perplexity", result.perplexity());
      json.put(prefix + "_tokens", result.targets());
      json.put(prefix + "_runtime", TrainingLog.rounded(result.seconds(), 4));
      json.put(prefix + "_samples_per_second", perSecond(result.rows(), result.seconds()));
      json.put(prefix + "_steps_per_second", perSecond(result.batches(), result.seconds()));
    }
    return json;
  }

  /// @param steps taken by this process
  /// @param rows trained on by this process
  static ObjectNode training(Progress progress, long steps, double rows, double seconds) {
    ObjectNode json = JSON.createObjectNode();
    json.put("train_loss", progress.steps() == 0 ? 0 : progress.meanLoss());
    json.put("train_runtime", TrainingLog.rounded(seconds, 4));
    json.put("train_samples_per_second", perSecond(rows, seconds));
    json.put("train_steps_per_second", perSecond(steps, seconds));
    return json;
  }

  /// The work of the whole run, and how well the machine was used.
  ///
  /// @param floatOperationsHf as `transformers` counts them
  /// @param peak F32 operations a second that the device can do at most
  static ObjectNode work(
      FlopCount flops, Tally tally, long tokens, double floatOperationsHf, double peak) {
    double needed = flops.model(tokens, tally.pairs());
    double perSecond = needed / Math.max(1e-9, tally.stepSeconds());
    ObjectNode json = JSON.createObjectNode();
    json.put("total_flos", floatOperationsHf);
    json.put("model_flops", needed);
    json.put("performed_flops", flops.performed(tokens, tally.pairs()));
    json.put("train_step_seconds", TrainingLog.rounded(tally.stepSeconds(), 4));
    json.put("model_flops_per_second", perSecond);
    json.put("peak_flops_per_second", peak);
    json.put("mfu", TrainingLog.rounded(perSecond / peak, 4));
    return json;
  }

  private static double perSecond(double count, double seconds) {
    return TrainingLog.rounded(count / Math.max(1e-9, seconds), 3);
  }

  /// Writes the entries of all parts as one object.
  static void write(Path file, ObjectNode... parts) {
    ObjectNode json = JSON.createObjectNode();
    for (ObjectNode part : parts) {
      json.setAll(part);
    }
    DurableFiles.write(file, json.toPrettyString() + "\n");
  }
}
