package dev.yushan.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.model.TokenBatch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataLoaderTest {
  @TempDir Path directory;

  private TokenizedDataset data;
  private PackedDataset packed;

  @BeforeEach
  void dataset() throws IOException {
    Path file =
        TestData.jsonLines(directory.resolve("a.jsonl"), TestData.texts(new Random(21), 103, 30));
    data =
        TestData.open(
            List.of(file),
            TokenizeConfig.of(200),
            new ByteTokenizer(),
            CacheConfig.of(directory.resolve("cache"), 2));
    packed = PackedDataset.of(data, 200, new PackingConfig(Packing.BEST_FIT, 200));
  }

  @AfterEach
  void close() {
    data.close();
  }

  private DataLoader loader(int batchSize, boolean shuffle, long seed) {
    return new DataLoader(packed, new LoaderConfig(batchSize, shuffle, seed));
  }

  private static List<Integer> order(DataLoader loader, long epoch) {
    List<Integer> rows = new ArrayList<>();
    for (int b = 0; b < loader.microBatches(); b++) {
      IntStream.of(loader.microBatch(epoch, b).rowNumbers()).forEach(rows::add);
    }
    return rows;
  }

  @Test
  void everyEpochHasEveryRowOnceInItsOwnOrder() {
    List<Integer> inOrder = IntStream.range(0, packed.rows()).boxed().toList();
    DataLoader loader = loader(3, true, 42);
    List<Integer> first = order(loader, 0);
    List<Integer> second = order(loader, 1);
    assertThat(first).containsExactlyInAnyOrderElementsOf(inOrder).isNotEqualTo(inOrder);
    assertThat(second).containsExactlyInAnyOrderElementsOf(inOrder).isNotEqualTo(first);
    assertThat(order(loader(5, true, 42), 0)).as("whatever the batch size").isEqualTo(first);
    assertThat(order(loader(3, true, 43), 0)).isNotEqualTo(first);
    assertThat(order(loader(3, false, 42), 1)).isEqualTo(inOrder);
  }

  @Test
  void aMicroBatchIsAFunctionOfItsNumberAlone() {
    DataLoader loader = loader(4, true, 7);
    MicroBatch later = loader.microBatch(2, 1);
    loader.microBatch(0, 0);
    assertThat(loader.microBatch(2, 1).rowNumbers()).isEqualTo(later.rowNumbers());
    assertThat(loader(4, true, 7).microBatch(2, 1).rows().tokens())
        .isEqualTo(later.rows().tokens());
  }

  @Test
  void aMicroBatchIsItsRowsOneAfterTheOther() {
    DataLoader loader = loader(4, true, 7);
    assertThat(loader.microBatches()).isEqualTo(Math.ceilDiv(packed.rows(), 4));
    for (int b = 0; b < loader.microBatches(); b++) {
      MicroBatch batch = loader.microBatch(0, b);
      List<int[]> segments = new ArrayList<>();
      List<Document> documents = new ArrayList<>();
      for (int row : batch.rowNumbers()) {
        PackedRow packedRow = packed.row(row);
        documents.addAll(packedRow.documents());
        TokenBatch.Rows rows = packedRow.rows();
        for (int s = 0; s + 1 < rows.starts().length; s++) {
          segments.add(
              java.util.Arrays.copyOfRange(rows.tokens(), rows.starts()[s], rows.starts()[s + 1]));
        }
      }
      TokenBatch.Rows expected = TokenBatch.Rows.ofSequences(segments.toArray(int[][]::new));
      assertThat(batch.rows().tokens()).isEqualTo(expected.tokens());
      assertThat(batch.rows().positions()).isEqualTo(expected.positions());
      assertThat(batch.rows().starts()).isEqualTo(expected.starts());
      assertThat(batch.rows().targets()).isEqualTo(expected.targets());
      assertThat(batch.documents()).isEqualTo(documents);
      int[] capacity = loader.capacity();
      assertThat(batch.rows().length()).isLessThanOrEqualTo(capacity[0]);
      assertThat(batch.rows().starts().length - 1).isLessThanOrEqualTo(capacity[1]);
    }
  }

  @Test
  void onlyTheFirstRowsAreUsedWhenAskedFor() {
    DataLoader loader = new DataLoader(packed, new LoaderConfig(2, true, 7, 5));
    assertThat(loader.microBatches()).isEqualTo(3);
    assertThat(order(loader, 0)).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
  }

  @Test
  void theLastMicroBatchMayBeShort() {
    int size = packed.rows() - 1;
    DataLoader loader = loader(size, true, 7);
    assertThat(loader.microBatches()).isEqualTo(2);
    assertThat(loader.microBatch(0, 1).rowNumbers()).hasSize(1);
    assertThatThrownBy(() -> loader.microBatch(0, 2))
        .hasMessageContaining("there is no micro-batch 2 of epoch 0: an epoch has 2");
  }
}
