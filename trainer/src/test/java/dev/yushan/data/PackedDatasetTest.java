package dev.yushan.data;

import static dev.yushan.data.TestData.document;
import static dev.yushan.data.TestData.open;
import static dev.yushan.data.TestData.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.model.TokenBatch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PackedDatasetTest {
  @TempDir Path directory;

  private final ByteTokenizer tokenizer = new ByteTokenizer();

  private CacheConfig cache() {
    return new CacheConfig(directory.resolve("cache"), 2, 500, false);
  }

  private Path lines(String... lines) throws IOException {
    return write(directory.resolve("a.jsonl"), lines);
  }

  private static List<Integer> list(int... values) {
    return IntStream.of(values).boxed().toList();
  }

  @Test
  void wholeDocumentsDoNotSeeEachOther() throws IOException {
    Path file = lines("{\"text\":\"abc\"}", "{\"text\":\"de\"}", "{\"text\":\"f\"}");
    try (TokenizedDataset data = open(List.of(file), TokenizeConfig.of(8), tokenizer, cache())) {
      PackedDataset packed = PackedDataset.of(data, 8, new PackingConfig(Packing.BEST_FIT, 8));
      assertThat(packed.rows()).isEqualTo(2);
      PackedRow row = packed.row(0);
      assertThat(row.rows().tokens()).containsExactly(256, 97, 98, 99, 257, 256, 102, 257);
      assertThat(row.rows().positions()).containsExactly(0, 1, 2, 3, 4, 0, 1, 2);
      assertThat(row.rows().starts()).containsExactly(0, 5, 8);
      assertThat(row.rows().targets()).containsExactly(97, 98, 99, 257, -100, 102, 257, -100);
      assertThat(row.documents()).extracting(Document::place).containsExactly("line 1", "line 3");
      assertThat(packed.row(1).rows().tokens()).containsExactly(256, 100, 101, 257);
      assertThat(packed.ledger().packed())
          .isEqualTo(new PackCounts(Packing.BEST_FIT, 8, 2, 3, 12, 0, 3, 0, 9));
    }
  }

  @Test
  void blocksRunAcrossDocumentsAndTheLastIsShort() throws IOException {
    Path file = lines("{\"text\":\"abc\"}", "{\"text\":\"de\"}", "{\"text\":\"f\"}");
    try (TokenizedDataset data = open(List.of(file), TokenizeConfig.of(8), tokenizer, cache())) {
      PackedDataset packed = PackedDataset.of(data, 8, new PackingConfig(Packing.CONCAT, 7));
      assertThat(packed.rows()).isEqualTo(2);
      PackedRow row = packed.row(0);
      assertThat(row.rows().tokens()).containsExactly(256, 97, 98, 99, 257, 256, 100);
      assertThat(row.rows().positions()).containsExactly(0, 1, 2, 3, 4, 5, 6);
      assertThat(row.rows().starts()).containsExactly(0, 7);
      assertThat(row.rows().targets()).containsExactly(97, 98, 99, 257, 256, 100, -100);
      assertThat(row.documents()).extracting(Document::place).containsExactly("line 1", "line 2");
      PackedRow last = packed.row(1);
      assertThat(last.rows().tokens()).containsExactly(101, 257, 256, 102, 257);
      assertThat(last.documents()).extracting(Document::place).containsExactly("line 2", "line 3");
      assertThat(row.documents()).extracting(Document::length).containsExactly(5, 2);
      assertThat(last.documents()).extracting(Document::length).containsExactly(2, 3);
      assertThat(last.documents()).extracting(Document::from).containsExactly(2L, 0L);
      assertThat(packed.ledger().packed())
          .isEqualTo(new PackCounts(Packing.CONCAT, 7, 2, 3, 12, 0, 2, 0, 10));
    }
  }

  @Test
  void labelsBecomeTargets() throws IOException {
    Path file =
        lines(
            "{\"input_ids\":[1,2,3,4],\"labels\":[1,-100,3,-100]}",
            "{\"input_ids\":[5,6]}",
            "{\"input_ids\":[7,8],\"labels\":[-100,9]}");
    try (TokenizedDataset data = open(List.of(file), TokenizeConfig.of(8), tokenizer, cache())) {
      PackedDataset none = PackedDataset.of(data, 8, new PackingConfig(Packing.NONE, 8));
      assertThat(none.row(0).rows().targets()).containsExactly(-100, 3, -100, -100);
      assertThat(none.row(1).rows().targets()).containsExactly(6, -100);
      assertThat(none.row(2).rows().targets()).containsExactly(9, -100);
      assertThat(none.ledger().packed())
          .isEqualTo(new PackCounts(Packing.NONE, 8, 3, 3, 8, 0, 3, 2, 3));
      PackedDataset concat = PackedDataset.of(data, 8, new PackingConfig(Packing.CONCAT, 8));
      assertThat(concat.row(0).rows().targets())
          .containsExactly(-100, 3, -100, 5, 6, -100, 9, -100);
      assertThat(concat.ledger().packed())
          .isEqualTo(new PackCounts(Packing.CONCAT, 8, 1, 3, 8, 0, 1, 3, 4));
    }
  }

  @Test
  void bestFitNeedsRoomForTheLongestDocument() throws IOException {
    Path file = lines("{\"text\":\"abcdef\"}", "{\"text\":\"de\"}", "{\"text\":\"abcdefg\"}");
    try (TokenizedDataset data = open(List.of(file), TokenizeConfig.of(9), tokenizer, cache())) {
      assertThatThrownBy(() -> PackedDataset.of(data, 9, new PackingConfig(Packing.BEST_FIT, 7)))
          .isInstanceOf(DataException.class)
          .hasMessageContaining(
              "cutoff_len (9) is more than sequence_len (7): 2 documents with 17 tokens would not"
                  + " fit");
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13, 14, 15, 16})
  void everyTokenIsInOneRowAndTheLedgerAddsUp(long seed) throws IOException {
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    List<String> texts = TestData.texts(random, 50 + random.nextInt(150), 1 + random.nextInt(120));
    Path file = TestData.jsonLines(directory.resolve("a.jsonl"), texts);
    int cutoff = 3 + random.nextInt(150);
    OnExcess onExcess = random.nextBoolean() ? OnExcess.SPLIT : OnExcess.DROP;
    TokenizeConfig config = new TokenizeConfig(true, true, true, cutoff, onExcess);
    List<List<Integer>> expected = new ArrayList<>();
    for (String text : texts) {
      int[] ids = document(text);
      for (int at = 0; at < ids.length && onExcess == OnExcess.SPLIT; at += cutoff) {
        expected.add(list(Arrays.copyOfRange(ids, at, Math.min(ids.length, at + cutoff))));
      }
      if (onExcess == OnExcess.DROP && ids.length <= cutoff) {
        expected.add(list(ids));
      }
    }
    assertThat(expected).as("the seed leaves something").isNotEmpty();
    try (TokenizedDataset data = open(List.of(file), config, tokenizer, cache())) {
      checkWhole(PackedDataset.of(data, cutoff, new PackingConfig(Packing.NONE, 1)), expected);
      checkWhole(
          PackedDataset.of(
              data, cutoff, new PackingConfig(Packing.BEST_FIT, cutoff + random.nextInt(50))),
          expected);
      int sequenceLen = 1 + random.nextInt(200);
      checkBlocks(
          PackedDataset.of(data, cutoff, new PackingConfig(Packing.CONCAT, sequenceLen)),
          expected,
          sequenceLen);
    }
  }

  private static void checkWhole(PackedDataset packed, List<List<Integer>> expected) {
    List<List<Integer>> found = new ArrayList<>();
    long targets = 0;
    for (int r = 0; r < packed.rows(); r++) {
      TokenBatch.Rows row = packed.row(r).rows();
      assertThat(row.length()).isEqualTo(packed.length(r));
      targets += row.targetCount();
      for (int s = 0; s + 1 < row.starts().length; s++) {
        int from = row.starts()[s];
        int to = row.starts()[s + 1];
        int[] ids = Arrays.copyOfRange(row.tokens(), from, to);
        found.add(list(ids));
        assertThat(Arrays.copyOfRange(row.positions(), from, to))
            .containsExactly(IntStream.range(0, to - from).toArray());
        int[] next = Arrays.copyOfRange(ids, 1, ids.length + 1);
        next[next.length - 1] = TokenBatch.NO_TARGET;
        assertThat(Arrays.copyOfRange(row.targets(), from, to)).isEqualTo(next);
      }
    }
    assertThat(found).containsExactlyInAnyOrderElementsOf(expected);
    checkLedger(packed, expected, targets);
  }

  private static void checkBlocks(
      PackedDataset packed, List<List<Integer>> expected, int sequenceLen) {
    List<Integer> stream = expected.stream().flatMap(List::stream).toList();
    List<Integer> found = new ArrayList<>();
    long targets = 0;
    for (int r = 0; r < packed.rows(); r++) {
      TokenBatch.Rows row = packed.row(r).rows();
      boolean last = r == packed.rows() - 1;
      assertThat(row.length()).isEqualTo(packed.length(r)).isPositive();
      assertThat(row.length()).satisfies(l -> assertThat(last || l == sequenceLen).isTrue());
      assertThat(row.positions()).containsExactly(IntStream.range(0, row.length()).toArray());
      for (int t = 0; t < row.length(); t++) {
        int next = t + 1 < row.length() ? row.tokens()[t + 1] : TokenBatch.NO_TARGET;
        assertThat(row.targets()[t]).isEqualTo(next);
      }
      targets += row.targetCount();
      found.addAll(list(row.tokens()));
    }
    assertThat(found).isEqualTo(stream);
    checkLedger(packed, expected, targets);
  }

  private static void checkLedger(
      PackedDataset packed, List<List<Integer>> expected, long targets) {
    TokenLedger ledger = packed.ledger();
    assertThat(ledger.packed().documents()).isEqualTo(expected.size());
    assertThat(ledger.packed().tokens()).isEqualTo(expected.stream().mapToLong(List::size).sum());
    assertThat(ledger.packed().targets()).isEqualTo(targets);
    assertThat(ledger.packed().rows()).isEqualTo(packed.rows());
    assertThat(ledger.check()).isSameAs(ledger);
  }
}
