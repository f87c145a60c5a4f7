package dev.yushan.data.prepare;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.data.DataException;
import dev.yushan.data.OnExcess;
import dev.yushan.data.TokenShards;
import dev.yushan.data.prepare.Layer.Entry;
import dev.yushan.data.prepare.Layer.Kind;
import dev.yushan.data.prepare.StageCounts.Amount;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/// The last step: documents are tokenised by the model's tokenizer, and those that are too long are
/// dropped or split. The tokens are kept beside the layer, for the shards that training reads.
final class TokenStep {
  static final String TOO_LONG = "too_long";

  private final CorpusConfig config;
  private final CorpusTokens tokens;

  TokenStep(CorpusConfig config, CorpusTokens tokens) {
    this.config = config;
    this.tokens = tokens;
  }

  TokenShards shards() {
    return tokens.get();
  }

  /// All that its outcome depends on besides the documents.
  String settings() {
    String excess =
        config.onExcess() == OnExcess.SPLIT
            ? "SPLIT %d".formatted(SentenceSplit.VERSION)
            : config.onExcess().name();
    return "%s; cutoff_len %d; %s".formatted(tokens.settings(), config.cutoffLen(), excess);
  }

  static Path draft(Lane lane, int shard) {
    return lane.file(lane.steps().size() - 1, shard, "tokens");
  }

  static String draftKey(Lane lane, int shard) {
    return lane.keys().getLast() + "/" + shard;
  }

  /// Whether layer and tokens of a shard are there and sound.
  boolean isMade(Lane lane, int shard, Arena arena) {
    return Layer.open(lane.layer(lane.steps().size() - 1, shard), arena).isPresent()
        && TokenShards.isDraft(draft(lane, shard), draftKey(lane, shard));
  }

  /// Makes layer and tokens of a shard, if they are not there.
  void make(Lane lane, int shard, ShardDocuments documents, Arena arena) {
    if (isMade(lane, shard, arena)) {
      return;
    }
    Path file = lane.layer(lane.steps().size() - 1, shard);
    Work work = new Work(documents);
    for (int i = 0; i < documents.size(); i++) {
      work.entries.add(documents.stays(i) ? work.count(i) : work.countGone(i));
    }
    // in this order: a layer that is there has its tokens
    ShardPool.createDirectories(file.getParent());
    work.draft.write(draft(lane, shard), draftKey(lane, shard));
    Layer.write(file, work.entries, work.statistics());
  }

  /// The documents of a shard being counted.
  private final class Work {
    private final ShardDocuments documents;
    private final TokenShards shards = shards();
    private final TokenShards.Draft draft = shards.new Draft();
    private final List<Entry> entries = new ArrayList<>();
    private final StageCounts counts = new StageCounts();
    private final TreeMap<Integer, TreeMap<String, Long>> gone = new TreeMap<>();
    private final TreeMap<Integer, Long> lengths = new TreeMap<>();

    Work(ShardDocuments documents) {
      this.documents = documents;
    }

    Entry countGone(int i) {
      if (!documents.text(i).isEmpty()) {
        gone.computeIfAbsent(documents.goneAt(i), stage -> new TreeMap<>())
            .merge(documents.reason(i), (long) shards.count(documents.text(i)), Long::sum);
      }
      return Entry.SAME;
    }

    Entry count(int i) {
      CorpusRecord document = documents.document(i);
      int length = draft.add(document.text());
      Amount was = amount(document.text(), length);
      counts.in = counts.in.plus(was);
      lengths.merge(bin(length), 1L, Long::sum);
      if (length <= config.cutoffLen()) {
        counts.out = counts.out.plus(was);
        return Entry.SAME;
      }
      return switch (config.onExcess()) {
        case DROP -> {
          String detail = "%,d tokens, cutoff_len is %,d".formatted(length, config.cutoffLen());
          counts.remove(document, TOO_LONG, detail, was);
          yield new Entry(Kind.DROPPED, TOO_LONG, detail);
        }
        case SPLIT -> split(document);
        case FAIL ->
            throw new DataException(
                "%s has %,d tokens, cutoff_len is %,d: raise cutoff_len, or set on_excess to drop or split"
                    .formatted(documents.place(i), length, config.cutoffLen()));
      };
    }

    private Entry split(CorpusRecord document) {
      List<String> pieces = SentenceSplit.of(document.text(), config.cutoffLen(), shards::count);
      for (String piece : pieces) {
        int length = draft.add(piece);
        if (length > config.cutoffLen()) {
          throw new DataException(
              "cutoff_len: %d is too short for on_excess: split, '%s' alone is %d tokens; raise it"
                  .formatted(config.cutoffLen(), piece, length));
        }
        counts.out = counts.out.plus(amount(piece, length));
      }
      counts.notes.merge("split", 1L, Long::sum);
      counts.notes.merge("pieces", (long) pieces.size(), Long::sum);
      return new Entry(Kind.SPLIT, pieces);
    }

    ObjectNode statistics() {
      ObjectNode json = counts.toJson();
      json.set("gone", Settings.MAPPER.valueToTree(gone));
      json.set("lengths", Settings.MAPPER.valueToTree(lengths));
      return json;
    }
  }

  private static Amount amount(String text, int tokens) {
    return new Amount(1, text.codePointCount(0, text.length()), tokens);
  }

  /// The bin of the histogram that a length falls into: four to a doubling.
  static int bin(int tokens) {
    return (int) Math.floor(4 * Math.log(Math.max(1, tokens)) / Math.log(2) + 1e-9);
  }

  /// The tokens of each document of a shard that stays, in order.
  static int[] lengths(Lane lane, int shard) {
    return TokenShards.lengths(draft(lane, shard), draftKey(lane, shard));
  }
}
