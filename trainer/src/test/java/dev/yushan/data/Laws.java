package dev.yushan.data;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The laws of Taiwan in `../shared/corpora`, as texts, for the tests of other packages.
public final class Laws {
  private Laws() {}

  /// All 10,417 laws in Chinese, 80 MB; a test that asks is skipped where they are missing.
  public static List<String> chinese() {
    List<String> texts = new ArrayList<>(texts("tw-laws-valid.parquet"));
    texts.addAll(texts("tw-laws-train.parquet"));
    return texts;
  }

  /// 444 of the Chinese ones, 3.7 MB.
  public static List<String> few() {
    return texts("tw-laws-valid.parquet");
  }

  /// 272 translations.
  public static List<String> english() {
    return texts("tw-laws-en.jsonl.gz");
  }

  private static List<String> texts(String name) {
    Path here = Path.of("").toAbsolutePath();
    while (here.getParent() != null && !Files.exists(here.resolve("CONTRIBUTING.md"))) {
      here = here.getParent();
    }
    Path path = here.resolveSibling("shared").resolve("corpora").resolve(name);
    assumeTrue(Files.exists(path), () -> "needs ../shared/corpora/" + name);
    List<String> texts = new ArrayList<>();
    SourceFile file = new SourceFile(path, Format.of(path).orElseThrow(), TextColumns.of("text"));
    try (RecordReader reader = RecordReader.open(file)) {
      for (Optional<RawRecord> next = reader.next(); next.isPresent(); next = reader.next()) {
        texts.add(((RecordContent.Text) next.get().content().get()).text());
      }
    }
    return texts;
  }
}
