package dev.yushan.cli;

import dev.yushan.report.ModelCard;
import dev.yushan.report.RunDirectory;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `yushan card`: the model card of a run, from its files.
@Command(
    name = "card",
    description = "Make README.md, the model card of a training run, from its files.",
    footer = {
      "%nWhat the files cannot know, such as a license, goes into DIR/card.yaml: its",
      "fields replace those of the metadata. For example:",
      "  echo 'license: llama3.2' >> runs/cpt/card.yaml",
      "  yushan card runs/cpt"
    })
final class CardCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "DIR", description = "The output_dir of the run.")
  private Path directory;

  @Option(names = "--force", description = "Replace a README.md that somebody else wrote.")
  private boolean force;

  @Override
  public Integer call() {
    spec.commandLine().getOut().println(ModelCard.write(RunDirectory.read(directory), force));
    return 0;
  }
}
