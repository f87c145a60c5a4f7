package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainEstimateTest {
  @TempDir Path root;

  private Cli estimate(int layers, int vocabulary) throws IOException {
    Path model = Files.createDirectories(root.resolve("model"));
    Files.writeString(
        model.resolve("config.json"),
        """
        {"architectures": ["LlamaForCausalLM"], "hidden_size": 32, "intermediate_size": 64,
         "num_hidden_layers": %d, "num_attention_heads": 2, "vocab_size": %d,
         "max_position_embeddings": 64, "tie_word_embeddings": true}
        """
            .formatted(layers, vocabulary));
    Path data = root.resolve("ids.jsonl");
    Files.writeString(data, "{\"input_ids\": [1, 2, 3, 4, 5, 6, 7, 8]}\n".repeat(20));
    Path yaml = root.resolve("run.yaml");
    Files.writeString(
        yaml,
        """
        model_name_or_path: %s
        train_from_scratch: true
        dataset: %s
        cutoff_len: 16
        per_device_train_batch_size: 2
        num_train_epochs: 2
        tokenized_cache_dir: %s
        output_dir: %s
        """
            .formatted(model, data, root.resolve("cache"), root.resolve("out")));
    return Cli.run("train", yaml, "--estimate", "--threads", "1");
  }

  @Test
  void whatFitsGetsTablesAndATime() throws IOException {
    Cli cli = estimate(1, 100);
    assertThat(cli.err()).doesNotContain("yushan:");
    assertThat(cli.exit()).isZero();
    assertThat(cli.out())
        .contains("memory\n", "  weights", "  activations", "disk\n", "  one checkpoint", "time\n")
        .containsPattern("10 steps of 32 tokens, (at most )?[\\d.]+ s each: [\\d,]+ tokens/s");
    assertThat(root.resolve("out")).doesNotExist();
  }

  @Test
  void ofARunThatIsContinuedItCountsWhatIsLeft() throws IOException {
    assertThat(estimate(1, 100).exit()).isZero();
    Path yaml = root.resolve("run.yaml");
    assertThat(Cli.run("train", yaml, "--threads", "1", "--set", "save_steps=4").exit()).isZero();
    for (String later : List.of("checkpoint-8", "checkpoint-10")) {
      Files.move(root.resolve("out").resolve(later), root.resolve(later));
    }
    Cli cli = Cli.run("train", yaml, "--estimate", "--set", "resume_from_checkpoint=true");
    assertThat(cli.err()).doesNotContain("yushan:");
    assertThat(cli.out()).contains("6 more (after 4) steps of 32 tokens");
    Cli changed =
        Cli.run(
            "train",
            yaml,
            "--estimate",
            "--set",
            "resume_from_checkpoint=true",
            "--set",
            "learning_rate=1e-3");
    assertThat(changed.err()).contains("learning_rate was 5.0E-5 and is 0.001");
  }

  @Test
  void whatCannotFitGetsTheTablesAndWhy() throws IOException {
    Cli cli = estimate(1, 2_000_000_000);
    assertThat(cli.exit()).isEqualTo(1);
    assertThat(cli.out()).contains("  weights", "disk\n").doesNotContain("time\n");
    assertThat(cli.err())
        .contains("yushan: training needs", "take a smaller model, or give it more memory");
    assertThat(root.resolve("out")).doesNotExist();
  }
}
