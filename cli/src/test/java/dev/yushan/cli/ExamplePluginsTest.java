package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import dev.yushan.backend.testkit.Check;
import dev.yushan.golden.Golden;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/// The plugins of `docs/examples` do in commands what they are for.
class ExamplePluginsTest {
  @TempDir private Path dir;
  private Path config;

  @BeforeEach
  void config() throws IOException {
    String row = Arrays.toString(new int[] {5, 9, 2, 7, 5, 9, 2, 7, 5, 9, 2, 7});
    Path data = dir.resolve("ids.jsonl");
    Files.writeString(data, ("{\"input_ids\": " + row + "}\n").repeat(8));
    config =
        Files.writeString(
            dir.resolve("train.yaml"),
            """
            model_name_or_path: %s
            stage: pt
            dataset: %s
            tokenized_cache_dir: %s/cache
            packing: none
            learning_rate: 0.001
            logging_steps: 1
            save_steps: 5
            max_steps: 10
            """
                .formatted(Golden.path("tiny-llama-a"), data, dir));
  }

  /// Who begins with a copy has read it first.
  @ParameterizedTest
  @CsvSource({"backend-plugin, 400", "model-plugin, 300", "optimizer-plugin, 300"})
  void anExampleIsShort(String example, int lines) throws IOException {
    Path main = Path.of("").toAbsolutePath().getParent().resolve("docs/examples/" + example);
    long code = 0;
    for (Path source : CompiledPlugin.files(main.resolve("src/main/java"))) {
      code +=
          Files.readAllLines(source).stream()
              .filter(line -> !line.matches("\\s*|\\s*//.*|(import|package) .*"))
              .count();
    }
    assertThat(code).as("lines of code").isBetween(50L, lines - 1L);
  }

  private Object[] train(String output, String... settings) {
    Stream<String> words =
        Stream.of("train", "" + config, "--set", "output_dir=" + dir.resolve(output));
    return Stream.concat(words, Arrays.stream(settings).flatMap(s -> Stream.of("--set", s)))
        .toArray();
  }

  /// Those that `train` wrote, a step each.
  static double[] losses(Cli run) {
    assertThat(run.exit()).as(run.err()).isZero();
    return run.out()
        .lines()
        .filter(line -> line.startsWith("step "))
        .mapToDouble(line -> Double.parseDouble(line.replaceAll(".*  loss (\\S+) .*", "$1")))
        .toArray();
  }

  @Test
  void theNaiveBackendTrainsAndGenerates() throws IOException {
    CompiledPlugin naive = CompiledPlugin.ofExample("backend-plugin", dir.resolve("naive"));
    assertThat(naive.run("backends").out()).contains("naive");
    double[] losses = losses(naive.run(train("naive-run", "backend=naive", "max_steps=4")));
    double[] wanted = losses(Cli.run(train("cpu-run", "backend=cpu", "max_steps=4")));
    assertThat(losses).hasSize(4);
    for (int i = 0; i < losses.length; i++) {
      assertThat(losses[i]).as("step %d", i + 1).isCloseTo(wanted[i], within(2e-3));
    }
    Object[] infer = {
      "infer",
      "--model",
      SpelledIds.model(dir.resolve("model")),
      "--prompt",
      "<5><9><2><7>",
      "--max-tokens",
      12,
      "--ignore-eos",
      "--backend",
      "naive"
    };
    Cli answer = naive.run(infer);
    assertThat(answer.exit()).as(answer.err()).isZero();
    infer[infer.length - 1] = "cpu";
    assertThat(answer.out()).hasSizeGreaterThan(36).isEqualTo(Cli.run(infer).out());
  }

  @Test
  void theNaiveBackendPassesTheKit() throws Exception {
    CompiledPlugin naive = CompiledPlugin.ofExample("backend-plugin", dir.resolve("kit"));
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    try (CompiledPlugin.InUse use = naive.use()) {
      Class<?> kit = use.loader().loadClass("example.naive.NaiveConformanceTest");
      LauncherFactory.create()
          .execute(
              LauncherDiscoveryRequestBuilder.request().selectors(selectClass(kit)).build(),
              listener);
    }
    TestExecutionSummary summary = listener.getSummary();
    assertThat(summary.getFailures())
        .extracting(f -> f.getTestIdentifier().getDisplayName() + ": " + f.getException())
        .isEmpty();
    assertThat(summary.getTestsSucceededCount()).isGreaterThanOrEqualTo(Check.all().size());
  }

  /// An op that overflows is named, where without the look there would be a loss that is not
  /// finite.
  @Test
  void aBackendIsLookedAtInARealRun() throws IOException {
    double[] losses = losses(Cli.run(train("looked-at", "check_backend=true", "max_steps=2")));
    assertThat(losses).isEqualTo(losses(Cli.run(train("not-looked-at", "max_steps=2"))));
    Cli run = Cli.run(train("overflow", "check_backend=true", "learning_rate=1e36"));
    assertThat(run.exit()).isEqualTo(1);
    assertThat(run.err())
        .containsPattern("yushan: \\w+ made element \\d+ of F32 .* (NaN|-?Infinity)");
  }

  @Test
  void lionTrainsAndIsResumedToTheSameBits() throws IOException {
    CompiledPlugin lion = CompiledPlugin.ofExample("optimizer-plugin", dir.resolve("lion"));
    double[] losses = losses(lion.run(train("whole", "optim=lion")));
    assertThat(losses[9]).isLessThan(0.5 * losses[0]);
    Path half = dir.resolve("whole/checkpoint-5");
    losses(lion.run(train("rest", "optim=lion", "resume_from_checkpoint=" + half)));
    assertThat(dir.resolve("rest/model.safetensors"))
        .hasSameBinaryContentAs(dir.resolve("whole/model.safetensors"));
  }
}
