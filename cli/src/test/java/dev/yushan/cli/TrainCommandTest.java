package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.golden.Golden;
import dev.yushan.process.ChildJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `yushan train` as a process: what it prints, how it takes signals and its time limit.
class TrainCommandTest {
  private static final int SIGINT_EXIT = 130;

  @TempDir private Path dir;
  private Path yaml;

  @BeforeEach
  void files() throws IOException {
    Random random = new Random(7);
    String rows =
        Stream.generate(
                () ->
                    random
                        .ints(24, 0, 500)
                        .mapToObj(Integer::toString)
                        .collect(Collectors.joining(", ", "{\"input_ids\": [", "]}\n")))
            .limit(40)
            .collect(Collectors.joining());
    Files.writeString(dir.resolve("ids.jsonl"), rows);
    yaml = dir.resolve("train.yaml");
    Files.writeString(
        yaml,
        """
        model_name_or_path: %s
        stage: pt
        finetuning_type: full
        dataset: %s/ids.jsonl
        tokenized_cache_dir: %s/cache
        packing: none
        per_device_train_batch_size: 1
        learning_rate: 1.0e-3
        logging_steps: 1
        save_strategy: "no"
        threads: 1
        max_steps: 60
        """
            .formatted(Golden.path("tiny-llama-a"), dir, dir));
  }

  /// A process, its standard output and error in one file.
  private record Run(Process process, Path log) {
    String output() throws IOException {
      return Files.readString(log);
    }

    int exit() throws InterruptedException {
      assertThat(process.waitFor(10, TimeUnit.MINUTES)).as("it ends").isTrue();
      return process.exitValue();
    }

    void awaitLine(String start) throws IOException, InterruptedException {
      while (output().lines().noneMatch(line -> line.startsWith(start))) {
        assertThat(process.isAlive()).as(output()).isTrue();
        process.waitFor(20, TimeUnit.MILLISECONDS);
      }
    }

    void signal(String name) throws IOException, InterruptedException {
      new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    }
  }

  private Run train(String... options) throws IOException {
    Object[] arguments = Stream.concat(Stream.of("train", yaml), Arrays.stream(options)).toArray();
    Path log = Files.createTempFile(dir, "train", ".log");
    Process process =
        ChildJvm.COMPUTING
            .running(Yushan.class, arguments)
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    return new Run(process, log);
  }

  private String[] output(String name, String... others) {
    return Stream.concat(
            Stream.of("--set", "output_dir=" + dir.resolve(name)), Arrays.stream(others))
        .toArray(String[]::new);
  }

  @Test
  void aSignalEndsTheRunInOrderAndItGoesOnToTheSameBits() throws Exception {
    Run straight = train(output("straight"));
    assertThat(straight.exit()).as(straight.output()).isZero();
    assertThat(straight.output()).contains("done after 60 steps: " + dir.resolve("straight"));

    Run stopped = train(output("stopped"));
    stopped.awaitLine("step 3/");
    stopped.signal("TERM");
    assertThat(stopped.exit()).as(stopped.output()).isZero();
    assertThat(stopped.output())
        .containsPattern("stopped after step \\d+ \\(SIGTERM\\), saved .*/stopped/checkpoint-\\d+;")
        .contains(
            "yushan train %s --set output_dir=%s --set resume_from_checkpoint=true"
                .formatted(yaml, dir.resolve("stopped")));
    assertThat(dir.resolve("stopped/model.safetensors")).doesNotExist();

    Run resumed = train(output("stopped", "--set", "resume_from_checkpoint=true"));
    assertThat(resumed.exit()).as(resumed.output()).isZero();
    assertThat(dir.resolve("stopped/model.safetensors"))
        .hasSameBinaryContentAs(dir.resolve("straight/model.safetensors"));
  }

  @Test
  void aSecondSignalEndsTheProcessAtOnce() throws Exception {
    Run run =
        train(
            output(
                "twice",
                "--set",
                "gradient_accumulation_steps=20000",
                "--set",
                "dataset=" + String.join(",", repeated(dir.resolve("ids.jsonl"), 100)),
                "--set",
                "num_train_epochs=1",
                "--set",
                "max_steps=-1",
                "--set",
                "eval_on_start=true",
                "--set",
                "eval_dataset=" + dir.resolve("ids.jsonl")));
    run.awaitLine("step 0: eval loss");
    run.signal("INT");
    run.awaitLine("SIGINT: the step is finished and saved");
    run.signal("INT");
    assertThat(run.exit()).as(run.output()).isEqualTo(SIGINT_EXIT);
    assertThat(dir.resolve("twice/checkpoint-1")).doesNotExist();
  }

  @Test
  void aSignalBeforeTheFirstStepSaysThatNothingIsLost() throws Exception {
    // data that never comes
    Path pipe = dir.resolve("pipe.jsonl");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    Run run = train(output("early", "--set", "dataset=" + pipe));
    run.awaitLine("max_steps: 60");
    run.signal("INT");
    assertThat(run.exit()).as(run.output()).isEqualTo(SIGINT_EXIT);
    assertThat(run.output())
        .contains("SIGINT before the first step: nothing is lost, the same command begins again");
  }

  private static List<String> repeated(Path file, int times) {
    return Stream.generate(file::toString).limit(times).toList();
  }

  @Test
  void theTimeLimitEndsTheRunInOrder() throws Exception {
    Run run = train(output("limited", "--set", "max_steps=1000000", "--max-time", "4s"));
    assertThat(run.exit()).as(run.output()).isZero();
    assertThat(run.output()).containsPattern("stopped after step \\d+ \\(--max-time\\), saved");
    try (Stream<Path> files = Files.list(dir.resolve("limited"))) {
      assertThat(files.filter(file -> file.getFileName().toString().startsWith("checkpoint-")))
          .hasSize(1);
    }
  }

  @Test
  void aStepIsReplayedAsItWas() {
    for (String option :
        List.of("--estimate", "--max-time=1h", "--set=seed=1", "--threads=many", "--device=foo")) {
      Cli run = Cli.run("train", "--replay", dir, option);
      assertThat(run.exit()).as(option).isEqualTo(2);
      assertThat(run.err())
          .containsIgnoringCase(option.replaceFirst("^--", "").replaceFirst("=.*", ""));
    }
  }

  @Test
  void aTimeThatIsNoneIsRefused() {
    for (String text : List.of("soon", "-3s")) {
      Cli wrong = Cli.run("train", yaml, "--max-time", text);
      assertThat(wrong.exit()).isEqualTo(2);
      assertThat(wrong.err())
          .contains("'" + text + "' is no time; write for example 8h, 90m or 1d12h");
    }
    assertThat(new TrainCommand.TimeSpan().convert("1d2h3m4s").toSeconds())
        .isEqualTo(((24 + 2) * 60 + 3) * 60 + 4);
    assertThat(new TrainCommand.TimeSpan().convert("90m").toMinutes()).isEqualTo(90);
  }
}
