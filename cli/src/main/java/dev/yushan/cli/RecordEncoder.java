package dev.yushan.cli;

import dev.yushan.data.DataException;
import dev.yushan.data.DataRecord;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.TokenBatch;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizer.Specials;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// Makes token sequences of records, for scoring.
///
/// @param addEos whether texts end with EOS
/// @param maxLength tokens after which a record is cut; empty refuses what the model cannot take
record RecordEncoder(
    Optional<Tokenizer> tokenizer, boolean addEos, Optional<Integer> maxLength, ModelConfig model) {

  /// A record ready to be scored.
  ///
  /// @param labels as many as `ids`, −100 where no prediction counts; none where all do
  /// @param bytes of the text's UTF-8, as far as it is scored; empty for a record of ids
  record Encoded(String place, int[] ids, int[] labels, OptionalLong bytes) {}

  RecordEncoder {
    maxLength.ifPresent(
        length -> {
          if (length < 1 || length > model.maxPositions()) {
            throw new IllegalArgumentException(
                "--max-length %d: the model has max_position_embeddings = %d; choose 1 to that"
                    .formatted(length, model.maxPositions()));
          }
        });
  }

  Encoded encode(DataRecord record) {
    Encoded whole =
        switch (record) {
          case DataRecord.Ids(String place, int[] ids, int[] labels) ->
              new Encoded(place, ids, labels, OptionalLong.empty());
          case DataRecord.Text(String place, String text, Optional<String> id) ->
              new Encoded(
                  place,
                  idsOf(place, text),
                  new int[0],
                  OptionalLong.of(text.getBytes(StandardCharsets.UTF_8).length));
        };
    requireKnownIds(whole);
    requirePlainLabels(whole);
    int longest = maxLength.orElse(model.maxPositions());
    if (whole.ids().length <= longest) {
      return whole;
    }
    if (maxLength.isEmpty()) {
      throw new IllegalArgumentException(
          "%s: %d tokens, but max_position_embeddings is %d; cut records by --max-length %d"
              .formatted(whole.place(), whole.ids().length, longest, longest));
    }
    return cut(whole, longest);
  }

  private int[] idsOf(String place, String text) {
    Tokenizer t =
        tokenizer.orElseThrow(
            () ->
                new IllegalArgumentException(
                    "%s: is a text, but the model has no tokenizer.json: name one by --tokenizer, or use records of input_ids"
                        .formatted(place)));
    int[] ids = t.encodeWithTemplate(text, Specials.AS_TEXT);
    if (!addEos) {
      return ids;
    }
    OptionalInt eos = t.eosId();
    int[] ended = Arrays.copyOf(ids, ids.length + 1);
    ended[ids.length] =
        eos.orElseThrow(
            () ->
                new IllegalArgumentException(
                    "--add-eos: the tokenizer names no EOS; leave the option out"));
    return ended;
  }

  private void requireKnownIds(Encoded record) {
    for (int id : record.ids()) {
      if (id < 0 || id >= model.vocabSize()) {
        throw new DataException(
            "%s: the id %d is outside of the model's vocabulary of %d; was it made by another"
                    .formatted(record.place(), id, model.vocabSize())
                + " tokenizer?");
      }
    }
  }

  private static void requirePlainLabels(Encoded record) {
    for (int i = 0; i < record.labels().length; i++) {
      int label = record.labels()[i];
      if (label != TokenBatch.NO_TARGET && label != record.ids()[i]) {
        throw new DataException(
            "%s: labels[%d] is %d, neither the id %d nor -100; eval scores the ids themselves"
                .formatted(record.place(), i, label, record.ids()[i]));
      }
    }
  }

  private Encoded cut(Encoded whole, int length) {
    int[] ids = Arrays.copyOf(whole.ids(), length);
    int[] labels = Arrays.copyOf(whole.labels(), Math.min(length, whole.labels().length));
    OptionalLong bytes =
        whole.bytes().isEmpty() ? OptionalLong.empty() : OptionalLong.of(textBytes(ids));
    return new Encoded(whole.place(), ids, labels, bytes);
  }

  private long textBytes(int[] ids) {
    Tokenizer t = tokenizer.orElseThrow();
    return Arrays.stream(ids)
        .filter(id -> !t.isSpecial(id))
        .mapToLong(id -> t.bytes(id).length)
        .sum();
  }
}
