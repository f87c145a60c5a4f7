package dev.yushan.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.backend.Owned;
import dev.yushan.data.CacheConfig;
import dev.yushan.data.ContentHash;
import dev.yushan.data.CorpusTokenizer;
import dev.yushan.data.DataLoader;
import dev.yushan.data.FileHash;
import dev.yushan.data.LoaderConfig;
import dev.yushan.data.OnBadRecord;
import dev.yushan.data.OnExcess;
import dev.yushan.data.PackCounts;
import dev.yushan.data.PackedDataset;
import dev.yushan.data.Packing;
import dev.yushan.data.PackingConfig;
import dev.yushan.data.Selection;
import dev.yushan.data.Source;
import dev.yushan.data.SourceConfig;
import dev.yushan.data.Sources;
import dev.yushan.data.TokenLedger;
import dev.yushan.data.TokenizeConfig;
import dev.yushan.data.TokenizedDataset;
import dev.yushan.model.ModelConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// The data of a run: what is trained on, and what is held out.
final class TrainingData implements AutoCloseable {
  /// What the documents that `val_size` holds out are called.
  private static final String DRAWN = "validation";

  private static final int SCRIPT_ROWS = 64;

  private final TrainingConfig config;
  private final ModelConfig model;
  private final CorpusTokenizer tokenizer;
  private final CacheConfig cache;
  private final Owned open = new Owned();
  private final List<HeldOut> heldOut = new ArrayList<>();
  private final List<DatasetFacts> evaluationDatasets = new ArrayList<>();
  private List<Source> sources = List.of();
  private TokenizedDataset tokenized;
  private PackedDataset packed;
  private long mappedBytes;
  private long indexBytes;

  /// @param name what to call it in results
  private record HeldOut(String name, PackedDataset rows) {}

  private TrainingData(TrainingConfig config, ModelConfig model, CorpusTokenizer tokenizer) {
    this.config = config;
    this.model = model;
    this.tokenizer = tokenizer;
    int workers = config.count("preprocessing_num_workers");
    this.cache =
        CacheConfig.of(
            config
                .find("tokenized_cache_dir")
                .map(Path::of)
                .orElseGet(() -> CacheConfig.defaultDirectory(System.getenv())),
            workers == 0 ? Runtime.getRuntime().availableProcessors() : workers);
  }

  /// Opens, and tokenises where needed, everything that the configuration names; all files are
  /// found first.
  static TrainingData open(TrainingConfig config, ModelConfig model, CorpusTokenizer tokenizer) {
    TrainingData data = new TrainingData(config, model, tokenizer);
    try {
      List<Source> training = Sources.resolve(data.source("dataset"));
      List<Source> heldOut = data.heldOut();
      OutputDirectory.requireApart(config, Sources.files(training));
      OutputDirectory.requireApart(config, Sources.files(heldOut));
      Selection selection = data.selection();
      data.sources = training;
      data.tokenized = data.tokenize(training, selection);
      data.packed = data.pack(data.tokenized);
      List<String> names = SourceNames.of(heldOut).names();
      for (int i = 0; i < names.size(); i++) {
        Source source = heldOut.get(i);
        Selection first = Selection.first(selection.maxSamples());
        data.openEvaluation(
            names.get(i),
            source.name(),
            source.files().size(),
            data.tokenize(List.of(source), first));
      }
      if (selection.valSize() > 0) {
        data.openEvaluation(
            DRAWN,
            "val_size of dataset",
            Sources.files(training).size(),
            data.tokenize(training, selection.of(Selection.Part.HELD_OUT)));
      }
      return data;
    } catch (RuntimeException | Error e) {
      data.close();
      throw e;
    }
  }

  private SourceConfig source(String key) {
    config.text(key);
    return new SourceConfig(
        config.names(key),
        Path.of(config.text("dataset_dir")),
        config.text("text_column"),
        OnBadRecord.of(config.text("on_bad_record")));
  }

  private Selection selection() {
    long first =
        config.find("max_samples").isPresent() ? config.whole("max_samples") : Long.MAX_VALUE;
    double valSize = config.number("val_size");
    return valSize == 0
        ? Selection.first(first)
        : new Selection(first, valSize, config.whole("seed"), Selection.Part.TRAINING);
  }

  private TokenizedDataset tokenize(List<Source> sources, Selection selection) {
    TokenizeConfig tokenize =
        new TokenizeConfig(
            config.flag("add_bos"),
            config.flag("add_eos"),
            config.flag("split_special_tokens"),
            config.count("cutoff_len"),
            OnExcess.of(config.text("on_excess")));
    TokenizedDataset documents =
        open.add(
            TokenizedDataset.open(
                sources,
                selection,
                OnBadRecord.of(config.text("on_bad_record")),
                tokenize,
                tokenizer,
                cache));
    mappedBytes += documents.mappedBytes();
    indexBytes += documents.indexBytes();
    return documents;
  }

  private PackedDataset pack(TokenizedDataset documents) {
    PackingConfig packing =
        new PackingConfig(Packing.of(config.text("packing")), config.count("sequence_len"));
    PackedDataset rows = PackedDataset.of(documents, config.count("cutoff_len"), packing);
    requirePositions(documents, rows, packing.packing());
    if (rows.ledger().packed().targets() == 0) {
      throw new ConfigException(
          "dataset: there is nothing to predict in %s: all its labels are -100, or no document has two tokens; look at the records"
              .formatted(documents.document(0).file()));
    }
    indexBytes += rows.indexBytes();
    return rows;
  }

