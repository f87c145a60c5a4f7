package dev.yushan.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.data.DataException;
import dev.yushan.data.prepare.PreparedFiles.Row;
import dev.yushan.text.BpeTrainer;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `on_excess` of a preparation: documents that are too long are split, dropped or refused.
class SplitPreparationTest {
  @TempDir private Path directory;
  private final List<String> texts = new ArrayList<>();

  @BeforeEach
  void files() throws IOException {
    HanText han = new HanText(new Random(21));
    texts.add(han.of(2000));
    texts.add(han.of(40));
    texts.add(han.of(900).replace('。', '，') + "。");
    texts.add("x" + "山".repeat(10_000));
    texts.add("z".repeat(10_000) + "。\n" + han.of(300));
    StringBuilder lines = new StringBuilder();
    for (String text : texts) {
      lines.append("{\"text\": \"").append(text.replace("\n", "\\n")).append("\"}\n");
    }
    Files.writeString(directory.resolve("a.jsonl"), lines);
    // one that knows no long word of a single character
    BpeTrainer.train(
        texts.subList(0, 3).iterator(),
        BpeTrainer.Options.ofVocabSize(400),
        directory.resolve("tokenizer"));
  }

  private PreparedFiles prepare(String... settings) throws IOException {
    Path yaml = directory.resolve("c.yaml");
    Files.writeString(
        yaml,
        "stages: []\nsources:\n- {name: a, files: %1$s/a.jsonl}\ntokenizer: %1$s/tokenizer\noutput_dir: %1$s/out\n"
            .formatted(directory));
    Map<String, String> changes =
        java.util.Arrays.stream(settings)
            .map(setting -> setting.split("="))
            .collect(Collectors.toMap(s -> s[0], s -> s[1]));
    Preparation.run(CorpusConfig.read(yaml, changes), (phase, done, begun) -> {});
    return new PreparedFiles(directory.resolve("out"));
  }

  @Test
  void piecesAreTheTextAndNoneIsTooLong() throws IOException {
    int most = 200;
    PreparedFiles files = prepare("on_excess=split", "cutoff_len=" + most);
    Tokenizer tokenizer = Tokenizers.load(directory.resolve("tokenizer"));
    List<Row> rows = files.rows();
    for (int d = 0; d < texts.size(); d++) {
      String id = "a.jsonl#" + (d + 1);
      List<Row> own =
          rows.stream().filter(r -> r.id().equals(id) || r.id().startsWith(id + "/")).toList();
      assertThat(own.stream().map(Row::text).collect(Collectors.joining())).isEqualTo(texts.get(d));
      assertThat(own.getFirst().id()).isEqualTo(own.size() == 1 ? id : id + "/1");
    }
    for (Row row : rows) {
      assertThat(row.tokens())
          .isEqualTo(tokenizer.encode(row.text(), Tokenizer.Specials.AS_TEXT).length + 2)
          .isLessThanOrEqualTo(most);
    }
    assertThat(rows.stream().filter(r -> r.id().startsWith("a.jsonl#1/")))
        .hasSizeGreaterThan(3)
        .allMatch(row -> row.text().endsWith("。"));
    assertThat(files.excluded()).isEmpty();
    JsonNode step = files.report("a").path("steps").get(1);
    assertThat(step.at("/notes/split").asInt()).isEqualTo(4);
    assertThat(step.at("/notes/pieces").asInt()).isEqualTo(rows.size() - 1);
    assertThat(step.at("/out/documents").asInt()).isEqualTo(rows.size());
    assertThat(step.at("/out/tokens").asInt()).isEqualTo(rows.stream().mapToInt(Row::tokens).sum());
  }

  @Test
  void aLimitBelowOneCharacterIsNamed() {
    assertThatThrownBy(() -> prepare("on_excess=split", "cutoff_len=2"))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("cutoff_len: 2 is too short")
        .hasMessageContaining("raise it");
  }

  @Test
  void failNamesTheDocument() {
    assertThatThrownBy(() -> prepare("on_excess=fail", "cutoff_len=200"))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("a.jsonl line 1 has")
        .hasMessageContaining("raise cutoff_len, or set on_excess");
  }
}
