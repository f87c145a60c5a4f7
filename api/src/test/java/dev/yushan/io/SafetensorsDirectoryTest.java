package dev.yushan.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.io.SafetensorsWriter.Entry;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsDirectoryTest {
  private static final String FIRST = "model-00001-of-00002.safetensors";
  private static final String SECOND = "model-00002-of-00002.safetensors";

  @TempDir Path temp;

  @BeforeEach
  void writeTwoShards() {
    SafetensorsWriter.writeModel(temp, entries("a", "b"), 8);
  }

  private static List<Entry> entries(String... names) {
    return Arrays.stream(names)
        .map(name -> TensorHeader.of(name, StorageType.F32, 2))
        .map(header -> new Entry(header, TensorSource.of(MemorySegment.ofArray(new float[2]))))
        .toList();
  }

  private void editIndex(String from, String to) throws IOException {
    Path index = temp.resolve(SafetensorsWriter.INDEX_FILE);
    String text = Files.readString(index);
    assertThat(text).contains(from);
    Files.writeString(index, text.replace(from, to));
  }

  private void assertRefused(String... parts) {
    assertThatThrownBy(() -> SafetensorsDirectory.open(temp).close())
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(temp.toString())
        .hasMessageContainingAll(parts);
  }

  @Test
  void findsTensorsAndTheirFiles() {
    try (SafetensorsDirectory read = SafetensorsDirectory.open(temp)) {
      assertThat(read.tensors()).extracting(StoredTensor::name).containsExactly("a", "b");
      assertThat(read.fileOf("b")).isEqualTo(temp.resolve(SECOND));
      assertThat(read.find("c")).isEmpty();
      assertThatThrownBy(() -> read.tensor("c")).hasMessageContaining("tensor c: not there");
      read.requireFinite();
    }
  }

  @Test
  void aMissingShard() throws IOException {
    Files.delete(temp.resolve(SECOND));
    assertRefused(SafetensorsWriter.INDEX_FILE, "2 shards of which 1 are missing", SECOND);
  }

  @Test
  void aLinkToAFileThatWasNeverFetched() throws IOException {
    Files.delete(temp.resolve(SECOND));
    Files.createSymbolicLink(temp.resolve(SECOND), Path.of("../../blobs/0123"));
    assertRefused(SECOND, "the download is incomplete");
  }

  @Test
  void aTensorThatTheIndexPromisesAndNoShardHolds() throws IOException {
    editIndex("\"b\":", "\"c\": \"" + FIRST + "\",\n    \"b\":");
    assertRefused(FIRST, "tensor c", "which does not hold it");
  }

  @Test
  void aTensorThatTheIndexPlacesElsewhere() throws IOException {
    editIndex("\"b\": \"" + SECOND, "\"c\": \"" + SECOND);
    assertRefused(SECOND, "tensor b: the index does not know it");
  }

  @Test
  void aTensorInTwoShards() {
    SafetensorsWriter.write(temp.resolve(SECOND), entries("a", "b"), Map.of());
    assertRefused(SECOND, "tensor a", "places it in " + FIRST, "one file only");
  }

  @Test
  void anIndexOutOfShape() throws IOException {
    Path index = temp.resolve(SafetensorsWriter.INDEX_FILE);
    Files.writeString(index, "{\"weight_map\": {");
    assertRefused(SafetensorsWriter.INDEX_FILE, "no valid JSON");
    Files.writeString(
        index, "{\"weight_map\": {\"a\": \"x.safetensors\", \"a\": \"y.safetensors\"}}");
    assertRefused(SafetensorsWriter.INDEX_FILE, "Duplicate field 'a'");
    Files.writeString(index, "{\"metadata\": {}}");
    assertRefused(SafetensorsWriter.INDEX_FILE, "no weight_map");
    for (String bad : List.of("7", "\"../x.safetensors\"", "\"/x.safetensors\"", "\"x.bin\"")) {
      Files.writeString(index, "{\"weight_map\": {\"a\": " + bad + "}}");
      assertRefused(SafetensorsWriter.INDEX_FILE, "tensor a", bad);
    }
  }

  @Test
  void aMalformedShardIsNamed() throws IOException {
    Path shard = temp.resolve(SECOND);
    Files.write(shard, Arrays.copyOf(Files.readAllBytes(shard), (int) Files.size(shard) - 1));
    assertRefused(SECOND, "tensor b", "truncated");
  }

  @Test
  void noWeights() throws IOException {
    Path empty = Files.createDirectory(temp.resolve("empty"));
    Files.writeString(empty.resolve("pytorch_model.bin"), "");
    assertThatThrownBy(() -> SafetensorsDirectory.open(empty))
        .hasMessageContaining("neither model.safetensors nor model.safetensors.index.json")
        .hasMessageContaining("[pytorch_model.bin]; pickled weights are not read");
    assertThatThrownBy(() -> SafetensorsDirectory.open(temp.resolve("none")))
        .hasMessageContaining("no such directory");
  }

  @Test
  void theSingleFileCounts() {
    SafetensorsWriter.write(temp.resolve("model.safetensors"), entries("c"), Map.of());
    try (SafetensorsDirectory read = SafetensorsDirectory.open(temp)) {
      assertThat(read.tensors()).extracting(StoredTensor::name).containsExactly("c");
    }
  }

  @Test
  void aValueThatIsNotFiniteIsNamed() {
    float[] values = {1, 2, 3, Float.NaN, 5, Float.POSITIVE_INFINITY};
    TensorHeader header = TensorHeader.of("w", StorageType.BF16, 2, 3);
    MemorySegment narrow = MemorySegment.ofArray(new byte[12]);
    FloatFormats.narrow(StorageType.BF16, MemorySegment.ofArray(values), narrow, 6);
    SafetensorsWriter.writeModel(temp, List.of(new Entry(header, TensorSource.of(narrow))), 100);
    try (SafetensorsDirectory read = SafetensorsDirectory.open(temp)) {
      assertThatThrownBy(read::requireFinite)
          .isInstanceOf(FileFormatException.class)
          .hasMessageContaining(
              "model.safetensors: tensor w: element 3 of BF16 [2, 3] is infinite");
    }
  }
}
