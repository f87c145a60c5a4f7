package dev.yushan.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.Models;
import dev.yushan.optim.LrSchedule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The example file of the model card of Llama-3.2-Taiwan-3B, held against the numbers of the card.
class TaiwanRecipeTest {
  private static final Path FILE = Path.of("../docs/examples/llama-3.2-taiwan-3b.yaml");

  /// The shape of Llama 3.2 3B.
  private static final String SHAPE =
      """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 128256,
       "hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 28,
       "num_attention_heads": 24, "num_key_value_heads": 8, "head_dim": 128,
       "rms_norm_eps": 1e-5, "max_position_embeddings": 131072, "rope_theta": 500000.0,
       "rope_scaling": {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
         "high_freq_factor": 4.0, "original_max_position_embeddings": 8192},
       "tie_word_embeddings": true, "bos_token_id": 128000, "eos_token_id": 128001,
       "torch_dtype": "bfloat16"}
      """;

  private final TrainingConfig config = TrainingConfig.read(FILE, Map.of()).check();
  private final int rows = config.count("per_device_train_batch_size");
  private final int accumulation = config.count("gradient_accumulation_steps");
  private final int devices = config.count("world_size");

  private StepPlan plan(int blocks, double epochs, long maxSteps) {
    return StepPlan.of(
        Math.ceilDiv(blocks, rows), TrainerConfig.of(config).accumulation(), epochs, maxSteps);
  }

  @Test
  void holdsTheNumbersOfTheCard() {
    assertThat(rows * accumulation * devices).isEqualTo(1600);
    assertThat(TrainerConfig.of(config).accumulation()).isEqualTo(200);
    assertThat(config.notices())
        .anyMatch(
            line ->
                line.endsWith(
                    "global batch 8 × 50 × 4 = 1600 rows: 4 devices are run one after the other as"
                        + " 200 micro-batches"));
    assertThat(config.count("cutoff_len")).isEqualTo(4096);
    assertThat(config.count("sequence_len")).isEqualTo(4000);
    assertThat(config.count("per_device_eval_batch_size")).isEqualTo(4);
    assertThat(config.number("num_train_epochs")).isEqualTo(10);
    assertThat(config.whole("seed")).isEqualTo(42);
  }

  /// The card leaves the number of blocks open within these bounds.
  @ParameterizedTest
  @ValueSource(ints = {444_745, 444_768})
  void has2770Steps(int blocks) {
    TrainerConfig loop = TrainerConfig.of(config);
    assertThat(plan(blocks, loop.epochs(), loop.maxSteps()).totalSteps()).isEqualTo(2770);

    // As transformers 4.45 counted: the micro-batches of one device, and the floor of a step's
    // share
    int ofOneDevice = Math.ceilDiv(blocks, rows * devices);
    assertThat(ofOneDevice).isEqualTo(13_899);
    assertThat(ofOneDevice / accumulation * loop.epochs()).isEqualTo(2770);

    // As it counts since, and as is counted here: the last step of an epoch takes what is left.
    // That
    // the micro-batches of all devices are counted together makes no difference.
    StepPlan today = plan(blocks, loop.epochs(), -1);
    assertThat(today.stepsPerEpoch()).isEqualTo(278);
    assertThat(today.stepsPerEpoch()).isEqualTo(Math.ceilDiv(ofOneDevice, accumulation));
    assertThat(today.totalSteps()).isEqualTo(2780);
  }

  @Test
  void theLearningRateTakesTheCourseOfTheCard() {
    LrSchedule schedule = TrainerConfig.of(config).schedule().over(2770);
    assertThat(schedule.warmupSteps()).as("1 %, rounded up").isEqualTo(28);
    assertThat(schedule.at(0)).isZero();
    assertThat(schedule.at(28)).isEqualTo(5e-6);
    assertThat(schedule.at(2770)).isEqualTo(5e-7, within(1e-18));
  }

  /// The card's total_flos is 6 operations a weight and token, of the weights that ZeRO-3 leaves
  /// whole on each device: the norms. One micro-batch is not in it yet when it is written.
  @Test
  void theFlopsOfTheCardAreThoseOfTheNorms() throws IOException {
    ModelConfig shape = Models.config((ObjectNode) new ObjectMapper().readTree(SHAPE));
    long norms = (long) shape.hiddenSize() * (2L * shape.layers() + 1);
    assertThat(norms).isEqualTo(175_104);
    long microBatches = TrainerConfig.of(config).maxSteps() * accumulation - 1;
    long tokens = microBatches * rows * devices * config.count("sequence_len");
    assertThat(tokens).isEqualTo(17_727_872_000L);
    assertThat(6 * norms * tokens).isEqualTo(18_625_327_792_128_000L);
    assertThat(6.0 * shape.parameters() * tokens)
        .as("of all weights")
        .isEqualTo(3.4e20, within(0.05e20));
  }
}
