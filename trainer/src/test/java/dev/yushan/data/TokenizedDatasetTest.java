package dev.yushan.data;

import static dev.yushan.data.TestData.document;
import static dev.yushan.data.TestData.documents;
import static dev.yushan.data.TestData.open;
import static dev.yushan.data.TestData.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizedDatasetTest {
  private static final TokenizeConfig LONG = TokenizeConfig.of(100_000);

  @TempDir Path directory;

  private final ByteTokenizer tokenizer = new ByteTokenizer();

  private CacheConfig cache(int threads) {
    return new CacheConfig(directory.resolve("cache"), threads, 2000, false);
  }

  private Path lines(String name, String... lines) throws IOException {
    return write(directory.resolve(name), lines);
  }

  private Path random(String name, long seed, int count) throws IOException {
    return TestData.jsonLines(
        directory.resolve(name), TestData.texts(new Random(seed), count, 200));
  }

  private List<Path> shards() throws IOException {
    try (Stream<Path> files = Files.walk(directory.resolve("cache"))) {
      return files.filter(f -> f.toString().endsWith(".bin")).sorted().toList();
    }
  }

  @Test
  void aDocumentIsBosTokensEos() throws IOException {
    Path file = lines("a.jsonl", "{\"text\":\"ab\"}", "{\"input_ids\":[7,8],\"labels\":[-100,8]}");
    try (TokenizedDataset data = open(List.of(file), LONG, tokenizer, cache(1))) {
      assertThat(documents(data))
          .containsExactly(
              file + " line 1 [256, 97, 98, 257][256, 97, 98, 257]",
              file + " line 2 [7, 8][-100, 8]");
      assertThat(data.read()).isEqualTo(new ReadCounts(2, 0, 0, 1, 1, 2, 1, 1, 2, 0));
    }
    TokenizeConfig bare = new TokenizeConfig(false, false, true, 10, OnExcess.DROP);
    try (TokenizedDataset data = open(List.of(file), bare, tokenizer, cache(1))) {
      assertThat(documents(data).getFirst()).endsWith("line 1 [97, 98][97, 98]");
    }
  }

  @Test
  void specialTokenTextIsPlainUnlessAskedForAndCounted() throws IOException {
    Path file = lines("a.jsonl", "{\"text\":\"a<|end|>b<|<|begin|>\"}");
    try (TokenizedDataset data = open(List.of(file), LONG, tokenizer, cache(1))) {
      assertThat(data.length(0)).isEqualTo(2 + "a<|end|>b<|<|begin|>".length());
      assertThat(data.read().specialTexts()).isEqualTo(2);
    }
    TokenizeConfig parse = new TokenizeConfig(true, true, false, 100, OnExcess.DROP);
    try (TokenizedDataset data = open(List.of(file), parse, tokenizer, cache(1))) {
      assertThat(documents(data).getFirst()).contains("[256, 97, 257, 98, ");
      assertThat(data.read().specialTexts()).isEqualTo(2);
    }
  }

  @Test
  void longDocumentsAreDroppedSplitOrRefused() throws IOException {
    Path file = lines("a.jsonl", "{\"text\":\"abcd\"}", "{\"text\":\"abcde\"}", "{\"text\":\"z\"}");
    try (TokenizedDataset data = open(List.of(file), TokenizeConfig.of(6), tokenizer, cache(1))) {
      assertThat(data.documents()).isEqualTo(2);
      assertThat(data.length(0)).as("exactly cutoff_len is kept").isEqualTo(6);
      assertThat(data.document(1)).hasToString(file + " line 3");
      assertThat(data.excess()).isEqualTo(new ExcessCounts(1, 7, 0, 0, 0, 2, 9));
    }
    TokenizeConfig split = new TokenizeConfig(true, true, true, 3, OnExcess.SPLIT);
    try (TokenizedDataset data = open(List.of(file), split, tokenizer, cache(1))) {
      assertThat(data.cacheUse())
          .as("another limit needs no tokenising")
          .isEqualTo(new CacheUse(1, 0, 0));
      assertThat(documents(data))
          .containsExactly(
              file + " line 1 [256, 97, 98][256, 97, 98]",
              file + " line 1, tokens 3 to 5 [99, 100, 257][99, 100, 257]",
              file + " line 2 [256, 97, 98][256, 97, 98]",
              file + " line 2, tokens 3 to 5 [99, 100, 101][99, 100, 101]",
              file + " line 2, tokens 6 to 6 [257][257]",
              file + " line 3 [256, 122, 257][256, 122, 257]");
      assertThat(data.excess()).isEqualTo(new ExcessCounts(0, 0, 2, 5, 13, 1, 3));
    }
    TokenizeConfig fail = new TokenizeConfig(true, true, true, 5, OnExcess.FAIL);
    assertThatThrownBy(() -> open(List.of(file), fail, tokenizer, cache(1)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(
            file + " line 1 has 6 tokens, cutoff_len is 5 (2 such documents with 13 tokens)");
    assertThatThrownBy(() -> open(List.of(file), TokenizeConfig.of(2), tokenizer, cache(1)))
        .hasMessageContaining(
            "dataset: no document is left: 3 records read, 0 bad, 0 empty, 0 not selected by"
                + " max_samples")
        .hasMessageEndingWith("; raise cutoff_len, or set on_excess: split");
  }

  @Test
  void badRecordsFailWithTheFirstInTheOrderOfTheData() throws IOException {
    Path good = random("good.jsonl", 1, 100);
    Path bad = directory.resolve("bad.jsonl");
    List<String> all = Files.readAllLines(good);
    Files.writeString(
        bad,
        String.join("\n", all.subList(0, 40))
            + "\n{}\n"
            + String.join("\n", all)
            + "\n{\"text\":\"\"}\n");
    for (int attempt = 0; attempt < 5; attempt++) {
      assertThatThrownBy(() -> open(List.of(good, bad), LONG, tokenizer, cache(3)))
          .isInstanceOf(DataException.class)
          .hasMessage(
              bad
                  + " line 41: has no field text (key text_column); it has []; repair it, or set"
                  + " on_bad_record: skip to leave such records out");
    }
    try (TokenizedDataset data =
        open(List.of(good, bad), OnBadRecord.SKIP, LONG, tokenizer, cache(3))) {
      assertThat(data.documents()).isEqualTo(240);
      assertThat(data.read().records()).isEqualTo(242);
      assertThat(data.read().bad()).isEqualTo(1);
      assertThat(data.read().empty()).isEqualTo(1);
    }
    assertThatThrownBy(() -> open(List.of(good, bad), LONG, tokenizer, cache(1)))
        .as("also when it comes from the cache")
        .hasMessageContaining("line 41: has no field text");
  }

  @Test
  void aFileThatEndsTooEarlyIsAnErrorAfterWhatIsWrongBeforeIt() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
      for (String text : TestData.texts(new Random(9), 300, 200)) {
        gzip.write(
            ("{\"text\":" + new ObjectMapper().writeValueAsString(text) + "}\n")
                .getBytes(StandardCharsets.UTF_8));
      }
    }
    Path cut = directory.resolve("cut.jsonl.gz");
    Files.write(cut, Arrays.copyOf(bytes.toByteArray(), bytes.size() - 100));
    for (int attempt = 0; attempt < 2; attempt++) {
      assertThatThrownBy(() -> open(List.of(cut), OnBadRecord.SKIP, LONG, tokenizer, cache(2)))
          .isInstanceOf(DataException.class)
          .hasMessageContaining("cut.jsonl.gz cannot be read after line");
    }
    Path bad = lines("bad.jsonl", "{}");
    assertThatThrownBy(() -> open(List.of(bad, cut), LONG, tokenizer, cache(2)))
        .hasMessageContaining("bad.jsonl line 1: has no field text");
  }

  @Test
  void aDamagedListOfShardsIsMadeAgain() throws IOException {
    Path file = random("a.jsonl", 10, 50);
    open(List.of(file), LONG, tokenizer, cache(2)).close();
    Files.writeString(shards().getFirst().resolveSibling("done.json"), "{");
    for (int attempt = 0; attempt < 2; attempt++) {
      try (TokenizedDataset data = open(List.of(file), LONG, tokenizer, cache(2))) {
        assertThat(data.cacheUse()).isEqualTo(new CacheUse(shards().size(), 0, 0));
      }
    }
    assertThat(tokenizer.calls).hasValue(50);
  }

  @Test
  void idsOutsideTheVocabularyAreBad() throws IOException {
    Path file = lines("a.jsonl", "{\"input_ids\":[1,258]}", "{\"input_ids\":[1],\"labels\":[-1]}");
    assertThatThrownBy(() -> open(List.of(file), LONG, tokenizer, cache(1)))
        .hasMessageContaining("line 1: input_ids[1] = 258 is outside the vocabulary of 258");
    Path labels = lines("b.jsonl", "{\"input_ids\":[1],\"labels\":[-1]}");
    assertThatThrownBy(() -> open(List.of(labels), LONG, tokenizer, cache(1)))
        .hasMessageContaining("line 1: labels[0] = -1 is outside the vocabulary of 258");
  }

  @Test
  void textNeedsATokenizerAndIdsDoNot() throws IOException {
    Path ids = lines("ids.jsonl", "{\"input_ids\":[1,2]}");
    CorpusTokenizer none = CorpusTokenizer.none(10);
    try (TokenizedDataset data =
        TokenizedDataset.open(
            List.of(TestData.file(ids)), OnBadRecord.FAIL, LONG, none, cache(1))) {
      assertThat(data.tokens()).isEqualTo(2);
    }
    Path text = lines("text.jsonl", "{\"text\":\"a\"}");
    assertThatThrownBy(
            () ->
                TokenizedDataset.open(
                    List.of(TestData.file(text)), OnBadRecord.FAIL, LONG, none, cache(1)))
        .hasMessageContaining("records are text, but the model has no tokenizer");
    CorpusTokenizer noEnd =
        new CorpusTokenizer(
            tokenizer.corpus().tokenizer(),
            "x",
            java.util.OptionalInt.of(1),
            java.util.OptionalInt.empty(),
            258);
    assertThatThrownBy(
            () ->
                TokenizedDataset.open(
                    List.of(TestData.file(text)), OnBadRecord.FAIL, LONG, noEnd, cache(1)))
        .hasMessageContaining("add_eos: true, but the tokenizer and model name no EOS token");
  }

  @Test
  void theResultDoesNotDependOnTheThreads() throws IOException {
    List<Path> files = List.of(random("a.jsonl", 2, 300), random("b.jsonl", 3, 300));
    List<String> expected = null;
    for (int threads : new int[] {1, 2, 7}) {
      CacheConfig own =
          new CacheConfig(directory.resolve("cache-" + threads), threads, 1500, false);
      try (TokenizedDataset data = open(files, LONG, tokenizer, own)) {
        assertThat(data.cacheUse().tokenizedShards()).isGreaterThan(20);
        List<String> documents = documents(data);
        assertThat(documents).hasSize(600);
        assertThat(expected == null ? documents : expected).isEqualTo(documents);
        expected = documents;
      }
    }
  }

  @Test
  void theOrderIsThatOfTheFiles() throws IOException {
    List<String> texts = TestData.texts(new Random(4), 150, 200);
    Path file = TestData.jsonLines(directory.resolve("a.jsonl"), texts);
    try (TokenizedDataset data = open(List.of(file, file), LONG, tokenizer, cache(3))) {
      for (int d = 0; d < 300; d++) {
        int[] ids = new int[data.length(d)];
        data.copy(d, 0, ids.length, ids, new int[ids.length], 0);
        assertThat(ids).isEqualTo(document(texts.get(d % 150)));
        assertThat(data.document(d)).hasToString(file + " line " + (d % 150 + 1));
      }
    }
    assertThat(tokenizer.calls).as("the same file twice is tokenised once").hasValue(150);
  }

  @Test
  void aSecondStartDoesNotTokenise() throws IOException {
    Path file = random("a.jsonl", 5, 200);
    List<String> first;
    try (TokenizedDataset data = open(List.of(file), LONG, tokenizer, cache(2))) {
      first = documents(data);
      assertThat(data.cacheUse().reusedShards()).isZero();
    }
    assertThat(tokenizer.calls).hasValue(200);
    Path moved = Files.move(file, directory.resolve("renamed.jsonl"));
    Files.setLastModifiedTime(moved, FileTime.fromMillis(0));
    try (TokenizedDataset data = open(List.of(moved), LONG, tokenizer, cache(2))) {
      assertThat(data.cacheUse().tokenizedShards()).isZero();
      assertThat(documents(data).stream().map(d -> d.replace("renamed", "a"))).isEqualTo(first);
    }
    assertThat(tokenizer.calls).hasValue(200);
  }

  @Test
  void theCacheIsMadeAgainWhenAskedFor() throws IOException {
    Path file = random("a.jsonl", 8, 50);
    open(List.of(file), LONG, tokenizer, cache(2)).close();
    try (TokenizedDataset data = open(List.of(file), LONG, tokenizer, cache(2).overwriting())) {
      assertThat(data.cacheUse().reusedShards()).isZero();
      assertThat(data.documents()).isEqualTo(50);
    }
    assertThat(tokenizer.calls).hasValue(100);
  }

  @Test
  void changedContentOrSettingsAreTokenisedAgain() throws IOException {
    Path file = lines("a.jsonl", "{\"text\":\"ab\",\"other\":\"xy\"}");
    FileTime time = Files.getLastModifiedTime(file);
    open(List.of(file), LONG, tokenizer, cache(1)).close();
    Files.writeString(file, Files.readString(file).replace("ab", "cd"));
    Files.setLastModifiedTime(file, time);
    open(List.of(file), LONG, tokenizer, cache(1)).close();
    assertThat(tokenizer.calls).as("same size, same date, other content").hasValue(2);
    SourceFile other = new SourceFile(file, Format.JSONL, TextColumns.of("other"));
    TokenizedDataset.open(List.of(other), OnBadRecord.FAIL, LONG, tokenizer.corpus(), cache(1))
        .close();
    assertThat(tokenizer.calls).hasValue(3);
    CorpusTokenizer retrained =
        new CorpusTokenizer(
            tokenizer.corpus().tokenizer(),
            "other",
            tokenizer.bosId(),
            tokenizer.eosId(),
            ByteTokenizer.VOCABULARY);
    TokenizedDataset.open(List.of(TestData.file(file)), OnBadRecord.FAIL, LONG, retrained, cache(1))
        .close();
    assertThat(tokenizer.calls).hasValue(4);
    open(
            List.of(file),
            new TokenizeConfig(true, false, true, 9, OnExcess.DROP),
            tokenizer,
            cache(1))
        .close();
    assertThat(tokenizer.calls).hasValue(5);
  }

  @Test
  void damagedShardsAreMadeAgainAndOnlyThose() throws IOException {
    Path file = random("a.jsonl", 6, 200);
    List<String> expected;
    try (TokenizedDataset data = open(List.of(file), LONG, tokenizer, cache(2))) {
      expected = documents(data);
    }
    int all = shards().size();
    assertThat(all).isGreaterThan(6);
    try (RandomAccessFile shard = new RandomAccessFile(shards().get(1).toFile(), "rw")) {
      shard.seek(shard.length() / 2);
      int old = shard.read();
      shard.seek(shard.length() / 2);
      shard.write(old ^ 1);
    }
    try (RandomAccessFile shard = new RandomAccessFile(shards().get(3).toFile(), "rw")) {
      shard.setLength(shard.length() - 1);
    }
    Files.write(shards().get(4), new byte[0]);
    Files.copy(shards().get(0), shards().get(5), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    Files.delete(shards().get(6));
    try (TokenizedDataset data = open(List.of(file), LONG, tokenizer, cache(2))) {
      assertThat(documents(data)).isEqualTo(expected);
      assertThat(data.cacheUse()).isEqualTo(new CacheUse(all - 5, 5, 4));
    }
    try (TokenizedDataset data = open(List.of(file), LONG, tokenizer, cache(2))) {
      assertThat(data.cacheUse()).isEqualTo(new CacheUse(all, 0, 0));
    }
  }

  @Test
  void manyTextFilesShareShards() throws IOException {
    for (int i = 0; i < 300; i++) {
      Files.writeString(directory.resolve("%03d.txt".formatted(i)), "text number " + i);
    }
    List<SourceFile> files = Sources.files(Sources.resolve(SourceConfig.of(directory + "/*.txt")));
    CacheConfig cache = CacheConfig.of(directory.resolve("cache"), 2);
    try (TokenizedDataset data =
        TokenizedDataset.open(files, OnBadRecord.FAIL, LONG, tokenizer.corpus(), cache)) {
      assertThat(data.documents()).isEqualTo(300);
      assertThat(data.document(299)).hasToString(directory.resolve("299.txt").toString());
      assertThat(data.length(299)).isEqualTo(2 + "text number 299".length());
    }
    assertThat(shards()).hasSize(2);
  }

  @Test
  void aCacheThatCannotBeWrittenSaysWhatToDo() throws IOException {
    Path file = lines("a.jsonl", "{\"text\":\"a\"}");
    Path inTheWay = Files.writeString(directory.resolve("file"), "");
    assertThatThrownBy(() -> open(List.of(file), LONG, tokenizer, CacheConfig.of(inTheWay, 1)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("cannot be written in " + inTheWay)
        .hasMessageContaining("set tokenized_cache_dir or YUSHAN_CACHE");
  }

  @Test
  void aWaitForTheCacheThatIsInterruptedSaysSo() {
    UnitDirectory unit = UnitDirectory.of(directory, "0123456789abcdef".repeat(4));
    try (UnitDirectory.Lock lock = unit.lock()) {
      assertThat(lock.channel().isOpen()).isTrue();
      Thread.currentThread().interrupt();
      assertThatThrownBy(unit::lock)
          .isInstanceOf(DataException.class)
          .hasMessageContaining(unit.path() + ": the wait for another process")
          .hasMessageEndingWith("was interrupted; start again");
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  /// What is still being made of the former content is not left under its key either.
  @Test
  void ofAFileThatChangesWhileItIsReadNothingIsLeft() throws IOException {
    Path file = random("a.jsonl", 1, 200);
    Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000_000_000L));
    ByteTokenizer touching =
        new ByteTokenizer(
            () -> {
              try {
                // more shards than are read ahead, so that this comes before the end of the file
                Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000_001_000L));
                Thread.sleep(2);
              } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    assertThatThrownBy(() -> open(List.of(file), LONG, touching, cache(1)))
        .isInstanceOf(DataException.class)
        .hasMessage(file + " changed while it was read: start again");
    assertThat(touching.calls.get()).isGreaterThan(100);
    assertThat(shards()).isEmpty();
  }

  @Test
  void nothingTemporaryIsLeft() throws IOException {
    open(List.of(random("a.jsonl", 7, 50)), LONG, tokenizer, cache(2)).close();
    try (Stream<Path> files = Files.walk(directory.resolve("cache"))) {
      assertThat(files.filter(Files::isRegularFile).map(f -> f.getFileName().toString()))
          .allMatch(n -> n.matches("shard-\\d{5}\\.bin|done\\.json|lock"))
          .contains("done.json");
    }
  }

  @Test
  void lengthsOfSlicesAreCopiedWhereAsked() throws IOException {
    Path file = lines("a.jsonl", "{\"text\":\"abcdef\"}");
    try (TokenizedDataset data = open(List.of(file), LONG, tokenizer, cache(1))) {
      int[] ids = new int[4];
      int[] labels = new int[4];
      data.copy(0, 2, 2, ids, labels, 1);
      assertThat(ids).containsExactly(0, 98, 99, 0);
      assertThat(Arrays.equals(ids, labels)).isTrue();
    }
  }
}
