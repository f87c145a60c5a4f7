package dev.yushan.data.prepare;

import dev.yushan.data.RecordBatches;
import dev.yushan.data.RecordBatches.Found;
import dev.yushan.data.TokenShards;
import dev.yushan.data.Unit;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a preparation would make of a few documents: each goes through the stages of its source but
/// deduplication, which needs all documents at once, and its tokens are counted. In memory; nothing
/// is written.
public final class DryRun {
  private final CorpusConfig config;
  private final TokenShards tokens;
  private final List<NamedStage> stages;

  private record NamedStage(String name, Stage stage) {}

  private DryRun(CorpusConfig config) {
    this.config = config;
    tokens = new CorpusTokens(config).get();
    stages =
        config.stages().stream()
            .filter(stage -> !stage.isDedup())
            .map(stage -> new NamedStage(stage.name(), stage.stage()))
            .toList();
  }

  /// A document before and after.
  ///
  /// @param before the text as read; empty for a record that is no document
  /// @param after the text of the end, or as it was when it was dropped
  /// @param changedBy the names of the stages that changed it, in order
  public record Document(
      String source, String id, String before, String after, List<String> changedBy, Fate fate) {
    public Document {
      changedBy = List.copyOf(changedBy);
    }
  }

  /// What becomes of a document.
  public sealed interface Fate {
    /// It is written.
    ///
    /// @param tokens with BOS and EOS, as `add_bos` and `add_eos` say
    /// @param pieces into how many documents it is cut, for its length; 1: it is not
    record Kept(int tokens, int pieces) implements Fate {}

    /// It is left out.
    ///
    /// @param step the stage it is dropped by, `read` or `tokens`
    record Dropped(String step, String reason, String detail) implements Fate {}
  }

  /// The first documents of all sources: as many of each as can be, `most` together.
  ///
  /// @return in the order of the sources
  /// @throws dev.yushan.data.DataException for settings or data that cannot be used
  public static List<Document> of(CorpusConfig config, int most) {
    Map<SourceSpec, List<Document>> documents = new LinkedHashMap<>();
    DryRun run = new DryRun(config);
    List<Records> open = new ArrayList<>();
    try {
      for (SourceSpec source : config.sources()) {
        documents.put(source, new ArrayList<>());
        open.add(new Records(source, Preparation.units(config, source).iterator()));
      }
      List<Records> left = new ArrayList<>(open);
      for (int taken = 0; taken < most && !left.isEmpty(); ) {
        Records records = left.removeFirst();
        Optional<Found> record = records.next();
        if (record.isPresent()) {
          documents.get(records.source).add(run.document(records.source, record.get()));
          left.add(records);
          taken++;
        }
      }
    } finally {
      open.forEach(Records::close);
    }
    return documents.values().stream().flatMap(List::stream).toList();
  }

  /// The records of a source, one by one.
  private static final class Records implements AutoCloseable {
    private final SourceSpec source;
    private final Iterator<Unit> units;
    private Optional<RecordBatches> batches = Optional.empty();

    Records(SourceSpec source, Iterator<Unit> units) {
      this.source = source;
      this.units = units;
    }

    Optional<Found> next() {
      while (true) {
        // a batch ends with the record that reaches so many bytes: with the first one
        Optional<RecordBatches.Batch> batch = batches.flatMap(RecordBatches::next);
        if (batch.isPresent()) {
          return Optional.of(batch.get().parse().getFirst());
        }
        close();
        if (!units.hasNext()) {
          return Optional.empty();
        }
        batches = Optional.of(units.next().batches(1));
      }
    }

    @Override
    public void close() {
      batches.ifPresent(RecordBatches::close);
      batches = Optional.empty();
    }
  }

  private Document document(SourceSpec source, Found record) {
    return switch (record) {
      case Found.None(String name, String place, String reason, String detail, String there) ->
          new Document(
              source.name(),
              name,
              "",
              "",
              List.of(),
              new Fate.Dropped(Preparation.READ, reason, place + ": " + detail));
      case Found.Text(String name, String place, String id, String text) ->
          document(source, new CorpusRecord(source.name(), id.isEmpty() ? name : id, text));
    };
  }

  private Document document(SourceSpec source, CorpusRecord read) {
    CorpusRecord now = read;
    List<String> changedBy = new ArrayList<>();
    for (NamedStage stage : stages) {
      if (source.skips(stage.name())) {
        continue;
      }
      switch (stage.stage().apply(now)) {
        case Outcome.Dropped(String reason, String detail, Map<String, Long> notes) -> {
          return document(read, now, changedBy, new Fate.Dropped(stage.name(), reason, detail));
        }
        case Outcome.Kept(String text, Map<String, Long> notes) -> {
          if (!text.equals(now.text())) {
            changedBy.add(stage.name());
            now = new CorpusRecord(read.source(), read.id(), text);
          }
        }
      }
    }
    return document(read, now, changedBy, counted(now.text()));
  }

  private static Document document(
      CorpusRecord read, CorpusRecord now, List<String> changedBy, Fate fate) {
    return new Document(read.source(), read.id(), read.text(), now.text(), changedBy, fate);
  }

  private Fate counted(String text) {
    int length = tokens.count(text);
    if (length <= config.cutoffLen()) {
      return new Fate.Kept(length, 1);
    }
    String detail = "%,d tokens, cutoff_len is %,d".formatted(length, config.cutoffLen());
    return switch (config.onExcess()) {
      case DROP -> new Fate.Dropped(Preparation.TOKENS, TokenStep.TOO_LONG, detail);
      case FAIL ->
          new Fate.Dropped(
              Preparation.TOKENS, TokenStep.TOO_LONG, detail + "; on_excess: fail ends it here");
      case SPLIT ->
          new Fate.Kept(length, SentenceSplit.of(text, config.cutoffLen(), tokens::count).size());
    };
  }
}
