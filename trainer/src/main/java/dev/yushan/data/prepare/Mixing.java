package dev.yushan.data.prepare;

import java.util.LinkedHashMap;
import java.util.Map;

/// How often a pass over the corpus goes over each source, so that the sources that are trained on
/// have the shares that the configuration asks for. Together they are as long as without mixing.
final class Mixing {
  private Mixing() {}

  /// @param tokens of each source
  static Map<String, Double> epochs(CorpusConfig config, Map<String, Long> tokens) {
    double all = 0;
    double weights = 0;
    for (SourceSpec source : config.sources()) {
      if (source.isTraining()) {
        all += tokens.get(source.name());
        weights += weight(config, source, tokens);
      }
    }
    Map<String, Double> epochs = new LinkedHashMap<>();
    for (SourceSpec source : config.sources()) {
      long own = tokens.get(source.name());
      boolean mixed = source.weight() > 0 || config.temperature() != 1;
      epochs.put(
          source.name(),
          !mixed || !source.isTraining() || own == 0
              ? source.epochs()
              : weight(config, source, tokens) / weights * all / own);
    }
    return epochs;
  }

  private static double weight(CorpusConfig config, SourceSpec source, Map<String, Long> tokens) {
    return source.weight() > 0
        ? source.weight()
        : Math.pow(tokens.get(source.name()), 1 / config.temperature());
  }
}
