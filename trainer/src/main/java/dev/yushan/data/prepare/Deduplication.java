package dev.yushan.data.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.data.dedup.Cluster;
import dev.yushan.data.dedup.Decision;
import dev.yushan.data.dedup.Decisions;
import dev.yushan.data.dedup.Dedup;
import dev.yushan.data.dedup.DedupConfig;
import dev.yushan.data.dedup.Signatures;
import dev.yushan.data.dedup.Signer;
import dev.yushan.data.prepare.Layer.Entry;
import dev.yushan.data.prepare.Layer.Kind;
import dev.yushan.io.DurableFiles;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// Deduplication among the stages: each shard is signed as it comes by, then all signatures
/// together say which documents go, and each shard gets a layer of that.
///
/// Documents that were compared and found alike are looked up in the layers, so that no text is
/// held in memory for it.
final class Deduplication {
  private static final int CLUSTERS = 20;
  private static final int CLUSTER_MEMBERS = 10;

  private final DedupConfig config;
  private final int step;
  private final List<Lane> lanes;
  private final ShardPool pool;
  private final Signer signer;

  /// @param step its number among the steps
  Deduplication(Stages.Configured stage, int step, List<Lane> lanes, ShardPool pool) {
    this.config = (DedupConfig) stage.config();
    this.step = step;
    this.lanes = lanes;
    this.pool = pool;
    this.signer = new Signer(config);
  }

  /// Whether every shard has its layer.
  boolean isDone() {
    return summaryLayer().isPresent()
        && lanes.stream()
            .allMatch(
                lane ->
                    lane.shards().isPresent()
                        && IntStream.range(0, lane.shards().getAsInt())
                            .allMatch(s -> Files.exists(lane.layer(step, s))));
  }

  // ---- signatures ------------------------------------------------------------------------------

  /// Signatures depend on less than the decision does, so they have a key of their own.
  private Path signatures(Lane lane, int shard) {
    String key = Lane.key(lane.keys().get(step - 1), config.signatureSettings());
    return lane.work()
        .resolve("signatures")
        .resolve(key.substring(0, 32))
        .resolve("%05d.signatures".formatted(shard));
  }

  /// Signs what is left of a shard, if that was not done.
  void sign(Lane lane, int shard, ShardDocuments documents) {
    Path file = signatures(lane, shard);
    if (Files.exists(file)) {
      return;
    }
    Signatures made = new Signatures(config);
    for (int i = 0; i < documents.size(); i++) {
      if (documents.stays(i)) {
        made.add(signer.sign(documents.text(i)));
      }
    }
    ShardPool.createDirectories(file.getParent());
    made.write(file);
  }

  /// Removes the signatures of a file.
  void forget(Lane lane) {
    DurableFiles.deleteDirectory(signatures(lane, 0).getParent());
  }

  // ---- decision --------------------------------------------------------------------------------

  /// A shard with the numbers of its documents among all.
  ///
  /// @param first number of the first one that is signed
  /// @param entries where each signed one is in the shard
  private record Numbered(Lane lane, int shard, List<Layer> layers, int first, int[] entries) {
    String source() {
      return lane.source().name();
    }

    private String field(int layer, int entry, int field) {
      return layers.get(layer).cursor().field(entry, field);
    }

    String id(int entry) {
      return field(0, entry, ShardDocuments.ID);
    }

    String text(int entry) {
      for (int l = layers.size() - 1; l > 0; l--) {
        if (layers.get(l).kind(entry) == Kind.CHANGED) {
          return field(l, entry, 0);
        }
      }
      return field(0, entry, ShardDocuments.TEXT);
    }
  }

  /// Decides on all documents, and writes the layers.
  void decide() {
    try (Arena arena = Arena.ofShared()) {
      Signatures all = new Signatures(config);
      List<Numbered> shards = new ArrayList<>();
      for (Lane lane : lanes) {
        for (int s = 0; s < lane.shards().orElseThrow(); s++) {
          shards.add(numbered(lane, s, all.size(), arena));
          addSignatures(all, shards.getLast());
        }
      }
      int[] firsts = shards.stream().mapToInt(Numbered::first).toArray();
      Decisions decisions =
          Dedup.decide(
              all,
              number -> {
                Numbered shard = shards.get(at(firsts, shards, number));
                return shard.text(shard.entries[number - shard.first]);
              },
              config,
              pool.threads());
      Names names = number -> name(shards.get(at(firsts, shards, number)), number);
      Layer.write(summaryFile(), List.of(), summary(decisions, shards, firsts));
      shards.forEach(shard -> pool.submit("dedup", () -> write(shard, decisions, names)));
      pool.join();
    }
  }

  /// The name of a document by its number.
  @FunctionalInterface
  private interface Names {
    String of(int number);
  }

  private static String name(Numbered shard, int number) {
    return shard.source() + "/" + shard.id(shard.entries[number - shard.first]);
  }

