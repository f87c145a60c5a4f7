package dev.yushan.data;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Documents of token ids, memory-mapped, none longer than `cutoff_len`. A document that was split
/// counts as its pieces. On the heap are 12 bytes a document.
///
/// The length limit is applied here and not in the shards: another `cutoff_len` needs no
/// tokenising.
///
/// Safe for concurrent use; after [#close] every access throws.
public final class TokenizedDataset implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TokenizedDataset.class);
  private static final int BAD_NAMED = 10;

  private final Arena arena;
  private final List<Part> parts;
  private final long[] partStart;
  private final ReadCounts readCounts;
  private final CacheUse cacheUse;
  private final String fingerprint;
  private final List<FileHash> files;
  private final SelectionCounts selected;
  private final Excess.Result documents;

  /// A shard with the unit it was made of and the entry that named it.
  private record Part(int entry, Unit unit, Shard shard) {}

  private TokenizedDataset(
      Arena arena,
      List<Part> parts,
      Selection selection,
      TokenizeConfig config,
      CacheUse cacheUse,
      String fingerprint,
      List<FileHash> files,
      List<Source> entries) {
    this.arena = arena;
    this.parts = parts;
    this.cacheUse = cacheUse;
    this.fingerprint = fingerprint;
    this.files = files;
    partStart = new long[parts.size() + 1];
    ReadCounts sum = ReadCounts.ZERO;
    for (int p = 0; p < parts.size(); p++) {
      partStart[p + 1] = partStart[p] + parts.get(p).shard().tokens();
      sum = sum.plus(parts.get(p).shard().info().counts());
    }
    readCounts = sum;
    List<Shard> shards = parts.stream().map(Part::shard).toList();
    Selection.Chosen chosen =
        selection.choose(shards, parts.stream().mapToInt(Part::entry).toArray(), entries);
    selected = chosen.counts();
    documents = Excess.apply(shards, chosen::copies, config, this::at);
  }

  /// Opens all documents of `files`, which are one entry.
  ///
  /// @throws DataException as the other method does
  public static TokenizedDataset open(
      List<SourceFile> files,
      OnBadRecord onBadRecord,
      TokenizeConfig config,
      CorpusTokenizer tokenizer,
      CacheConfig cacheConfig) {
    List<Source> one = List.of(new Source("", files));
    return open(one, Selection.ALL, onBadRecord, config, tokenizer, cacheConfig);
  }

  /// Opens the documents of `entries` that `selection` chooses: from the cache where it has them,
  /// tokenised into it where not.
  ///
  /// @throws DataException if a file cannot be used, if a record is bad and `onBadRecord` says
  ///   fail, if a document is too long and `config` says fail, or if nothing is left
  public static TokenizedDataset open(
      List<Source> entries,
      Selection selection,
      OnBadRecord onBadRecord,
      TokenizeConfig config,
      CorpusTokenizer tokenizer,
      CacheConfig cacheConfig) {
    Arena arena = Arena.ofShared();
    try {
      List<List<Unit>> ofEntries = entries.stream().map(e -> Unit.of(e.files())).toList();
      List<Unit> units = ofEntries.stream().flatMap(List::stream).toList();
      List<Path> others =
          entries.stream().flatMap(entry -> entry.shards().stream()).distinct().toList();
      TokenCache cache =
          new TokenCache(
              cacheConfig.with(others), new DocumentEncoder(config, tokenizer), onBadRecord, arena);
      Iterator<List<Shard>> shards = cache.open(units).iterator();
      List<Part> parts = new ArrayList<>();
      for (int e = 0; e < ofEntries.size(); e++) {
        for (Unit unit : ofEntries.get(e)) {
          for (Shard shard : shards.next()) {
            parts.add(new Part(e, unit, shard));
          }
        }
      }
      String mixed =
          entries.stream()
              .filter(entry -> entry.epochs() != 1)
              .map(entry -> "%s %s %d".formatted(entry.name(), entry.epochs(), entry.seed()))
              .collect(Collectors.joining("; "));
      String fingerprint =
          selection.equals(Selection.ALL) && mixed.isEmpty()
              ? cache.fingerprint()
              : ContentHash.ofText(cache.fingerprint() + "\n" + selection + mixed);
      TokenizedDataset dataset =
          new TokenizedDataset(
              arena, parts, selection, config, cache.use(), fingerprint, cache.files(), entries);
      dataset.report(selection.part());
      return dataset;
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  private void report(Selection.Part part) {
    int named = 0;
    for (Part read : parts) {
      for (BadRecord bad : read.shard().info().bad()) {
        if (named++ < BAD_NAMED) {
          LOG.warn("left out: {}: {}", read.unit().where(bad.position()), bad.why());
        }
      }
    }
    long all = readCounts.bad() + readCounts.empty();
    if (all > BAD_NAMED) {
      LOG.warn("left out: {} records in all", all);
    }
    if (documents() == 0) {
      throw new DataException(
          ("%s: no document is left: %,d records read, %,d bad, %,d empty, %,d not selected by"
                  + " max_samples and val_size, %,d longer than cutoff_len; %s")
              .formatted(
                  part == Selection.Part.HELD_OUT ? "val_size, the part held out" : "dataset",
                  readCounts.records(),
                  readCounts.bad(),
                  readCounts.empty(),
                  selected.documents(),
                  excess().droppedDocuments(),
                  excess().droppedDocuments() > 0
                      ? "raise cutoff_len, or set on_excess: split"
                      : "look at the records, or name other data"));
    }
  }

  /// The number of documents.
  public int documents() {
    return documents.lengths().length;
  }

  /// Tokens of document `d`.
  public int length(int d) {
    return documents.lengths()[d];
  }

  /// All tokens.
  public long tokens() {
    return excess().outTokens();
  }

  /// Bytes of the mapped shards.
  public long mappedBytes() {
    return parts.stream().mapToLong(part -> part.shard().bytes()).sum();
  }

  /// Bytes on the heap.
  public long indexBytes() {
    return 12L * documents();
  }

  /// What was read.
  public ReadCounts read() {
    return readCounts;
  }

  /// What was not selected.
  public SelectionCounts selected() {
    return selected;
  }

  /// What the length limit did.
  public ExcessCounts excess() {
    return documents.counts();
  }

  /// How much of it the cache had.
  public CacheUse cacheUse() {
    return cacheUse;
  }

  /// A hash of what the documents were made of: the content of the files, the tokenizer, the
  /// settings that [#open] hands to it, and the selection. The length limit is no part of it.
  public String fingerprint() {
    return fingerprint;
  }

  /// The files, in order.
  public List<FileHash> files() {
    return files;
  }

  /// Where document `d` came from.
  public Document document(int d) {
    long start = documents.starts()[d];
    int p = part(start);
    Shard shard = parts.get(p).shard();
    int inShard = shard.documentAt(start - partStart[p]);
    return at(p, inShard, start - partStart[p] - shard.offset(inShard), length(d));
  }

  private Document at(int part, int document, long from, int length) {
    Unit unit = parts.get(part).unit();
    long position = parts.get(part).shard().position(document);
    return new Document(unit.path(position), unit.place(position), from, length);
  }

  private int part(long token) {
    int found = Arrays.binarySearch(partStart, token);
    // of parts without tokens, which begin where the next one begins, the last is meant
    int p = found >= 0 ? found : -found - 2;
    while (partStart[p + 1] == token) {
      p++;
    }
    return p;
  }

  /// Copies `n` ids of document `d`, from its token `from` on, to `ids[at …]`, and their labels to
  /// `labels[at …]`: −100 where a token is no target, the id itself where it is one.
  public void copy(int d, int from, int n, int[] ids, int[] labels, int at) {
    long start = documents.starts()[d];
    int p = part(start);
    Shard shard = parts.get(p).shard();
    long token = start - partStart[p] + from;
    shard.copyIds(token, ids, at, n);
    shard.copyLabels(token, labels, at, n);
  }

  /// Whether any token of document `d` may have a label other than its id.
  boolean hasLabels(int d) {
    return parts.get(part(documents.starts()[d])).shard().hasLabels();
  }

  /// Releases the mapped files.
  @Override
  public void close() {
    arena.close();
  }
}
