package dev.yushan.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.data.FileHash;
import dev.yushan.io.DurableFiles;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.Models;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// `training_state.json`: what a run needs beside tensors to go on exactly, and what it must have
/// in common with the run that wrote it.
///
/// @param progress how far it had come
/// @param dataFingerprint of the training data
/// @param files of the training data
/// @param settings the keys that the result depends on
record ResumeState(
    Progress progress, String dataFingerprint, List<FileHash> files, ObjectNode settings) {
  static final String FILE = "training_state.json";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final TypeReference<List<SpikeGuard.Seen>> RECENT = new TypeReference<>() {};
  private static final TypeReference<List<FileHash>> FILES = new TypeReference<>() {};
  private static final int FILES_NAMED = 5;

  /// Keys that change what is computed from the place of a checkpoint on.
  private static final List<String> BINDING =
      List.of(
          "max_samples",
          "val_size",
          "cutoff_len",
          "on_excess",
          "add_bos",
          "add_eos",
          "split_special_tokens",
          "sequence_len",
          "packing",
          "disable_shuffling",
          "data_seed",
          "per_device_train_batch_size",
          "gradient_accumulation_steps",
          "world_size",
          "num_train_epochs",
          "max_steps",
          "learning_rate",
          "lr_scheduler_type",
          "lr_scheduler_kwargs",
          "warmup_ratio",
          "warmup_steps",
          "optim",
          "adam_beta1",
          "adam_beta2",
          "adam_epsilon",
          "weight_decay",
          "max_grad_norm",
          "bf16",
          "on_spike",
          "spike_threshold",
          "spike_window");

  private static final String FREE =
      "what may change in a run: threads, backend, device, experimental_cuda, memory,"
          + " gradient_checkpointing, logits_chunk, output_dir, on_spike after stop, spike_* under"
          + " on_spike: warn, and the keys of logging, evaluation, samples and saving";

  static ResumeState of(Progress progress, TrainingData data, TrainingConfig config) {
    return new ResumeState(progress, data.fingerprint(), data.files(), settings(config));
  }

  private static ObjectNode settings(TrainingConfig config) {
    ObjectNode settings = JSON.createObjectNode();
    for (String key : BINDING) {
      config.find(key).ifPresent(value -> settings.put(key, value));
    }
    return settings;
  }

  void write(Path directory, StepPlan plan) {
    ObjectNode json = JSON.createObjectNode();
    json.put("step", progress.steps());
    json.put("epoch", plan.epochsAfter(progress.steps()));
    json.put("next_epoch", plan.epoch(progress.steps()));
    json.put("next_micro_batch", plan.first(progress.steps()));
    json.put("tokens_seen", progress.tokens());
    json.put("loss_sum", progress.lossSum());
    json.put("logged_step", progress.loggedSteps());
    json.put("logged_loss_sum", progress.loggedLossSum());
    json.put("skipped_steps", progress.skipped());
    json.put("skipped_in_row", progress.skippedInRow());
    json.put("evaluation_due", progress.evaluationDue());
    json.set("recent", JSON.valueToTree(progress.recent()));
    json.put("data_fingerprint", dataFingerprint);
    json.set("data_files", JSON.valueToTree(files));
    json.set("settings", settings);
    DurableFiles.write(directory.resolve(FILE), json.toPrettyString() + "\n");
  }

  static ResumeState read(Path checkpoint) {
    Path file = checkpoint.resolve(FILE);
    try {
      JsonNode json = JSON.readTree(file.toFile());
      Progress progress =
          new Progress(
              json.required("step").asLong(),
              json.required("tokens_seen").asLong(),
              json.required("loss_sum").asDouble(),
              json.required("logged_step").asLong(),
              json.required("logged_loss_sum").asDouble(),
              json.required("skipped_steps").asLong(),
              json.path("skipped_in_row").asInt(),
              json.path("evaluation_due").asBoolean(),
              JSON.convertValue(json.required("recent"), RECENT));
      return new ResumeState(
          progress,
          json.required("data_fingerprint").asText(),
          json.has("data_files") ? JSON.convertValue(json.get("data_files"), FILES) : List.of(),
          (ObjectNode) json.required("settings"));
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new TrainingException(file + " is damaged; name an earlier checkpoint", e);
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /// With `memory: auto`, `config` with the steps divided into micro-batches as they were, where
  /// that is the same batch: what was chosen then stays, so that the run goes on to the same bits.
  TrainingConfig divided(TrainingConfig config, Path checkpoint) {
    String size = settings.path(MemoryChoices.BATCH).asText();
    String accumulation = settings.path(MemoryChoices.ACCUMULATION).asText();
    long asked = config.whole(MemoryChoices.BATCH) * config.whole(MemoryChoices.ACCUMULATION);
    boolean same =
        config.text("memory").equals("auto")
            && settings.path(MemoryChoices.BATCH).asLong()
                    * settings.path(MemoryChoices.ACCUMULATION).asLong()
                == asked;
    return same
        ? config.with(
            Map.of(MemoryChoices.BATCH, size, MemoryChoices.ACCUMULATION, accumulation),
            "memory: auto, as in " + checkpoint.getFileName())
        : config;
  }

  /// Throws unless a run with the settings of `config` would do what the run did that wrote this.
  void requireSame(TrainingConfig config, Path checkpoint) {
    ObjectNode now = settings(config);
    List<String> changes = new ArrayList<>();
    for (String key : BINDING) {
      JsonNode before = settings.path(key);
      JsonNode after = now.path(key);
      // a checkpoint of an older version has fewer keys
      boolean unknown = before.isMissingNode() && config.isDefault(key);
      // a run that a spike has stopped is continued by saying what else to do about it
      boolean released = key.equals("on_spike") && before.asText().equals("stop");
      // where nothing is done about spikes it does not matter what is one
      boolean idle =
          key.startsWith("spike_") && List.of("no", "warn").contains(config.text("on_spike"));
      boolean same =
          before.equals(after)
              || key.equals("optim")
                  && TrainingJob.optimizerName(before.asText())
                      .equals(TrainingJob.optimizerName(after.asText()));
      if (!same && !unknown && !released && !idle) {
        changes.add("%s was %s and is %s".formatted(config.setBy(key), text(before), text(after)));
      }
    }
    if (!changes.isEmpty()) {
      throw changed(checkpoint, String.join("; ", changes));
    }
  }

  /// Throws unless `shape` is that of the model in the checkpoint: weights of the one under the
  /// description of the other would be no model.
  static void requireSameModel(ModelConfig shape, Path checkpoint) {
    if (!Models.config(checkpoint).equals(shape)) {
      throw changed(
          checkpoint, "model_name_or_path is of another config.json than the run began with");
    }
  }

  /// Throws unless the training data is what it was.
  void requireSameData(TrainingData data, Path checkpoint) {
    if (!dataFingerprint.equals(data.fingerprint())) {
      throw changed(checkpoint, "the training data has changed: " + changes(data.files()));
    }
  }

  /// What is different in the files of the training data.
  private String changes(List<FileHash> now) {
    Set<FileHash> same = new HashSet<>(files);
    same.retainAll(now);
    Set<String> before = files.stream().map(FileHash::name).collect(Collectors.toSet());
    Set<String> after = now.stream().map(FileHash::name).collect(Collectors.toSet());
    List<String> changes =
        Stream.concat(
                files.stream()
                    .filter(file -> !same.contains(file))
                    .map(f -> f.name() + (after.contains(f.name()) ? " was changed" : " is gone")),
                after.stream().filter(name -> !before.contains(name)).map(name -> name + " is new"))
            .distinct()
            .toList();
    if (changes.isEmpty()) {
      return "its files are as they were, but not their order, the tokenizer, or with val_size the"
          + " seed";
    }
    String more =
        changes.size() > FILES_NAMED ? " and %d more".formatted(changes.size() - FILES_NAMED) : "";
    return changes.stream().limit(FILES_NAMED).collect(Collectors.joining(", ")) + more;
  }

  private static ConfigException changed(Path checkpoint, String changes) {
    return new ConfigException(
        "%s cannot be continued: %s; set it back, or start a new run with %s as model_name_or_path (%s)"
            .formatted(checkpoint, changes, checkpoint, FREE));
  }

  private static String text(JsonNode value) {
    return value.isMissingNode() ? "not set" : value.asText();
  }
}
