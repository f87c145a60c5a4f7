package dev.yushan.cli;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.text.BpeTrainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrepareDryRunTest {
  private static final String LAW = "中華民國國民有依法律納稅之義務，並有服兵役之義務。人民有信仰宗教之自由。";

  /// Enough of it to be too long, with nothing said twice.
  private static final String LONG =
      IntStream.range(0, 200).mapToObj(i -> Character.toString(0x5000 + 7 * i)).collect(joining());

  @TempDir private Path directory;
  private Path output;

  @BeforeEach
  void tokenizerOfBytes() throws IOException {
    output = directory.resolve("out");
    BpeTrainer.train(
        List.<String>of().iterator(),
        BpeTrainer.Options.ofVocabSize(258),
        directory.resolve("tokenizer"));
  }

  private static String record(String text) {
    return "{\"text\": \"%s\"}\n".formatted(text.replace("\n", "\\n").replace("\t", "\\t"));
  }

  private Path config(String more) throws IOException {
    return Files.writeString(
        directory.resolve("corpus.yaml"),
        """
        output_dir: %s
        tokenizer: %s/tokenizer
        cutoff_len: 500
        sources:
        - {name: laws, files: %s/laws.jsonl}
        - {name: english, files: %s/english.jsonl, role: forget%s}
        %s
        """
            .formatted(
                output,
                directory,
                directory,
                directory,
                more.isEmpty() ? ", skip: [quality]" : "",
                more));
  }

  private Cli dryRun(int documents, String more) throws IOException {
    return Cli.run("prepare", "--config", config(more), "--dry-run", documents);
  }

  private void write(String name, String... lines) throws IOException {
    Files.writeString(directory.resolve(name), String.join("", lines));
  }

  @Test
  void documentsAreShownBeforeAndAfterAndNothingIsWritten() throws IOException {
    write(
        "laws.jsonl",
        record(LAW),
        record(LAW + "第1條\n電話0912345678\u200B。"),
        record("太短。"),
        record(LONG),
        "{\"text\": 1}\n",
        record("never read"));
    write("english.jsonl", record("The Republic of China."), record("Second."));
    List<Path> before = files();
    Cli run = dryRun(7, "");
    assertThat(run.err()).isEmpty();
    assertThat(run.exit()).isZero();
    assertThat(run.out())
        .isEqualTo(
            """
            laws laws.jsonl#1: unchanged, 110 tokens
            laws laws.jsonl#2: changed by format, pii, 138 tokens
              line 1: %1$s第{+ +}1{+ +}條
                電話[-0912345678U+200B-]{+ [電話]+}。
            laws laws.jsonl#3: dropped by quality: length (length: 3.000 < 30.00)
              太短。
            laws laws.jsonl#4: dropped by tokens: too long (602 tokens, cutoff_len is 500)
              %2$s…
            laws laws.jsonl#5: dropped by read: bad (%3$s/laws.jsonl line 5: field text is no string but a number)
            english english.jsonl#1: unchanged, 24 tokens
            english english.jsonl#2: unchanged, 9 tokens
            7 documents: 1 changed, 3 unchanged, 3 dropped. Nothing was written.
            Duplicates were not looked for: that takes all documents.
            """
                .formatted(LAW, LONG.substring(0, 40), directory));
    assertThat(files()).isEqualTo(before);
  }

  private List<Path> files() throws IOException {
    config("");
    try (Stream<Path> paths = Files.walk(directory)) {
      return paths.sorted().toList();
    }
  }

  @Test
  void ofLongTextsOnlyTheChangesAreShown() throws IOException {
    String line = "人民有居住及遷徙之自由人民有言論講學著作及出版之自由\n";
    write("laws.jsonl", record(line.repeat(4) + "用Java,好\n" + line.repeat(4) + "尾A"));
    write("english.jsonl", record("A law."));
    Cli run = dryRun(1, "stages: [format]");
    assertThat(run.out())
        .isEqualTo(
            """
            laws laws.jsonl#1: dropped by tokens: too long (654 tokens, cutoff_len is 500)
              人民有居住及遷徙之自由人民有言論講學著作及出版之自由 人民有居住及遷徙之自由人民…
            1 document: 0 changed, 0 unchanged, 1 dropped. Nothing was written.
            """);
    Cli split =
        Cli.run(
            "prepare",
            "--config",
            config("stages: [format]"),
            "--set",
            "on_excess=split",
            "--dry-run",
            1);
    assertThat(split.out())
        .isEqualTo(
            """
            laws laws.jsonl#1: changed by format, 654 tokens, cut into 2 documents
              line 3: …論講學著作及出版之自由
                人民有居住及遷徙之自由人民有言論講學著作及出版之自由
                用{+ +}Java[-,-]{+，+}好
                人民有居住及遷徙之自由人民有言論講學著作及出版之自由
                人民有居住及遷徙之自由…
              line 8: …論講學著作及出版之自由
                人民有居住及遷徙之自由人民有言論講學著作及出版之自由
                尾{+ +}A
            1 document: 1 changed, 0 unchanged, 0 dropped. Nothing was written.
            """);
  }

  @Test
  void coloursTakeThePlaceOfMarks() throws IOException {
    write("laws.jsonl", record("用Java,好"));
    write("english.jsonl", record("A law."));
    System.setProperty("picocli.ansi", "true");
    try {
      assertThat(dryRun(1, "stages: [format]").out())
          .contains("用\u001B[7;32m \u001B[0mJava\u001B[7;31m,\u001B[0m\u001B[7;32m，\u001B[0m好\n");
    } finally {
      System.clearProperty("picocli.ansi");
    }
  }

  @Test
  void aNumberOfDocumentsIsNeeded() throws IOException {
    write("laws.jsonl", record(LAW));
    write("english.jsonl", record("A law."));
    Cli none = dryRun(0, "");
    assertThat(none.exit()).isEqualTo(2);
    assertThat(none.err()).contains("--dry-run: 0 is no number of documents; give 1 or more");
  }

  @Test
  void theCorpusAndItsPageAreWritten() throws IOException {
    write("laws.jsonl", record(LAW), record("第1條" + LAW));
    write("english.jsonl", record("The Republic of China."));
    Cli run = Cli.run("prepare", "--config", config(""));
    assertThat(run.exit()).as(run.err()).isZero();
    Path page = output.resolve("report.html");
    assertThat(run.out()).contains("laws", "english").endsWith(page + "\n");
    String first = Files.readString(page);
    assertThat(first).contains("<title>Corpus: laws, english</title>");
    Path other = directory.resolve("other");
    Cli again =
        Cli.run(
            "prepare",
            "--config",
            config(""),
            "--set",
            "threads=1",
            "--set",
            "output_dir=" + other);
    assertThat(again.exit()).as(again.err()).isZero();
    assertThat(other.resolve("report.html")).hasContent(first);
  }
}
