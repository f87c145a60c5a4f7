package dev.yushan.cli;

import dev.yushan.data.prepare.CorpusConfig;
import dev.yushan.data.prepare.CorpusReport;
import dev.yushan.data.prepare.Preparation;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `yushan prepare`: from raw text to a corpus that can be trained on.
@Command(
    name = "prepare",
    description =
        "Make a corpus of raw text: format, filter, deduplicate, count; all as a YAML file says.",
    footer = {
      "%nA preparation that was stopped, however, goes on where it was when it is called again;"
          + " one",
      "whose settings were changed begins at the first stage that the change concerns. Train on it",
      "with 'dataset: DIR', where DIR is its output_dir. For example:",
      "  yushan prepare --config corpus.yaml"
    })
final class PrepareCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--config",
      required = true,
      paramLabel = "CORPUS.yaml",
      description = "What to prepare, and how.")
  private Path file;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Set a key of the top level in place of what the file says; may be repeated.")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    CorpusConfig config = CorpusConfig.read(file, settings);
    CorpusReport report = Preparation.run(config, new ShardLine());
    out.println(report);
    out.println(Path.of(config.outputDir()).resolve("report.html"));
    return 0;
  }
}
