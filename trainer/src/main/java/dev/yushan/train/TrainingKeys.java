package dev.yushan.train;

import dev.yushan.config.NearestKey;
import dev.yushan.train.TrainingKey.Alias;
import dev.yushan.train.TrainingKey.Honoured;
import dev.yushan.train.TrainingKey.NoEffect;
import dev.yushan.train.TrainingKey.Refused;
import java.util.Arrays;
import java.util.Collections;
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
      model_name_or_path | text | | Model directory in the Hugging Face layout, or the name of a model of the Hub (org/name), which is downloaded if it is not in its cache.
      model_revision | text | main | Branch, tag or commit of a model of the Hub.
      tokenizer_name_or_path | text | → model_name_or_path | Directory with tokenizer.json, if it is not the model's own; also the name of a model of the Hub (at main).
      train_from_scratch | boolean | false | Take only config.json of model_name_or_path and begin with fresh weights drawn from `seed`.
      stage | one of pt | pt | Pre-training, the one stage there is. (LLaMA-Factory's default is sft.)
      finetuning_type | one of full | full | All weights are trained. (LLaMA-Factory's default is lora.)
      do_train | one of true | true | To train is what this command does.
      # Data
      dataset | names | | Training data: paths, globs, names of dataset_info.json, or files of a dataset of the Hub (hf://datasets/org/name/path); a list, or one text with commas.
      eval_dataset | names | | Held-out data, named like `dataset`; each entry is evaluated by itself.
      max_samples | integer ≥ 1 | | Use only so many documents of each entry of `dataset` and `eval_dataset`, the first ones.
      val_size | number ≥ 0 | 0 | Hold out a part of the training documents, drawn by `seed`, and evaluate on it: below 1 a share, from 1 on a number of documents. Not together with `eval_dataset`.
      dataset_dir | text | data | Directory of dataset_info.json.
      text_column | text | text | Field or column that holds the text, or a template over several such as `"{title}\\n\\n{body}"`, where dataset_info.json names none.
      cutoff_len | integer ≥ 2 | 2048 | Longest document in tokens, BOS and EOS included; equal is kept.
      on_excess | one of drop split fail | drop | What becomes of longer documents. (LLaMA-Factory cuts them off; with packing it cuts the stream of documents into blocks and drops the rest of each 1,000.)
      on_bad_record | one of fail skip | fail | A record that cannot be read ends the run, or is left out and counted.
      add_bos | boolean | true | Begin each text with BOS.
      add_eos | boolean | true | End each text with EOS.
      split_special_tokens | boolean | true | Special-token text inside a document is plain text; `false` makes ids of it. (LLaMA-Factory's default is false.)
      sequence_len | integer ≥ 2 | → cutoff_len | Length of a packed training sequence.
      packing | one of best_fit concat none | best_fit | best_fit: whole documents together in a row, unseen by each other; concat: one stream cut into blocks, as LLaMA-Factory does; none: one document a row. `true` means concat, `false` none.
      disable_shuffling | boolean | false | Take the rows in the order of the data.
      data_seed | integer | → seed | Seed of the order of the data.
      max_eval_samples | integer ≥ 1 | | Evaluate on the first so many rows of each held-out dataset, as the scripts of transformers count them: after packing. Documents are counted by `max_samples`.
      preprocessing_num_workers | integer ≥ 0 | → threads | Threads that tokenise; 0 for all processors.
      tokenized_cache_dir | text | | Directory of tokenised shards; by default the user's cache directory.
      # Steps
      per_device_train_batch_size | integer ≥ 1 | 8 | Rows of a micro-batch.
      gradient_accumulation_steps | integer ≥ 1 | 1 | Micro-batches of an optimizer step, of each device; the last step of an epoch may have fewer.
      world_size | integer ≥ 1 | 1 | Devices that the recipe was written for. They are run one after the other: a step has so many times more micro-batches, and the global batch is kept.
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
      on_spike | one of no warn skip stop | warn | What to do about a step whose loss or gradient norm is far above those before: report it; leave the weights as they are (losses, tokens and steps count it all the same), but end the run after 10 steps in a row; or end the run.
      spike_threshold | number ≥ 1 | 6 | Standard deviations above the mean of the last steps that make a spike.
      spike_window | integer ≥ 2 | 100 | Steps that are looked back on; the first of a run, as many but at most 20, are not judged.
      max_grad_norm | number ≥ 0 | 1.0 | Gradients are scaled down to this norm; 0 leaves them.
      gradient_checkpointing | boolean | false | Keep only the input of each layer and compute the layer again in the backward pass. Without it the results of products and attention are kept, and what is cheap is computed again.
      bf16 | boolean | false | Keep activations for the backward pass rounded to bfloat16: half their memory. Weights, gradients, moments and arithmetic stay float32. Nothing with gradient_checkpointing, which keeps none.
      logits_chunk | one of 256 512 1024 2048 | 512 | Rows of logits held at a time. The result does not depend on it.
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
      overwrite_output_dir | boolean | false | Start anew in a directory that holds a run; its checkpoints are deleted, which the log says.
      resume_from_checkpoint | boolean or text | false | A checkpoint directory, or `true` for the latest sound one in output_dir; without one the run starts at the beginning. One of another directory begins a run in output_dir, which then must hold none, or is replaced with overwrite_output_dir.
      save_strategy | one of no steps epoch | steps | When to write a checkpoint; with `steps` also at the end.
      save_steps | number ≥ 0 | 500 | Steps between checkpoints; below 1 it is a share of all steps.
      save_total_limit | integer ≥ 1 | | Keep so many checkpoints; the oldest go when a new one is safe on the disk.
      save_only_model | boolean | false | Checkpoints without optimizer state: smaller, but nothing can be resumed from them.
      save_dtype | one of auto float32 bfloat16 float16 | auto | Type of the final model's weights; auto is that of the base model. Checkpoints are always float32.
      max_shard_size | size such as 500MB | 50GB | Largest weight file; bytes, or with KB, MB, GB (powers of 1000) or KiB, MiB, GiB (of 1024).
      # Machine
      backend | text | | Name of the backend; by default the best one available.
      device | text | | The backend's own name of a device.
      check_backend | boolean | false | Look at the results of every op, and name the first that makes a NaN or an infinity, or reads memory that nothing was written to. Slow; the result is the same.
      experimental_cuda | boolean | false | Have the backend tornado compute products by cuBLAS, on a device of CUDA: faster, with sums in another order.
      memory | one of fixed auto | fixed | auto: per_device_eval_batch_size, logits_chunk, gradient_checkpointing (not with bf16, which it would undo), and the division of a step into micro-batches are chosen so that the job fits, where what is set does not. How much there is is what the machine and its control groups leave, see forecast.md. What was chosen is logged, and stands in training_config.yaml.
      threads | integer ≥ 0 | 0 | Compute threads; 0 for all processors. The result does not depend on it.
      """;

  /// Key | values that need no notice | why it has no effect.
  private static final String NO_EFFECT =
      """
      fp16, tf32, pure_bf16, bf16_full_eval, fp16_full_eval, fp8 | false | arithmetic and master weights are float32; bf16 keeps activations in half the memory
      fp16_opt_level, fp16_backend, half_precision_backend, upcast_layernorm, upcast_lmhead_output, fp8_backend, fp8_enable_fsdp_float8_all_gather | false | arithmetic is float32
      run_name, logging_dir, project, trackio_space_id, use_swanlab, swanlab_project, swanlab_workspace, swanlab_run_name, swanlab_mode, swanlab_api_key, swanlab_logdir, swanlab_lark_webhook_url, swanlab_lark_secret, ppo_logger | none, false | reports are files in output_dir
      dataloader_num_workers, dataloader_pin_memory, dataloader_persistent_workers, dataloader_prefetch_factor | | rows are read from mapped shards; nothing is to be fetched ahead
      ddp_timeout, ddp_backend, ddp_find_unused_parameters, ddp_bucket_cap_mb, ddp_broadcast_buffers, ddp_static_graph, local_rank, parallelism_config, mp_parameters, ray_scope, ray_run_name, ray_storage_path, ray_storage_filesystem, ray_init_kwargs, resources_per_worker, placement_strategy, master_addr, master_port, save_on_each_node, log_on_each_node, data_shared_file_system | | training runs in one process; set world_size to the number of devices to keep their global batch
      average_tokens_across_devices, average_loss_across_devices | true | the loss is always the mean over all targets of a step, those of all devices
      deepspeed, fsdp, fsdp_config, fsdp_min_num_params, fsdp_transformer_layer_cls_to_wrap | 0 | it only spreads the same arithmetic over devices; training runs in one process; set world_size to their number to keep the global batch
      use_mca, use_megatron_bridge, megatron_bridge_args, use_hyper_parallel, hyper_parallel_args, hyper_parallel_cp_size, use_kt, kt_cpu_activation, kt_weight_path, kt_non_expert_weight_path, kt_expert_checkpoint_path, kt_use_lora_experts, kt_lora_expert_num, kt_lora_expert_intermediate_size, kt_optimize_rule, kt_maxlen, kt_use_cuda_graph, kt_mode, kt_force_think, cpu_infer, chunk_size | false | the training loop is one of its own; set world_size to the number of devices to keep their global batch
      flash_attn, use_liger_kernel, enable_liger_kernel, liger_kernel_config, use_unsloth, use_unsloth_gc, use_v1_kernels, torch_compile, torch_compile_backend, torch_compile_mode, jit_mode_eval, use_ipex, torchdynamo, torch_empty_cache_steps, use_kv_cache, use_cache, infer_backend, infer_dtype | | the backend has its own kernels
      low_cpu_mem_usage, offload_folder, use_fast_tokenizer, cache_dir, print_param_status, use_cpu, no_cuda, use_mps_device, tpu_num_cores, tpu_metrics_debug, skip_memory_metrics, debug | | nothing to choose from here
      enable_torch_profiler, profiler_output_dir, profiler_wait_steps, profiler_warmup_steps, profiler_active_steps, profiler_repeat, profiler_record_shapes, profiler_profile_memory, profiler_with_stack, profile_modules | false | a JVM is profiled from outside
      log_level, log_level_replica, disable_tqdm | | the command line says what is shown
      logging_nan_inf_filter | | a loss that is not finite ends the run
      full_determinism | | every run is deterministic
      save_safetensors | true | weights are always safetensors
      use_reentrant_gc, gradient_checkpointing_kwargs, disable_gradient_checkpointing, enable_jit_checkpoint | | there is one kind of activation checkpointing, switched by gradient_checkpointing
      ignore_pad_token_for_loss, remove_unused_columns, prediction_loss_only, eval_accumulation_steps, eval_do_concat_batches, eval_use_gather_object, batch_eval_metrics, include_inputs_for_metrics, include_for_metrics, label_names, length_column_name, past_index, use_legacy_prediction_loop, eval_num_beams | | there is no padding, and evaluation computes the loss alone
      template, default_system, tool_format, enable_thinking, preserve_thinking, train_on_prompt, mask_history, efficient_eos, reserved_label_len | | documents have no turns
      media_dir, image_dir, visual_inputs, image_resolution, image_max_pixels, image_min_pixels, image_do_pan_and_scan, crop_to_patches, video_resolution, video_max_pixels, video_min_pixels, video_fps, video_maxlen, use_audio_in_video, audio_sampling_rate, freeze_vision_tower, freeze_multi_modal_projector, train_mm_proj_only | false | documents are text alone
      overwrite_cache | false | shards are found by the content of their files and all settings, so they are never stale
      preprocessing_batch_size, tokenized_path, cache_path, buffer_size, eval_on_each_dataset | | data is cached in shards of its own, and each dataset is evaluated by itself
      include_tokens_per_second, include_effective_tokens_per_second | | the throughput is always logged
      restore_callback_states_from_checkpoint, metric_for_best_model, greater_is_better | | the last state counts
      trust_remote_code | false | models are run by Yushan's own code and that of plugins
      hf_hub_token, ms_hub_token, om_hub_token, hub_token, push_to_hub_token, push_to_hub_model_id, push_to_hub_organization, hub_model_id, hub_strategy, hub_private_repo, hub_always_push, hub_revision | | nothing is sent to a hub; the token to load from it is HF_TOKEN of the environment
      lora_rank, lora_alpha, lora_dropout, lora_target, loraplus_lr_ratio, loraplus_lr_embedding, use_rslora, use_dora, pissa_init, pissa_iter, pissa_convert, oft_rank, oft_block_size, oft_target, module_dropout, additional_target, adapter_folder, create_new_adapter, freeze_trainable_layers, freeze_trainable_modules, freeze_extra_modules, num_layer_trainable, name_module_trainable | false | it belongs to another finetuning_type
      pref_beta, pref_ftx, pref_bco_weight, pref_loss, dpo_beta, dpo_ftx, dpo_loss, dpo_label_smoothing, orpo_beta, simpo_gamma, ld_alpha, kto_chosen_weight, kto_rejected_weight, ppo_buffer_size, ppo_epochs, ppo_score_norm, ppo_target, ppo_whiten_rewards, ref_model, ref_model_adapters, ref_model_quantization_bit, reward_model, reward_model_adapters, reward_model_quantization_bit, reward_model_type | false | it belongs to another stage
      galore_target, galore_rank, galore_update_interval, galore_scale, galore_proj_type, galore_layerwise, apollo_target, apollo_rank, apollo_update_interval, apollo_scale, apollo_proj, apollo_proj_type, apollo_scale_type, apollo_layerwise, apollo_scale_front, badam_mode, badam_start_block, badam_switch_mode, badam_switch_interval, badam_update_ratio, badam_mask_mode, badam_verbose | false | it belongs to another optimizer
      quantization_method, quantization_type, double_quantization, quantization_device_map | | nothing is quantised without quantization_bit, which is refused
      asft_alpha, eaft_alpha, moe_aux_loss_coef | | it belongs to a loss that is not used
      predict_with_generate, do_sample, temperature, top_p, top_k, max_new_tokens, max_length, num_beams, repetition_penalty, length_penalty, skip_special_tokens, generation_config, generation_max_length, generation_num_beams, vllm_maxlen, vllm_gpu_util, vllm_enforce_eager, vllm_max_lora_rank, vllm_dtype, vllm_config, sglang_maxlen, sglang_mem_fraction, sglang_tp_size, sglang_config, sglang_lora_backend | false | training generates nothing
      export_dir, export_size, export_device, export_quantization_bit, export_quantization_dataset, export_quantization_nsamples, export_quantization_maxlen, export_legacy_format, export_hub_model_id | | a model is exported by yushan export
      """;

  /// Key | harmless values | why it is refused otherwise.
  private static final String REFUSED =
      """
      streaming | false | data is tokenised into shards on disk and mapped, which needs no memory; leave it out
      split | train | datasets are files; name the ones of that split
      mix_strategy | concat | datasets are taken one after the other
      interleave_probs | | datasets are taken one after the other
      neat_packing | false | it is packing: best_fit here
      adapter_name_or_path | | adapters cannot be trained or merged; give a whole model
      quantization_bit | none | weights are trained in float32
      rope_scaling | | it belongs into config.json of the model
      resize_vocab, add_tokens, add_special_tokens, new_special_tokens, new_special_tokens_config, init_special_tokens | false, noise_init | prepare model and tokenizer before training
      shift_attn | false | attention is always full and causal
      mixture_of_depths, use_llama_pro, freeze_language_model, use_dft_loss, use_asft_loss, use_eaft_loss | false | the model is trained as it is
      use_galore, use_apollo, use_badam, use_adam_mini, use_muon, adafactor | false | name an installed optimizer with optim
      optim_args, optim_target_modules | | the optimizers here take no further arguments
      label_smoothing_factor | 0 | the loss is the plain negative log-likelihood
      neftune_noise_alpha | 0 | embeddings are trained without noise
      group_by_length, sortish_sampler | false | the order of the data is a pure function of the seed
      train_sampling_strategy | random | the order of the data is a pure function of the seed; sequential is disable_shuffling: true
      dataloader_drop_last, split_batches, dispatch_batches | false | every row counts, and a batch is per_device_train_batch_size × gradient_accumulation_steps × world_size rows
      accelerator_config | | it may divide batches in another way; leave it out
      ignore_data_skip | false | a resumed run continues with the data that comes next
      auto_find_batch_size | false | set per_device_train_batch_size
      load_best_model_at_end | false | the final model is the last; pick another from the checkpoints
      early_stopping_steps | | the run goes to its last step
      eval_delay | 0 | evaluation follows eval_strategy from the start
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
      ray_num_workers | world_size
      """;

  private static final Map<String, TrainingKey> ALL = read();

  /// Names that other programs have for keys, which no likeness of letters tells.
  private static final Map<String, String> ELSEWHERE =
      Map.ofEntries(
          Map.entry("lr", "learning_rate"),
          Map.entry("epochs", "num_train_epochs"),
          Map.entry("batch_size", "per_device_train_batch_size"),
          Map.entry("micro_batch_size", "per_device_train_batch_size"),
          Map.entry("block_size", "sequence_len"),
          Map.entry("train_dataset", "dataset"),
          Map.entry("train_file", "dataset"),
          Map.entry("validation_file", "eval_dataset"),
          Map.entry("activation_checkpointing", "gradient_checkpointing"),
          Map.entry("dtype", "bf16"),
          Map.entry("torch_dtype", "bf16"));

  private TrainingKeys() {}

  /// All keys by name, in the order of the table.
  public static Map<String, TrainingKey> all() {
    return ALL;
  }

  /// The key of that name.
  public static Optional<TrainingKey> find(String name) {
    return Optional.ofNullable(ALL.get(name));
  }

  /// What was meant by a name that is no key: what other programs call it, else the nearest key, of
  /// those that do something if there is one.
  static Optional<String> meant(String name) {
    List<String> honoured =
        ALL.values().stream()
            .filter(key -> key.treatment() instanceof Honoured)
            .map(TrainingKey::name)
            .toList();
    return Optional.ofNullable(ELSEWHERE.get(name))
        .or(() -> NearestKey.of(name, honoured))
        .or(() -> NearestKey.of(name, ALL.keySet()));
  }

  /// The type, default and heading of honoured keys as the table has them, headings as `# title`.
  static List<String> honouredRows() {
    return HONOURED.lines().toList();
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
