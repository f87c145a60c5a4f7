package dev.yushan.data.prepare;

import dev.yushan.data.DataException;
import dev.yushan.data.OnBadRecord;
import dev.yushan.data.RecordBatches;
import dev.yushan.data.SourceConfig;
import dev.yushan.data.SourceFile;
import dev.yushan.data.Sources;
import dev.yushan.data.Unit;
import dev.yushan.data.prepare.Layer.Entry;
import dev.yushan.data.prepare.Layer.Kind;
import dev.yushan.io.DirectoryLock;
import dev.yushan.report.CorpusPage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/// Makes a corpus as a [CorpusConfig] describes it.
///
/// Every source file is cut into shards, and every step (reading, each stage, counting tokens)
/// leaves for each shard a [Layer] under a key that covers all that it depends on. A layer that is
/// there is taken as it is. Hence a preparation that was killed goes on where it was, one whose
/// settings were changed begins at the first stage that this concerns, and what comes out depends
/// neither on that nor on the number of threads.
public final class Preparation {
  static final String READ = "read";
  static final String TOKENS = "tokens";
  private static final String LOCK = ".lock";

  /// Raise when the same settings make another outcome than before, or layers of another form.
  private static final int VERSION = 3;

  private final CorpusConfig config;
  private final Path output;
  private final ShardPool pool;
  private final TokenStep tokens;
  private final List<Stage> stages;
  private final List<Lane> lanes;

  private Preparation(CorpusConfig config, ShardPool pool) {
    this.config = config;
    this.pool = pool;
    output = Path.of(config.outputDir());
    tokens = new TokenStep(config, new CorpusTokens(config));
    stages = config.stages().stream().map(Stages.Configured::stage).toList();
    lanes = lanes();
  }

  /// Prepares the corpus, or brings it up to date.
  ///
  /// @return the report, as `report.json` has it
  /// @throws DataException for settings or data that cannot be used
  public static CorpusReport run(CorpusConfig config, PrepareListener listener) {
    Path output = Path.of(config.outputDir());
    if (Files.isRegularFile(output)) {
      throw new DataException("output_dir: %s is a file; name a directory".formatted(output));
    }
    try {
      Files.createDirectories(output);
    } catch (IOException e) {
      throw unusable(output, e);
    }
    DirectoryLock lock = lock(output);
    try (ShardPool pool = new ShardPool(config.workers(), listener)) {
      requireOwn(output);
      Cleaning.leftovers(output); // under the lock: nobody writes them any more
      return new Preparation(config, pool).run();
    } finally {
      lock.close();
    }
  }

  private static DirectoryLock lock(Path output) {
    try {
      return DirectoryLock.tryLock(output, LOCK)
          .orElseThrow(
              () ->
                  new DataException(
                      "output_dir: %s is in use by another preparation; wait for it, or name another directory"
                          .formatted(output)));
    } catch (IOException e) {
      throw unusable(output, e);
    }
  }

  /// A report that no preparation made would be written over.
  private static void requireOwn(Path output) {
    Path page = output.resolve(CorpusPage.FILE);
    if (Files.exists(page) && !Files.exists(output.resolve(CorpusReport.FILE))) {
      throw new DataException(
          "output_dir: %s is there, and of no preparation; name another directory".formatted(page));
    }
  }

  private static UncheckedIOException unusable(Path output, IOException e) {
    return new UncheckedIOException(
        "output_dir: %s cannot be used; make it writable, or name another directory"
            .formatted(output),
        e);
  }

  // ---- lanes -----------------------------------------------------------------------------------

  /// Held-out sources first: what is in them must not be trained on.
  static List<SourceSpec> byPriority(CorpusConfig config) {
    List<SourceSpec> sources = new ArrayList<>(config.sources());
    sources.sort(Comparator.comparing(SourceSpec::isTraining));
    return sources;
  }

  static List<Unit> units(CorpusConfig config, SourceSpec source) {
    SourceConfig named =
        new SourceConfig(
            source.files(),
            Path.of(config.datasetDir()),
            source.textColumn(),
            Optional.of(source.idColumn()).filter(id -> !id.isEmpty()),
            OnBadRecord.SKIP,
            // what was prepared is not prepared again
            Optional.of(Path.of(config.outputDir())));
    try {
      return Unit.of(Sources.files(Sources.resolve(named)));
    } catch (DataException e) {
      throw Settings.about("sources: %s: files".formatted(source.name()), e);
    }
  }

  private List<Lane> lanes() {
    List<SourceSpec> sources = new ArrayList<>();
    List<Unit> units = new ArrayList<>();
    for (SourceSpec source : byPriority(config)) {
      for (Unit unit : units(config, source)) {
        sources.add(source);
        units.add(unit);
      }
    }
    List<List<FileTime>> modified = units.stream().map(Unit::modified).toList();
    List<String> contents = pool.map("hash", units, Unit::contentHash);
    List<List<String>> keys = keys(sources, units, contents);
    List<String> steps = new ArrayList<>(List.of(READ));
    config.stages().forEach(stage -> steps.add(stage.name()));
    steps.add(TOKENS);
    return IntStream.range(0, units.size())
        .mapToObj(
            l ->
                new Lane(
                    sources.get(l),
                    units.get(l),
                    modified.get(l),
                    output.resolve("work"),
                    steps,
                    keys.get(l)))
        .toList();
  }

