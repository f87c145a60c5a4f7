package dev.yushan.cli;

import dev.yushan.data.DataException;
import dev.yushan.data.prepare.CorpusConfig;
import dev.yushan.data.prepare.CorpusReport;
import dev.yushan.data.prepare.DryRun;
import dev.yushan.data.prepare.DryRun.Document;
import dev.yushan.data.prepare.DryRun.Fate;
import dev.yushan.data.prepare.Preparation;
import dev.yushan.report.CorpusPage;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `yushan prepare`: from raw text to a corpus that can be trained on.
@Command(
    name = "prepare",
    description =
        "Make a corpus of raw text: format, filter, deduplicate, count; all as a YAML file says.",
    footer = {
      "%nA preparation that was stopped goes on where it was when it is called again;",
      "one whose settings were changed begins at the first stage that this concerns.",
      "Train on it with 'dataset: DIR', where DIR is its output_dir. For example:",
      "  yushan prepare --config corpus.yaml --dry-run 10",
      "  yushan prepare --config corpus.yaml"
    })
final class PrepareCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  private static final Logger LOG = LoggerFactory.getLogger(PrepareCommand.class);

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

  @Option(
      names = "--dry-run",
      paramLabel = "N",
      description =
          "Show what becomes of the first N documents, in equal parts from all sources, with every"
              + " change marked, and write nothing. Duplicates are not looked for.")
  private Optional<Integer> dryRun = Optional.empty();

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    CorpusConfig config = config();
    if (dryRun.isPresent()) {
      show(config, dryRun.get(), out);
      return 0;
    }
    CorpusReport report = Preparation.run(config, new ShardLine());
    out.println(report);
    Path page = Path.of(config.outputDir()).resolve(CorpusPage.FILE);
    out.println(page);
    if (report.trainingDocuments() == 0) {
      LOG.warn("no document is left to train on; {} says at which stage they went", page);
    }
    return 0;
  }

  // ---- dry run ---------------------------------------------------------------------------------

  private CorpusConfig config() {
    try {
      return CorpusConfig.read(file, settings);
    } catch (DataException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  private void show(CorpusConfig config, int most, PrintWriter out) {
    if (most < 1) {
      throw new ParameterException(
          spec.commandLine(),
          "--dry-run: %d is no number of documents; give 1 or more".formatted(most));
    }
    MarkedChanges changes = new MarkedChanges(Ansi.AUTO.enabled());
    List<Document> documents = DryRun.of(config, most);
    int changed = 0;
    int dropped = 0;
    for (Document document : documents) {
      boolean isDropped = document.fate() instanceof Fate.Dropped;
      boolean isChanged = !document.changedBy().isEmpty();
      String line = "%s %s: %s".formatted(document.source(), document.id(), outcome(document));
      out.println(MarkedChanges.oneLine(line));
      if (isDropped && !document.before().isEmpty()) {
        out.println("  " + MarkedChanges.beginning(document.before()));
      } else if (isChanged) {
        out.print(changes.of(document.before(), document.after()));
      }
      dropped += isDropped ? 1 : 0;
      changed += isChanged && !isDropped ? 1 : 0;
    }
    out.printf(
        "%,d document%s: %,d changed, %,d unchanged, %,d dropped. Nothing was written.%n",
        documents.size(),
        documents.size() == 1 ? "" : "s",
        changed,
        documents.size() - changed - dropped,
        dropped);
    if (config.stages().stream().anyMatch(stage -> stage.name().equals("dedup"))) {
      out.println("Duplicates were not looked for: that takes all documents.");
    }
  }

  private static String outcome(Document document) {
    return switch (document.fate()) {
      case Fate.Dropped(String step, String reason, String detail) ->
          "dropped by %s: %s (%s)".formatted(step, reason.replace('_', ' '), detail);
      case Fate.Kept(int tokens, int pieces) ->
          "%s, %,d tokens%s"
              .formatted(
                  document.changedBy().isEmpty()
                      ? "unchanged"
                      : "changed by " + String.join(", ", document.changedBy()),
                  tokens,
                  pieces == 1 ? "" : ", cut into %,d documents".formatted(pieces));
    };
  }
}
