package dev.yushan.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.model.TokenBatch;
import java.util.Arrays;
import java.util.OptionalLong;

/// What `eval` says of one record.
///
/// @param tokens of the record, the first one included, which nothing predicts
/// @param logProbabilities natural logs, one for each predicted token that counts
/// @param bytes of the text; empty for a record of ids
record ScoredRecord(int tokens, float[] logProbabilities, OptionalLong bytes) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /// A record with the losses of its tokens after the first.
  static ScoredRecord of(RecordEncoder.Encoded record, float[] losses) {
    float[] counted = new float[losses.length];
    int n = 0;
    for (int i = 0; i < losses.length; i++) {
      if (!Float.isFinite(losses[i])) {
        throw new IllegalStateException(
            "%s: the loss of token %d is not finite; the weights overflow on this record"
                .formatted(record.place(), i + 1));
      }
      boolean masked = record.labels().length > 0 && record.labels()[i + 1] == TokenBatch.NO_TARGET;
      if (!masked) {
        counted[n++] = -losses[i];
      }
    }
    return new ScoredRecord(record.ids().length, Arrays.copyOf(counted, n), record.bytes());
  }

  private double lossSum() {
    double sum = 0;
    for (float logProbability : logProbabilities) {
      sum -= logProbability;
    }
    return sum;
  }

  String json(boolean perToken) {
    ObjectNode json = JSON.createObjectNode();
    put(json, tokens, logProbabilities.length, lossSum(), bytes);
    if (perToken) {
      ArrayNode all = json.putArray("logprobs");
      for (float logProbability : logProbabilities) {
        all.add(logProbability);
      }
    }
    return json.toString();
  }

  /// `loss` is null where nothing is predicted.
  private static void put(
      ObjectNode json, long tokens, long predicted, double lossSum, OptionalLong bytes) {
    json.put("tokens", tokens).put("predicted_tokens", predicted);
    if (predicted == 0) {
      json.putNull("loss").putNull("perplexity");
      return;
    }
    json.put("loss", lossSum / predicted).put("perplexity", Math.exp(lossSum / predicted));
    if (bytes.isPresent() && bytes.getAsLong() > 0) {
      json.put("bits_per_byte", lossSum / Math.log(2) / bytes.getAsLong());
    }
  }

  /// The sums over records; `bits_per_byte` is over those that are texts.
  static final class Total {
    private long records;
    private long tokens;
    private long predicted;
    private long bytes;
    private double lossSum;
    private double textLossSum;

    void add(ScoredRecord record) {
      records++;
      tokens += record.tokens();
      predicted += record.logProbabilities().length;
      lossSum += record.lossSum();
      if (record.bytes().isPresent()) {
        bytes += record.bytes().getAsLong();
        textLossSum += record.lossSum();
      }
    }

    boolean nothingPredicted() {
      return predicted == 0;
    }

    String json() {
      ObjectNode json = JSON.createObjectNode().put("total", true).put("records", records);
      put(json, tokens, predicted, lossSum, OptionalLong.empty());
      if (bytes > 0) {
        json.put("bits_per_byte", textLossSum / Math.log(2) / bytes);
      }
      return json.toString();
    }

    String summary() {
      if (predicted == 0) {
        return "%,d records without anything to predict".formatted(records);
      }
      String perByte =
          bytes > 0 ? ", %.4f bits per byte".formatted(textLossSum / Math.log(2) / bytes) : "";
      return "%,d records, %,d tokens, %,d of them predicted: loss %.4f, perplexity %.2f%s"
          .formatted(
              records,
              tokens,
              predicted,
              lossSum / predicted,
              Math.exp(lossSum / predicted),
              perByte);
    }
  }
}
