package dev.yushan.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Files as a run leaves them.
final class TestRun {
  private TestRun() {}

  /// Writes them: 40 steps, evaluated twice.
  static void write(Path directory) throws IOException {
    StringBuilder log = new StringBuilder();
    for (int step = 5; step <= 40; step += 5) {
      log.append(
          """
          {"current_steps": %d, "total_steps": 40, "epoch": %s, "total_tokens": %d, "loss": %s, "lr": 5e-6, "grad_norm": 0.7, "tokens_per_second": 410.5, "throughput": 400, "loss_laws": 2.0, "loss_news": 2.4}
          """
              .formatted(step, step / 40.0, 1000 * step, 2.5 - step / 50.0));
      if (step % 20 == 0) {
        log.append(
            """
            {"current_steps": %d, "total_steps": 40, "epoch": %s, "eval_loss": %s}
            """
                .formatted(step, step / 40.0, 2.5 - step / 100.0));
      }
    }
    Files.writeString(directory.resolve("trainer_log.jsonl"), log);
    Files.writeString(
        directory.resolve("all_results.json"),
        """
        {"epoch": 1.0, "num_input_tokens_seen": 1500000, "train_loss": 2.05, "train_runtime": 3723.4,
         "train_samples_per_second": 1.5, "train_steps_per_second": 0.011, "total_flos": 9.9e14,
         "model_flops": 1.23456e15, "performed_flops": 1.5e15, "train_step_seconds": 3600,
         "mfu": 0.61, "peak_flops_per_second": 1.9e11, "model_flops_per_second": 1.159e11,
         "eval_loss": 2.1, "eval_perplexity": 8.166, "peak_rss_bytes": 2147483648,
         "memory_forecast_bytes": 2040109465}
        """);
    Files.writeString(
        directory.resolve("token_ledger.json"),
        """
        {"read": {"records": 1060, "bad": 3, "empty": 2, "texts": 1055, "given": 0, "text_tokens": 1649900,
                  "bos_tokens": 1055, "eos_tokens": 1055, "given_tokens": 0, "special_texts": 0},
         "selected": {"beyond_documents": 0, "beyond_tokens": 0, "other_documents": 50, "other_tokens": 50000},
         "excess": {"dropped_documents": 5, "dropped_tokens": 102010, "split_documents": 0, "split_pieces": 0,
                    "split_tokens": 0, "kept_documents": 1000, "kept_tokens": 1500000},
         "packed": {"packing": "best_fit", "sequence_len": 4096, "rows": 370, "documents": 1000,
                    "tokens": 1500000, "padding_tokens": 0, "last_tokens": 1000, "ignored_labels": 0,
                    "targets": 1499000}}
        """);
    Files.writeString(
        directory.resolve("run.json"),
        """
        {"software": {"yushan": "0.1.0", "java": "25.0.3+9", "java_vendor": "Eclipse Adoptium", "os": "Linux 6.1 amd64"},
         "machine": {"cpu": "A <fast> processor", "processors": 2, "memory_bytes": 17179869184, "backend": "cpu",
                     "backend_description": "2 threads, 256-bit vectors"},
         "base": {"path": "models/Llama-3.2-1B", "name": "Llama-3.2-1B", "id": "meta-llama/Llama-3.2-1B",
                  "train_from_scratch": false, "card": {"license": "llama3.2", "language": ["en", "zh"]}},
         "model": {"architecture": "LlamaForCausalLM", "parameters": 1235814400, "hidden_size": 2048,
                   "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
                   "num_key_value_heads": 8, "vocab_size": 128256, "tie_word_embeddings": true},
         "tokenizer": {"path": "models/Llama-3.2-1B", "vocab_size": 128256},
         "datasets": [{"name": "laws", "entry": "data/laws.parquet", "files": 1, "documents": 900, "tokens": 1200000},
                      {"name": "tw-news", "entry": "org/tw-news", "files": 1, "documents": 100, "tokens": 300000}],
         "eval_datasets": [{"name": "valid", "entry": "data/valid.jsonl", "files": 1, "documents": 10, "tokens": 9000}],
         "scripts": {"HAN": 0.93, "LATIN": 0.05},
         "processes": [{"started": "2026-01-01T00:00:00Z", "from_step": 0, "ended": "2026-01-01T01:02:03Z", "to_step": 40}]}
        """);
    Files.writeString(
        directory.resolve("samples.jsonl"),
        """
        {"step": 0, "prompt": "中華民國憲法第一條", "completion": "中國"}
        {"step": 20, "prompt": "中華民國憲法第一條", "completion": "中華民國</script><b>"}
        {"step": 40, "prompt": "中華民國憲法第一條", "completion": "中華民國基於三民主義"}
        """);
    Files.writeString(
        directory.resolve("training_config.yaml"),
        """
        cutoff_len: 4096                                             # cpt.yaml line 8
        sequence_len: 4096                                           # default: cutoff_len
        per_device_train_batch_size: 4                               # cpt.yaml line 9
        per_device_eval_batch_size: 8                                # default
        gradient_accumulation_steps: 8                               # cpt.yaml line 10
        learning_rate: 5e-06                                         # cpt.yaml line 11
        lr_scheduler_type: cosine_with_min_lr                        # cpt.yaml line 12
        lr_scheduler_kwargs: {"min_lr":5e-07}                        # cpt.yaml line 13
        warmup_ratio: 0.01                                           # cpt.yaml line 14
        warmup_steps: 0                                              # default
        optim: adamw_torch                                           # default
        adam_beta1: 0.9                                              # default
        adam_beta2: 0.999                                            # default
        adam_epsilon: 1e-8                                           # default
        weight_decay: 0                                              # default
        max_grad_norm: 1                                             # default
        seed: 42                                                     # default
        output_dir: "runs/tw cpt"                                    # --set output_dir
        """);
  }

  static void replace(Path file, String what, String with) throws IOException {
    String text = Files.readString(file);
    if (!text.contains(what)) {
      throw new IllegalArgumentException(file + " has no " + what);
    }
    Files.writeString(file, text.replace(what, with));
  }
}