  /// The keys of each lane. What deduplication does depends on all lanes.
  private List<List<String>> keys(
      List<SourceSpec> sources, List<Unit> units, List<String> contents) {
    List<List<String>> keys = new ArrayList<>();
    Map<String, Integer> times = new HashMap<>();
    for (int l = 0; l < sources.size(); l++) {
      SourceSpec source = sources.get(l);
      String read =
          "corpus %d %s %s %s %d %s %s"
              .formatted(
                  VERSION,
                  source.name(),
                  source.textColumn(),
                  source.idColumn(),
                  config.shardBytes(),
                  config.onBadRecord(),
                  // documents are named by them
                  units.get(l).files().stream().map(SourceFile::path).toList());
      String key = Lane.key(read, contents.get(l));
      // a file that is named twice has layers of its own each time
      int time = times.merge(key, 1, Integer::sum);
      keys.add(new ArrayList<>(List.of(time == 1 ? key : Lane.key(key, "time " + time))));
    }
    for (Stages.Configured stage : config.stages()) {
      String all =
          stage.isDedup() ? String.join(" ", keys.stream().map(List::getLast).toList()) : "";
      String fingerprint = stage.fingerprint();
      for (int l = 0; l < keys.size(); l++) {
        String step = sources.get(l).skips(stage.name()) ? "skipped" : fingerprint;
        String lane = stage.isDedup() ? "lane %d of ".formatted(l) + all : "";
        keys.get(l).add(Lane.key(keys.get(l).getLast(), step + lane));
      }
    }
    keys.forEach(lane -> lane.add(Lane.key(lane.getLast(), tokens.settings())));
    return keys;
  }

  // ---- steps -----------------------------------------------------------------------------------

  private CorpusReport run() {
    int dedup =
        1 + config.stages().stream().map(Stages.Configured::name).toList().indexOf(Stages.DEDUP);
    Optional<Deduplication> duplicates =
        dedup == 0
            ? Optional.empty()
            : Optional.of(new Deduplication(config.stages().get(dedup - 1), dedup, lanes, pool));
    if (duplicates.isPresent() && !duplicates.get().isDone()) {
      pool.start(tokens::shards); // beside the first pass, which needs no tokens
      pass("before dedup", dedup - 1, duplicates);
      duplicates.get().decide();
    }
    pass("prepare", stages.size() + 1, Optional.empty());
    requireUsable();
    List<Part> parts = new CorpusWriter(output, tokens, lanes, pool).write();
    CorpusReport report = CorpusReport.of(config, lanes, parts, duplicates);
    report.write(output);
    Cleaning.run(output, lanes, parts);
    return report;
  }

  /// Refuses sources of which no record can be used: their columns are named wrongly, most likely.
  private void requireUsable() {
    for (SourceSpec source : config.sources()) {
      StageCounts read = new StageCounts();
      for (Lane lane : lanes) {
        if (lane.source().equals(source)) {
          for (int shard = 0; shard < lane.shards().orElseThrow(); shard++) {
            read.add(StageCounts.of(CorpusReport.statistics(lane, 0, shard)));
          }
        }
      }
      if (read.in.documents() > 0 && read.out.documents() == 0) {
        throw new DataException(
            "sources: %s: none of its %,d records can be used, for example one that %s; correct text_column, id_column or the records"
                .formatted(source.name(), read.in.documents(), read.example()));
      }
    }
  }

  /// Sees to it that all shards are through the steps up to `last`.
  private void pass(String name, int last, Optional<Deduplication> signing) {
    for (Lane lane : lanes) {
      OptionalInt shards = lane.shards();
      boolean whole =
          shards.isPresent()
              && IntStream.range(0, shards.getAsInt())
                  .allMatch(s -> Files.exists(lane.layer(0, s)));
      if (whole) {
        for (int s = 0; s < shards.getAsInt(); s++) {
          int shard = s;
          pool.submit(name, () -> process(lane, shard, Optional.empty(), last, signing));
        }
      } else {
        read(name, lane, last, signing);
      }
    }
    pool.join();
  }

  private void read(String name, Lane lane, int last, Optional<Deduplication> signing) {
    List<CompletableFuture<Void>> shards = new ArrayList<>();
    try (RecordBatches batches = lane.unit().batches(config.shardBytes())) {
      for (var batch = batches.next(); batch.isPresent(); batch = batches.next()) {
        int shard = shards.size();
        var records = batch;
        shards.add(pool.submit(name, () -> process(lane, shard, records, last, signing)));
      }
    }
    pool.after(shards, () -> readToEnd(lane, shards.size(), signing));
  }