  /// The shard that has document `number`; of those without documents, which begin where the next
  /// one begins, none is meant.
  private static int at(int[] firsts, List<Numbered> shards, int number) {
    int found = Arrays.binarySearch(firsts, number);
    int at = found >= 0 ? found : -found - 2;
    while (shards.get(at).entries.length <= number - firsts[at]) {
      at++;
    }
    return at;
  }

  private Numbered numbered(Lane lane, int shard, int first, Arena arena) {
    List<Layer> layers = new ArrayList<>();
    for (int l = 0; l < step; l++) {
      layers.add(Layer.open(lane.layer(l, shard), arena).orElseThrow());
    }
    int[] staying =
        IntStream.range(0, layers.getFirst().size())
            .filter(
                i ->
                    layers.getFirst().kind(i) == Kind.READ
                        && layers.stream().noneMatch(layer -> layer.kind(i) == Kind.DROPPED))
            .toArray();
    return new Numbered(lane, shard, layers, first, staying);
  }

  private void addSignatures(Signatures all, Numbered shard) {
    Path file = signatures(shard.lane, shard.shard);
    int before = all.size();
    all.addAll(file);
    if (all.size() - before != shard.entries.length) {
      throw new IllegalStateException(file + " is of other documents; remove it and start again");
    }
  }

  private void write(Numbered shard, Decisions decisions, Names names) {
    try (Arena arena = Arena.ofConfined()) {
      if (Layer.open(shard.lane.layer(step, shard.shard), arena).isPresent()) {
        return;
      }
    }
    List<Entry> entries =
        new ArrayList<>(Collections.nCopies(shard.layers.getFirst().size(), Entry.SAME));
    StageCounts counts = new StageCounts();
    counts.in = StageCounts.of(shard.layers.getLast().statistics()).out;
    counts.out = counts.in;
    for (int k = 0; k < shard.entries.length; k++) {
      if (decisions.isKept(shard.first + k)) {
        continue; // its text need not be looked up
      }
      int i = shard.entries[k];
      CorpusRecord document = new CorpusRecord(shard.source(), shard.id(i), shard.text(i));
      Outcome.Dropped outcome = outcome(decisions.get(shard.first + k), names);
      StageCounts.Amount gone = StageCounts.characters(document.text());
      counts.remove(document, outcome.reason(), outcome.detail(), gone);
      counts.out = counts.out.minus(gone);
      entries.set(i, Preparation.entry(document, outcome));
    }
    Layer.write(shard.lane.layer(step, shard.shard), entries, counts.toJson());
  }

  private static Outcome.Dropped outcome(Decision decision, Names names) {
    return switch (decision) {
      case Decision.Kept kept -> throw new IllegalStateException("it stays");
      case Decision.Exact(int of) ->
          new Outcome.Dropped("exact_duplicate", "of " + names.of(of), Map.of());
      case Decision.Near(int of, double jaccard) ->
          new Outcome.Dropped(
              "near_duplicate", "of %s, Jaccard %.3f".formatted(names.of(of), jaccard), Map.of());
    };
  }

  // ---- summary ---------------------------------------------------------------------------------

  private Path summaryFile() {
    String key = lanes.getFirst().keys().get(step).substring(0, 32);
    return lanes.getFirst().work().resolve("clusters").resolve(key + ".layer");
  }

  /// The summary, if it is there and whole.
  private Optional<JsonNode> summaryLayer() {
    try (Arena arena = Arena.ofConfined()) {
      return Layer.open(summaryFile(), arena).map(Layer::statistics);
    }
  }

  /// Clusters and counts, for the report.
  JsonNode summary() {
    return summaryLayer().orElseThrow();
  }

  private ObjectNode summary(Decisions decisions, List<Numbered> shards, int[] firsts) {
    ObjectNode json = Settings.MAPPER.createObjectNode();
    json.set("counts", Settings.MAPPER.valueToTree(decisions.counts()));
    ArrayNode clusters = json.putArray("clusters");
    for (Cluster cluster : decisions.clusters(CLUSTERS)) {
      ObjectNode one = clusters.addObject();
      one.put("size", cluster.removed().size() + 1);
      one.set("kept", member(cluster.kept(), shards, firsts));
      ArrayNode removed = one.putArray("removed");
      for (Cluster.Removed gone : cluster.removed().stream().limit(CLUSTER_MEMBERS).toList()) {
        ObjectNode member = member(gone.document(), shards, firsts);
        member.put("jaccard", gone.decision() instanceof Decision.Near near ? near.jaccard() : 1);
        member.put("exact", gone.decision() instanceof Decision.Exact);
        removed.add(member);
      }
    }
    return json;
  }

  private ObjectNode member(int number, List<Numbered> shards, int[] firsts) {
    Numbered shard = shards.get(at(firsts, shards, number));
    int entry = shard.entries[number - shard.first];
    return Excerpt.of(new CorpusRecord(shard.source(), shard.id(entry), shard.text(entry)));
  }
}
