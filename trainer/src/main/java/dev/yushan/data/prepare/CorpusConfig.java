package dev.yushan.data.prepare;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.yushan.data.DataException;
import dev.yushan.data.OnBadRecord;
import dev.yushan.data.OnExcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What `yushan prepare` is to do.
///
/// @param outputDir where the corpus comes to lie (key `output_dir`)
/// @param tokenizer directory of the tokenizer that the model has (key `tokenizer`)
/// @param datasetDir the directory of `dataset_info.json`, as in training (key `dataset_dir`)
/// @param sources in the order in which duplicates are kept, held-out ones before all others (key
///   `sources`)
/// @param stages what is done to every document, in order (key `stages`)
/// @param cutoffLen the longest document in tokens, BOS and EOS included (key `cutoff_len`)
/// @param onExcess what becomes of longer ones (key `on_excess`)
/// @param addBos whether BOS counts, as in training (key `add_bos`)
/// @param addEos whether EOS counts (key `add_eos`)
/// @param splitSpecialTokens as in training (key `split_special_tokens`)
/// @param onBadRecord whether a record that cannot be read is left out or ends the preparation (key
///   `on_bad_record`)
/// @param temperature shares of training sources are those of their tokens to the power of 1 /
///   temperature; 1 leaves them as they are (key `temperature`)
/// @param seed of the draw where a source is used in part (key `seed`)
/// @param shardBytes text of a shard; a preparation that is killed loses the shards it was at (key
///   `shard_bytes`)
/// @param threads working threads, 0 for all processors; the result does not depend on them (key
///   `threads`)
public record CorpusConfig(
    String outputDir,
    String tokenizer,
    String datasetDir,
    List<SourceSpec> sources,
    List<Stages.Configured> stages,
    int cutoffLen,
    OnExcess onExcess,
    boolean addBos,
    boolean addEos,
    boolean splitSpecialTokens,
    OnBadRecord onBadRecord,
    double temperature,
    long seed,
    long shardBytes,
    int threads) {
  private static final YAMLMapper YAML =
      YAMLMapper.builder().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION).build();

  /// 8 MiB: some seconds of work.
  private static final long SHARD_BYTES = 8L << 20;

  public CorpusConfig {
    sources = List.copyOf(sources);
    stages = List.copyOf(stages);
    require(!outputDir.isBlank(), "output_dir: is not set; name a directory for the corpus");
    require(
        !tokenizer.isBlank(), "tokenizer: is not set; name the directory of the model's tokenizer");
    require(!sources.isEmpty(), "sources: is empty; name the files to prepare");
    require(cutoffLen >= 2, "cutoff_len: %d is too short; give 2 or more".formatted(cutoffLen));
    require(
        temperature > 0 && Double.isFinite(temperature),
        "temperature: %s is no temperature; give a number above 0".formatted(temperature));
    require(
        shardBytes >= 1 << 12,
        "shard_bytes: %d is too small; give 4096 or more".formatted(shardBytes));
    require(threads >= 0, "threads: %d is less than 0; 0 takes all processors".formatted(threads));
    requireMix(sources, temperature);
    for (SourceSpec source : sources) {
      for (String name : source.skip()) {
        List<String> names = stages.stream().map(Stages.Configured::name).toList();
        require(
            names.contains(name),
            "sources: %s: skip: there is no stage %s; %s"
                .formatted(source.name(), name, Settings.nearest(name, names)));
      }
    }
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new DataException(message);
    }
  }

  private static void requireMix(List<SourceSpec> sources, double temperature) {
    Set<String> names = new HashSet<>();
    for (SourceSpec source : sources) {
      require(
          names.add(source.name()),
          "sources: two are named %s; give each a name of its own".formatted(source.name()));
    }
    boolean weighted = sources.stream().anyMatch(source -> source.weight() > 0);
    boolean fixed = sources.stream().anyMatch(source -> source.epochs() != 1);
    int ways = (weighted ? 1 : 0) + (fixed ? 1 : 0) + (temperature != 1 ? 1 : 0);
    require(
        ways <= 1,
        "sources are mixed by weight, by epochs or by temperature: more than one of them is set;"
            + " keep one");
    require(
        !weighted || sources.stream().filter(SourceSpec::isTraining).allMatch(s -> s.weight() > 0),
        "sources: some have a weight and some have none; give one to every source that is trained"
            + " on");
    require(
        sources.stream().anyMatch(SourceSpec::isTraining),
        "sources: none is trained on; leave out the role of one");
  }

  /// Reads a YAML file.
  ///
  /// @param overrides keys of the top level with values as `--set` gives them, in YAML
  /// @throws DataException that names the key
  public static CorpusConfig read(Path file, Map<String, String> overrides) {
    JsonNode tree;
    try {
      tree = YAML.readTree(file.toFile());
    } catch (JsonProcessingException e) {
      throw new DataException(
          "%s line %d: no valid YAML: %s; lines have the form key: value, are indented by spaces, and values with ': ' or '#' need quotes"
              .formatted(
                  file,
                  e.getLocation() == null ? 0 : e.getLocation().getLineNr(),
                  e.getOriginalMessage().replaceFirst("(?s)\\n.*", "")),
          e);
    } catch (IOException e) {
      if (!Files.exists(file)) {
        throw new DataException(file + " does not exist; name a YAML file that describes a corpus");
      }
      throw new UncheckedIOException(file + " cannot be read; check its permissions", e);
    }
    if (!(tree instanceof ObjectNode keys)) {
      throw new DataException(file + ": expected lines of the form key: value");
    }
    overrides.forEach((key, value) -> keys.set(key, value(key, value)));
    return of(keys, file.toString());
  }

  private static JsonNode value(String key, String yaml) {
    try {
      return YAML.readTree(yaml);
    } catch (JsonProcessingException e) {
      throw new DataException(
          "--set %s: %s is no valid YAML value; quote it".formatted(key, yaml), e);
    }
  }

  /// The keys and values of a file.
  ///
  /// @param where they are from, to begin messages with
  static CorpusConfig of(ObjectNode keys, String where) {
    ObjectNode known = Settings.MAPPER.valueToTree(Flat.DEFAULTS);
    known.putArray("sources");
    known.putArray("stages");
    keys.fieldNames()
        .forEachRemaining(
            key -> {
              if (!known.has(key)) {
                throw Settings.unknown(key, Settings.names(known), where);
              }
            });
    if (keys.has("sources") && !keys.get("sources").isArray()) {
      throw new DataException(
          where + ": sources: is no list; write each as\n  - name: web\n    files: web/*.jsonl");
    }
    List<SourceSpec> sources = new ArrayList<>();
    for (JsonNode source : keys.path("sources")) {
      sources.add(SourceSpec.of(source, "%s: sources[%d]".formatted(where, sources.size())));
    }
    List<Stages.Configured> stages =
        keys.has("stages")
            ? Stages.read(keys.get("stages"), where + ": stages")
            : Stages.defaults();
    ObjectNode rest = keys.deepCopy();
    rest.remove(List.of("sources", "stages"));
    Flat flat = Settings.over(Flat.DEFAULTS, rest, where);
    try {
      return new CorpusConfig(
          flat.outputDir,
          flat.tokenizer,
          flat.datasetDir,
          sources,
          stages,
          flat.cutoffLen,
          flat.onExcess,
          flat.addBos,
          flat.addEos,
          flat.splitSpecialTokens,
          flat.onBadRecord,
          flat.temperature,
          flat.seed,
          flat.shardBytes,
          flat.threads);
    } catch (DataException e) {
      throw new DataException(where + ": " + e.getMessage(), e);
    }
  }

  /// The keys that are no lists.
  private record Flat(
      String outputDir,
      String tokenizer,
      String datasetDir,
      int cutoffLen,
      OnExcess onExcess,
      boolean addBos,
      boolean addEos,
      boolean splitSpecialTokens,
      OnBadRecord onBadRecord,
      double temperature,
      long seed,
      long shardBytes,
      int threads) {
    static final Flat DEFAULTS =
        new Flat(
            "",
            "",
            "data",
            4096,
            OnExcess.DROP,
            true,
            true,
            true,
            OnBadRecord.SKIP,
            1,
            42,
            SHARD_BYTES,
            0);
  }

  int workers() {
    return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
  }

  /// All keys with their values, as a file would have them.
  ObjectNode toJson() {
    ObjectNode json = Settings.MAPPER.valueToTree(this);
    ArrayNode list = json.putArray("stages");
    stages.forEach(stage -> list.addObject().set(stage.name(), stage.settings()));
    // nothing of what is made depends on these
    json.remove(List.of("output_dir", "threads"));
    return json;
  }
}
