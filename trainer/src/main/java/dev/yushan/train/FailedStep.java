package dev.yushan.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.autograd.Keep;
import dev.yushan.data.Document;
import dev.yushan.data.MicroBatch;
import dev.yushan.io.DurableFiles;
import dev.yushan.model.TokenBatch;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The micro-batches of a step that training could not go past, kept to be looked at and replayed:
/// `batch.jsonl`, a line each, and `failure.json` in a directory `failed-step-N` that is also a
/// model directory with the weights before the step.
///
/// @param message what was wrong
/// @param step its number, from 1
/// @param keep what each block kept for the backward pass
/// @param lossChunk rows of logits that were held at a time
record FailedStep(String message, long step, Keep keep, int lossChunk, List<Batch> batches) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String FAILURE = "failure.json";
  private static final String BATCHES = "batch.jsonl";

  /// A micro-batch, with the documents in it.
  record Batch(TokenBatch.Rows rows, List<String> documents) {
    static Batch of(MicroBatch batch) {
      return new Batch(batch.rows(), batch.documents().stream().map(Document::toString).toList());
    }
  }

  static FailedStep of(StepException failure, TrainerConfig config) {
    return new FailedStep(
        failure.getMessage(),
        failure.before().steps() + 1,
        config.keep(),
        config.lossChunk(),
        failure.batches().stream().map(Batch::of).toList());
  }

  /// The directory for it in that of the run.
  Path directory(Path outputDir) {
    return outputDir.resolve("failed-step-" + step);
  }

  void write(Path directory) {
    ObjectNode json = JSON.createObjectNode();
    json.put("message", message);
    json.put("step", step);
    json.put("keep", keep.name());
    json.put("loss_chunk", lossChunk);
    try (BufferedWriter lines = Files.newBufferedWriter(directory.resolve(BATCHES))) {
      for (Batch batch : batches) {
        lines.write(JSON.writeValueAsString(batch));
        lines.newLine();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          directory.resolve(BATCHES) + " cannot be written: free some space", e);
    }
    DurableFiles.write(directory.resolve(FAILURE), json.toPrettyString() + "\n");
  }

  static FailedStep read(Path directory) {
    try {
      JsonNode json = JSON.readTree(Files.readAllBytes(directory.resolve(FAILURE)));
      List<Batch> batches = new ArrayList<>();
      for (String line : Files.readAllLines(directory.resolve(BATCHES))) {
        batches.add(JSON.readValue(line, Batch.class));
      }
      return new FailedStep(
          json.required("message").asText(),
          json.required("step").asLong(),
          Keep.valueOf(json.required("keep").asText()),
          json.required("loss_chunk").asInt(),
          List.copyOf(batches));
    } catch (NoSuchFileException e) {
      throw new ConfigException(
          directory + " is no failed step: name a directory failed-step-N of a run", e);
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new TrainingException(
          directory + " is damaged and cannot be replayed; name another failed step", e);
    } catch (IOException e) {
      throw new UncheckedIOException(directory + " cannot be read: check its permissions", e);
    }
  }

  /// The micro-batches as training data of one step.
  MicroBatches data() {
    return MicroBatches.of(
        batches.stream()
            .map(batch -> new MicroBatch(new int[0], batch.rows(), List.of()))
            .toList());
  }
}
