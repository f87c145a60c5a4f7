package dev.yushan.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.io.DirectoryLock;
import dev.yushan.io.DurableFiles;
import dev.yushan.text.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// The directory of a demo run: data, configuration and what is made of them. A file in it says
/// whose it is, so that another run may replace it, but nothing else is ever replaced.
///
/// The path stays as the user gave it, so that the commands shown can be typed.
final class DemoDirectory implements AutoCloseable {
  /// Of every so many documents one is held out.
  private static final int HELD_OUT = 10;

  private static final String MARKER = ".yushan-demo";

  private final Path path;
  private final DirectoryLock lock;

  private DemoDirectory(Path path, DirectoryLock lock) {
    this.path = path;
    this.lock = lock;
  }

  /// An empty directory; that of an earlier run is emptied.
  static DemoDirectory create(Path path) {
    try {
      if (Files.exists(path) && !isOurs(path)) {
        throw new IllegalArgumentException(
            path + " exists and was not made by the demo; name another directory by --output");
      }
      Files.createDirectories(path);
      DirectoryLock lock = lock(path);
      try (Stream<Path> files = Files.list(path)) {
        for (Path file : files.filter(f -> !f.endsWith(MARKER)).toList()) {
          if (Files.isDirectory(file)) {
            DurableFiles.deleteDirectory(file);
          } else {
            Files.delete(file);
          }
        }
      }
      return new DemoDirectory(path, lock);
    } catch (IOException e) {
      throw new UncheckedIOException(path + " cannot be prepared for the demo", e);
    }
  }

  private static boolean isOurs(Path path) throws IOException {
    if (Files.exists(path.resolve(MARKER))) {
      return true;
    }
    try (Stream<Path> files = Files.list(path)) {
      return files.findAny().isEmpty();
    } catch (NotDirectoryException e) {
      return false;
    }
  }

  private static DirectoryLock lock(Path path) throws IOException {
    return DirectoryLock.tryLock(path, MARKER)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "another demo is running in %s; let it end, or name another --output"
                        .formatted(path)));
  }

  Path resolve(String name) {
    return path.resolve(name);
  }

  @Override
  public String toString() {
    return path.toString();
  }

  // ---- content ---------------------------------------------------------------------------------

  /// Writes a part of the sample text to `data/`, most of it to train on and some held out.
  ///
  /// @param part `base` or `continue`
  void writeData(String part) {
    List<String> train = new ArrayList<>();
    List<String> heldOut = new ArrayList<>();
    int number = 0;
    for (String line : resource(part + ".jsonl").lines().toList()) {
      (++number % HELD_OUT == 0 ? heldOut : train).add(line);
    }
    write("data/" + part + ".jsonl", String.join("\n", train) + "\n");
    write("data/" + part + "-heldout.jsonl", String.join("\n", heldOut) + "\n");
  }

  /// Writes the training configuration `<name>.yaml`; returns its path.
  Path writeTraining(String name) {
    Path file = path.resolve(name + ".yaml");
    write(
        name + ".yaml",
        resource(name + ".yaml")
            .replace("{file}", file.toString())
            .replace("{dir}", path.toString()));
    return file;
  }

  /// Writes `start/config.json`: the shape of the model, with the ids of `tokenizer`.
  JsonNode writeModelConfig(Tokenizer tokenizer) {
    try {
      ObjectNode config = (ObjectNode) new ObjectMapper().readTree(resource("config.json"));
      config.put("vocab_size", tokenizer.vocabSize());
      config.put("bos_token_id", tokenizer.bosId().orElseThrow());
      config.put("eos_token_id", tokenizer.eosId().orElseThrow());
      write("start/config.json", config.toPrettyString() + "\n");
      return config;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void write(String name, String content) {
    Path file = path.resolve(name);
    try {
      Files.createDirectories(file.getParent());
    } catch (IOException e) {
      throw new UncheckedIOException(file.getParent() + " cannot be made", e);
    }
    DurableFiles.write(file.toAbsolutePath(), content);
  }

  private static String resource(String name) {
    try (InputStream in = DemoDirectory.class.getResourceAsStream("/demo/" + name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Lets others use the directory.
  @Override
  public void close() {
    lock.close();
  }
}
