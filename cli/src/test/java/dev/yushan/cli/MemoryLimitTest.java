package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A run that the forecast accepts is not killed for its memory: with the real tokenizer, samples,
/// evaluations and pictures, in a control group that has little more than what was said to be
/// needed.
class MemoryLimitTest {
  private static final Path TOKENIZER = Path.of("../../shared/llama3/tokenizer.json");
  private static final long MIB = 1L << 20;
  private static final int KILLED = 137;
  private static final int ATTEMPTS = 4;

  private static final Pattern NEEDS =
      Pattern.compile("training needs ([\\d.]+) MiB of memory, but ([\\d.]+) MiB are there");

  @TempDir private Path dir;
  private Path group;

  @BeforeEach
  void files() throws IOException {
    assumeTrue(Files.exists(TOKENIZER), "needs shared/llama3 beside the repository");
    group = group();
    Path base = Files.createDirectories(dir.resolve("base"));
    Files.copy(TOKENIZER, base.resolve("tokenizer.json"));
    Files.writeString(
        base.resolve("config.json"),
        """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
         "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 128256,
         "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
         "tie_word_embeddings": true, "bos_token_id": 128000, "eos_token_id": 128001}
        """);
    String line = "{\"text\": \"" + "中華民國基於三民主義，為民有民治民享之民主共和國。".repeat(6) + "\"}\n";
    Files.writeString(dir.resolve("texts.jsonl"), line.repeat(40));
    Files.writeString(
        dir.resolve("train.yaml"),
        """
        model_name_or_path: %1$s/base
        train_from_scratch: true
        stage: pt
        finetuning_type: full
        dataset: %1$s/texts.jsonl
        val_size: 4
        tokenized_cache_dir: %1$s/cache
        output_dir: %1$s/run
        cutoff_len: 256
        per_device_train_batch_size: 1
        logging_steps: 1
        eval_strategy: steps
        eval_steps: 4
        sample_prompts: [中華民國]
        sample_steps: 4
        sample_max_tokens: 8
        plot_loss: true
        save_strategy: steps
        save_steps: 6
        max_steps: 12
        """
            .formatted(dir));
  }

  /// A control group of memory below that of this process.
  private static Path group() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/cgroup"))) {
        String[] parts = line.split(":", 3);
        if (parts[1].equals("memory")) {
          Path own = Path.of("/sys/fs/cgroup/memory", parts[2]);
          return Files.createDirectory(own.resolve("yushan-test-" + System.nanoTime()));
        }
      }
    } catch (IOException e) {
      assumeTrue(false, "needs to be allowed to make a control group: " + e);
    }
    assumeTrue(false, "needs control groups of version 1 with the controller of memory");
    throw new AssertionError();
  }

  @AfterEach
  void removeGroup() throws IOException {
    if (group != null) {
      Files.delete(group);
    }
  }

  private Launched train(long limit) throws IOException, InterruptedException {
    Files.writeString(group.resolve("memory.limit_in_bytes"), Long.toString(limit));
    List<String> inGroup =
        List.of("sh", "-c", "echo $$ >\"$0\" && exec \"$@\"", group + "/cgroup.procs");
    return Launched.run(inGroup, "train", dir.resolve("train.yaml"));
  }

  @Test
  void aRunThatIsAcceptedIsNotKilled() throws Exception {
    long limit = 600 * MIB;
    Launched run = train(limit);
    assertThat(run.output()).containsPattern(NEEDS);
    for (int attempt = 0; run.exit() != 0 && attempt < ATTEMPTS; attempt++) {
      assertThat(run.exit()).as(run.output()).isNotEqualTo(KILLED);
      Matcher refused = NEEDS.matcher(run.output());
      assertThat(refused.find()).as(run.output()).isTrue();
      double missing = Double.parseDouble(refused.group(1)) - Double.parseDouble(refused.group(2));
      limit += (long) Math.ceil(missing + 1) * MIB; // what the JVM holds differs by a little
      run = train(limit);
    }
    assertThat(run.exit()).as(run.output()).isZero();
    assertThat(run.output()).contains("done after 12 steps", "peak RSS");
  }
}
