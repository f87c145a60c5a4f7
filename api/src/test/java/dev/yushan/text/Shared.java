package dev.yushan.text;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;

/// Files beside the repository that are too large for it; a test that needs an absent one skips.
final class Shared {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Shared() {}

  static Path file(String name) {
    Path here = Path.of("").toAbsolutePath();
    while (here.getParent() != null && !Files.exists(here.resolve("CONTRIBUTING.md"))) {
      here = here.getParent();
    }
    Path file = here.resolveSibling("shared").resolve(name);
    assumeTrue(Files.exists(file), () -> "needs ../shared/" + name + " beside the repository");
    return file;
  }

  /// The records of a `.jsonl` or `.jsonl.gz` file.
  static List<JsonNode> records(String name) throws IOException {
    Path file = file(name);
    List<JsonNode> records = new ArrayList<>();
    try (InputStream raw = Files.newInputStream(file);
        InputStream in = name.endsWith(".gz") ? new GZIPInputStream(raw) : raw;
        var lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        records.add(JSON.readTree(line));
      }
    }
    return records;
  }
}
