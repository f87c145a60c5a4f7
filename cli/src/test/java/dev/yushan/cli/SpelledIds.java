package dev.yushan.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.golden.Golden;
import dev.yushan.io.SafetensorsDirectory;
import dev.yushan.io.SafetensorsWriter;
import dev.yushan.io.StoredTensor;
import dev.yushan.io.TensorHeader;
import dev.yushan.io.TensorSource;
import dev.yushan.model.Models;
import dev.yushan.text.BpeTrainer;
import dev.yushan.text.Tokenizers;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// A tokenizer for a model that was trained on no text: `<17>` is the id 17. Bytes of other text
/// have ids beyond those of the model.
final class SpelledIds {
  private static final ObjectMapper JSON = new ObjectMapper();

  private SpelledIds() {}

  /// A copy of the golden model `tiny-llama-a` with that tokenizer.
  static Path model(Path directory) throws IOException {
    return model(Golden.path("tiny-llama-a"), directory);
  }

  /// A copy of the model in `source` with that tokenizer.
  static Path model(Path source, Path directory) throws IOException {
    Files.createDirectories(directory);
    try (Stream<Path> files = Files.list(source)) {
      for (Path file : files.toList()) {
        Files.copy(file, directory.resolve(file.getFileName().toString()));
      }
    }
    write(directory, Models.config(source).vocabSize());
    return directory;
  }

  /// The same with a row for each id of the tokenizer, all zero: only such a model is served.
  static Path served(Path source, Path directory) throws IOException {
    model(source, directory);
    int ids = Models.config(source).vocabSize();
    int all = Tokenizers.load(directory).vocabSize();
    List<SafetensorsWriter.Entry> entries = new ArrayList<>();
    try (SafetensorsDirectory weights = SafetensorsDirectory.open(source)) {
      for (StoredTensor tensor : weights.tensors()) {
        long[] shape = tensor.header().shape().toArray();
        MemorySegment data = tensor.data();
        if (shape[0] == ids) {
          shape[0] = all;
          byte[] padded =
              Arrays.copyOf(
                  data.toArray(ValueLayout.JAVA_BYTE), (int) (data.byteSize() / ids * all));
          data = MemorySegment.ofArray(padded);
        }
        entries.add(
            new SafetensorsWriter.Entry(
                TensorHeader.of(tensor.header().name(), tensor.header().type(), shape),
                TensorSource.of(data)));
      }
      SafetensorsWriter.writeModel(directory, entries, Long.MAX_VALUE);
    }
    Path config = directory.resolve("config.json");
    ObjectNode json = (ObjectNode) JSON.readTree(config.toFile());
    JSON.writeValue(config.toFile(), json.put("vocab_size", all));
    return directory;
  }

  static String spelled(int[] ids) {
    return Arrays.stream(ids).mapToObj(id -> "<" + id + ">").collect(Collectors.joining());
  }

  private static void write(Path directory, int ids) throws IOException {
    BpeTrainer.train(List.<String>of().iterator(), BpeTrainer.Options.ofVocabSize(258), directory);
    Path file = directory.resolve("tokenizer.json");
    ObjectNode json = (ObjectNode) JSON.readTree(file.toFile());
    ObjectNode vocab = (ObjectNode) json.path("model").path("vocab");
    for (String token : vocab.properties().stream().map(entry -> entry.getKey()).toList()) {
      vocab.put(token, vocab.get(token).intValue() + ids);
    }
    ArrayNode added = json.putArray("added_tokens");
    for (int id = 0; id < ids; id++) {
      vocab.put("<" + id + ">", id);
      added
          .addObject()
          .put("id", id)
          .put("content", "<" + id + ">")
          .put("single_word", false)
          .put("lstrip", false)
          .put("rstrip", false)
          .put("normalized", false)
          .put("special", false);
    }
    json.putNull("post_processor");
    JSON.writeValue(file.toFile(), json);
    Files.delete(directory.resolve("tokenizer_config.json"));
  }
}
