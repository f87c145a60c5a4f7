package dev.yushan.train;

import dev.yushan.train.TrainingKey.Alias;
import dev.yushan.train.TrainingKey.Honoured;
import dev.yushan.train.TrainingKey.NoEffect;
import dev.yushan.train.TrainingKey.Refused;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Every key that a training configuration may have: those of Hugging Face `TrainingArguments` and
/// of LLaMA-Factory under their names, and a few of our own. The one place that says of each
/// whether it is honoured, has no effect here, or is refused; `docs/reference/config.md` is made
/// from it.
public final class TrainingKeys {
  /// Key | type | default | what it does. A default of `→ key` is the value of that key.
  private static final String HONOURED =
      """
      # Model
      model_name_or_path | text | | Model directory in the Hugging Face layout.
      tokenizer_name_or_path | text | → model_name_or_path | Directory with tokenizer.json, if it is not the model's own.
      train_from_scratch | boolean | false | Take only config.json of model_name_or_path and begin with fresh weights drawn from `seed`.
      stage | one of pt | pt | Pre-training, the one stage there is. (LLaMA-Factory's default is sft.)
      finetuning_type | one of full | full | All weights are trained. (LLaMA-Factory's default is lora.)
      do_train | one of true | true | To train is what this command does.
      # Data
      dataset | names | | Training data: paths, globs, or names of dataset_info.json; a list, or one text with commas.
      eval_dataset | names | | Held-out data, named like `dataset`; each entry is evaluated by itself.
      dataset_dir | text | data | Directory of dataset_info.json.
      text_column | text | text | Field or column that holds the text, where dataset_info.json names none.
      cutoff_len | integer ≥ 2 | 2048 | Longest document in tokens, BOS and EOS included; equal is kept.
      on_excess | one of drop split fail | drop | What becomes of longer documents. (LLaMA-Factory cuts them off.)
      on_bad_record | one of fail skip | fail | A record that cannot be read ends the run, or is left out and counted.
      add_bos | boolean | true | Begin each text with BOS.
      add_eos | boolean | true | End each text with EOS.
      split_special_tokens | boolean | true | Special-token text inside a document is plain text; `false` makes ids of it. (LLaMA-Factory's default is false.)
      sequence_len | integer ≥ 2 | → cutoff_len | Length of a packed training sequence.
      packing | one of best_fit concat none | best_fit | best_fit: whole documents together in a row, unseen by each other; concat: one stream cut into blocks, as LLaMA-Factory does; none: one document a row. `true` means concat, `false` none.
      disable_shuffling | boolean | false | Take the rows in the order of the data.
      data_seed | integer | → seed | Seed of the order of the data.
      max_eval_samples | integer ≥ 1 | | Evaluate on so many rows of each held-out dataset at most.
      preprocessing_num_workers | integer ≥ 1 | → threads | Threads that tokenise.
      tokenized_cache_dir | text | | Directory of tokenised shards; by default the user's cache directory.
      # Steps
      per_device_train_batch_size | integer ≥ 1 | 8 | Rows of a micro-batch.
      gradient_accumulation_steps | integer ≥ 1 | 1 | Micro-batches of an optimizer step; the last step of an epoch may have fewer.
      num_train_epochs | number ≥ 0 | 3 | Passes over the data; may be a fraction.
      max_steps | integer | -1 | Optimizer steps; above 0 it overrides num_train_epochs.
      learning_rate | number ≥ 0 | 5e-5 | Highest learning rate.
      lr_scheduler_type | one of linear cosine cosine_with_min_lr cosine_warmup_with_min_lr constant constant_with_warmup warmup_stable_decay | linear | Course of the learning rate.
      lr_scheduler_kwargs | map | | `min_lr` or `min_lr_rate` for the schedules with a lowest rate; `num_decay_steps`, `min_lr_ratio` for warmup_stable_decay.
      warmup_ratio | number ≥ 0 ≤ 1 | 0 | Warm-up as a share of all steps, rounded up; used where warmup_steps is 0.
      warmup_steps | number ≥ 0 | 0 | Steps over which the learning rate rises from 0; below 1 it is a share of all steps.
      optim | text | adamw_torch | An optimizer that is installed. adamw_torch_fused and adamw_hf mean the same adamw.
      adam_beta1 | number ≥ 0 < 1 | 0.9 | Decay of the first moment.
      adam_beta2 | number ≥ 0 < 1 | 0.999 | Decay of the second moment.
      adam_epsilon | number ≥ 0 | 1e-8 | Added to the root of the second moment.
      weight_decay | number ≥ 0 | 0 | Decoupled weight decay of all weights but norms and biases.
      max_grad_norm | number ≥ 0 | 1.0 | Gradients are scaled down to this norm; 0 leaves them.
      gradient_checkpointing | boolean | false | Keep only the input of each layer and compute the layer again in the backward pass.
      seed | integer | 42 | Seed of everything random.
      # Evaluation
      eval_strategy | one of no steps epoch | no | When to evaluate; other than `no` also at the end.
      eval_steps | number ≥ 0 | → logging_steps | Steps between evaluations; below 1 it is a share of all steps.
      eval_on_start | boolean | false | Evaluate before the first step.
      do_eval | boolean | false | Evaluate at the end of training.
      per_device_eval_batch_size | integer ≥ 1 | 8 | Rows of an evaluation batch.
      # Logging
      logging_strategy | one of no steps epoch | steps | When to log.
      logging_steps | number ≥ 0 | 500 | Steps between log entries; below 1 it is a share of all steps.
      logging_first_step | boolean | false | Log the first step too.
      plot_loss | boolean | false | Draw training_loss.png and training_eval_loss.png.
      include_num_input_tokens_seen | one of no true false all non_padding | no | Log the number of tokens seen. There is no padding, so all its values but `no` and `false` mean the same.
      report_to | names | none | `tensorboard` or `all`: event files in output_dir/runs. Other reporters get a notice.
      sample_prompts | texts | | Texts that the model completes as it learns, into samples.jsonl: before the first step, at the end, and in between.
      sample_steps | number ≥ 0 | | Steps between samples; below 1 it is a share of all steps. By default they are taken at evaluations.
      sample_max_tokens | integer ≥ 1 | 64 | Tokens of a completion, at most.
      # Output
      output_dir | text | trainer_output | Checkpoints, logs and the final model.
      overwrite_output_dir | boolean | false | Start anew in a directory that holds a run; its checkpoints are deleted.
      resume_from_checkpoint | boolean or text | false | A checkpoint directory, or `true` for the latest sound one in output_dir; without one the run starts at the beginning.
      save_strategy | one of no steps epoch | steps | When to write a checkpoint; with `steps` also at the end.
      save_steps | number ≥ 0 | 500 | Steps between checkpoints; below 1 it is a share of all steps.
      save_total_limit | integer ≥ 1 | | Keep so many checkpoints; the oldest go when a new one is safe on the disk.
      save_only_model | boolean | false | Checkpoints without optimizer state: smaller, but nothing can be resumed from them.
      save_dtype | one of auto float32 bfloat16 float16 | auto | Type of the final model's weights; auto is that of the base model. Checkpoints are always float32.
      max_shard_size | size | 50GB | Largest weight file; bytes, or with KB, MB, GB (powers of 1000).
      # Machine
      backend | text | | Name of the backend; by default the best one available.
      device | text | | The backend's own name of a device.
      threads | integer ≥ 0 | 0 | Compute threads; 0 for all processors. The result does not depend on it.
      """;

