package dev.yushan.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.process.ChildJvm;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Real processes: killed while they tokenise, or two at once.
@Timeout(120)
class TokenBuildProcessTest {
  private static final TokenizeConfig CONFIG = TokenizeConfig.of(100_000);
  private static final int SHARD_BYTES = 1000;

  @TempDir Path directory;

  /// The child: tokenises a file slowly into a cache. Arguments: file, cache, pause in ms.
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) {
      open(
              Path.of(arguments[0]),
              Path.of(arguments[1]),
              new ByteTokenizer(Long.parseLong(arguments[2])))
          .close();
    }
  }

  private static TokenizedDataset open(Path file, Path cache, ByteTokenizer tokenizer) {
    return TestData.open(
        List.of(file), CONFIG, tokenizer, new CacheConfig(cache, 2, SHARD_BYTES, false));
  }

  private Process start(Path file, Path cache, int pauseMillis) throws IOException {
    return ChildJvm.PLAIN
        .with("-Xmx256m")
        .running(Child.class, file, cache, pauseMillis)
        .redirectErrorStream(true)
        .redirectOutput(directory.resolve("child-" + System.nanoTime() + ".log").toFile())
        .start();
  }

  private static Map<Path, FileTime> shards(Path cache) throws IOException {
    Map<Path, FileTime> shards = new TreeMap<>();
    // not Files.walk: that looks at temporary files, which vanish under it
    File[] units = cache.resolve("tokens").toFile().listFiles();
    for (File unit : units == null ? new File[0] : units) {
      for (String name : unit.list()) {
        if (name.endsWith(".bin")) {
          Path shard = unit.toPath().resolve(name);
          shards.put(shard, Files.getLastModifiedTime(shard));
        }
      }
    }
    return shards;
  }

  private Path data() throws IOException {
    return TestData.jsonLines(
        directory.resolve("a.jsonl"), TestData.texts(new Random(31), 400, 100));
  }

  private List<String> straight(Path file) {
    try (TokenizedDataset data = open(file, directory.resolve("straight"), new ByteTokenizer())) {
      return TestData.documents(data);
    }
  }

  @Test
  void aKilledProcessLosesNoFinishedShard() throws Exception {
    Path file = data();
    List<String> expected = straight(file);
    Path cache = directory.resolve("cache");
    int known = 0;
    for (int kill = 0; kill < 3; kill++) {
      Process child = start(file, cache, 5);
      try {
        while (shards(cache).size() < known + 4) {
          assertThat(child.isAlive()).as("still tokenising").isTrue();
          Thread.sleep(5);
        }
      } finally {
        child.destroyForcibly();
        assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
      }
      assertThat(child.exitValue()).as("killed").isEqualTo(128 + 9);
      Map<Path, FileTime> now = shards(cache);
      assertThat(now.size()).isGreaterThan(known);
      known = now.size();
    }
    Map<Path, FileTime> before = shards(cache);
    ByteTokenizer tokenizer = new ByteTokenizer();
    try (TokenizedDataset data = open(file, cache, tokenizer)) {
      assertThat(TestData.documents(data)).isEqualTo(expected);
      assertThat(data.cacheUse().reusedShards()).isEqualTo(before.size());
      assertThat(data.cacheUse().tokenizedShards()).isPositive();
      assertThat(data.cacheUse().damagedShards()).isZero();
    }
    assertThat(tokenizer.calls.get()).isBetween(1, 399);
    assertThat(shards(cache)).containsAllEntriesOf(before);
    try (Stream<Path> files = Files.walk(cache)) {
      assertThat(files.filter(f -> f.toString().endsWith(".partial"))).isEmpty();
    }
  }

  @Test
  void twoProcessesShareACache() throws Exception {
    Path file = data();
    List<String> expected = straight(file);
    Path cache = directory.resolve("cache");
    List<Process> children = new ArrayList<>();
    try {
      for (int i = 0; i < 2; i++) {
        children.add(start(file, cache, 2));
      }
      try (TokenizedDataset data = open(file, cache, new ByteTokenizer(2))) {
        assertThat(TestData.documents(data)).isEqualTo(expected);
      }
      for (Process child : children) {
        assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(child.exitValue()).isZero();
      }
    } finally {
      children.forEach(Process::destroyForcibly);
    }
    try (TokenizedDataset data = open(file, cache, new ByteTokenizer())) {
      assertThat(data.cacheUse().tokenizedShards()).isZero();
      assertThat(TestData.documents(data)).isEqualTo(expected);
    }
  }
}
