package dev.yushan.train;

import static dev.yushan.train.RunFixture.SILENT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.process.ChildJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A process that trains is killed at random moments and started again, until it is through: the
/// weights are those of a run that nobody disturbed, to the bit.
class KilledRunTest {
  private static final int ATTEMPTS = 8;

  @TempDir static Path root;
  private static RunFixture fixture;

  @BeforeAll
  static void files() {
    fixture = RunFixture.in(root);
  }

  /// Trains as the first argument, a file, says.
  static final class Child {
    private Child() {}

    public static void main(String[] args) {
      TrainingRun.run(
          TrainingConfig.read(Path.of(args[0]), Map.of()), new ProgressLine(System.out, false, 80));
    }
  }

  private static Map<String, Object> settings(String packing, int threads) {
    Map<String, Object> settings = new HashMap<>();
    settings.put("packing", packing);
    settings.put("sequence_len", packing.equals("concat") ? 48 : 64);
    settings.put("threads", threads);
    settings.put("num_train_epochs", 6);
    settings.put("save_steps", 2);
    settings.put("save_total_limit", 2);
    return settings;
  }

  private static Process start(Path output, Map<String, Object> others) throws IOException {
    Map<String, Object> settings = new HashMap<>(others);
    settings.put("resume_from_checkpoint", true);
    Path file = Files.createTempFile(root, "run", ".yaml");
    Files.writeString(file, fixture.config(output, settings).toYaml());
    return ChildJvm.COMPUTING
        .running(Child.class, file)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(log(output).toFile()))
        .start();
  }

  private static Path log(Path output) {
    return output.resolveSibling(output.getFileName() + ".log");
  }

  private static Path model(Path output) {
    return output.resolve("model.safetensors");
  }

  private static boolean hasCheckpoint(Path output) {
    return Files.isDirectory(output)
        && !new Checkpoints(output, OptionalInt.empty()).all().isEmpty();
  }

  /// Starts the run and kills it at a moment between its first steps and its end; returns whether
  /// it was still running, had a checkpoint, and had not written its model.
  private static boolean killAtRandom(Path output, Map<String, Object> settings, Random random)
      throws IOException, InterruptedException {
    boolean resumes = hasCheckpoint(output);
    Process child = start(output, settings);
    while (child.isAlive() && !hasCheckpoint(output)) {
      child.waitFor(5, TimeUnit.MILLISECONDS);
    }
    // a resumed child has a checkpoint from the start, and takes a moment to come to its steps
    child.waitFor(random.nextInt(resumes ? 3000 : 1500), TimeUnit.MILLISECONDS);
    boolean running = child.isAlive() && !Files.exists(model(output));
    child.destroyForcibly();
    int exit = child.waitFor();
    return running && exit != 0 && !Files.exists(model(output));
  }

  @ParameterizedTest
  @CsvSource({"best_fit, 2, 2", "concat, 1, 1"})
  void killedAndResumedIsTheSameToTheBit(String packing, int threads, int times)
      throws IOException, InterruptedException {
    long seed = System.nanoTime();
    System.out.printf("killed run, packing %s, %d threads: seed %d%n", packing, threads, seed);
    Random random = new Random(seed);
    Map<String, Object> settings = settings(packing, threads);
    Path straight = fixture.output("straight-" + packing + threads);
    TrainingRun.run(fixture.config(straight, settings), SILENT);

    Path killed = fixture.output("killed-" + packing + threads);
    int kills = 0;
    for (int attempt = 0; kills < times && attempt < ATTEMPTS; attempt++) {
      if (killAtRandom(killed, settings, random)) {
        kills++;
      } else if (Files.exists(model(killed))) {
        // It was through before its time: once more from the beginning.
        killed = fixture.output("killed-" + packing + threads + "-" + attempt);
        kills = 0;
      }
    }
    assertThat(kills).as("kills of a run under way").isEqualTo(times);

    Process last = start(killed, settings);
    assertThat(last.waitFor()).as(Files.readString(log(killed))).isZero();
    assertThat(Files.readAllBytes(model(killed))).isEqualTo(Files.readAllBytes(model(straight)));
    assertThat(Files.readAllLines(killed.resolve("trainer_log.jsonl")))
        .hasSameSizeAs(Files.readAllLines(straight.resolve("trainer_log.jsonl")));
  }
}
