package dev.yushan.cli;

import dev.yushan.train.TrainingConfig;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `yushan config`: what a training configuration comes to.
@Command(
    name = "config",
    description = "Check a training configuration and show every value with its origin.",
    footer = {
      "%nThe output is a training configuration itself: lines that begin with # are the notices"
          + " that",
      "'yushan train' gives, and behind each value stands the line, option or default it is from.",
      "All keys are in docs/reference/config.md. For example:",
      "  yushan config --resolve docs/examples/llama-3.2-taiwan-3b.yaml --set world_size=1"
    })
final class ConfigCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--resolve",
      required = true,
      paramLabel = "CONFIG.yaml",
      description = "The training configuration.")
  private Path file;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Set a key in place of what the file says; may be given several times.")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    TrainingConfig config = TrainingConfig.read(file, settings).check();
    config.notices().forEach(notice -> out.println("# " + notice));
    out.print(config.toYaml());
    out.flush();
    return 0;
  }
}
