package dev.yushan.report;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Event files as [TestEvents], which shares nothing with the writer, reads them.
class EventFileTest {
  @TempDir Path directory;

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.sorted().toList();
    }
  }

  /// RFC 3720, B.4.
  @Test
  void theChecksumOfTheTestIsCrc32c() {
    assertThat(TestEvents.crc32c(new byte[32])).isEqualTo(0x8a9136aa);
    assertThat(TestEvents.crc32c("123456789".getBytes(UTF_8))).isEqualTo(0xe3069283);
  }

  /// The first record of every file, but for the time: its length and the checksum of that are
  /// those that TensorFlow writes.
  @Test
  void theFileBeginsWithItsVersion() throws IOException {
    EventFile.create(directory, OptionalLong.empty()).close();
    byte[] bytes = Files.readAllBytes(files().getFirst());
    assertThat(HexFormat.of().formatHex(bytes, 0, 12)).isEqualTo("1800000000000000a37f4b22");
    List<TestEvents.Event> events = TestEvents.read(files().getFirst());
    assertThat(events).hasSize(1);
    assertThat(events.getFirst().fileVersion()).isEqualTo("brain.Event:2");
    double now = System.currentTimeMillis() / 1000.0;
    assertThat(events.getFirst().wallTime()).isBetween(now - 60, now);
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    Map<Long, Map<String, Double>> written = new TreeMap<>();
    try (EventFile file = EventFile.create(directory, OptionalLong.empty())) {
      for (int i = 0; i < 50; i++) {
        long step = random.nextLong(1L << 40);
        Map<String, Double> values = new TreeMap<>();
        for (int v = random.nextInt(200); v >= 0; v--) {
          values.put("train/損失 " + v, (double) random.nextFloat());
        }
        file.scalars(step, values);
        written.put(step, values);
      }
      file.text(7, "samples/1", "第一條 **中華民國** 🏔");
    }
    Map<Long, Map<String, Double>> read = new TreeMap<>();
    for (TestEvents.Event event : TestEvents.read(files().getFirst())) {
      if (!event.scalars().isEmpty()) {
        read.put(event.step(), event.scalars());
      }
      if (!event.texts().isEmpty()) {
        assertThat(event.texts()).isEqualTo(Map.of("samples/1", "第一條 **中華民國** 🏔"));
      }
    }
    assertThat(read).isEqualTo(written);
  }

  @Test
  void aContinuedRunGetsAFileOfItsOwnAfterTheFirst() throws IOException {
    for (int i = 0; i < 3; i++) {
      EventFile.create(directory, i == 0 ? OptionalLong.empty() : OptionalLong.of(10 * i)).close();
    }
    assertThat(files()).hasSize(3);
    List<OptionalLong> starts =
        files().stream().map(TestEvents::read).map(TestEvents::sessionStart).toList();
    assertThat(starts)
        .containsExactly(OptionalLong.empty(), OptionalLong.of(10), OptionalLong.of(20));
    Files.writeString(directory.resolve("mine.txt"), "stays");
    EventFile.deleteAll(directory);
    assertThat(files())
        .extracting(Path::getFileName)
        .extracting(Path::toString)
        .containsExactly("mine.txt");
    EventFile.deleteAll(directory.resolve("nowhere"));
  }

  /// What a killed process may leave.
  @Test
  void aFileCutShortKeepsItsWholeEvents() throws IOException {
    try (EventFile file = EventFile.create(directory, OptionalLong.empty())) {
      file.scalars(1, Map.of("train/loss", 2.5));
      file.scalars(2, Map.of("train/loss", 1.5));
    }
    byte[] bytes = Files.readAllBytes(files().getFirst());
    Files.write(files().getFirst(), Arrays.copyOf(bytes, bytes.length - 5));
    assertThat(TestEvents.read(files().getFirst())).hasSize(2);
  }
}
