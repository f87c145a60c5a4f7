package dev.yushan.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.io.SafetensorsWriter.Entry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsWriterTest {
  @TempDir Path temp;

  private record Content(TensorHeader header, byte[] bytes) {
    Entry entry() {
      return new Entry(header, TensorSource.of(MemorySegment.ofArray(bytes)));
    }
  }

  /// Tensors of every type in random order, of rank 0 to 4, some empty, with awkward names.
  private static List<Content> randomTensors(Random random) {
    List<Content> tensors = new ArrayList<>();
    String[] names = {"w", "層.權重", "a\"b\\c", "tab\t\u0001", "\ud83c\udfd4", "\uffee", ""};
    for (StorageType type : StorageType.values()) {
      for (int i = 0; i < 1 + random.nextInt(3); i++) {
        long[] dims = random.longs(random.nextInt(5), 0, 7).toArray();
        String name = names[random.nextInt(names.length)] + "." + type + "." + i;
        tensors.add(content(TensorHeader.of(name, type, dims), random));
      }
    }
    Collections.shuffle(tensors, random);
    return tensors;
  }

  private static Content content(TensorHeader header, Random random) {
    byte[] bytes = new byte[Math.toIntExact(header.bytes())];
    random.nextBytes(bytes);
    return new Content(header, bytes);
  }

  private static List<Entry> entries(List<Content> tensors) {
    return tensors.stream().map(Content::entry).toList();
  }

  private static void assertHolds(List<StoredTensor> read, List<Content> written) {
    assertThat(read).hasSameSizeAs(written);
    Map<String, StoredTensor> byName = new LinkedHashMap<>();
    read.forEach(tensor -> byName.put(tensor.name(), tensor));
    for (Content content : written) {
      StoredTensor tensor = byName.get(content.header().name());
      assertThat(tensor.header()).isEqualTo(content.header());
      assertThat(tensor.data().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(content.bytes());
    }
  }

  @RepeatedTest(20)
  void whatIsWrittenIsRead() {
    long seed = System.nanoTime();
    System.out.println("SafetensorsWriterTest.whatIsWrittenIsRead seed " + seed);
    Random random = new Random(seed);
    List<Content> tensors = randomTensors(random);
    Path file = temp.resolve("model.safetensors");
    Map<String, String> metadata = Map.of("format", "pt", "雪", "\"山\"");
    SafetensorsWriter.write(file, entries(tensors), metadata);
    try (Safetensors read = Safetensors.open(file)) {
      assertHolds(read.tensors(), tensors);
      assertThat(read.metadata()).isEqualTo(metadata);
      for (StoredTensor tensor : read.tensors()) {
        assertThat(tensor.data().address() % tensor.type().bytes()).as("aligned").isZero();
      }
    }
  }

  @RepeatedTest(10)
  void whatIsWrittenInShardsIsRead() throws IOException {
    long seed = System.nanoTime();
    System.out.println("SafetensorsWriterTest.whatIsWrittenInShardsIsRead seed " + seed);
    Random random = new Random(seed);
    List<Content> tensors = randomTensors(random);
    long limit = 1 + random.nextLong(8_000);
    List<String> files = SafetensorsWriter.writeModel(temp, entries(tensors), limit);
    try (SafetensorsDirectory read = SafetensorsDirectory.open(temp)) {
      assertHolds(read.tensors(), tensors);
      assertThat(read.files()).hasSameSizeAs(files);
      for (Path path : read.files()) {
        try (Safetensors file = Safetensors.open(path)) {
          long bytes = file.tensors().stream().mapToLong(t -> t.header().bytes()).sum();
          assertThat(bytes <= limit || file.tensors().size() == 1).isTrue();
          assertThat(file.metadata()).isEqualTo(Map.of("format", "pt"));
        }
      }
    }
    int index = files.size() > 1 ? 1 : 0;
    assertThat(Files.list(temp)).hasSize(files.size() + index);
  }

  @Test
  void piecesAreWholeRowsInOrder() {
    int rows = 1000;
    int rowBytes = 3 * 4096;
    TensorHeader header = TensorHeader.of("w", StorageType.U8, rows, rowBytes);
    List<Long> offsets = new ArrayList<>();
    TensorSource source =
        (offset, piece) -> {
          assertThat(offset % rowBytes).isZero();
          assertThat(piece.byteSize() % rowBytes).isZero();
          offsets.add(offset);
          for (long i = 0; i < piece.byteSize(); i++) {
            piece.set(ValueLayout.JAVA_BYTE, i, (byte) ((offset + i) % 251));
          }
        };
    Path file = temp.resolve("rows.safetensors");
    SafetensorsWriter.write(file, List.of(new Entry(header, source)), Map.of());
    assertThat(offsets).hasSizeGreaterThan(2).isSorted();
    try (Safetensors read = Safetensors.open(file)) {
      MemorySegment data = read.tensor("w").data();
      for (long i = 0; i < data.byteSize(); i++) {
        if (data.get(ValueLayout.JAVA_BYTE, i) != (byte) (i % 251)) {
          throw new AssertionError("byte " + i);
        }
      }
    }
  }

  @Test
  void aRowLargerThanTheBufferIsCutAtItsEnd() {
    TensorHeader header = TensorHeader.of("w", StorageType.F32, 2, (5 << 20) / 4 + 1);
    long row = header.bytes() / 2;
    List<Long> ends = new ArrayList<>();
    TensorSource source = (offset, piece) -> ends.add(offset + piece.byteSize());
    Path file = temp.resolve("long-rows.safetensors");
    SafetensorsWriter.write(file, List.of(new Entry(header, source)), Map.of());
    assertThat(ends).containsExactly(4L << 20, row, row + (4L << 20), 2 * row);
  }

  @Test
  void aValueThatTheTypeCannotHoldIsNamed() {
    MemorySegment values = MemorySegment.ofArray(new float[] {1, 65504, 70000});
    StoredTensor stored = new StoredTensor(TensorHeader.of("w", StorageType.F32, 3), values);
    MemorySegment piece = MemorySegment.ofArray(new byte[6]);
    assertThatThrownBy(() -> TensorSource.converted(stored, StorageType.F16).fill(0, piece))
        .hasMessageContaining("tensor w: element 2 is infinite or NaN as F16");
  }

  @Test
  void narrowsWhileItWrites() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    float[] values = new float[3_000_001];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    MemorySegment wide = MemorySegment.ofArray(values);
    StoredTensor stored =
        new StoredTensor(TensorHeader.of("wide", StorageType.F32, values.length), wide);
    List<Entry> entries = new ArrayList<>();
    for (StorageType type : List.of(StorageType.F32, StorageType.F16, StorageType.BF16)) {
      TensorHeader header = TensorHeader.of(type.name(), type, values.length);
      entries.add(new Entry(header, TensorSource.converted(stored, type)));
    }
    Path file = temp.resolve("narrow.safetensors");
    SafetensorsWriter.write(file, entries, Map.of());
    try (Safetensors read = Safetensors.open(file)) {
      MemorySegment back = MemorySegment.ofArray(new float[values.length]);
      read.tensor("F32").widenInto(back);
      assertThat(back.mismatch(wide)).isEqualTo(-1);
      read.tensor("F16").widenInto(back);
      assertClose(values, back, 1f / 2048, seed);
      read.tensor("BF16").widenInto(back);
      assertClose(values, back, 1f / 256, seed);
    }
  }

  private static void assertClose(float[] values, MemorySegment back, float relative, long seed) {
    for (int i = 0; i < values.length; i++) {
      float actual = back.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      // F16 is subnormal below 2^-14: steps of 2^-24, half of one at most.
      if (Math.abs(actual - values[i]) > Math.max(Math.abs(values[i]) * relative, 0x1p-25f)) {
        throw new AssertionError("seed %d: %s became %s".formatted(seed, values[i], actual));
      }
    }
  }

  @Test
  void aSourceThatFailsLeavesThePreviousFileAndNothingElse() throws IOException {
    Path file = temp.resolve("model.safetensors");
    Files.writeString(file, "previous");
    TensorHeader header = TensorHeader.of("w", StorageType.U8, 10L << 20);
    TensorSource failing =
        (offset, piece) -> {
          if (offset > 0) {
            throw new UncheckedIOException(new IOException("No space left on device"));
          }
        };
    List<Entry> entries = List.of(new Entry(header, failing));
    assertThatThrownBy(() -> SafetensorsWriter.write(file, entries, Map.of()))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("previous content is untouched, free some space");
    assertThatThrownBy(() -> SafetensorsWriter.writeModel(temp, entries, 1L << 30))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("No space left");
    assertThat(file).hasContent("previous");
    assertThat(Files.list(temp)).hasSize(1);
  }

  @Test
  void moreThanTheDiskHoldsIsRefusedAtOnce() {
    TensorHeader header = TensorHeader.of("w", StorageType.F64, 1L << 56);
    List<Entry> entries =
        List.of(
            new Entry(
                header,
                (offset, piece) -> {
                  throw new AssertionError("asked for bytes");
                }));
    assertThatThrownBy(() -> SafetensorsWriter.writeModel(temp, entries, Long.MAX_VALUE))
        .hasMessageContaining("take 576460752303423488 bytes but only")
        .hasMessageContaining("free some space or choose another directory");
  }

  @Test
  void newWeightsReplaceOldOnesOfAnyNumberOfFiles() throws IOException {
    Files.writeString(temp.resolve("config.json"), "{}");
    Random random = new Random(1);
    List<Content> tensors = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      tensors.add(content(TensorHeader.of("w" + i, StorageType.F32, 10), random));
    }
    for (long limit : new long[] {1000, 40, 80, 1000}) {
      SafetensorsWriter.writeModel(temp, entries(tensors), limit);
      try (SafetensorsDirectory read = SafetensorsDirectory.open(temp)) {
        assertHolds(read.tensors(), tensors);
        assertThat(read.files()).hasSize(limit == 1000 ? 1 : limit == 40 ? 4 : 2);
        int index = limit == 1000 ? 0 : 1;
        assertThat(Files.list(temp)).hasSize(read.files().size() + index + 1);
      }
    }
  }

  /// The weights of a model may lie elsewhere, on another disk or in the cache of a hub.
  @Test
  void linksStayAndLeadToTheNewWeights() throws IOException {
    Path elsewhere = Files.createDirectory(temp.resolve("elsewhere"));
    Path home = Files.createDirectory(temp.resolve("home"));
    Random random = new Random(1);
    List<Content> tensors = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      tensors.add(content(TensorHeader.of("w" + i, StorageType.F32, 10), random));
    }
    List<String> names = new ArrayList<>(SafetensorsWriter.writeModel(home, entries(tensors), 40));
    names.add(SafetensorsWriter.INDEX_FILE);
    for (String name : names) {
      Path blob = elsewhere.resolve("blob of " + name);
      Files.move(home.resolve(name), blob);
      Files.createSymbolicLink(home.resolve(name), blob);
    }
    tensors.replaceAll(old -> content(old.header(), random));
    SafetensorsWriter.writeModel(home, entries(tensors), 40);
    try (SafetensorsDirectory read = SafetensorsDirectory.open(home)) {
      assertHolds(read.tensors(), tensors);
    }
    assertThat(names).hasSize(3).allMatch(name -> Files.isSymbolicLink(home.resolve(name)));
  }

  /// A directory that is not empty: no file can be renamed onto it.
  private Path obstacle(String name) throws IOException {
    Path obstacle = Files.createDirectory(temp.resolve(name));
    Files.writeString(obstacle.resolve("content"), "");
    return obstacle;
  }

  @Test
  void oneFileThatCannotBeRenamedLeavesTheShardsThatWereThere() throws IOException {
    Random random = new Random(1);
    List<Content> old = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      old.add(content(TensorHeader.of("w" + i, StorageType.F32, 10), random));
    }
    SafetensorsWriter.writeModel(temp, entries(old), 40);
    Path obstacle = obstacle("model.safetensors");
    List<Entry> next = entries(List.of(content(TensorHeader.of("w", StorageType.F32, 1), random)));
    assertThatThrownBy(() -> SafetensorsWriter.writeModel(temp, next, 40))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(temp.toString());
    Files.delete(obstacle.resolve("content"));
    Files.delete(obstacle);
    try (SafetensorsDirectory read = SafetensorsDirectory.open(temp)) {
      assertHolds(read.tensors(), old);
    }
    assertThat(Files.list(temp)).hasSize(4);
  }

  @Test
  void shardsThatCannotBeRenamedStayAndAreNamed() throws IOException {
    Random random = new Random(1);
    List<Content> old = List.of(content(TensorHeader.of("w", StorageType.F32, 1), random));
    SafetensorsWriter.writeModel(temp, entries(old), 40);
    Path obstacle = obstacle("model-00002-of-00002.safetensors");
    List<Content> next =
        List.of(
            content(TensorHeader.of("w0", StorageType.F32, 10), random),
            content(TensorHeader.of("w1", StorageType.F32, 10), random));
    assertThatThrownBy(() -> SafetensorsWriter.writeModel(temp, entries(next), 40))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("the new weights are whole")
        .hasMessageContaining(".model-00002-of-00002.safetensors.");
    try (SafetensorsDirectory read = SafetensorsDirectory.open(temp)) {
      assertHolds(read.tensors(), old);
    }
    Files.delete(obstacle.resolve("content"));
    Files.delete(obstacle);
    Files.delete(temp.resolve("model.safetensors"));
    // as the message says
    for (Path file : Files.list(temp).toList()) {
      String name = file.getFileName().toString();
      if (name.startsWith(".")) {
        Files.move(
            file, temp.resolve(name.replaceFirst("^\\.(.+)\\.[0-9a-f]{16}\\.partial$", "$1")));
      }
    }
    try (SafetensorsDirectory read = SafetensorsDirectory.open(temp)) {
      assertHolds(read.tensors(), next);
    }
  }

  /// The expected divisions are those of `split_state_dict_into_shards_factory`.
  @Test
  void dividesAsHuggingfaceHubDoes() {
    assertThat(divided(20, 100, 8, 100, 8, 30, 8)).isEqualTo("[[w0], [w2], [w4], [w1, w3], [w5]]");
    assertThat(divided(20, 8, 8, 100, 8, 8)).isEqualTo("[[w2], [w0, w1], [w3, w4]]");
    assertThat(divided(20, 20, 1)).isEqualTo("[[w0], [w1]]");
    assertThat(divided(21, 20, 1)).isEqualTo("[[w0, w1]]");
  }

  private static String divided(long maxBytes, long... sizes) {
    List<Entry> entries = new ArrayList<>();
    for (long size : sizes) {
      TensorHeader header = TensorHeader.of("w" + entries.size(), StorageType.U8, size);
      entries.add(new Entry(header, (offset, piece) -> {}));
    }
    return Shards.assign(entries, maxBytes).values().stream()
        .map(shard -> shard.stream().map(entry -> entry.header().name()).toList())
        .toList()
        .toString();
  }

  @Test
  void namesAreDistinctAndShardsHoldSomething() {
    Content w = content(TensorHeader.of("w", StorageType.F32, 1), new Random(1));
    List<Entry> twice = entries(List.of(w, w));
    assertThatThrownBy(() -> SafetensorsWriter.write(temp.resolve("f"), twice, Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("tensor w");
    assertThatThrownBy(() -> SafetensorsWriter.writeModel(temp, entries(List.of(w)), 0))
        .hasMessageContaining("at most 0 bytes");
  }

  @Test
  void readsPastTwoGibibytes() throws IOException {
    long hole = 3L << 30;
    String json =
        "{\"hole\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[0,%d]},"
                .formatted(hole / 4, hole)
            + "\"tail\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[%d,%d]}}"
                .formatted(hole, hole + 4);
    byte[] header = json.getBytes(StandardCharsets.UTF_8);
    Path file = temp.resolve("sparse.safetensors");
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.SPARSE,
            StandardOpenOption.WRITE)) {
      ByteBuffer head = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
      channel.write(head.putLong(header.length).put(header).flip());
      ByteBuffer nan =
          ByteBuffer.wrap(new byte[] {0, 0, (byte) 0xc0, 0x7f, (byte) 0x80, 0x3f, 0, 0x40});
      channel.write(nan, 8 + header.length + hole - 4);
    }
    try (Safetensors read = Safetensors.open(file)) {
      MemorySegment wide = MemorySegment.ofArray(new float[2]);
      read.tensor("tail").widenInto(wide);
      assertThat(wide.toArray(ValueLayout.JAVA_FLOAT)).containsExactly(1, 2);
      MemorySegment data = read.tensor("hole").data();
      assertThat(data.byteSize()).isEqualTo(hole);
      // The last 64 MiB of it: reading all three GiB of zeros would show nothing more.
      long skipped = hole / 4 - (16 << 20);
      assertThat(
              FloatFormats.firstNonFinite(
                  StorageType.F32, data.asSlice(skipped * 4), hole / 4 - skipped))
          .hasValue((16 << 20) - 1);
    }
  }
}
