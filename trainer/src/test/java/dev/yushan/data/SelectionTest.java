package dev.yushan.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.data.Selection.Part;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SelectionTest {
  private static final TokenizeConfig LONG = TokenizeConfig.of(100_000);

  @TempDir Path directory;

  private final ByteTokenizer tokenizer = new ByteTokenizer();

  /// Shards of about 2000 bytes, so that each entry has several.
  private TokenizedDataset open(List<Source> entries, Selection selection, TokenizeConfig config) {
    CacheConfig cache = new CacheConfig(directory.resolve("cache"), 2, 2000, false);
    return TokenizedDataset.open(
        entries, selection, OnBadRecord.SKIP, config, tokenizer.corpus(), cache);
  }

  private Source random(String name, long seed, int count) throws IOException {
    Path file = directory.resolve(name);
    TestData.jsonLines(file, TestData.texts(new Random(seed), count, 200));
    return new Source(name, List.of(TestData.file(file)));
  }

  private List<String> used(List<Source> entries, Selection selection, TokenizeConfig config) {
    try (TokenizedDataset data = open(entries, selection, config)) {
      PackedDataset.of(data, config.cutoffLen(), new PackingConfig(Packing.CONCAT, 64));
      return TestData.documents(data);
    }
  }

  @Test
  void maxSamplesAreTheFirstOfEachEntry() throws IOException {
    List<Source> entries = List.of(random("a.jsonl", 1, 100), random("b.jsonl", 2, 5));
    List<String> all = used(entries, Selection.ALL, LONG);
    List<String> expected = new ArrayList<>(all.subList(0, 37));
    expected.addAll(all.subList(100, 105));
    int calls = tokenizer.calls.get();
    assertThat(used(entries, Selection.first(37), LONG)).isEqualTo(expected);
    assertThat(used(entries, Selection.first(100), LONG)).isEqualTo(all);
    try (TokenizedDataset data = open(entries, Selection.first(37), LONG)) {
      assertThat(data.selected().beyondDocuments()).isEqualTo(63);
      assertThat(data.tokens() + data.selected().beyondTokens()).isEqualTo(data.read().tokens());
    }
    assertThat(tokenizer.calls).as("the shards in the cache serve every selection").hasValue(calls);
  }

  @Test
  void neighbouringTextFilesAreCountedByEntry() throws IOException {
    List<Source> entries = new ArrayList<>();
    for (String entry : List.of("a", "b")) {
      List<SourceFile> files = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        Path file = directory.resolve(entry + i + ".txt");
        files.add(TestData.file(Files.writeString(file, entry + i)));
      }
      entries.add(new Source(entry, files));
    }
    assertThat(used(entries, Selection.first(2), LONG))
        .extracting(document -> document.substring(0, document.indexOf(".txt")))
        .extracting(path -> path.substring(path.length() - 2))
        .containsExactly("a0", "a1", "b0", "b1");
  }

  @Test
  void badAndEmptyRecordsAreNoSamples() throws IOException {
    Path file = directory.resolve("a.jsonl");
    TestData.write(file, "{}", "{\"text\":\"\"}", "{\"text\":\"one\"}", "{\"text\":\"two\"}");
    Source entry = new Source("a", List.of(TestData.file(file)));
    assertThat(used(List.of(entry), Selection.first(1), LONG))
        .singleElement()
        .asString()
        .contains("line 3");
  }

  @ParameterizedTest
  @CsvSource({"0.1, 11", "0.001, 1", "0.5, 53", "1, 1", "40, 40"})
  void valSizeDividesTheDocuments(double valSize, int heldOut) throws IOException {
    List<Source> entries = List.of(random("a.jsonl", 1, 100), random("b.jsonl", 2, 5));
    List<String> all = used(entries, Selection.ALL, LONG);
    Selection training = new Selection(Long.MAX_VALUE, valSize, 42, Part.TRAINING);
    List<String> trained = used(entries, training, LONG);
    List<String> held = used(entries, training.of(Part.HELD_OUT), LONG);
    assertThat(held).hasSize(heldOut);
    assertThat(trained).hasSize(105 - heldOut);
    List<String> both = new ArrayList<>(trained);
    both.addAll(held);
    assertThat(both).containsExactlyInAnyOrderElementsOf(all);
    assertThat(trained)
        .as("in the order of the data")
        .isSubsetOf(all)
        .isEqualTo(kept(all, trained));
    try (TokenizedDataset data = open(entries, training.of(Part.HELD_OUT), LONG)) {
      assertThat(data.selected().otherDocuments()).isEqualTo(105 - heldOut);
    }
  }

  private static List<String> kept(List<String> all, List<String> some) {
    return all.stream().filter(some::contains).toList();
  }

  @Test
  void theDrawIsAFunctionOfTheSeedAndNotOfTheLengthLimit() throws IOException {
    List<Source> entries = List.of(random("a.jsonl", 1, 100));
    Selection held = new Selection(80, 20, 42, Part.HELD_OUT);
    List<String> documents = used(entries, held, LONG);
    assertThat(used(entries, held, LONG)).isEqualTo(documents);
    assertThat(used(entries, new Selection(80, 20, 43, Part.HELD_OUT), LONG))
        .isNotEqualTo(documents);
    assertThat(used(entries, held, TokenizeConfig.of(100)))
        .hasSizeBetween(1, 19)
        .isSubsetOf(documents);
    try (TokenizedDataset a = open(entries, held, LONG);
        TokenizedDataset b = open(entries, held.of(Part.TRAINING), LONG);
        TokenizedDataset c = open(entries, Selection.ALL, LONG)) {
      assertThat(List.of(a.fingerprint(), b.fingerprint(), c.fingerprint()))
          .doesNotHaveDuplicates();
      assertThat(a.selected().documents()).isEqualTo(80);
      assertThat(a.selected().beyondDocuments()).isEqualTo(20);
    }
  }

  @Test
  void aLongDocumentThatIsNotSelectedIsNoFailure() throws IOException {
    Path file = directory.resolve("a.jsonl");
    TestData.write(file, "{\"text\":\"one\"}", "{\"text\":\"much too long\"}");
    List<Source> entries = List.of(new Source("a", List.of(TestData.file(file))));
    TokenizeConfig fail = new TokenizeConfig(true, true, true, 5, OnExcess.FAIL);
    assertThat(used(entries, Selection.first(1), fail)).hasSize(1);
    assertThatThrownBy(() -> used(entries, Selection.first(2), fail))
        .hasMessageContaining("line 2 has 15 tokens");
  }

  @Test
  void nothingIsLeftToTrainOn() throws IOException {
    List<Source> entries = List.of(random("a.jsonl", 1, 10));
    assertThatThrownBy(() -> used(entries, new Selection(10, 10, 1, Part.TRAINING), LONG))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("holding out 10 of 10 documents leaves none to train on");
    assertThatThrownBy(() -> new Selection(10, 1.5, 1, Part.TRAINING))
        .hasMessageContaining("val_size: 1.5");
  }

  @Test
  void theSeedOfAnEntryDrawsWhatIsGoneOverInPart() throws IOException {
    Source once = random("a.jsonl", 1, 80);
    List<String> all = used(List.of(once), Selection.ALL, LONG);
    List<String> half = used(List.of(mixed(once, 0.5, 7)), Selection.ALL, LONG);
    assertThat(half).hasSize(40).isSubsetOf(all);
    assertThat(used(List.of(mixed(once, 0.5, 7)), Selection.ALL, LONG)).isEqualTo(half);
    assertThat(used(List.of(mixed(once, 0.5, 8)), Selection.ALL, LONG))
        .hasSize(40)
        .isNotEqualTo(half);
    assertThat(used(List.of(mixed(once, 2.25, 7)), Selection.ALL, LONG)).hasSize(180);
    try (TokenizedDataset a = open(List.of(once), Selection.ALL, LONG);
        TokenizedDataset b = open(List.of(mixed(once, 0.5, 7)), Selection.ALL, LONG);
        TokenizedDataset c = open(List.of(mixed(once, 0.5, 8)), Selection.ALL, LONG)) {
      assertThat(List.of(a.fingerprint(), b.fingerprint(), c.fingerprint()))
          .doesNotHaveDuplicates();
    }
  }

  private static Source mixed(Source source, double epochs, long seed) {
    return new Source(source.name(), source.files(), epochs, seed, Optional.empty());
  }
}
