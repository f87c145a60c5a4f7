package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigCommandTest {
  private static final Path EXAMPLE = Path.of("../docs/examples/llama-3.2-taiwan-3b.yaml");

  @TempDir private Path directory;

  @Test
  void showsEveryValueWithItsOriginAndTheNotices() throws IOException {
    Cli run = Cli.run("config", "--resolve", EXAMPLE, "--set", "seed=7");
    assertThat(run.exit()).as(run.err()).isZero();
    assertThat(run.out())
        .containsPattern("learning_rate: 5.0E-6 +# \\S+llama-3.2-taiwan-3b.yaml line \\d+\n")
        .containsPattern("seed: 7 +# --set seed\n")
        .containsPattern("data_seed: 7 +# default: seed\n")
        .containsPattern("adam_beta2: 0.999 +# default\n")
        .contains("deepspeed has no effect", "global batch 8 × 50 × 4 = 1600 rows");
    Path again = Files.writeString(directory.resolve("again.yaml"), run.out());
    Cli second = Cli.run("config", "--resolve", again);
    assertThat(values(second.out()))
        .as("the output is a configuration")
        .isEqualTo(values(run.out()));
  }

  private static String values(String yaml) {
    return yaml.replaceAll("(?m) *#.*$", "").strip();
  }

  @Test
  void aWrongConfigurationIsSaidInOneLine() throws IOException {
    Path file = Files.writeString(directory.resolve("cpt.yaml"), "stage: pt\nlearnign_rate: 1\n");
    Cli slip = Cli.run("config", "--resolve", file);
    assertThat(slip.exit()).isEqualTo(2);
    assertThat(slip.out()).isEmpty();
    assertThat(slip.err())
        .isEqualTo(
            "yushan: %s line 2: there is no key learnign_rate; did you mean learning_rate?%n"
                .formatted(file));
    Cli incomplete = Cli.run("config", "--resolve", EXAMPLE, "--set", "eval_dataset=null");
    assertThat(incomplete.exit()).isEqualTo(2);
    assertThat(incomplete.err()).contains("eval_strategy: steps needs held-out data");
    assertThat(Cli.run("config", "--resolve", directory.resolve("absent.yaml")).exit())
        .isEqualTo(2);
    assertThat(Cli.run("config").exit()).isEqualTo(2);
  }
}