  /// Key | values that need no notice | why it has no effect.
  private static final String NO_EFFECT =
      """
      bf16, fp16, tf32, pure_bf16, bf16_full_eval, fp16_full_eval | false | arithmetic and master weights are float32
      fp16_opt_level, half_precision_backend, upcast_layernorm, upcast_lmhead_output | | arithmetic is float32
      run_name, logging_dir, project, trackio_space_id, use_swanlab, swanlab_project, swanlab_run_name, swanlab_mode | none, false | reports are files in output_dir
      dataloader_num_workers, dataloader_pin_memory, dataloader_persistent_workers, dataloader_prefetch_factor | | rows are read from mapped shards; nothing is to be fetched ahead
      ddp_timeout, ddp_backend, ddp_find_unused_parameters, ddp_bucket_cap_mb, ddp_broadcast_buffers, ddp_static_graph, local_rank, average_tokens_across_devices, average_loss_across_devices, accelerator_config, parallelism_config, ray_scope, ray_run_name, ray_num_workers, save_on_each_node, log_on_each_node, data_shared_file_system | | training runs in one process
      deepspeed, fsdp, fsdp_config | | it only spreads the same arithmetic over devices; training runs in one process
      flash_attn, use_liger_kernel, enable_liger_kernel, liger_kernel_config, use_unsloth, use_unsloth_gc, use_v1_kernels, torch_compile, torch_compile_backend, torch_compile_mode, jit_mode_eval, use_ipex, torchdynamo, torch_empty_cache_steps, use_kv_cache, use_cache, infer_backend, infer_dtype | | the backend has its own kernels
      low_cpu_mem_usage, offload_folder, use_fast_tokenizer, cache_dir, print_param_status, use_cpu, no_cuda, use_mps_device, tpu_num_cores, skip_memory_metrics, debug | | nothing to choose from here
      log_level, log_level_replica, disable_tqdm | | the command line says what is shown
      logging_nan_inf_filter | | a loss that is not finite ends the run
      full_determinism | | every run is deterministic
      save_safetensors | true | weights are always safetensors
      use_reentrant_gc, gradient_checkpointing_kwargs, disable_gradient_checkpointing, enable_jit_checkpoint | | there is one kind of activation checkpointing, switched by gradient_checkpointing
      ignore_pad_token_for_loss, remove_unused_columns, prediction_loss_only, eval_accumulation_steps, eval_do_concat_batches, eval_use_gather_object, batch_eval_metrics, include_inputs_for_metrics, include_for_metrics, label_names, length_column_name, past_index | | there is no padding, and evaluation computes the loss alone
      template, default_system, tool_format, enable_thinking, train_on_prompt, mask_history, efficient_eos | | documents have no turns
      overwrite_cache | true, false | shards are found by the content of their files and all settings, so they are never stale
      preprocessing_batch_size, tokenized_path, buffer_size, eval_on_each_dataset, media_dir | | data is cached in shards of its own, and each dataset is evaluated by itself
      include_tokens_per_second, include_effective_tokens_per_second | | the throughput is always logged
      restore_callback_states_from_checkpoint, metric_for_best_model, greater_is_better | | the last state counts
      trust_remote_code, hf_hub_token, ms_hub_token, om_hub_token, hub_token, hub_model_id, hub_strategy, hub_private_repo, hub_always_push, hub_revision | | nothing is loaded from or sent to a hub
      lora_rank, lora_alpha, lora_dropout, lora_target, loraplus_lr_ratio, create_new_adapter, freeze_trainable_layers, freeze_trainable_modules, freeze_extra_modules | | it belongs to another finetuning_type
      predict_with_generate, do_sample, temperature, top_p, top_k, max_new_tokens, num_beams, generation_max_length, generation_num_beams | false | training generates nothing
      """;