  private static void readToEnd(Lane lane, int shards, Optional<Deduplication> signing) {
    if (!lane.unit().modified().equals(lane.modified())) {
      // their keys are of the former content
      Cleaning.forget(lane);
      signing.ifPresent(dedup -> dedup.forget(lane));
      throw new DataException(lane.unit().name() + " changed while it was read: start again");
    }
    lane.readToEnd(shards);
  }

  private void process(
      Lane lane,
      int shard,
      Optional<RecordBatches.Batch> batch,
      int last,
      Optional<Deduplication> signing) {
    int steps = Math.min(last, stages.size());
    try (Arena arena = Arena.ofConfined()) {
      List<Layer> made = layers(lane, shard, steps, arena);
      boolean through = made.size() > steps && (last == steps || tokens.isMade(lane, shard, arena));
      if (through && signing.isEmpty()) {
        return;
      }
      ShardDocuments documents =
          made.isEmpty() ? read(lane, shard, batch) : ShardDocuments.of(lane.source().name(), made);
      for (int step = Math.max(1, made.size()); step <= steps; step++) {
        Optional<Layer> later = Layer.open(lane.layer(step, shard), arena);
        if (later.isPresent()) {
          documents.apply(step, later.get());
        } else {
          apply(lane, shard, step, documents);
        }
      }
      if (last > steps) {
        tokens.make(lane, shard, documents, arena);
      }
      signing.ifPresent(dedup -> dedup.sign(lane, shard, documents));
    }
  }

  /// The layers that are there and sound, from the first step on: at most those up to `last`.
  private static List<Layer> layers(Lane lane, int shard, int last, Arena arena) {
    return IntStream.rangeClosed(0, last)
        .mapToObj(step -> Layer.open(lane.layer(step, shard), arena))
        .takeWhile(Optional::isPresent)
        .map(Optional::get)
        .toList();
  }

  private ShardDocuments read(Lane lane, int shard, Optional<RecordBatches.Batch> batch) {
    Path file = lane.layer(0, shard);
    if (batch.isEmpty()) {
      throw damaged(file);
    }
    List<Entry> entries = ShardDocuments.entries(batch.get().parse());
    ShardDocuments documents = ShardDocuments.read(lane.source().name(), entries);
    StageCounts counts = new StageCounts();
    for (int i = 0; i < documents.size(); i++) {
      CorpusRecord document = documents.document(i);
      Outcome outcome =
          documents.stays(i)
              ? Outcome.kept(document.text())
              : Outcome.dropped(documents.reason(i), documents.detail(i));
      if (!documents.stays(i) && config.onBadRecord() == OnBadRecord.FAIL) {
        throw new DataException(
            "%s: %s; repair it, or set on_bad_record: skip to leave such records out"
                .formatted(documents.place(i), documents.detail(i)));
      }
      counts.add(document, outcome);
    }
    Layer.write(file, entries, counts.toJson());
    return documents;
  }

  /// For a layer that was there and cannot be made in passing.
  private static DataException damaged(Path layer) {
    ShardPool.delete(layer);
    return new DataException(layer + " is damaged and was removed: start again, it is made anew");
  }

  private void apply(Lane lane, int shard, int step, ShardDocuments documents) {
    if (config.stages().get(step - 1).isDedup()) {
      throw damaged(lane.layer(step, shard));
    }
    boolean skipped = lane.source().skips(lane.steps().get(step));
    Stage stage = skipped ? document -> Outcome.kept(document.text()) : stages.get(step - 1);
    List<Entry> entries = new ArrayList<>(documents.size());
    StageCounts counts = new StageCounts();
    for (int i = 0; i < documents.size(); i++) {
      Entry entry = Entry.SAME;
      if (documents.stays(i)) {
        CorpusRecord document = documents.document(i);
        Outcome outcome = outcome(stage, document, documents.place(i), lane.steps().get(step));
        counts.add(document, outcome);
        entry = entry(document, outcome);
        documents.apply(step, i, entry);
      }
      entries.add(entry);
    }
    Layer.write(lane.layer(step, shard), entries, counts.toJson());
  }

  private static Outcome outcome(Stage stage, CorpusRecord document, String place, String name) {
    try {
      return stage.apply(document);
    } catch (RuntimeException e) {
      throw new IllegalStateException(
          "stage %s failed on %s: a defect, please report it with this document"
              .formatted(name, place),
          e);
    }
  }

  static Entry entry(CorpusRecord document, Outcome outcome) {
    return switch (outcome) {
      case Outcome.Kept kept ->
          kept.text().equals(document.text()) ? Entry.SAME : new Entry(Kind.CHANGED, kept.text());
      case Outcome.Dropped dropped -> new Entry(Kind.DROPPED, dropped.reason(), dropped.detail());
    };
  }
}
