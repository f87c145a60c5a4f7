package dev.yushan.cli.bench;

import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.io.DurableFiles;
import dev.yushan.text.BpeTrainer;
import dev.yushan.text.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The Traditional Chinese text of the demo, and a tokenizer that is made from it.
final class SampleText {
  private static final int VOCAB_SIZE = 8000;

  private SampleText() {}

  static List<String> texts() {
    List<String> texts = new ArrayList<>();
    try (InputStream in = SampleText.class.getResourceAsStream("/demo/base.jsonl");
        MappingIterator<ObjectNode> records =
            new ObjectMapper().readerFor(ObjectNode.class).readValues(in)) {
      records.forEachRemaining(record -> texts.add(record.path("text").asText()));
      return texts;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Tokenizer tokenizer() {
    try {
      Path directory = Files.createTempDirectory("yushan-bench-");
      try {
        return BpeTrainer.train(
            texts().iterator(), BpeTrainer.Options.ofVocabSize(VOCAB_SIZE), directory);
      } finally {
        DurableFiles.deleteDirectory(directory);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "no temporary directory can be made; set -Djava.io.tmpdir to one", e);
    }
  }
}
