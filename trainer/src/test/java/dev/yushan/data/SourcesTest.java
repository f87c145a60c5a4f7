package dev.yushan.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SourcesTest {
  @TempDir Path directory;

  @BeforeEach
  void files() throws IOException {
    Files.createDirectories(directory.resolve("sub/deep"));
    for (String name :
        List.of(
            "b.jsonl", "a.jsonl", "c.txt", "notes.md", "sub/d.parquet", "sub/deep/e.jsonl.gz")) {
      Files.writeString(directory.resolve(name), "");
    }
  }

  private List<Source> resolve(String... names) {
    return Sources.resolve(
        new SourceConfig(List.of(names), directory, "content", OnBadRecord.FAIL));
  }

  private List<String> names(Source source) {
    return source.files().stream().map(f -> directory.relativize(f.path()).toString()).toList();
  }

  private void info(String json) throws IOException {
    Files.writeString(directory.resolve("dataset_info.json"), json);
  }

  @Test
  void filesDirectoriesAndGlobs() {
    List<Source> sources =
        resolve(
            directory + "/c.txt",
            directory + "",
            directory + "/*.jsonl",
            directory + "/**.{gz,parquet}");
    assertThat(names(sources.get(0))).containsExactly("c.txt");
    assertThat(names(sources.get(1))).containsExactly("a.jsonl", "b.jsonl", "c.txt");
    assertThat(names(sources.get(2))).containsExactly("a.jsonl", "b.jsonl");
    assertThat(names(sources.get(3))).containsExactly("sub/d.parquet", "sub/deep/e.jsonl.gz");
    assertThat(sources.get(2).name()).isEqualTo(directory + "/*.jsonl");
    assertThat(Sources.files(sources)).hasSize(8);
    assertThat(sources.get(3).files())
        .extracting(SourceFile::format)
        .containsExactly(Format.PARQUET, Format.JSONL_GZ);
    assertThat(sources.getFirst().files().getFirst().columns().template()).isEqualTo("content");
  }

  @Test
  void relativeGlobsAreResolvedAgainstTheWorkingDirectory() {
    assertThat(resolve("src/test/resources/data/text-*.parquet").getFirst().files()).hasSize(4);
  }

  @Test
  void whatCannotBeFoundIsNamed() throws IOException {
    assertThatThrownBy(() -> resolve("nothing.jsonl"))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("nothing.jsonl is neither a file")
        .hasMessageContaining("dataset_dir");
    assertThatThrownBy(() -> resolve(directory + "/*.zip")).hasMessageContaining("no file matches");
    assertThatThrownBy(() -> resolve(directory + "/none/*.jsonl"))
        .hasMessageContaining("no file matches");
    assertThatThrownBy(() -> resolve(directory + "/notes.md"))
        .hasMessageContaining("is of no known format; known: .txt, .jsonl, .jsonl.gz");
    assertThatThrownBy(() -> resolve(directory + "/sub/deep/../../sub/none"))
        .hasMessageContaining("neither");
    info("{\"laws\": {}, \"news\": {}}");
    assertThatThrownBy(() -> resolve("law")).hasMessageContaining("which knows [laws, news]");
  }

  @Test
  void namesOfDatasetInfo() throws IOException {
    info(
        """
        {"laws": {"file_name": "sub/d.parquet", "columns": {"prompt": "body"}},
         "all": {"file_name": "sub", "columns": {"prompt": "body"}, "formatting": "alpaca"},
         "plain": {"file_name": "c.txt"},
         "unnamed": {"file_name": "sub/d.parquet"}}
        """);
    List<Source> sources = resolve("laws", "all", "plain", "unnamed");
    assertThat(sources.get(3).files().getFirst().columns().template()).isEqualTo("content");
    assertThat(names(sources.get(0))).containsExactly("sub/d.parquet");
    assertThat(sources.get(0).files().getFirst().columns().template()).isEqualTo("body");
    assertThat(sources.get(0).name()).isEqualTo("laws");
    assertThat(names(sources.get(1))).containsExactly("sub/d.parquet");
    assertThat(names(sources.get(2))).containsExactly("c.txt");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"hf_hub_url\": \"x/y\"} | hf_hub_url is remote",
        "{\"file_name\": \"a.jsonl\", \"columns\": {\"prompt\": 5}} | columns.prompt is no name",
        "{\"file_name\": \"a.jsonl\", \"formatting\": \"sharegpt\"} | formatting sharegpt is not"
            + " for pre-training",
        "{\"file_name\": \"a.jsonl\", \"ranking\": true} | ranking data is not for pre-training",
        "{\"file_name\": \"a.jsonl\", \"columns\": {\"prompt\": \"p\", \"response\": \"r\"}} |"
            + " columns.response is not for pre-training",
        "{\"file_name\": \"a.jsonl\", \"num_samples\": 5} | num_samples is not supported",
        "{\"file_name\": \"zzz.jsonl\", \"columns\": {\"prompt\": \"p\"}} | does not exist",
        "{\"columns\": {\"prompt\": \"p\"}} | has no file_name",
      })
  void whatIsNotForPretrainingIsRefusedByName(String entry, String message) throws IOException {
    info("{\"mine\": " + entry + "}");
    assertThatThrownBy(() -> resolve("mine"))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("dataset_info.json: mine: ")
        .hasMessageContaining(message);
  }

  @Test
  void brokenDatasetInfoIsNamed() throws IOException {
    info("{");
    assertThatThrownBy(() -> resolve("x")).hasMessageContaining("cannot be read as JSON");
  }

  @Test
  void namesAreSeparatedByCommas() {
    assertThat(SourceConfig.names("a.txt, b ,,c/*.jsonl"))
        .containsExactly("a.txt", "b", "c/*.jsonl");
    assertThatThrownBy(() -> SourceConfig.of()).hasMessageContaining("dataset: names no file");
  }

  @Test
  void choicesAreNamedWhenWrong() {
    assertThat(Packing.of("best_fit")).isEqualTo(Packing.BEST_FIT);
    assertThat(OnExcess.of("split")).isEqualTo(OnExcess.SPLIT);
    assertThatThrownBy(() -> OnBadRecord.of("ignore"))
        .hasMessage("on_bad_record: ignore is not one of fail, skip");
  }

  @Test
  void theCacheDirectoryHonoursTheEnvironment() {
    Path home = Path.of(System.getProperty("user.home"));
    assertThat(CacheConfig.defaultDirectory(java.util.Map.of()))
        .isEqualTo(home.resolve(".cache/yushan"));
    assertThat(CacheConfig.defaultDirectory(java.util.Map.of("XDG_CACHE_HOME", "/x")))
        .isEqualTo(Path.of("/x/yushan"));
    assertThat(
            CacheConfig.defaultDirectory(
                java.util.Map.of("XDG_CACHE_HOME", "/x", "YUSHAN_CACHE", "/y")))
        .isEqualTo(Path.of("/y"));
  }
}
