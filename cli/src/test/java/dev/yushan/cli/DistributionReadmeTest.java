package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// The README of the distribution names nothing that is not in it.
class DistributionReadmeTest {
  @Test
  void everyLinkLeadsToWhatIsPacked() throws IOException {
    String readme = Files.readString(Path.of("src/main/assembly/README.md"));
    List<String> links =
        Pattern.compile("\\]\\(([^)]+)\\)")
            .matcher(readme)
            .results()
            .map((MatchResult link) -> link.group(1))
            .toList();
    assertThat(links)
        .hasSizeGreaterThan(8)
        .allMatch(link -> link.matches("docs/.*|plugins/README.md|LICENSE"))
        .allMatch(link -> Files.exists(Path.of("..").resolve(link)));
  }
}
