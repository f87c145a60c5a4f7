package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The forecast beside the peak of a process of its own, once with data that it has to prepare and
/// once with what was prepared before.
class MeasuredForecastTest {
  private static final int PERCENT = 5;

  @TempDir private Path dir;

  @BeforeEach
  void files() throws IOException {
    Path base = Files.createDirectories(dir.resolve("base"));
    Files.writeString(
        base.resolve("config.json"),
        """
        {"architectures": ["LlamaForCausalLM"], "hidden_size": 192, "intermediate_size": 512,
         "num_hidden_layers": 2, "num_attention_heads": 3, "vocab_size": 64000,
         "max_position_embeddings": 256, "tie_word_embeddings": true}
        """);
    Random random = new Random(1);
    String records =
        IntStream.range(0, 100)
            .mapToObj(i -> random.ints(256, 1, 64000).boxed().toList())
            .map(ids -> "{\"input_ids\": " + ids + "}\n")
            .collect(Collectors.joining());
    Files.writeString(dir.resolve("ids.jsonl"), records);
    Files.writeString(
        dir.resolve("train.yaml"),
        """
        model_name_or_path: %1$s/base
        train_from_scratch: true
        stage: pt
        dataset: %1$s/ids.jsonl
        val_size: 4
        tokenized_cache_dir: %1$s/cache
        output_dir: %1$s/run
        overwrite_output_dir: true
        cutoff_len: 256
        per_device_train_batch_size: 2
        logging_steps: 5
        eval_strategy: steps
        eval_steps: 10
        save_strategy: steps
        save_steps: 10
        plot_loss: true
        max_steps: 20
        """
            .formatted(dir));
  }

  @Test
  void isWithinFivePercentOfThePeak() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/self/status")), "needs Linux, which tells the peak");
    compare("prepares its data");
    compare("finds it prepared");
  }

  private void compare(String run) throws Exception {
    Launched ended = Launched.run(List.of(), "train", dir.resolve("train.yaml"));
    assertThat(ended.exit()).as(ended.output()).isZero();
    JsonNode results = new ObjectMapper().readTree(dir.resolve("run/train_results.json").toFile());
    assertThat(results.get("memory_forecast_bytes").asLong())
        .as(run + "\n" + ended.output())
        .isCloseTo(results.get("peak_rss_bytes").asLong(), withinPercentage(PERCENT));
  }
}
