package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.golden.Golden;
import dev.yushan.text.BpeTrainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The Java example of the README is the class [ReadmeExample], word for word, and it works.
class ReadmeExampleTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

  @TempDir private Path dir;

  @Test
  void theReadmeShowsTheClassThatIsTested() throws IOException {
    String source =
        Files.readString(ROOT.resolve("cli/src/test/java/dev/yushan/cli/ReadmeExample.java"));
    String example =
        source.substring(
            source.indexOf("// tag::example[]\n") + 18, source.indexOf("// end::example[]"));
    assertThat(Files.readString(ROOT.resolve("README.md"))).contains("```java\n" + example + "```");
  }

  @Test
  void itTrainsAndCompletes() throws IOException {
    String text = "玉山是台灣最高的山。學校在山的旁邊，學生每天走路上學。";
    BpeTrainer.train(
        List.of(text.repeat(3)).iterator(),
        BpeTrainer.Options.ofVocabSize(258),
        dir.resolve("base"));
    Files.copy(Golden.path("tiny-llama-a/config.json"), dir.resolve("base/config.json"));
    Files.writeString(dir.resolve("corpus.txt"), text);
    Path yaml = dir.resolve("train.yaml");
    Files.writeString(
        yaml,
        """
        model_name_or_path: %1$s/base
        train_from_scratch: true
        stage: pt
        dataset: %1$s/corpus.txt
        tokenized_cache_dir: %1$s/cache
        max_steps: 150
        learning_rate: 1.0e-2
        lr_scheduler_type: cosine
        output_dir: %1$s/out
        """
            .formatted(dir));
    // Bytes as tokens, so that the prompt is a beginning of the document. After 150 passes over one
    // sentence the model knows it by heart.
    assertThat(ReadmeExample.trainAndComplete(yaml, "玉山是台灣")).startsWith("最高的山。學校");
  }
}
