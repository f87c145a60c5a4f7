package dev.yushan.data;

import dev.yushan.model.TokenBatch;
import dev.yushan.text.Tokenizer;
import java.util.Arrays;
import java.util.OptionalInt;

/// Makes documents of records: BOS + tokens + EOS for a text, `input_ids` as they are. Immutable,
/// used by many threads.
final class DocumentEncoder {
  /// Raise when the same file and settings give other documents than before.
  private static final int VERSION = 1;

  private final CorpusTokenizer corpus;
  private final int[] prefix;
  private final int[] suffix;
  private final Tokenizer.Specials specials;
  private final SpecialTexts specialTexts;

  DocumentEncoder(TokenizeConfig config, CorpusTokenizer corpus) {
    this.corpus = corpus;
    boolean texts = corpus.tokenizer().isPresent();
    prefix = added("add_bos", "BOS", texts && config.addBos(), corpus.bosId());
    suffix = added("add_eos", "EOS", texts && config.addEos(), corpus.eosId());
    specials = config.splitSpecialTokens() ? Tokenizer.Specials.AS_TEXT : Tokenizer.Specials.PARSE;
    specialTexts = new SpecialTexts(corpus.tokenizer());
  }

  private static int[] added(String key, String token, boolean add, OptionalInt id) {
    if (!add) {
      return new int[0];
    }
    return new int[] {
      id.orElseThrow(
          () ->
              new DataException(
                  "%s: true, but the tokenizer and model name no %s token: set %s: false"
                      .formatted(key, token, key)))
    };
  }

  /// All that the documents depend on besides the content of the file.
  String settings(SourceFile file) {
    return "yushan documents, version %d; %s; column %s; %s"
        .formatted(
            VERSION,
            file.format(),
            file.format() == Format.TXT ? "" : file.columns().template(),
            textSettings());
  }

  /// All that the document of a text depends on.
  String textSettings() {
    return "tokenizer %s; vocabulary %d; begin %s; end %s; %s"
        .formatted(
            corpus.hash(),
            corpus.vocabSize(),
            Arrays.toString(prefix),
            Arrays.toString(suffix),
            specials);
  }

  /// A text as a document.
  ///
  /// @param ids of the text, without BOS and EOS
  /// @param specialTexts places where it spells a special token
  record Encoded(int[] prefix, int[] ids, int[] suffix, int specialTexts) {
    int length() {
      return prefix.length + ids.length + suffix.length;
    }

    void addTo(ShardBuilder shard, long position) {
      shard.addText(position, prefix, ids, suffix, specialTexts);
    }
  }

  /// Adds one record to `shard`.
  void encode(RawRecord record, long position, ShardBuilder shard) {
    switch (record.content().get()) {
      case RecordContent.Text text -> encode(text.text()).addTo(shard, position);
      case RecordContent.Ids ids -> addIds(ids, position, shard);
      case RecordContent.Empty empty -> shard.addEmpty(position, empty.why());
      case RecordContent.Bad bad -> shard.addBad(position, bad.why());
    }
  }

  Encoded encode(String text) {
    if (corpus.tokenizer().isEmpty()) {
      throw new DataException(
          "records are text, but the model has no tokenizer: give one (tokenizer.json beside the"
              + " model) or use records of input_ids");
    }
    int[] ids = corpus.tokenizer().get().encode(text, specials);
    return new Encoded(prefix, ids, suffix, specialTexts.count(text));
  }

  private void addIds(RecordContent.Ids record, long position, ShardBuilder shard) {
    int[] ids = record.ids();
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= corpus.vocabSize()) {
        shard.addBad(position, wrong(JsonRecords.INPUT_IDS, i, ids[i]));
        return;
      }
      int label = record.hasLabels() ? record.labels()[i] : ids[i];
      if (label != TokenBatch.NO_TARGET && (label < 0 || label >= corpus.vocabSize())) {
        shard.addBad(position, wrong(JsonRecords.LABELS, i, label));
        return;
      }
    }
    shard.addIds(position, record);
  }

  private String wrong(String field, int i, int value) {
    return "%s[%d] = %d is outside the vocabulary of %d"
        .formatted(field, i, value, corpus.vocabSize());
  }
}
