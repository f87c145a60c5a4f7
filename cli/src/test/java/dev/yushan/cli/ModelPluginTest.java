package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.golden.Golden;
import dev.yushan.model.ModelGolden;
import dev.yushan.model.ModelProvider;
import dev.yushan.model.Models;
import dev.yushan.process.ChildJvm;
import java.io.File;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// The model of `docs/examples/model-plugin` computes on the CPU what transformers does, and every
/// command takes it for one of its own.
class ModelPluginTest extends ModelGolden {
  private static final Path GOLDEN =
      Path.of("")
          .toAbsolutePath()
          .getParent()
          .resolve("docs/examples/model-plugin")
          .resolve("src/test/resources/golden");

  @TempDir static Path classes;
  private CompiledPlugin compiled;
  private CompiledPlugin.InUse plugin;

  @BeforeAll
  void compile() throws IOException {
    compiled = CompiledPlugin.ofExample("model-plugin", classes);
    plugin = compiled.use();
  }

  @AfterAll
  void leave() throws IOException {
    plugin.close();
  }

  @Override
  protected Backend open() {
    return Backends.open(Optional.of("cpu"), BackendOptions.defaults());
  }

  @Override
  protected List<Values> values() {
    return Stream.of("a", "b")
        .map(name -> new Values(GOLDEN.resolve("tiny-qwen3-" + name), GOLDEN.resolve(name) + ""))
        .toList();
  }

  private static Cli done(Object... arguments) {
    Cli run = Cli.run(arguments);
    assertThat(run.exit()).as(run.err()).isZero();
    return run;
  }

  @ParameterizedTest
  @MethodSource("values")
  void inferWritesTheTextOfTransformers(Values values, @TempDir Path dir) throws IOException {
    Path model = SpelledIds.model(values.model(), dir.resolve("model"));
    for (String name : List.of("short", "long")) {
      String prompt = SpelledIds.spelled(Golden.ints(values.file("greedy"), name + ".prompt"));
      int[] wanted = Golden.ints(values.file("greedy"), name + ".tokens");
      assertThat(infer(model, prompt, wanted.length)).isEqualTo(SpelledIds.spelled(wanted) + "\n");
    }
  }

  private static String infer(Path model, String prompt, int tokens) {
    return done(
            "infer",
            "--model",
            model,
            "--prompt",
            prompt,
            "--temperature",
            0,
            "--ignore-eos",
            "--max-tokens",
            tokens)
        .out();
  }

  @Test
  @Timeout(120)
  void serveWritesTheTextOfTransformers(@TempDir Path dir) throws Exception {
    Values values = values().getFirst();
    Path model = SpelledIds.served(values.model(), dir.resolve("model"));
    int[] wanted = Golden.ints(values.file("greedy"), "long.tokens");
    ProcessBuilder builder =
        ChildJvm.COMPUTING.running(Yushan.class, "serve", "--model", model, "--port", 0);
    String found = System.getProperty("java.class.path");
    builder.command().replaceAll(w -> w.equals(found) ? w + File.pathSeparator + classes : w);
    String body =
        """
        {"model": "%s", "prompt": "%s", "temperature": 0, "ignore_eos": true, "max_tokens": %d}
        """
            .formatted(
                model,
                SpelledIds.spelled(Golden.ints(values.file("greedy"), "long.prompt")),
                wanted.length);
    try (Service service = Service.start(builder, dir.resolve("log"));
        HttpClient client = HttpClient.newHttpClient()) {
      HttpResponse<String> answer =
          client.send(service.post(body).build(), HttpResponse.BodyHandlers.ofString());
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      assertThat(new ObjectMapper().readTree(answer.body()).at("/choices/0/text").asText())
          .isEqualTo(SpelledIds.spelled(wanted));
    }
  }

