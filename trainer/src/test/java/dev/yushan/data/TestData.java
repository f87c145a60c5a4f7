package dev.yushan.data;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/// Files and datasets for tests.
final class TestData {
  private static final String ALPHABET = "abc 玉山🏔é\n\"\\";

  private TestData() {}

  static Path resource(String name) {
    try {
      return Path.of(TestData.class.getResource("/data/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  static SourceFile file(Path path) {
    return new SourceFile(path, Format.of(path).orElseThrow(), TextColumns.of("text"));
  }

  static Path write(Path path, String... lines) throws IOException {
    return Files.writeString(path, String.join("\n", lines) + "\n");
  }

  /// All records of a file, as `position: content`.
  static List<String> records(SourceFile file) {
    List<String> records = new ArrayList<>();
    try (RecordReader reader = RecordReader.open(file)) {
      for (Optional<RawRecord> next = reader.next(); next.isPresent(); next = reader.next()) {
        records.add(next.get().position() + ": " + describe(next.get().content().get()));
      }
    }
    return records;
  }

  private static String describe(RecordContent content) {
    return switch (content) {
      case RecordContent.Text text -> text.text();
      case RecordContent.Ids ids ->
          java.util.Arrays.toString(ids.ids())
              + (ids.hasLabels() ? java.util.Arrays.toString(ids.labels()) : "");
      case RecordContent.Empty empty -> "EMPTY " + empty.why();
      case RecordContent.Bad bad -> "BAD " + bad.why();
    };
  }

  /// `count` texts of 1 … `longest` characters.
  static List<String> texts(Random random, int count, int longest) {
    int[] characters = ALPHABET.codePoints().toArray();
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StringBuilder text = new StringBuilder();
      int length = 1 + random.nextInt(longest);
      for (int c = 0; c < length; c++) {
        text.appendCodePoint(characters[random.nextInt(characters.length)]);
      }
      texts.add(text.toString());
    }
    return texts;
  }

  static Path jsonLines(Path path, List<String> texts) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    StringBuilder lines = new StringBuilder();
    for (String text : texts) {
      lines.append(mapper.writeValueAsString(Map.of("text", text))).append('\n');
    }
    return Files.writeString(path, lines);
  }

  /// BOS + bytes + EOS, as the [ByteTokenizer] does it.
  static int[] document(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length + 2];
    ids[0] = ByteTokenizer.BEGIN;
    for (int i = 0; i < bytes.length; i++) {
      ids[i + 1] = bytes[i] & 0xFF;
    }
    ids[ids.length - 1] = ByteTokenizer.END;
    return ids;
  }

  static TokenizedDataset open(
      List<Path> files, TokenizeConfig config, ByteTokenizer tokenizer, CacheConfig cache) {
    return open(files, OnBadRecord.FAIL, config, tokenizer, cache);
  }

  static TokenizedDataset open(
      List<Path> files,
      OnBadRecord onBadRecord,
      TokenizeConfig config,
      ByteTokenizer tokenizer,
      CacheConfig cache) {
    return TokenizedDataset.open(
        files.stream().map(TestData::file).toList(),
        onBadRecord,
        config,
        tokenizer.corpus(),
        cache);
  }

  /// All documents of a dataset with their origins.
  static List<String> documents(TokenizedDataset dataset) {
    List<String> documents = new ArrayList<>();
    for (int d = 0; d < dataset.documents(); d++) {
      int[] ids = new int[dataset.length(d)];
      int[] labels = new int[ids.length];
      dataset.copy(d, 0, ids.length, ids, labels, 0);
      documents.add(
          dataset.document(d)
              + " "
              + java.util.Arrays.toString(ids)
              + java.util.Arrays.toString(labels));
    }
    return documents;
  }
}
