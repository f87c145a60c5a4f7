package dev.yushan.data.dedup;

import dev.yushan.data.DataException;
import dev.yushan.data.DataRecord;
import dev.yushan.data.Records;
import dev.yushan.data.SourceConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/// Finds benchmark text in documents by the n-grams they share. Immutable, for any thread.
///
/// A benchmark record is found in a document if the document has at least the configured share of
/// the record's different n-grams. A share, since a single n-gram is often no evidence: formulas of
/// law, instructions that every question of a benchmark begins with.
public final class Decontamination {
  private static final Folding FOLDING = new Folding(Normalization.DEFAULTS);

  private final DecontaminationConfig config;
  private final List<String> places = new ArrayList<>();
  private final List<Integer> ngramCounts = new ArrayList<>();
  private final TreeSet<Integer> sizes = new TreeSet<>();
  private final NgramIndex index;
  private int tooShort;

  private Decontamination(DecontaminationConfig config, Iterator<DataRecord> benchmarks) {
    this.config = config;
    NgramIndex.Entries entries = new NgramIndex.Entries();
    benchmarks.forEachRemaining(record -> add(record, entries));
    index = new NgramIndex(entries);
  }

  /// Reads the files that `config` names.
  ///
  /// @throws DataException if one cannot be read
  public static Decontamination read(DecontaminationConfig config) {
    if (config.files().isEmpty()) {
      return of(config, List.<DataRecord>of().iterator());
    }
    SourceConfig files = SourceConfig.of(config.files().toArray(String[]::new));
    try (Records records =
        Records.open(
            new SourceConfig(
                files.names(), files.datasetDir(), config.textColumn(), files.onBadRecord()))) {
      Decontamination read = of(config, records);
      if (read.records() + read.tooShort() == 0) {
        throw new DataException("hold no record; name others, or leave the stage out");
      }
      return read;
    } catch (DataException e) {
      throw new DataException("decontaminate: files: " + e.getMessage(), e);
    }
  }

  /// The same for records from elsewhere, all of them texts.
  public static Decontamination of(DecontaminationConfig config, Iterator<DataRecord> benchmarks) {
    return new Decontamination(config, benchmarks);
  }

  private void add(DataRecord record, NgramIndex.Entries entries) {
    if (!(record instanceof DataRecord.Text(String place, String text, var id))) {
      throw new DataException(
          record.place() + ": token ids cannot be looked for; give the benchmark as text");
    }
    TextUnits units = TextUnits.of(text, FOLDING);
    int size = Math.min(units.count(), config.ngramSize());
    if (size < config.minNgramSize()) {
      tooShort++;
      return;
    }
    long[] ngrams = TextUnits.distinct(units.ngrams(size));
    entries.add(ngrams, places.size());
    sizes.add(size);
    places.add(place);
    ngramCounts.add(ngrams.length);
  }

  /// Benchmark records that are looked for.
  public int records() {
    return places.size();
  }

  /// Benchmark records that are not, as they have fewer units than `min_ngram_size`.
  public int tooShort() {
    return tooShort;
  }

  /// The benchmark record most of which is in `text`, of equal ones the first, if that is enough.
  public Optional<Contamination> check(String text) {
    TextUnits units = TextUnits.of(text, FOLDING);
    Optional<Contamination> worst = Optional.empty();
    for (int size : sizes.descendingSet()) {
      Optional<Contamination> found = check(text, units, size);
      if (found.isPresent() && (worst.isEmpty() || found.get().overlap() > worst.get().overlap())) {
        worst = found;
      }
    }
    return worst;
  }

  private Optional<Contamination> check(String text, TextUnits units, int size) {
    int[] slots = Arrays.stream(units.ngrams(size)).mapToInt(index::find).toArray();
    Map<Integer, Integer> found = new HashMap<>();
    for (int slot : Arrays.stream(slots).filter(s -> s != NgramIndex.NONE).distinct().toArray()) {
      for (int record : index.records(slot)) {
        found.merge(record, 1, Integer::sum);
      }
    }
    return found.keySet().stream()
        .filter(record -> overlap(found, record) >= config.minOverlap())
        .min((a, b) -> worseFirst(found, a, b))
        .map(record -> contamination(text, units, size, slots, record, overlap(found, record)));
  }

  private int worseFirst(Map<Integer, Integer> found, int a, int b) {
    int byOverlap = Double.compare(overlap(found, b), overlap(found, a));
    return byOverlap == 0 ? Integer.compare(a, b) : byOverlap;
  }

  private double overlap(Map<Integer, Integer> found, int record) {
    return found.get(record) / (double) ngramCounts.get(record);
  }

  private Contamination contamination(
      String text, TextUnits units, int size, int[] slots, int record, double overlap) {
    int best = 0;
    int end = 0;
    for (int i = 0, run = 0; i < slots.length; i++) {
      run = slots[i] != NgramIndex.NONE && index.has(slots[i], record) ? run + 1 : 0;
      if (run > best) {
        best = run;
        end = i + 1;
      }
    }
    int start = units.starts()[end - best];
    String fragment = text.substring(start, units.ends()[end - 1 + size - 1]);
    return new Contamination(places.get(record), overlap, fragment, start);
  }
}
