package dev.yushan.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.data.Source;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SourceNamesTest {
  @Test
  void theNameOfAPathIsWithoutTheEndingAndNothingElse() {
    List<Source> sources =
        Stream.of(
                "laws",
                "data/wiki.zh.jsonl",
                "data/wiki.en.jsonl.gz",
                "org/Llama-3.2-data",
                "news.parquet",
                "old/news.csv")
            .map(name -> new Source(name, List.of()))
            .toList();
    assertThat(SourceNames.of(sources).names())
        .containsExactly("laws", "wiki.zh", "wiki.en", "Llama-3.2-data", "news", "news_2");
  }
}
