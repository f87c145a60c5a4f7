package dev.yushan.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.yushan.golden.Golden;
import dev.yushan.process.ChildJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Whoever asks for products by cuBLAS where there are none is told so: no command goes on without.
class ExperimentalCudaTest {
  private static final String REFUSED =
      "the cpu backend has no CUDA: leave --experimental-cuda out, or use --backend tornado";

  @TempDir private Path dir;
  private Path model;
  private Path config;

  @BeforeEach
  void prepare() throws IOException {
    model = SpelledIds.served(Golden.path("tiny-llama-a"), dir.resolve("model"));
    Path data =
        Files.writeString(dir.resolve("ids.jsonl"), "{\"input_ids\": [5, 9, 2, 7]}\n".repeat(8));
    config =
        Files.writeString(
            dir.resolve("train.yaml"),
            """
            model_name_or_path: %s
            stage: pt
            dataset: %s
            tokenized_cache_dir: %s/cache
            output_dir: %s/run
            max_steps: 1
            """
                .formatted(Golden.path("tiny-llama-a"), data, dir, dir));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "infer --model MODEL --prompt <5> --backend cpu --experimental-cuda",
        "infer --model MODEL --prompt <5> --experimental-cuda",
        "eval --model MODEL --data DATA --experimental-cuda",
        "serve --model MODEL --port 0 --experimental-cuda",
        "init --config MODEL/config.json --output NEW --experimental-cuda",
        "demo --output NEW --experimental-cuda",
        "bench prefill --model MODEL --experimental-cuda",
        "train CONFIG --experimental-cuda",
        "train CONFIG --set experimental_cuda=true --backend cpu"
      })
  void theCpuRefuses(String command) {
    Object[] words =
        Stream.of(
                command
                    .replace("MODEL", model.toString())
                    .replace("DATA", dir.resolve("ids.jsonl").toString())
                    .replace("NEW", dir.resolve("new").toString())
                    .replace("CONFIG", config.toString())
                    .split(" "))
            .toArray();
    Cli run = Cli.run(words);
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err()).contains(REFUSED);
  }

  @Test
  void soDoesADeviceWithoutCuda() throws Exception {
    ChildJvm jvm = TornadoCommandsTest.jvm();
    Object[] infer = {
      "infer", "--model", model, "--prompt", "<5>", "--backend", "tornado", "--experimental-cuda"
    };
    Process process = jvm.running(Yushan.class, infer).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    assumeTrue(!said.contains(" cuda, "), "the first device has CUDA: " + Arrays.toString(infer));
    assertThat(process.waitFor()).isEqualTo(2);
    assertThat(said)
        .contains("--experimental-cuda needs a device of CUDA, and 0:0 ")
        .contains("leave --experimental-cuda out");
  }
}
