package dev.yushan.train;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NearestKeyTest {
  @ParameterizedTest
  @CsvSource({
    "learnign_rate, learning_rate",
    "learningrate, learning_rate",
    "Learning_Rate, learning_rate",
    "learning-rate, learning_rate",
    "learning_rates, learning_rate",
    "warmup_step, warmup_steps",
    "gradient_accumulation_step, gradient_accumulation_steps",
    "per_device_batch_size, per_device_eval_batch_size",
    "gradient_acumulation_steps, gradient_accumulation_steps",
    "eval_startegy, eval_strategy",
    "sede, seed",
    "lr_scheduler, lr_scheduler_type",
    "cutoff_length, cutoff_len",
    "max_sample, max_samples",
    "worldsize, world_size",
    "outputdir, output_dir",
    "lr, learning_rate",
    "epochs, num_train_epochs",
    "batch_size, per_device_train_batch_size",
    "block_size, sequence_len",
    "train_dataset, dataset",
  })
  void aSlipIsRecognised(String name, String meant) {
    assertThatThrownBy(() -> TrainingConfig.of(Map.of(name, 1)))
        .isInstanceOf(ConfigException.class)
        .hasMessage("code: there is no key %s; did you mean %s?", name, meant);
  }

  @ParameterizedTest
  @ValueSource(strings = {"num_processes", "x", "玉山", "momentum", "gpu"})
  void whatIsNearNothingIsSentToTheReference(String name) {
    assertThatThrownBy(() -> TrainingConfig.of(Map.of(name, 1)))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "code: there is no key %s, nor one like it; docs/reference/config.md has all keys",
            name);
  }
}
