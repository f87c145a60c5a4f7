package dev.yushan.train;

import dev.yushan.golden.Golden;
import dev.yushan.text.BpeTrainer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// A tiny model with a tokenizer of its own and some text to train it on, in a directory of a test.
record RunFixture(Path root) {
  static final TrainingListener SILENT = new TrainingListener() {};

  private static final String[] WORDS = {
    "山", "水", "台灣", "玉山", "森林", "雲", "海", "市場", "火車", "早餐", "規則", "第一條", "會員", "應", "得", "不得", "。",
    "，", " the ", "river "
  };

  /// Makes the files.
  static RunFixture in(Path root) {
    RunFixture fixture = new RunFixture(root);
    try {
      Files.createDirectories(fixture.model());
      for (String name : List.of("config.json", "generation_config.json", "model.safetensors")) {
        Files.copy(Golden.path("tiny-llama-a").resolve(name), fixture.model().resolve(name));
      }
      List<String> train = fixture.write("train.jsonl", 1, 60);
      fixture.write("valid.jsonl", 2, 8);
      BpeTrainer.train(train.iterator(), BpeTrainer.Options.ofVocabSize(400), fixture.model());
      return fixture;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<String> write(String name, long seed, int documents) throws IOException {
    Random random = new Random(seed);
    List<String> texts = new ArrayList<>();
    StringBuilder lines = new StringBuilder();
    for (int d = 0; d < documents; d++) {
      StringBuilder text = new StringBuilder();
      int words = 3 + random.nextInt(40);
      for (int w = 0; w < words; w++) {
        text.append(WORDS[random.nextInt(WORDS.length)]);
      }
      texts.add(text.toString());
      lines.append("{\"text\": \"").append(text).append("\"}\n");
    }
    Files.writeString(root.resolve(name), lines);
    return texts;
  }

  Path model() {
    return root.resolve("base");
  }

  Path output(String name) {
    return root.resolve(name);
  }

  /// Settings of a short run into `output`, some of them replaced.
  Map<String, Object> settings(Path output, Map<String, ?> others) {
    Map<String, Object> settings = new HashMap<>();
    settings.put("model_name_or_path", model().toString());
    settings.put("dataset", root.resolve("train.jsonl").toString());
    settings.put("eval_dataset", root.resolve("valid.jsonl").toString());
    settings.put("tokenized_cache_dir", root.resolve("cache").toString());
    settings.put("output_dir", output.toString());
    settings.put("cutoff_len", 64);
    settings.put("per_device_train_batch_size", 2);
    settings.put("gradient_accumulation_steps", 2);
    settings.put("learning_rate", 2e-3);
    settings.put("lr_scheduler_type", "cosine");
    settings.put("warmup_ratio", 0.1);
    settings.put("weight_decay", 0.1);
    settings.put("num_train_epochs", 2);
    settings.put("logging_steps", 1);
    settings.put("save_steps", 3);
    settings.put("save_total_limit", 3);
    settings.put("threads", 1);
    settings.putAll(others);
    return settings;
  }

  TrainingConfig config(Path output, Map<String, ?> others) {
    return TrainingConfig.of(settings(output, others));
  }
}
