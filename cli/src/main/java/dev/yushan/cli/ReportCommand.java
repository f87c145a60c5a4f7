package dev.yushan.cli;

import dev.yushan.report.HtmlReport;
import dev.yushan.report.LossPlot;
import dev.yushan.report.RunDirectory;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `yushan report`: the page and the pictures of a run, from its files.
@Command(
    name = "report",
    description = "Make report.html and the pictures of a training run, from its files.",
    footer = {
      "%nA run that is still going on can be looked at too. For example:",
      "  yushan report demo-run/continued",
      "  yushan report runs/b --beside runs/a"
    })
final class ReportCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "DIR", description = "The output_dir of the run.")
  private Path directory;

  @Option(
      names = "--beside",
      paramLabel = "DIR",
      description =
          "Draw the training loss of this run too, into beside_loss.png; may be given several"
              + " times.")
  private List<Path> beside = List.of();

  @Override
  public Integer call() {
    RunDirectory run = RunDirectory.read(directory);
    List<RunDirectory> others = beside.stream().map(RunDirectory::read).toList();
    LossPlot.draw(run.history(), directory);
    if (!others.isEmpty()) {
      LossPlot.drawBeside(Stream.concat(Stream.of(run), others.stream()).toList());
    }
    spec.commandLine().getOut().println(HtmlReport.write(run));
    return 0;
  }
}
