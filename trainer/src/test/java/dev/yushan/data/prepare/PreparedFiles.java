package dev.yushan.data.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.luben.zstd.ZstdInputStream;
import dev.hardwood.InputFile;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import dev.yushan.data.ContentHash;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/// What a preparation left in its `output_dir`.
record PreparedFiles(Path output) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /// A row of the corpus.
  record Row(String role, String text, String source, String id, int tokens) {}

  /// All rows, read by the library itself, in the order of the paths of their files.
  List<Row> rows() throws IOException {
    List<Row> rows = new ArrayList<>();
    for (Path file : files("")) {
      if (!file.toString().endsWith(".parquet")) {
        continue;
      }
      String role = output.relativize(file).getName(0).toString();
      try (ParquetFileReader parquet = ParquetFileReader.open(InputFile.of(file));
          RowReader reader = parquet.buildRowReader().build()) {
        while (reader.hasNext()) {
          reader.next();
          rows.add(
              new Row(
                  role,
                  reader.getString("text"),
                  reader.getString("source"),
                  reader.getString("id"),
                  reader.getInt("tokens")));
        }
      }
    }
    return rows;
  }

  /// All lines below `excluded`, with their stage, reason, detail and text.
  List<JsonNode> excluded() throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (Path file : files("excluded")) {
      assertName(file);
      try (BufferedReader reader =
          new BufferedReader(
              new InputStreamReader(
                  new ZstdInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
          lines.add(JSON.readTree(line));
        }
      }
    }
    return lines;
  }

  private static void assertName(Path file) {
    if (!file.toString().endsWith(".jsonl.zst")) {
      throw new AssertionError(file + " is none of the documents left out");
    }
  }

  JsonNode report() throws IOException {
    return JSON.readTree(output.resolve("report.json").toFile());
  }

  /// The report of one source.
  JsonNode report(String source) throws IOException {
    for (JsonNode one : report().path("sources")) {
      if (one.path("name").asText().equals(source)) {
        return one;
      }
    }
    throw new AssertionError("no source " + source);
  }

  /// All files but those of work, with a hash of what is in them.
  Map<String, String> tree() {
    Map<String, String> tree = new TreeMap<>();
    for (Path file : files("")) {
      Path below = output.relativize(file);
      if (!below.startsWith("work")) {
        tree.put(below.toString(), ContentHash.of(file));
      }
    }
    return tree;
  }

  /// All files below `directory`, with what changes if one is written again, even to the same.
  Map<Path, String> written(String directory) {
    Map<Path, String> written = new TreeMap<>();
    for (Path file : files(directory)) {
      try {
        FileTime time = Files.getLastModifiedTime(file);
        written.put(output.relativize(file), time + " " + Files.getAttribute(file, "unix:ino"));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return written;
  }

  List<Path> files(String directory) {
    Path below = output.resolve(directory);
    if (!Files.isDirectory(below)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(below)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
