package dev.yushan.data.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.luben.zstd.ZstdOutputStream;
import dev.yushan.data.ContentHash;
import dev.yushan.data.Format;
import dev.yushan.data.ParquetColumn;
import dev.yushan.data.ParquetWriter;
import dev.yushan.data.SourceFile;
import dev.yushan.data.TextColumns;
import dev.yushan.data.TokenShards;
import dev.yushan.data.prepare.Layer.Kind;
import dev.yushan.io.DurableFiles;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// Writes what is left of each part as Parquet, what is not with its reason, and the token shards.
final class CorpusWriter {
  private static final List<ParquetColumn> COLUMNS =
      List.of(
          ParquetColumn.string("text"),
          ParquetColumn.string("source"),
          ParquetColumn.string("id"),
          ParquetColumn.int32("tokens"));

  private static final int ZSTD_LEVEL = 3;

  private final Path output;
  private final TokenStep tokens;
  private final List<Lane> lanes;
  private final ShardPool pool;

  CorpusWriter(Path output, TokenStep tokens, List<Lane> lanes, ShardPool pool) {
    this.output = output;
    this.tokens = tokens;
    this.lanes = lanes;
    this.pool = pool;
  }

  /// Writes all parts that are not there, and returns all.
  List<Part> write() {
    List<Part> parts = new ArrayList<>();
    Map<String, Integer> numbers = new HashMap<>();
    for (Lane lane : lanes) {
      int shards = lane.shards().orElseThrow();
      for (int first = 0; first < shards; first += Part.SHARDS) {
        int number = numbers.merge(lane.source().name(), 1, Integer::sum) - 1;
        parts.add(new Part(lane, number, first, Math.min(Part.SHARDS, shards - first)));
      }
    }
    for (Part part : parts) {
      if (!isWritten(part)) {
        pool.submit("write", () -> write(part));
      }
    }
    pool.join();
    return parts;
  }

  /// What says that a part is written: the key, and the hash of the file.
  static Path receipt(Path output, Part part) {
    return output.resolve("work/parts").resolve(part.name() + ".json");
  }

  /// The key under which its token shards are published; none if it is not written.
  static String tokens(Path output, Part part) {
    try {
      return Settings.MAPPER.readTree(receipt(output, part).toFile()).path("tokens").asText();
    } catch (IOException e) {
      return "";
    }
  }

  private boolean isWritten(Part part) {
    Path file = output.resolve(part.file());
    Path receipt = receipt(output, part);
    if (!Files.exists(receipt) || !Files.exists(file) || !Files.exists(excluded(output, part))) {
      return false;
    }
    try {
      JsonNode json = Settings.MAPPER.readTree(receipt.toFile());
      return json.path("key").asText().equals(part.key())
          && json.path("sha256").asText().equals(ContentHash.of(file))
          && json.path("excluded").asText().equals(ContentHash.of(excluded(output, part)))
          && TokenShards.arePublished(output, json.path("tokens").asText());
    } catch (IOException e) {
      return false; // it is written again
    }
  }

  /// Where its documents that were left out lie.
  static Path excluded(Path output, Part part) {
    return output.resolve("excluded").resolve(part.name() + ".jsonl.zst");
  }

  private void write(Part part) {
    Path file = output.resolve(part.file());
    List.of(file, excluded(output, part), receipt(output, part))
        .forEach(path -> ShardPool.createDirectories(path.getParent()));
    DurableFiles.write(
        excluded(output, part),
        channel -> {
          try (OutputStream lines = new ZstdOutputStream(left(channel), ZSTD_LEVEL)) {
            Map<String, String> metadata =
                Map.of("yushan.source", part.lane().source().name(), "yushan.part", part.key());
            ParquetWriter.write(file, COLUMNS, metadata, rows -> write(part, rows, lines));
          }
        });
    String published =
        tokens
            .shards()
            .publish(
                output,
                new SourceFile(file, Format.PARQUET, TextColumns.of("text")),
                part.numbers().mapToObj(s -> TokenStep.draft(part.lane(), s)).toList(),
                part.numbers().mapToObj(s -> TokenStep.draftKey(part.lane(), s)).toList());
    ObjectNode receipt =
        Settings.MAPPER
            .createObjectNode()
            .put("key", part.key())
            .put("sha256", ContentHash.of(file))
            .put("excluded", ContentHash.of(excluded(output, part)))
            .put("tokens", published);
    DurableFiles.write(receipt(output, part), receipt + "\n");
  }

  /// A stream to the channel whose end leaves that open.
  private static OutputStream left(FileChannel channel) {
    return new FilterOutputStream(Channels.newOutputStream(channel)) {
      @Override
      public void write(byte[] bytes, int from, int length) throws IOException {
        out.write(bytes, from, length);
      }

      @Override
      public void close() throws IOException {
        flush();
      }
    };
  }

  private static void write(Part part, ParquetWriter rows, OutputStream excluded)
      throws IOException {
    for (int shard : part.numbers().toArray()) {
      try (Arena arena = Arena.ofConfined()) {
        write(part.lane(), shard, arena, rows, excluded);
      }
    }
  }

  private static void write(
      Lane lane, int shard, Arena arena, ParquetWriter rows, OutputStream excluded)
      throws IOException {
    int last = lane.steps().size() - 1;
    List<Layer> layers =
        IntStream.rangeClosed(0, last)
            .mapToObj(step -> Layer.open(lane.layer(step, shard), arena).orElseThrow())
            .toList();
    ShardDocuments documents = ShardDocuments.of(lane.source().name(), layers);
    Layer counted = layers.getLast();
    Layer.Cursor cursor = counted.cursor();
    int[] lengths = TokenStep.lengths(lane, shard);
    int written = 0;
    for (int i = 0; i < documents.size(); i++) {
      if (!documents.stays(i)) {
        excluded.write(line(lane, documents, i));
      } else if (counted.kind(i) == Kind.SPLIT) {
        List<String> pieces = cursor.fields(i);
        for (int p = 0; p < pieces.size(); p++) {
          String id = documents.id(i) + "/" + (p + 1);
          rows.add(pieces.get(p), lane.source().name(), id, lengths[written++]);
        }
      } else {
        rows.add(documents.text(i), lane.source().name(), documents.id(i), lengths[written++]);
      }
    }
    if (written != lengths.length) {
      throw new IllegalStateException(
          "%d documents but the tokens of %d: remove %s and start again"
              .formatted(written, lengths.length, lane.directory(last)));
    }
  }

  private static byte[] line(Lane lane, ShardDocuments documents, int i) {
    ObjectNode line = Settings.MAPPER.createObjectNode();
    line.put("source", lane.source().name());
    line.put("id", documents.id(i));
    line.put("place", documents.place(i));
    line.put("stage", lane.steps().get(documents.goneAt(i)));
    line.put("reason", documents.reason(i));
    line.put("detail", documents.detail(i));
    line.put("text", documents.excluded(i));
    return (line + "\n").getBytes(StandardCharsets.UTF_8);
  }
}
