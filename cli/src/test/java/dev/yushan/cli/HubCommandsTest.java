package dev.yushan.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.hardwood.InputFile;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import dev.yushan.io.hub.FakeHub;
import dev.yushan.io.hub.FakeHub.Fault;
import dev.yushan.process.ChildJvm;
import dev.yushan.text.BpeTrainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Names of the hub in commands, each run in a process with an environment of its own.
class HubCommandsTest {
  private static final Path GOLDEN = Path.of("../api/src/test/resources/golden/tiny-llama-a");

  @TempDir private Path temp;
  private final FakeHub hub = new FakeHub();
  private String commit;

  @BeforeEach
  void fill() throws IOException {
    FakeHub.Repo model = hub.repo("models/org/tiny").large("pytorch_model.bin", new byte[999]);
    for (String file : List.of("config.json", "generation_config.json")) {
      if (Files.exists(GOLDEN.resolve(file))) {
        model.file(file, Files.readString(GOLDEN.resolve(file)));
      }
    }
    model.large("model.safetensors", Files.readAllBytes(GOLDEN.resolve("model.safetensors")));
    commit = model.commit("main", "v1");
    String records =
        IntStream.range(0, 12)
            .mapToObj(i -> "{\"input_ids\": [%d, 2, 3, 4, 5, 6, 7]}%n".formatted(i + 1))
            .collect(Collectors.joining());
    hub.repo("datasets/org/ids")
        .file("data/train.jsonl", records)
        .file("data/test.jsonl", records)
        .file("README.md", "about")
        .commit("main");
  }

  @AfterEach
  void close() {
    hub.close();
  }

