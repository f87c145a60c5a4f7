package dev.yushan.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.golden.Golden;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelCompanionsTest {
  @TempDir private Path directory;
  private Path from;
  private Path to;

  @BeforeEach
  void make() throws IOException {
    from = Files.createDirectory(directory.resolve("from"));
    to = Files.createDirectory(directory.resolve("to"));
    Files.writeString(from.resolve("tokenizer.json"), "new");
    Files.writeString(from.resolve("generation_config.json"), "new");
  }

  @Test
  void aTokenizerReplacesTheOneThatIsThereAndAllThatCameWithIt() throws IOException {
    Files.writeString(to.resolve("tokenizer.json"), "old");
    Files.writeString(to.resolve("chat_template.jinja"), "old");
    Files.writeString(to.resolve("config.json"), "other");
    Models.copyTokenizer(from, to);
    assertThat(to.resolve("tokenizer.json")).hasContent("new");
    assertThat(to.resolve("chat_template.jinja")).doesNotExist();
    assertThat(to.resolve("config.json")).hasContent("other");
    assertThat(to.resolve("generation_config.json")).doesNotExist();
  }

  @Test
  void aDirectoryWithoutTokenizerTakesNoneAway() throws IOException {
    Files.delete(from.resolve("tokenizer.json"));
    Files.writeString(to.resolve("tokenizer.json"), "old");
    Models.copyTokenizer(from, to);
    assertThat(to.resolve("tokenizer.json")).hasContent("old");
  }

  @Test
  void aFileIsNotCopiedOntoItself() throws IOException {
    Path link =
        Files.createSymbolicLink(to.resolve("tokenizer.json"), from.resolve("tokenizer.json"));
    Models.copyTokenizer(from, to);
    assertThat(link).isSymbolicLink().hasContent("new");
  }

  @Test
  void generationSettingsAreThoseOfTheModel() throws IOException {
    Files.writeString(to.resolve("generation_config.json"), "old");
    ObjectNode config = Models.configJson(Golden.path("tiny-llama-a"));
    Models.saveGenerationConfig(from, config, to);
    assertThat(to.resolve("generation_config.json")).hasContent("new");
    Models.saveGenerationConfig(directory, config, to);
    assertThat(to.resolve("generation_config.json"))
        .content()
        .contains("\"bos_token_id\" : " + config.get("bos_token_id"))
        .contains("\"_from_model_config\" : true");
  }
}