  private void requirePositions(TokenizedDataset documents, PackedDataset rows, Packing packing) {
    int longest = 0;
    if (packing == Packing.CONCAT) {
      longest = rows.length(0);
    } else {
      for (int d = 0; d < documents.documents(); d++) {
        longest = Math.max(longest, documents.length(d));
      }
    }
    if (longest > model.maxPositions()) {
      throw new ConfigException(
          "a sequence of %d tokens is longer than the model's max_position_embeddings of %d; lower %s"
              .formatted(
                  longest,
                  model.maxPositions(),
                  packing == Packing.CONCAT ? "sequence_len" : "cutoff_len"));
    }
  }

  /// The entries that are evaluated on, in the order named; for `val_size` none.
  private List<Source> heldOut() {
    return config.find("eval_dataset").isPresent()
        ? Sources.resolveHeldOut(source("eval_dataset"))
        : List.of();
  }

  private void openEvaluation(String name, String entry, int files, TokenizedDataset documents) {
    PackedDataset rows = pack(documents);
    PackCounts counts = rows.ledger().packed();
    evaluationDatasets.add(
        new DatasetFacts(name, entry, files, counts.documents(), counts.tokens()));
    heldOut.add(new HeldOut(name, rows));
  }

  /// The rows in micro-batches of `batchSize`.
  DataLoader loader(int batchSize) {
    return new DataLoader(
        packed,
        new LoaderConfig(batchSize, !config.flag("disable_shuffling"), config.whole("data_seed")));
  }

  /// What to call the entries of `dataset`.
  SourceNames sourceNames() {
    return SourceNames.of(sources);
  }

  /// The entries of `dataset`.
  List<DatasetFacts> datasets() {
    SourceNames names = sourceNames();
    Map<String, long[]> counts = new HashMap<>();
    for (int d = 0; d < tokenized.documents(); d++) {
      String name = names.of(tokenized.document(d).file());
      long[] count = counts.computeIfAbsent(name, n -> new long[2]);
      count[0]++;
      count[1] += tokenized.length(d);
    }
    List<DatasetFacts> facts = new ArrayList<>();
    for (int s = 0; s < sources.size(); s++) {
      String name = names.names().get(s);
      Source source = sources.get(s);
      long[] count = counts.getOrDefault(name, new long[2]);
      facts.add(new DatasetFacts(name, source.name(), source.files().size(), count[0], count[1]));
    }
    return facts;
  }

  /// The entries of `eval_dataset`.
  List<DatasetFacts> evaluationDatasets() {
    return List.copyOf(evaluationDatasets);
  }

  /// In which scripts the texts are written: see [ScriptShares]. Of some rows, evenly spread.
  Map<String, Double> scripts() {
    return tokenizer
        .tokenizer()
        .map(
            texts ->
                ScriptShares.of(
                    IntStream.range(0, Math.min(SCRIPT_ROWS, packed.rows()))
                        .map(
                            i ->
                                (int)
                                    ((long) i
                                        * packed.rows()
                                        / Math.min(SCRIPT_ROWS, packed.rows())))
                        .mapToObj(row -> texts.decode(packed.row(row).rows().tokens(), true))
                        .toList()))
        .orElse(Map.of());
  }

  /// What is known of the tokenizer; nothing for data of `input_ids` without one.
  ObjectNode tokenizerFacts() {
    ObjectNode facts = new ObjectMapper().createObjectNode();
    tokenizer
        .tokenizer()
        .ifPresent(
            texts -> {
              facts.put("path", config.text("tokenizer_name_or_path"));
              facts.put("vocab_size", texts.vocabSize());
              texts
                  .bosId()
                  .ifPresent(id -> facts.put("bos_token", texts.decode(new int[] {id}, false)));
              texts
                  .eosId()
                  .ifPresent(id -> facts.put("eos_token", texts.decode(new int[] {id}, false)));
            });
    return facts;
  }

  int rows() {
    return packed.rows();
  }

  /// Bytes of mapped shards.
  long mappedBytes() {
    return mappedBytes;
  }

  /// Bytes on the heap that say where documents and rows are.
  long indexBytes() {
    return indexBytes;
  }

  /// Where the shards are.
  Path cacheDirectory() {
    return cache.directory();
  }

  /// What is held out, in batches of `batchSize` rows.
  List<Evaluation> evaluations(int batchSize) {
    LoaderConfig inOrder = LoaderConfig.inOrder(batchSize);
    LoaderConfig limited =
        config.find("max_eval_samples").isPresent()
            ? inOrder.first(config.count("max_eval_samples"))
            : inOrder;
    return heldOut.stream()
        .map(one -> new Evaluation(one.name, MicroBatches.of(new DataLoader(one.rows, limited))))
        .toList();
  }

  TokenLedger ledger() {
    return packed.ledger();
  }

  /// The files that are trained on.
  List<FileHash> files() {
    return tokenized.files();
  }

  /// A hash of all that the rows depend on.
  String fingerprint() {
    ObjectNode ledger = packed.ledger().toJson();
    // what is selected is part of the other fingerprint
    ledger.remove("selected");
    return ContentHash.ofText(tokenized.fingerprint() + "\n" + ledger);
  }

  @Override
  public void close() {
    open.close();
  }
}
