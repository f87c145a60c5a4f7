package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.golden.Golden;
import dev.yushan.io.Checksums;
import dev.yushan.io.SafetensorsDirectory;
import dev.yushan.io.StorageType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectCommandTest {
  private static final Path A = Golden.path("tiny-llama-a");

  @TempDir private Path directory;

  @Test
  void showsConfigTokenizerAndTensors() {
    Cli run = Cli.run("inspect", A);
    assertThat(run.exit()).as(run.err()).isZero();
    assertThat(run.out())
        .contains("LlamaForCausalLM", "hidden size", "TOKENIZER", "model.embed_tokens.weight")
        .contains("model.layers.*.mlp.up_proj.weight")
        .doesNotContain("model.layers.0.");
    assertThat(Cli.run("inspect", A, "--tensors").out()).contains("model.layers.0.mlp.up_proj");
    Cli file = Cli.run("inspect", A.resolve("model.safetensors"), "--checksums");
    assertThat(file.out()).contains("format: pt").containsPattern("[0-9a-f]{64}  model.safe");
    Cli compared = Cli.run("inspect", A, A.resolve("model.safetensors"));
    assertThat(compared.exit()).isEqualTo(2);
    assertThat(compared.err())
        .contains("is a file, and two models are compared by their directori");
  }

  @Test
  void anExportInAnotherTypeIsTheSameModelToTheRoundingOfThatType() {
    Path half = directory.resolve("half");
    Cli run = Cli.run("export", A, "--output", half, "--dtype", "bf16", "--max-shard-size", "50KB");
    assertThat(run.exit()).as(run.err()).isZero();
    try (SafetensorsDirectory written = SafetensorsDirectory.open(half)) {
      assertThat(written.files()).hasSizeGreaterThan(1);
      assertThat(written.tensors()).allMatch(tensor -> tensor.type() == StorageType.BF16);
    }
    Cli against = Cli.run("inspect", A, half);
    assertThat(against.exit()).as(against.err()).isZero();
    // BF16 has 8 bits of mantissa: rounding moves a value by at most 2^-9 of itself
    assertThat(against.out())
        .contains("float32", "bfloat16")
        .containsPattern("\\d e?|1\\.\\d+e-03");
    Path back = directory.resolve("back");
    assertThat(Cli.run("export", half, "--output", back).exit()).isZero();
    assertThat(Cli.run("inspect", half, back).out())
        .contains("config.json: equal", "0 that differ");
  }

  @Test
  void ofARunThatHasOnlyCheckpointsTheLastIsNamed() throws IOException {
    for (int step : new int[] {8, 16}) {
      Files.createDirectories(directory.resolve("run/checkpoint-" + step));
    }
    Path run = directory.resolve("run");
    for (Cli refused :
        new Cli[] {
          Cli.run("inspect", run), Cli.run("export", run, "--output", directory.resolve("x"))
        }) {
      assertThat(refused.exit()).isEqualTo(2);
      assertThat(refused.err())
          .contains("holds no model yet", "take one: " + run.resolve("checkpoint-16"));
    }
  }

  @Test
  void whatCannotBeExportedIsRefusedAndNothingIsOverwritten() throws IOException {
    assertThat(Cli.run("export", A, "--output", A, "--force").err()).contains("the model itself");
    Files.writeString(directory.resolve("mine.txt"), "");
    assertThat(Cli.run("export", A, "--output", directory).err()).contains("is not empty");
    assertThat(Cli.run("export", directory, "--output", directory.resolve("x")).err())
        .contains("config.json does not exist");
  }

  @Test
  void anExportThatFailsLeavesNothing() throws IOException {
    Path model = directory.resolve("large");
    assertThat(Cli.run("export", A, "--dtype", "f32", "--output", model).exit()).isZero();
    Path weights = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] = 0x7E; // some 10^37
    Files.write(weights, bytes);
    Path exported = directory.resolve("exported");
    Cli run = Cli.run("export", model, "--dtype", "f16", "--output", exported);
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err()).contains("is infinite or NaN as F16; choose another type");
    assertThat(exported).doesNotExist();
  }

  @Test
  void sumsAreHeldAgainstThoseRecorded() throws IOException {
    Path model = directory.resolve("model");
    assertThat(Cli.run("export", A, "--output", model).exit()).isZero();
    Checksums.write(model);
    Files.createFile(model.resolve(".lock"));
    assertThat(Cli.run("inspect", model, A, "--checksums").exit()).isEqualTo(2);
    assertThat(Cli.run("inspect", model, "--checksums").out())
        .contains("all files are as they were written")
        .doesNotContain(".lock");
    Files.writeString(model.resolve("generation_config.json"), "{}");
    Cli damaged = Cli.run("inspect", model, "--checksums");
    assertThat(damaged.out()).contains("generation_config.json is not as it was written");
    assertThat(damaged.exit()).isEqualTo(1);
    Path weights = model.resolve("model.safetensors");
    byte[] whole = Files.readAllBytes(weights);
    Files.write(weights, java.util.Arrays.copyOf(whole, 100));
    assertThat(Cli.run("inspect", model, "--checksums").out())
        .contains("model.safetensors is not as it was written");
    Files.write(weights, whole);
    Path exported = directory.resolve("exported");
    assertThat(Cli.run("export", model, "--output", exported).err())
        .contains("is damaged: generation_config.json is not as it was written");
    assertThat(exported).doesNotExist();
  }
}
