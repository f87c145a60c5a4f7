package dev.yushan.cli;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/// What to do about options of vLLM that `serve` does not have, as `docs/how-to/serve-a-model.md`
/// lists them.
final class VllmOptions {
  private static final String LEAVE_OUT = "leave it out";

  private static final Map<String, String> ADVICE = new HashMap<>();

  static {
    put("give --kv-cache-memory", "gpu-memory-utilization", "swap-space", "cpu-offload-gb");
    put(
        LEAVE_OUT,
        "tensor-parallel-size",
        "enforce-eager",
        "trust-remote-code",
        "load-format",
        "disable-log-stats",
        "tokenizer-mode",
        "skip-tokenizer-init",
        "task",
        "runner",
        "scheduling-policy",
        "compilation-config",
        "guided-decoding-backend");
    put(LEAVE_OUT + ": long prompts are always read in chunks", "enable-chunked-prefill");
    put("start several servers", "pipeline-parallel-size", "data-parallel-size");
    put("set HF_TOKEN in the environment", "hf-token");
    put("set HF_HOME in the environment", "download-dir");
    put("change the model's config.json", "hf-overrides", "rope-scaling");
    put(
        "there is nothing like it here",
        "enable-lora",
        "lora-modules",
        "speculative-config",
        "reasoning-parser",
        "limit-mm-per-prompt",
        "enable-auto-tool-choice",
        "tool-call-parser");
    put(LEAVE_OUT + ": it is 20", "max-logprobs");
    put(LEAVE_OUT + ": it is 16", "block-size");
    put("give --log-level", "uvicorn-log-level");
    put(LEAVE_OUT + ": any is allowed", "allowed-methods", "allowed-headers");
    put(
        LEAVE_OUT + ": they are logged unless --disable-log-requests is given",
        "enable-log-requests");
  }

  private VllmOptions() {}

  private static void put(String advice, String... names) {
    List.of(names).forEach(name -> ADVICE.put(name, advice));
  }

  /// What those who come from vLLM are to do about a command line that will not do; nothing for
  /// other faults.
  static Optional<String> advice(ParameterException wrong) {
    if (wrong instanceof MissingParameterException && wrong.getMessage().contains("--model")) {
      return Optional.of(
          wrong.getMessage() + "; it may also stand first, before options that take several words");
    }
    if (wrong instanceof UnmatchedArgumentException unmatched) {
      return unmatched.getUnmatched().stream()
          .map(VllmOptions::advice)
          .flatMap(Optional::stream)
          .reduce((one, other) -> one + "\n        " + other);
    }
    return Optional.empty();
  }

  /// @param option as it was given, perhaps with its value
  /// @return a sentence, if vLLM has such an option
  static Optional<String> advice(String option) {
    String name =
        option.replaceFirst("=.*", "").replaceFirst("^--(no-)?", "").replace('_', '-').strip();
    return Optional.ofNullable(ADVICE.get(name))
        .map(advice -> "--%s is an option of vLLM, not of Yushan: %s".formatted(name, advice));
  }

  /// All names, without dashes before them.
  static List<String> names() {
    return ADVICE.keySet().stream().sorted().toList();
  }
}
