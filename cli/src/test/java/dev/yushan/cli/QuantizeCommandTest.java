package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.io.SafetensorsDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `yushan quantize`, and GGUF files where models are named.
class QuantizeCommandTest {
  @TempDir private Path directory;
  private Path model;
  private Path file;

  @BeforeEach
  void write() throws IOException {
    model = SpelledIds.model(directory.resolve("model"));
    file = directory.resolve("model.gguf");
  }

  private static String text(Path model, Object... more) {
    Object[] call = {"infer", "--model", model, "--prompt", "<1><2><3>", "--max-tokens", 8};
    Object[] all = new Object[call.length + more.length];
    System.arraycopy(call, 0, all, 0, call.length);
    System.arraycopy(more, 0, all, call.length, more.length);
    Cli run = Cli.run(all);
    assertThat(run.exit()).as(run.err()).isZero();
    return run.out();
  }

  @Test
  void aFileRunsAsTheDirectoryDoes() {
    for (String type : new String[] {"q8_0", "q4_0"}) {
      Cli run =
          Cli.run(
              "quantize",
              model,
              "--type",
              type,
              "--output",
              file,
              "--without-tokenizer",
              "--force");
      assertThat(run.err()).isEmpty();
      assertThat(run.exit()).isZero();
      assertThat(run.out()).contains(file.toString(), "bytes");
      assertThat(text(file, "--tokenizer", model)).isEqualTo(text(model, "--quantization", type));
    }
  }

  @Test
  void aFileBecomesADirectoryAgain() {
    Cli.run("quantize", model, "--type", "f32", "--output", file, "--without-tokenizer");
    Path back = directory.resolve("back");
    Cli export = Cli.run("export", file, "--output", back);
    assertThat(export.exit()).as(export.err()).isZero();
    try (SafetensorsDirectory before = SafetensorsDirectory.open(model);
        SafetensorsDirectory after = SafetensorsDirectory.open(back)) {
      assertThat(after.tensors()).hasSameSizeAs(before.tensors());
    }
    assertThat(text(back, "--tokenizer", model)).isEqualTo(text(model, "--dtype", "f32"));
    assertThat(Cli.run("inspect", file).out())
        .contains("general.architecture: llama")
        .containsPattern("blk\\.\\*\\.attn_q\\.weight +F32 +\\[64, 64] +3 +49,152");
    assertThat(Cli.run("inspect", file, "--tensors").out())
        .containsPattern("blk\\.1\\.attn_q\\.weight +F32 +\\[64, 64] +1 +16,384");
  }

  @Test
  void theEmbeddingMayHaveMoreBitsThanTheLayers() {
    Cli run =
        Cli.run(
            "quantize",
            model,
            "--type",
            "q4_0",
            "--embedding-type",
            "q8_0",
            "--output",
            file,
            "--without-tokenizer");
    assertThat(run.exit()).as(run.err()).isZero();
    assertThat(run.out()).contains(": Q4_0, embedding and head Q8_0, ");
    Cli infer =
        Cli.run(
            "infer", "--model", file, "--tokenizer", model, "--prompt", "<1>", "--max-tokens", 2);
    assertThat(infer.exit()).isZero();
    assertThat(infer.err()).contains("parameters in Q4_0, embedding and head Q8_0, loaded");
    Cli wide =
        Cli.run(
            "infer", "--model", file, "--tokenizer", model, "--prompt", "<1>", "--dtype", "f32");
    assertThat(wide.err()).contains("parameters in F32, loaded");
  }

  @Test
  void nothingIsReplacedUnasked() throws IOException {
    Files.writeString(file, "mine");
    Cli run = Cli.run("quantize", model, "--type", "f16", "--output", file);
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err()).contains("is there already", "--force");
    assertThat(file).hasContent("mine");
    Cli into = Cli.run("quantize", model, "--type", "f16", "--output", directory);
    assertThat(into.err()).contains("is a directory", "model-f16.gguf");
  }

  @Test
  void aModelWithoutATokenizerIsWrittenButNotInSilence() throws IOException {
    Path bare = Files.createDirectory(directory.resolve("bare"));
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(model.resolve(name), bare.resolve(name));
    }
    Cli run = Cli.run("quantize", bare, "--type", "f16", "--output", file);
    assertThat(run.exit()).as(run.err()).isZero();
    assertThat(run.err()).contains("bare has no tokenizer.json", "--without-tokenizer");
    assertThat(file).exists();
  }

  @Test
  void whatReadsDirectoriesRefusesAFileAndSaysWhatMakesOne() throws IOException {
    Cli.run("quantize", model, "--type", "f16", "--output", file, "--without-tokenizer");
    Path other = directory.resolve("other.gguf");
    Path yaml =
        Files.writeString(
            directory.resolve("train.yaml"),
            "{model_name_or_path: %s, dataset: %s, stage: pt, output_dir: %s}"
                .formatted(file, model.resolve("config.json"), directory.resolve("run")));
    for (Cli run :
        List.of(
            Cli.run("quantize", file, "--type", "q8_0", "--output", other),
            Cli.run("bench", "decode", "--model", file),
            Cli.run("train", yaml))) {
      assertThat(run.exit()).isEqualTo(1);
      assertThat(run.err()).contains("model.gguf is a GGUF file", "yushan export makes one of it");
    }
  }

  @Test
  void whatNeedsATokenizerSaysSoBeforeAnythingElse() throws IOException {
    Cli.run("quantize", model, "--type", "f16", "--output", file, "--without-tokenizer");
    for (Cli run :
        List.of(
            Cli.run("infer", "--model", file, "--prompt", "玉山"),
            Cli.run("serve", "--model", file, "--port", 0))) {
      assertThat(run.exit()).isEqualTo(2);
      assertThat(run.err())
          .contains(file + " has no tokenizer: name the directory")
          .doesNotContain("listening");
    }
    Path nothing = Files.createDirectory(directory.resolve("nothing"));
    Cli run = Cli.run("infer", "--model", nothing, "--prompt", "玉山");
    assertThat(run.exit()).isEqualTo(1);
    assertThat(run.err())
        .contains("config.json does not exist; name a model directory")
        .doesNotContain("tokenizer");
  }

  /// By whatever name: of a link to it too, and of a directory of links.
  @Test
  void theModelThatIsReadIsNotWrittenOver() throws IOException {
    Path weights = model.resolve("model.safetensors");
    byte[] before = Files.readAllBytes(weights);
    Path links = Files.createDirectory(file.resolveSibling("links"));
    Path link = Files.createSymbolicLink(links.resolve("model.safetensors"), weights);
    for (Path output : List.of(weights, link)) {
      Cli run =
          Cli.run(
              "quantize",
              model,
              "--type",
              "f16",
              "--output",
              output,
              "--force",
              "--without-tokenizer");
      assertThat(run.exit()).isEqualTo(2);
      assertThat(run.err()).contains(output + " is a file of the model itself; name another");
    }
    Cli export = Cli.run("export", model, "--output", links, "--force", "--dtype", "bf16");
    assertThat(export.exit()).isEqualTo(2);
    assertThat(export.err()).contains(link + " is a file of the model itself");
    assertThat(weights).hasBinaryContent(before);
  }

  @Test
  void aTokenizerWithoutANameInGgufIsRefused() {
    Cli run = Cli.run("quantize", model, "--type", "f16", "--output", file);
    assertThat(run.exit()).isEqualTo(1);
    assertThat(run.err()).contains("--without-tokenizer");
    assertThat(file).doesNotExist();
  }
}
