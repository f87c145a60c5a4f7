package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `yushan report` and `yushan card`.
class ReportCommandsTest {
  @TempDir private Path directory;

  private Path run() throws IOException {
    return run("run");
  }

  private Path run(String name) throws IOException {
    Path run = Files.createDirectory(directory.resolve(name));
    Files.writeString(
        run.resolve("trainer_log.jsonl"),
        """
        {"current_steps": 1, "total_steps": 2, "epoch": 0.5, "loss": 2.5, "lr": 1e-3}
        {"current_steps": 2, "total_steps": 2, "epoch": 1.0, "loss": 2.25, "lr": 5e-4}
        {"current_steps": 2, "total_steps": 2, "epoch": 1.0, "eval_loss": 2.75}
        """);
    return run;
  }

  @Test
  void thePageAndThePicturesAreMadeFromTheFiles() throws IOException {
    Path run = run();
    Cli report = Cli.run("report", run);
    assertThat(report.err()).isEmpty();
    assertThat(report.exit()).isZero();
    assertThat(report.out().strip()).isEqualTo(run.resolve("report.html").toString());
    assertThat(run.resolve("report.html")).content().contains("2.25");
    assertThat(run.resolve("training_loss.png")).isNotEmptyFile();
    assertThat(run.resolve("training_eval_loss.png")).isNotEmptyFile();
  }

  @Test
  void runsAreDrawnBesideEachOther() throws IOException {
    Path run = run();
    Cli alone = Cli.run("report", run);
    assertThat(alone.exit()).isZero();
    assertThat(run.resolve("beside_loss.png")).doesNotExist();
    Cli both = Cli.run("report", run, "--beside", run("other"));
    assertThat(both.exit()).as(both.err()).isZero();
    assertThat(run.resolve("beside_loss.png")).isNotEmptyFile();
    assertThat(Cli.run("report", run, "--beside", directory).err())
        .contains("name the output_dir of a training run");
  }

  @Test
  void theCardIsMadeAgainButNeverOverOneThatSomebodyWrote() throws IOException {
    Path run = run();
    assertThat(Cli.run("card", run).exit()).isZero();
    Files.writeString(run.resolve("card.yaml"), "license: apache-2.0\n");
    assertThat(Cli.run("card", run).exit()).isZero();
    assertThat(run.resolve("README.md")).content().contains("license: apache-2.0");
    Files.writeString(run.resolve("README.md"), "mine");
    Cli refused = Cli.run("card", run);
    assertThat(refused.exit()).isEqualTo(2);
    assertThat(refused.err()).contains("--force");
    assertThat(run.resolve("README.md")).hasContent("mine");
    assertThat(Cli.run("card", run, "--force").exit()).isZero();
    assertThat(run.resolve("README.md")).content().contains("license: apache-2.0");
  }

  @Test
  void aDirectoryWithoutARunIsRefused() {
    for (String command : new String[] {"report", "card"}) {
      Cli refused = Cli.run(command, directory);
      assertThat(refused.exit()).isEqualTo(2);
      assertThat(refused.err()).contains("name the output_dir of a training run");
    }
  }
}
