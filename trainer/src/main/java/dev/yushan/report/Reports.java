package dev.yushan.report;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The reports that a run ends with.
public final class Reports {
  private static final Logger LOG = LoggerFactory.getLogger(Reports.class);

  private Reports() {}

  /// Writes page and card of the run in `directory`, a card only where none is or one of ours. What
  /// goes wrong is a warning: the model is trained, and reports can be made again.
  public static void afterRun(Path directory) {
    try {
      RunDirectory run = RunDirectory.read(directory);
      HtmlReport.write(run);
      Path card = directory.resolve(ModelCard.FILE);
      if (!Files.exists(card) || ModelCard.isOurs(card)) {
        ModelCard.write(run, false);
      }
    } catch (RuntimeException e) {
      LOG.warn(
          "{}: no report: {}; make it again with: yushan report {}, yushan card {}",
          directory,
          e.getMessage(),
          directory,
          directory);
    }
  }

  /// What reports there may be in `directory`; a card only if it is ours.
  public static List<Path> madeIn(Path directory) {
    return Stream.of(HtmlReport.FILE, LossPlot.TRAINING, LossPlot.EVALUATION, ModelCard.FILE)
        .map(directory::resolve)
        .filter(file -> !file.endsWith(ModelCard.FILE) || ModelCard.isOurs(file))
        .toList();
  }
}
