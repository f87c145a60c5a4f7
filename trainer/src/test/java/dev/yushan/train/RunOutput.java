package dev.yushan.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// What a run left in its `output_dir`.
final class RunOutput {
  private static final ObjectMapper JSON = new ObjectMapper();

  private RunOutput() {}

  static byte[] weights(Path output) throws IOException {
    return Files.readAllBytes(output.resolve("model.safetensors"));
  }

  static JsonNode json(Path file) throws IOException {
    return JSON.readTree(file.toFile());
  }

  /// The names of the checkpoints.
  static List<String> checkpoints(Path output) throws IOException {
    try (Stream<Path> files = Files.list(output)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("checkpoint-"))
          .sorted()
          .toList();
    }
  }
}