  @ParameterizedTest
  @MethodSource("values")
  void trainTeachesItAndSavesAModelThatLoads(Values values, @TempDir Path dir) throws IOException {
    String row = Arrays.toString(new int[] {5, 9, 2, 7, 5, 9, 2, 7, 5, 9, 2, 7});
    Path data =
        Files.writeString(dir.resolve("ids.jsonl"), ("{\"input_ids\": " + row + "}\n").repeat(8));
    Path config =
        Files.writeString(
            dir.resolve("train.yaml"),
            """
            model_name_or_path: %s
            stage: pt
            dataset: %s
            tokenized_cache_dir: %s/cache
            output_dir: %s/out
            packing: none
            gradient_checkpointing: true
            learning_rate: 0.01
            logging_steps: 1
            max_steps: 20
            """
                .formatted(values.model(), data, dir, dir));
    double[] losses = ExamplePluginsTest.losses(Cli.run("train", config));
    assertThat(losses[19]).isLessThan(0.1 * losses[0]);

    Path trained = dir.resolve("out");
    assertThat(Models.configJson(trained)).isEqualTo(Models.configJson(values.model()));
    assertThat(done("inspect", trained).out())
        .contains("Qwen3ForCausalLM", "rope theta", "q_norm.weight", "k_norm.weight");
    assertThat(infer(SpelledIds.model(trained, dir.resolve("again")), "<5><9><2><7><5>", 5))
        .isEqualTo("<9><2><7><5><9>\n");
  }

  @ParameterizedTest
  @MethodSource("values")
  void initMakesOneWithFreshWeights(Values values, @TempDir Path dir) {
    String name = values.toString().replace("tiny-qwen3-", "");
    long parameters =
        Golden.json(GOLDEN + "/manifest.json").at("/" + name + "/parameters").asLong();
    assertThat(Models.config(values.model()).parameters()).isEqualTo(parameters);
    Cli init =
        done("init", "--config", values.model(), "--output", dir.resolve("fresh"), "--seed", 7);
    assertThat(init.out()).contains("Qwen3ForCausalLM", "%,d parameters".formatted(parameters));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "use_sliding_window  | true | use_sliding_window = true: every layer must see the whole"
            + " text",
        "layer_types | [\"full_attention\", \"sliding_attention\"] | layer_types ="
            + " sliding_attention",
        "attention_bias      | true | attention_bias = true: take a model without biases",
        "hidden_act          | \"gelu\" | hidden_act = gelu: only SwiGLU",
        "rope_parameters     | {\"rope_type\": \"yarn\"} | rope_type = yarn: only plain rotary",
        "rope_parameters     | {\"type\": \"linear\"} | type = linear: only plain rotary",
        "quantization_config | {\"bits\": 4} | quantization_config",
        "num_key_value_heads | 3 | num_attention_heads must be a multiple of num_key_value_heads",
      })
  void otherConfigsAreRefused(String key, String value, String message, @TempDir Path dir)
      throws IOException {
    ObjectNode config = Models.configJson(values().getFirst().model());
    config.set(key, new ObjectMapper().readTree(value));
    Path file = Files.writeString(dir.resolve("config.json"), config.toString());
    Cli run = Cli.run("inspect", dir);
    assertThat(run.exit()).isEqualTo(1);
    assertThat(run.err()).contains(file.toString(), message);
  }

  /// Without its plugin the name of the model is all there is to say; a plugin that cannot be
  /// loaded is named beside it.
  @Test
  void withoutThePluginTheArchitectureIsNamed(@TempDir Path broken) throws IOException {
    Path model = values().getFirst().model();
    Path services = Files.createDirectories(broken.resolve("META-INF/services"));
    Files.writeString(services.resolve(ModelProvider.class.getName()), "no.such.Qwen3Provider");
    plugin.close();
    try {
      Cli run = Cli.run("inspect", model);
      assertThat(run.exit()).isEqualTo(1);
      assertThat(run.err()).contains("Qwen3ForCausalLM", "supported: [LlamaForCausalLM]\n");
      assertThat(new CompiledPlugin(broken).run("inspect", model).err())
          .contains("[LlamaForCausalLM]; not loaded: ", broken.toString(), "no.such.Qwen3Provider");
    } finally {
      plugin = compiled.use();
    }
  }
}
