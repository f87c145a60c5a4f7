package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.golden.Golden;
import dev.yushan.io.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The plugin of `docs/how-to/write-a-plugin.md` is compiled as it stands there, and trains.
class PluginPageTest {
  private static final Path PAGE =
      Path.of("").toAbsolutePath().getParent().resolve("docs/how-to/write-a-plugin.md");
  private static final Pattern CODE =
      Pattern.compile("```java\n(.*?class (\\w+) implements.*?)```", Pattern.DOTALL);
  private static final Pattern REGISTRATION =
      Pattern.compile("echo (\\S+) > classes/(META-INF/services/\\S+)");

  @TempDir private Path dir;
  private Path classes;
  private CompiledPlugin plugin;
  private Path data;

  @BeforeEach
  void compile() throws IOException {
    String page = Files.readString(PAGE);
    classes = dir.resolve("classes");
    List<Path> sources = new ArrayList<>();
    for (Matcher code = CODE.matcher(page); code.find(); ) {
      sources.add(Files.writeString(dir.resolve(code.group(2) + ".java"), code.group(1)));
    }
    plugin = CompiledPlugin.of(sources, classes);
    Matcher registration = REGISTRATION.matcher(page);
    assertThat(registration.find()).isTrue();
    Path services = classes.resolve(registration.group(2));
    Files.createDirectories(services.getParent());
    Files.writeString(services, registration.group(1));
    data = Files.writeString(dir.resolve("ids.jsonl"), rows());
  }

  private static String rows() {
    String row = Arrays.toString(new int[] {5, 9, 2, 7, 5, 9, 2, 7, 5, 9, 2, 7});
    return ("{\"input_ids\": " + row + "}\n").repeat(8);
  }

  private Cli train(Path output, String... more) throws IOException {
    Path yaml =
        Files.writeString(
            dir.resolve("train.yaml"),
            """
            model_name_or_path: %s
            stage: pt
            dataset: %s
            tokenized_cache_dir: %s/cache
            packing: none
            optim: momentum
            learning_rate: 0.05
            logging_steps: 1
            save_steps: 10
            max_steps: 20
            """
                .formatted(Golden.path("tiny-llama-a"), data, dir));
    Stream<String> words = Stream.of("train", yaml.toString(), "--set", "output_dir=" + output);
    return plugin.run(Stream.concat(words, Arrays.stream(more)).toArray());
  }

  @Test
  void itTrainsAndIsResumedToTheSameBits() throws IOException {
    Path whole = dir.resolve("whole");
    Cli run = train(whole);
    assertThat(run.exit()).as(run.err()).isZero();
    double[] losses =
        run.out()
            .lines()
            .filter(line -> line.startsWith("step "))
            .mapToDouble(line -> Double.parseDouble(line.replaceAll(".*  loss (\\S+) .*", "$1")))
            .toArray();
    assertThat(losses).hasSize(20);
    assertThat(losses[19]).isLessThan(0.5 * losses[0]);
    try (Safetensors state =
        Safetensors.open(whole.resolve("checkpoint-10/optimizer.safetensors"))) {
      assertThat(state.tensors())
          .extracting(tensor -> tensor.header().name())
          .contains("momentum.model.norm.weight");
    }

    Path continued = dir.resolve("continued");
    Cli rest =
        train(continued, "--set", "resume_from_checkpoint=" + whole.resolve("checkpoint-10"));
    assertThat(rest.exit()).as(rest.err()).isZero();
    assertThat(continued.resolve("model.safetensors"))
        .hasSameBinaryContentAs(whole.resolve("model.safetensors"));
  }

  @Test
  void withoutItsJarTheNameIsUnknown() throws IOException {
    Files.delete(classes.resolve("META-INF/services/dev.yushan.optim.OptimizerProvider"));
    Cli run = train(dir.resolve("none"));
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err()).contains("momentum", "adamw_torch");
  }
}
