package dev.yushan.data.prepare;

import dev.yushan.data.RecordBatches;
import dev.yushan.data.Unit;
import dev.yushan.io.DurableFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// Measures whole preparations of what a configuration names, one after the other in this process
/// and each into a new directory: the first compiles as it goes, as the command does; the later
/// ones show what a corpus of many times the size has. From the root of the checkout:
///
/// ```
/// mvn -q -Pbench-data -DskipTests -pl trainer -am test -Dbench.main=prepare.PrepareBench -Dbench.arguments="$PWD/corpus.yaml 4"
/// ```
final class PrepareBench {
  private PrepareBench() {}

  public static void main(String[] args) throws IOException {
    Path yaml = Path.of(args[0]);
    int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 4;
    for (int round = 1; round <= rounds; round++) {
      Path output = Files.createTempDirectory("prepare-bench");
      try {
        CorpusConfig config = CorpusConfig.read(yaml, Map.of("output_dir", output.toString()));
        long start = System.nanoTime();
        Preparation.run(config, (phase, done, begun) -> {});
        double seconds = (System.nanoTime() - start) / 1e9;
        double megabytes = bytes(config) / 1e6;
        System.out.printf(
            "round %d: %.1f MB of text in %.1f s on %d threads: %.2f MB/s a core%n",
            round, megabytes, seconds, config.workers(), megabytes / seconds / config.workers());
      } finally {
        DurableFiles.deleteDirectory(output);
      }
    }
  }

  /// Of the text that the sources hold, in UTF-8.
  private static long bytes(CorpusConfig config) {
    long bytes = 0;
    for (SourceSpec source : config.sources()) {
      for (Unit unit : Preparation.units(config, source)) {
        try (RecordBatches batches = unit.batches(config.shardBytes())) {
          for (var batch = batches.next(); batch.isPresent(); batch = batches.next()) {
            for (RecordBatches.Found found : batch.get().parse()) {
              if (found instanceof RecordBatches.Found.Text text) {
                bytes += text.text().getBytes(StandardCharsets.UTF_8).length;
              }
            }
          }
        }
      }
    }
    return bytes;
  }
}