  /// Key | harmless values | why it is refused otherwise.
  private static final String REFUSED =
      """
      val_size | 0, 0.0 | give the held-out part as eval_dataset, so that it is the same in every run
      streaming | false | data is tokenised into shards on disk and mapped, which needs no memory; leave it out
      max_samples | | limit the run with max_steps, or give a smaller file
      mix_strategy | concat | datasets are taken one after the other
      interleave_probs | | datasets are taken one after the other
      neat_packing | false | it is packing: best_fit here
      adapter_name_or_path | | adapters cannot be trained or merged; give a whole model
      quantization_bit, quantization_method | none | weights are trained in float32
      rope_scaling | | it belongs into config.json of the model
      resize_vocab, add_tokens, add_special_tokens, new_special_tokens_config | false | prepare model and tokenizer before training
      model_revision | main | give the directory of that revision
      shift_attn | false | attention is always full and causal
      mixture_of_depths, use_llama_pro, freeze_vision_tower, use_dft_loss, use_asft_loss | false | the model is trained as it is
      use_galore, use_apollo, use_badam, use_adam_mini, use_muon, adafactor | false | name an installed optimizer with optim
      optim_args, optim_target_modules | | the optimizers here take no further arguments
      moe_aux_loss_coef | | the model has no experts
      label_smoothing_factor | 0, 0.0 | the loss is the plain negative log-likelihood
      neftune_noise_alpha | 0, 0.0 | embeddings are trained without noise
      group_by_length | false | the order of the data is a pure function of the seed
      train_sampling_strategy | random | the order of the data is a pure function of the seed
      dataloader_drop_last | false | every row counts
      ignore_data_skip | false | a resumed run continues with the data that comes next
      auto_find_batch_size | false | set per_device_train_batch_size
      load_best_model_at_end | false | the final model is the last; pick another from the checkpoints
      early_stopping_steps | | the run goes to its last step
      eval_delay | 0, 0.0 | evaluation follows eval_strategy from the start
      compute_accuracy | false | evaluation gives loss and perplexity
      push_to_hub | false | upload output_dir when the run is done
      do_predict | false | use yushan infer or yushan eval
      """;

