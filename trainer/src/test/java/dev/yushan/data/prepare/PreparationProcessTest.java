package dev.yushan.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.yushan.data.DataException;
import dev.yushan.process.ChildJvm;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Preparations in processes of their own: killed, two at once, on a full disk.
@Timeout(180)
class PreparationProcessTest {
  private static final ChildJvm JVM =
      new ChildJvm(
          List.of(
              "-Xmx256m",
              "-XX:TieredStopAtLevel=1",
              "--add-modules",
              "jdk.incubator.vector",
              "--enable-native-access=ALL-UNNAMED"));

  @TempDir static Path root;

  private static PlantedCorpus corpus;
  private static Map<String, String> straight;

  /// The child: prepares a corpus each time a line comes in, and says how it went. Arguments: YAML,
  /// output, and how many pieces of work to do before it waits for its end; 0 for all.
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) throws IOException {
      CorpusConfig config =
          CorpusConfig.read(Path.of(arguments[0]), Map.of("output_dir", arguments[1]));
      int most = Integer.parseInt(arguments[2]);
      int[] heard = {0};
      // the log goes elsewhere
      PrintStream out = System.out;
      System.setOut(System.err);
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        try {
          Preparation.run(
              config,
              (phase, done, begun) -> {
                synchronized (heard) {
                  if (++heard[0] == most) {
                    out.println("here");
                  }
                }
              });
          out.println("done");
        } catch (RuntimeException e) {
          out.println("failed: " + e.getMessage());
        }
      }
    }
  }

  private record Running(Process process, BufferedReader out) implements AutoCloseable {
    static Running start(List<String> before, Path output, int most) throws IOException {
      List<String> command = new ArrayList<>(before);
      command.addAll(JVM.running(Child.class, root.resolve("corpus.yaml"), output, most).command());
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
      return new Running(
          process,
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)));
    }

    String run() throws IOException {
      process.outputWriter().write("\n");
      process.outputWriter().flush();
      return out.readLine();
    }

    @Override
    public void close() {
      process.destroyForcibly();
      try {
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @BeforeAll
  static void files() {
    corpus = PlantedCorpus.of(root, 3);
    Path output = root.resolve("straight");
    Preparation.run(corpus.config(output, Map.of()), (phase, done, begun) -> {});
    straight = new PreparedFiles(output).tree();
  }

  /// Killed at moments that the seed draws, once it has done so many pieces of work and some time
  /// more, again and again: then one run to the end makes what it makes alone, and no file that was
  /// there before is written again.
  @Test
  void aKilledPreparationGoesOnWhereItWas() throws Exception {
    long seed = 1;
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    Path output = root.resolve("killed");
    PreparedFiles files = new PreparedFiles(output);
    Map<Path, String> before = Map.of();
    for (int kill = 0; kill < 5; kill++) {
      try (Running child = Running.start(List.of(), output, 6 + random.nextInt(30))) {
        assertThat(child.run()).isIn("here", "done");
        Thread.sleep(random.nextInt(40));
      }
      Map<Path, String> now = layers(files);
      assertThat(now).as("kill %d", kill).containsAllEntriesOf(before);
      before = now;
    }
    assertThat(before).hasSizeGreaterThan(10);
    Preparation.run(corpus.config(output, Map.of()), (phase, done, begun) -> {});
    assertThat(files.tree()).isEqualTo(straight);
    assertThat(layers(files)).containsAllEntriesOf(before);
    assertThat(files.files(""))
        .noneMatch(file -> file.getFileName().toString().endsWith(".partial"));
  }

  /// Files of work that were finished.
  private static Map<Path, String> layers(PreparedFiles files) {
    Map<Path, String> layers = files.written("work");
    layers
        .keySet()
        .removeIf(
            file ->
                file.getFileName().toString().startsWith(".")
                    || file.startsWith("work/clusters")
                    || file.toString().endsWith(".tokens"));
    return layers;
  }

  @Test
  void ofTwoPreparationsInOneDirectoryOneIsRefused() throws Exception {
    Path output = root.resolve("two");
    try (Running child = Running.start(List.of(), output, 1)) {
      assertThat(child.run()).isEqualTo("here");
      assertThatThrownBy(
              () -> Preparation.run(corpus.config(output, Map.of()), (phase, done, begun) -> {}))
          .isInstanceOf(DataException.class)
          .hasMessageContaining("is in use by another preparation; wait for it");
      assertThat(child.out().readLine()).isEqualTo("done");
    }
    assertThat(new PreparedFiles(output).tree()).isEqualTo(straight);
  }

  @Test
  void aDiskThatBecomesFullLosesNothing() throws IOException {
    List<String> inNamespace = List.of("unshare", "--mount", "sh", "-c");
    Path disk = Files.createDirectory(root.resolve("disk"));
    assumeTrue(canMount(inNamespace, disk), "no small disk can be mounted here");
    String mount = "mount -t tmpfs -o size=64m tmpfs " + disk + " && exec \"$@\"";
    List<String> before = new ArrayList<>(inNamespace);
    before.addAll(List.of(mount, "sh"));
    try (Running child = Running.start(before, disk.resolve("out"), 0)) {
      // the disk as that process sees it, there once the first run has begun
      Path seen = Path.of("/proc/" + child.process().pid() + "/root" + disk);
      awaitMount(child, seen);
      for (int free : new int[] {100_000, 600_000, 1_200_000}) {
        Path filler = fill(seen.resolve("filler"), free);
        String message = child.run();
        assertThat(message).startsWith("failed: ").contains("No space left", "free some space");
        Files.delete(filler);
      }
      PreparedFiles files = new PreparedFiles(seen.resolve("out"));
      Map<Path, String> layers = layers(files);
      assertThat(layers).isNotEmpty();
      assertThat(child.run()).isEqualTo("done");
      assertThat(files.tree()).isEqualTo(straight);
      assertThat(layers(files)).containsAllEntriesOf(layers);
    }
  }

  /// Waits until the process is the JVM, in its own namespace.
  private static void awaitMount(Running child, Path seen) throws IOException {
    while (child.process().isAlive() && Files.getFileStore(seen).getTotalSpace() != 64 << 20) {
      try {
        Thread.sleep(10);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /// A file that leaves so many bytes of the disk.
  private static Path fill(Path file, int free) throws IOException {
    long left = Files.getFileStore(file.getParent()).getUsableSpace() - free;
    byte[] block = new byte[4096];
    try (var out = Files.newOutputStream(file)) {
      for (long written = 0; written < left; written += block.length) {
        out.write(block);
      }
    }
    return file;
  }

  private static boolean canMount(List<String> inNamespace, Path disk) {
    List<String> command = new ArrayList<>(inNamespace);
    command.add("mount -t tmpfs -o size=1m tmpfs " + disk);
    try {
      Process process = new ProcessBuilder(command).start();
      return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException | InterruptedException e) {
      return false;
    }
  }
}