  private Cli yushan(Map<String, String> environment, Object... arguments)
      throws IOException, InterruptedException {
    Path out = temp.resolve("out.txt");
    Path err = temp.resolve("err.txt");
    ProcessBuilder builder = ChildJvm.COMPUTING.running(Yushan.class, arguments);
    builder.redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("HF_"));
    builder.environment().put("HF_ENDPOINT", hub.endpoint().toString());
    builder.environment().put("HF_HUB_CACHE", temp.resolve("cache").toString());
    builder.environment().putAll(environment);
    Process process = builder.start();
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
    return new Cli(process.exitValue(), Files.readString(out, UTF_8), Files.readString(err, UTF_8));
  }

  private Path snapshot() {
    return temp.resolve("cache/models--org--tiny/snapshots").resolve(commit);
  }

  @Test
  void downloadPrintsThePath() throws Exception {
    Cli run = yushan(Map.of(), "download", "org/tiny", "--exclude", "*.bin");
    assertThat(run.err()).contains("model org/tiny: downloading");
    assertThat(run.out()).isEqualTo(snapshot() + "\n");
    assertThat(run.exit()).isZero();
    assertThat(snapshot().resolve("pytorch_model.bin")).doesNotExist();

    Cli offline = yushan(Map.of("HF_HUB_OFFLINE", "1"), "download", "org/tiny");
    assertThat(offline.exit()).isEqualTo(1);
    assertThat(offline.err())
        .contains("yushan: model org/tiny is not whole in the cache", "lacks pytorch_model.bin");
  }

  /// While one file waits for bytes another fails for good: of the first nothing more is said.
  @Test
  void whatIsAbandonedIsNotSaidToGoOn() throws Exception {
    hub.fail("pytorch_model.bin", new Fault.Silence(100));
    hub.fail(
        "config.json",
        new Fault.WrongBytes(),
        new Fault.Status(429, Map.of("Retry-After", "1")),
        new Fault.WrongBytes());
    Cli run = yushan(Map.of(), "download", "org/tiny", "config.json", "pytorch_model.bin");
    assertThat(run.exit()).isEqualTo(1);
    assertThat(hub.downloads())
        .extracting(FakeHub.Request::path)
        .anyMatch(path -> path.endsWith("pytorch_model.bin"));
    assertThat(run.err())
        .contains("config.json of model org/tiny: what came has not the checksum")
        .doesNotContain("going on from there", "InterruptedException");
  }

  @Test
  void filesAreCopiedToADirectoryOfOnesOwn() throws Exception {
    Path directory = temp.resolve("own/model");
    Object[] command = {"download", "org/tiny", "--include", "*.json", "--local-dir", directory};
    Cli run = yushan(Map.of(), command);
    assertThat(run.out()).isEqualTo(directory + "\n");
    assertThat(directory.resolve("config.json"))
        .isRegularFile()
        .hasSameTextualContentAs(GOLDEN.resolve("config.json"));
    assertThat(Files.isSymbolicLink(directory.resolve("config.json"))).isFalse();
    assertThat(directory.resolve("model.safetensors")).doesNotExist();

    Files.writeString(directory.resolve("config.json"), "{}");
    Files.writeString(directory.resolve("mine.txt"), "stays");
    assertThat(yushan(Map.of(), command).exit()).isZero();
    assertThat(directory.resolve("config.json"))
        .hasSameTextualContentAs(GOLDEN.resolve("config.json"));
    assertThat(directory.resolve("mine.txt")).hasContent("stays");

    Cli refused =
        yushan(Map.of(), "download", "org/tiny", "--local-dir", snapshot().resolve("config.json"));
    assertThat(refused.exit()).isEqualTo(1);
    assertThat(refused.err()).contains("--local-dir: ", "cannot be written; free some space");
  }

  @Test
  void aCorpusIsPreparedOfWhatTheHubHas() throws Exception {
    Path trained = temp.resolve("trained");
    BpeTrainer.train(
        List.of("玉山 is a mountain").iterator(), BpeTrainer.Options.ofVocabSize(300), trained);
    hub.repo("models/org/tokenizer")
        .file("tokenizer.json", Files.readString(trained.resolve("tokenizer.json")))
        .file("tokenizer_config.json", Files.readString(trained.resolve("tokenizer_config.json")))
        .large("model.safetensors", new byte[99])
        .commit("main", "v1");
    hub.repo("datasets/org/laws")
        .file("data/a.jsonl", "{\"title\": \"玉山\", \"body\": \"你好嗎Jack\"}\n{\"title\": \"序\"}\n")
        .file("data/b.csv", "title,body\n雪山,山水\n")
        .file("test/c.jsonl", "{\"title\": \"x\", \"body\": \"y\"}\n")
        .commit("main", "v2");
    Path yaml = temp.resolve("corpus.yaml");
    for (String tokenizer : List.of("org/tokenizer", "hf://org/tokenizer@v1")) {
      Path output = temp.resolve("corpus-" + tokenizer.length());
      Files.writeString(
          yaml,
          """
          output_dir: %s
          tokenizer: %s
          sources:
          - name: laws
            files: hf://datasets/org/laws@v2/data/*
            text_column: "# {title}\\n\\n{body?}"
          stages: [format]
          """
              .formatted(output, tokenizer));
      Cli run = yushan(Map.of(), "prepare", "--config", yaml);
      assertThat(run.exit()).as(run.err()).isZero();
      JsonNode corpus = new ObjectMapper().readTree(output.resolve("corpus.json").toFile());
      Path file = output.resolve(corpus.at("/sources/0/files/0").asText());
      try (ParquetFileReader parquet = ParquetFileReader.open(InputFile.of(file));
          RowReader rows = parquet.buildRowReader().build()) {
        rows.next();
        assertThat(rows.getString("text")).isEqualTo("# 玉山\n\n你好嗎 Jack");
      }
      assertThat(Files.readString(output.resolve("report.json"))).contains("org/tokenizer");
    }
    assertThat(hub.downloads())
        .extracting(FakeHub.Request::path)
        .anyMatch(path -> path.endsWith("/tokenizer.json"))
        .noneMatch(path -> path.endsWith(".safetensors") || path.contains("/test/"));

    Files.writeString(yaml, Files.readString(yaml).replace("org/tokenizer@v1", "org/nothing"));
    Cli missing = yushan(Map.of(), "prepare", "--config", yaml);
    assertThat(missing.exit()).isEqualTo(1);
    assertThat(missing.err()).contains("yushan: tokenizer: hf://org/nothing: ");
  }

  @Test
  void aModelAndADatasetOfTheHubAreEvaluated() throws Exception {
    Cli run =
        yushan(
            Map.of(), "eval", "--model", "org/tiny", "--data", "hf://datasets/org/ids/data/t[er]*");
    assertThat(run.err()).contains("loss");
    assertThat(run.out().lines()).hasSize(2 * 12 + 1);
    assertThat(hub.downloads())
        .extracting(FakeHub.Request::path)
        .noneMatch(path -> path.endsWith(".bin") || path.endsWith(".md"));
  }

  @Test
  void aRunKnowsTheCommitItBeganWith() throws Exception {
    Path output = temp.resolve("run");
    Path yaml =
        Files.writeString(
            temp.resolve("train.yaml"),
            """
            model_name_or_path: org/tiny
            model_revision: v1
            stage: pt
            dataset: hf://datasets/org/ids@main/data/train.jsonl
            cutoff_len: 16
            max_steps: 1
            per_device_train_batch_size: 1
            tokenized_cache_dir: %s
            output_dir: %s
            """
                .formatted(temp.resolve("tokens"), output));
    Cli run = yushan(Map.of(), "train", yaml);
    assertThat(run.err()).contains("model org/tiny: downloading", "dataset org/ids: downloading");
    assertThat(run.exit()).isZero();
    assertThat(Files.readString(output.resolve("training_config.yaml")))
        .containsPattern("model_name_or_path: \"?" + snapshot() + "\"? +# org/tiny at v1");
    assertThat(Files.readString(output.resolve("run.json"))).contains("\"id\" : \"org/tiny\"");
    assertThat(Files.readString(output.resolve("README.md")))
        .contains("base_model: org/tiny", "org/ids");
  }
}