  /// Other name | key.
  private static final String ALIASES =
      """
      evaluation_strategy | eval_strategy
      per_gpu_train_batch_size | per_device_train_batch_size
      per_gpu_eval_batch_size | per_device_eval_batch_size
      tokenizer_name | tokenizer_name_or_path
      """;

  private static final Map<String, TrainingKey> ALL = read();

  private TrainingKeys() {}

  /// All keys by name, in the order of the table.
  public static Map<String, TrainingKey> all() {
    return ALL;
  }

  /// The key of that name.
  public static Optional<TrainingKey> find(String name) {
    return Optional.ofNullable(ALL.get(name));
  }

  /// The type, default and heading of honoured keys as the table has them, headings as `# title`.
  static List<String> honouredRows() {
    return HONOURED.lines().toList();
  }

  /// The known key that is closest to `name` by edit distance (Levenshtein 1966).
  public static String nearest(String name) {
    return ALL.keySet().stream()
        .min(Comparator.comparingInt(known -> distance(name, known)))
        .orElseThrow();
  }

  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    Arrays.setAll(row, j -> j);
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }

  private static Map<String, TrainingKey> read() {
    Map<String, TrainingKey> keys = new LinkedHashMap<>();
    for (String[] row : rows(HONOURED, 4)) {
      KeyType.of(row[1]);
      add(keys, new TrainingKey(row[0], new Honoured(row[1], row[2]), row[3]));
    }
    for (String[] row : rows(NO_EFFECT, 3)) {
      for (String name : list(row[0])) {
        add(keys, new TrainingKey(name, new NoEffect(list(row[1])), row[2]));
      }
    }
    for (String[] row : rows(REFUSED, 3)) {
      for (String name : list(row[0])) {
        add(keys, new TrainingKey(name, new Refused(list(row[1])), row[2]));
      }
    }
    for (String[] row : rows(ALIASES, 2)) {
      add(keys, new TrainingKey(row[0], new Alias(row[1]), "the same as " + row[1]));
    }
    return Collections.unmodifiableMap(keys);
  }

  private static void add(Map<String, TrainingKey> keys, TrainingKey key) {
    if (keys.put(key.name(), key) != null) {
      throw new IllegalStateException("the table has two rows for " + key.name());
    }
  }

  private static List<String[]> rows(String table, int columns) {
    return table
        .lines()
        .filter(line -> !line.startsWith("#"))
        .map(
            line -> {
              String[] row =
                  Arrays.stream(line.split("\\|", -1)).map(String::strip).toArray(String[]::new);
              if (row.length != columns) {
                throw new IllegalStateException("a row of the table is broken: " + line);
              }
              return row;
            })
        .toList();
  }

  private static List<String> list(String cell) {
    return Arrays.stream(cell.split(",")).map(String::strip).filter(s -> !s.isEmpty()).toList();
  }
}
