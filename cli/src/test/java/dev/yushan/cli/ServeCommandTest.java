package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.backend.Traffic;
import dev.yushan.engine.EngineStats;
import dev.yushan.golden.Golden;
import dev.yushan.process.ChildJvm;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/// The service as a process of its own, by a real client.
@Timeout(120)
class ServeCommandTest {
  private static final String FILE = "a_greedy.safetensors";
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path directory;

  private static Path model;

  private final HttpClient client = HttpClient.newHttpClient();

  @BeforeAll
  static void model() throws IOException {
    model = SpelledIds.served(Golden.path("tiny-llama-a"), directory.resolve("model"));
  }

  private static Service start(String name, Map<String, String> environment, Object... options)
      throws IOException, InterruptedException {
    List<Object> arguments = new ArrayList<>(List.of("serve", "--port", 0, "--threads", 2));
    arguments.addAll(List.of(options));
    if (!arguments.contains("--model")) {
      arguments.addAll(List.of("--model", model));
    }
    ProcessBuilder builder = ChildJvm.COMPUTING.running(Yushan.class, arguments.toArray());
    builder.environment().putAll(environment);
    return Service.start(builder, directory.resolve(name + ".log"));
  }

  @Test
  void theTextIsThatOfInferAndOfTransformers() throws Exception {
    Path config = directory.resolve("serve.yaml");
    Files.writeString(
        config, "served_model_name: [tiny, small]\nmax-model-len: 100\nmax-num-seqs: 99\n");
    String prompt = SpelledIds.spelled(Golden.ints(FILE, "short.prompt"));
    int[] tokens = Golden.ints(FILE, "short.tokens");
    Map<String, String> environment =
        Map.of("YUSHAN_CONFIG", config.toString(), "YUSHAN_MAX_NUM_SEQS", "3");
    try (Service service = start("golden", environment, "--max-num-seqs", 5)) {
      String body =
          JSON.writeValueAsString(
              Map.of(
                  "model",
                  "small",
                  "prompt",
                  prompt,
                  "temperature",
                  0,
                  "ignore_eos",
                  true,
                  "max_tokens",
                  tokens.length));
      HttpResponse<String> answer =
          client.send(service.post(body).build(), HttpResponse.BodyHandlers.ofString());
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      JsonNode json = JSON.readTree(answer.body());
      assertThat(json.at("/choices/0/text").asText()).isEqualTo(SpelledIds.spelled(tokens));
      assertThat(json.path("model").asText()).isEqualTo("small");
      Cli infer =
          Cli.run(
              "infer",
              "--model",
              model,
              "--prompt",
              prompt,
              "--ignore-eos",
              "--temperature",
              0,
              "--max-tokens",
              tokens.length);
      assertThat(infer.out()).isEqualTo(SpelledIds.spelled(tokens) + "\n");
      // the command line before the environment before the file
      assertThat(Files.readString(service.log())).contains("up to 5 requests of 100 tokens");
    }
  }

  /// Every stream that was begun ends as it should, no more are taken, and the process ends with 0.
  @Test
  void sigtermUnderLoadEndsEveryStreamProperly() throws Exception {
    try (Service service = start("term", Map.of(), "--max-num-seqs", 4)) {
      int streams = 12;
      int tokens = 150;
      CountDownLatch begun = new CountDownLatch(4);
      List<CompletableFuture<List<String>>> answers = new ArrayList<>();
      for (int i = 0; i < streams; i++) {
        String body =
            JSON.writeValueAsString(
                Map.of(
                    "model",
                    model.toString(),
                    "prompt",
                    new int[] {i + 1, 2, 3},
                    "stream",
                    true,
                    "ignore_eos",
                    true,
                    "max_tokens",
                    tokens));
        answers.add(
            client
                .sendAsync(service.post(body).build(), HttpResponse.BodyHandlers.ofLines())
                .thenApply(answer -> lines(answer.body(), begun)));
      }
      assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
      service.process().destroy();
      int events = 0;
      for (CompletableFuture<List<String>> answer : answers) {
        List<String> data =
            answer.get(60, TimeUnit.SECONDS).stream().filter(line -> !line.isEmpty()).toList();
        assertThat(data.getLast()).isEqualTo("data: [DONE]");
        assertThat(data.get(data.size() - 2)).contains("\"finish_reason\":\"length\"");
        events += data.size() - 1;
      }
      assertThat(events).isGreaterThan(streams);
      assertThat(service.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(service.process().exitValue()).isZero();
      assertThat(Files.readString(service.log()))
          .contains("SIGTERM: what was begun is finished", "all requests were finished");
    }
  }

  private static List<String> lines(Stream<String> body, CountDownLatch begun) {
    List<String> lines = new ArrayList<>();
    body.forEach(
        line -> {
          if (lines.isEmpty()) {
            begun.countDown();
          }
          lines.add(line);
        });
    return lines;
  }

  @Test
  void aModelThatCannotBeLoadedEndsTheProcess() throws Exception {
    Path broken = Files.createDirectory(directory.resolve("broken"));
    Files.copy(model.resolve("config.json"), broken.resolve("config.json"));
    Files.copy(model.resolve("tokenizer.json"), broken.resolve("tokenizer.json"));
    Cli run = Cli.run("serve", "--model", broken, "--port", 0);
    assertThat(run.exit()).isEqualTo(1);
    assertThat(run.err()).contains(broken.toString()).contains("safetensors");
  }

  @Test
  void theLineOnTheTerminalSaysWhatTheEngineDoes() {
    EngineStats before = new EngineStats(0, 0, 0, 0, 0, 100, 50, 40, 10, 0, 9, 0, 0, Traffic.NONE);
    EngineStats now =
        new EngineStats(3, 1, 0.271, 0, 0, 220, 95, 140, 71, 0, 20, 0, 0, Traffic.NONE);
    assertThat(EngineLine.words(before, now, 1))
        .isEqualTo(
            "running 3, waiting 1, 45.0 tokens/s, prompts 120.0, cache 27 %, prefix hits 61 %");
    assertThat(EngineLine.words(now, now, 1)).endsWith("prefix hits -");
    EngineStats idle = new EngineStats(1, 0, 0.0042, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, Traffic.NONE);
    assertThat(EngineLine.words(idle, idle, 1)).contains("cache 0.4 %, ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "--ssl-keyfile key.pem ; --ssl-keyfile and --ssl-certfile go together",
        "--port 70000 ; --port must be 0 to 65535",
        "--allowed-origins [\"*\"] ; [\"*\"] is no origin",
        "--allowed-origins *,http://a.example/ ; http://a.example/ is no origin",
        "--max-model-len 4000000 ; max_position_embeddings",
        "--max-model-len 64 --kv-cache-memory 1KB ; for the shortest request, but there are 1000 B",
        "--max-model-len 64 --kv-cache-memory 50KiB ; there are 50.0 KiB; lower --max-model-len",
        "--generation-config nowhere ; --generation-config: there is no",
        "--max-model-len 64 --kv-cache-memory 1 ; there are 1 B; raise --kv-cache-memory",
        "--api-key , ; --api-key must not be empty",
        "--served-model-name a, ; --served-model-name must not be empty",
        "--max-model-len 8q ; write for example 8192, 8k (8000) or 8K (8192)",
        "--gpu-memory-utilization 0.9 --max_num_seqs 3 ; an option of vLLM, not of Yushan: give"
            + " --kv-cache-memory",
        "--quantization q8_0 --dtype f32 ; leave one of them out",
        "--config none.yaml ; none.yaml cannot be read",
        "--max-model-len 0 ; --max-model-len must be 1 or more",
        "--max-num-seqs 0 ; --max-num-seqs must be 1 or more, got 0",
        "--max-waiting -1 ; --max-waiting must be 0 or more, got -1",
        "--max-requests-per-key 0 ; --max-requests-per-key must be 1 or more, got 0",
        "--shutdown-timeout -1 ; --shutdown-timeout must be 0 seconds or more",
        "--max-num-batched-tokens 0 ; --max-num-batched-tokens must be 1 or more",
        "--request-timeout 0 ; --request-timeout must be above 0",
        "--max-num-seqs x ; --max-num-seqs"
      })
  void wrongOptionsAreNamedBeforeTheModelIsLoaded(String options, String message) {
    List<Object> arguments = new ArrayList<>(List.of("serve", "--model", model, "--port", 0));
    arguments.addAll(List.of(options.split(" ")));
    // what was given once before is not given twice
    if (options.startsWith("--port")) {
      arguments.subList(3, 5).clear();
    }
    Cli run = Cli.run(arguments.toArray());
    assertThat(run.exit()).isNotZero();
    assertThat(run.err()).contains(message);
    assertThat(run.err()).doesNotContain("loaded in");
    if (!options.startsWith("--generation-config")) {
      assertThat(run.err()).doesNotContain("listening");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "nonsense: 1 ; there is no option --nonsense",
        "config: other.yaml ; there is no option --config",
        "{port: 1, port: 2} ; Duplicate field 'port'",
        "{max-model-len: 1, max_model_len: 2} ; max-model-len is set twice; keep one",
        "port: {a: 1} ; port must be a value or a list of values",
        "api-key: [a, null] ; api-key must be a value or a list of values",
        "chat-template: ; no such directory"
      })
  void aFileOfOptionsIsReadStrictly(String line, String message) throws IOException {
    Path file = Files.writeString(directory.resolve("strict.yaml"), line + "\n");
    Cli run = Cli.run("serve", "--model", "no/such/place", "--config", file);
    assertThat(run.exit()).isNotZero();
    assertThat(run.err()).contains(message);
  }

  /// With the exit code at which a service manager does not start again.
  @ParameterizedTest
  @CsvSource({
    "--backend none, no backend is named 'none'",
    "--device foo, has no device 'foo'",
    "--threads 100000, threads",
    "--dtype f32 --quantization q8_0, --dtype and --quantization both say",
    "--max-model-len 100000, --max-model-len: the model knows positions",
    "--generation-config /nonexistent, --generation-config: there is no",
    "--chat-template /nonexistent.jinja, --chat-template /nonexistent.jinja: there is no",
    "'--served-model-name a,', yushan: --served-model-name must not be empty"
  })
  void whatIsWrongWithAnOptionIsSaidBeforeAnybodyListens(String options, String message) {
    Object[] words =
        Stream.concat(
                Stream.of("serve", "--model", model, "--port", 0),
                Stream.of((Object[]) options.split(" ")))
            .toArray();
    Cli run = Cli.run(words);
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err()).contains(message).doesNotContain("listening", "could not be loaded");
  }

  @Test
  void defaultsOfSamplingThatNoRequestCouldHaveStopTheStart() throws IOException {
    Path defaults = Files.createDirectory(directory.resolve("defaults"));
    Files.writeString(defaults.resolve("generation_config.json"), "{\"top_p\": 1.5}");
    Cli run = Cli.run("serve", "--model", model, "--port", 0, "--generation-config", defaults);
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err()).contains("generation_config.json: top_p must be", "mend it");
    assertThat(run.err()).doesNotContain("loaded in");
  }

  /// `api-key:` alone must not become a key that reads null.
  @Test
  void aKeyWithoutAValueIsLeftOut() throws IOException {
    Path file = Files.writeString(directory.resolve("null.yaml"), "api-key:\nhost: ~\nport: 1\n");
    CommandLine command = new CommandLine(new ServeCommand());
    command.setCaseInsensitiveEnumValuesAllowed(true);
    ServeDefaults.on(command, List.of("serve", "--config", file.toString()), Map.of());
    CommandLine.ParseResult parsed = command.parseArgs("--model", "m");
    assertThat(option(parsed, "--api-key")).isEqualTo(List.of());
    assertThat(option(parsed, "--host")).isEqualTo("0.0.0.0");
    assertThat(option(parsed, "--port")).isEqualTo(1);
  }

  /// The message names the place where the value is to be corrected.
  @Test
  void aBadValueIsNamedWithItsSource() throws IOException {
    Path file = Files.writeString(directory.resolve("bad.yaml"), "port: many\nmax-model-len: 0\n");
    Cli type = Cli.run("serve", "--model", model, "--config", file);
    assertThat(type.err()).contains(file + ": port: ", "'many'");
    Cli range = Cli.run("serve", "--model", model, "--config", file, "--port", 0);
    assertThat(range.err()).contains(file + ": max-model-len: --max-model-len must be 1 or more");
    Cli own = Cli.run("serve", "--model", model, "--config", file, "--port", "x");
    assertThat(own.err()).contains("'x'").doesNotContain("port: Invalid");
    CommandLine command = new CommandLine(new ServeCommand());
    StringWriter err = new StringWriter();
    command.setErr(new PrintWriter(err, true));
    ServeDefaults.on(command, List.of("serve"), Map.of("YUSHAN_PORT", "many"));
    assertThatThrownBy(() -> command.parseArgs("--model", "m"))
        .isInstanceOfSatisfying(
            CommandLine.ParameterException.class, e -> Failures.usage(e, new String[0]));
    assertThat(err.toString()).contains("YUSHAN_PORT: ", "'many'");
  }

  @Test
  void aMisspeltVariableIsTold() throws Exception {
    Map<String, String> environment =
        Map.of("YUSHAN_MAX_MODEL_LENGHT", "64", "YUSHAN_JAVA_OPTS", "", "YUSHAN_SOMETHING", "1");
    try (Service service = start("slips", environment, "--revision", "main2")) {
      assertThat(Files.readString(service.log()))
          .contains("YUSHAN_MAX_MODEL_LENGHT has no effect: did you mean YUSHAN_MAX_MODEL_LEN?")
          .containsOnlyOnce("--revision has no effect: " + model)
          .doesNotContain("YUSHAN_JAVA_OPTS", "YUSHAN_SOMETHING");
    }
  }

  @Test
  void aTokenizerWithMoreIdsThanTheModelIsRefused() throws Exception {
    Path small = SpelledIds.model(directory.resolve("small"));
    Cli run = Cli.run("serve", "--model", small, "--port", 0);
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err())
        .contains("the tokenizer has ids up to 767, but the model a vocabulary of 512")
        .doesNotContain("structured output", "loaded in");
  }

  /// The ids that end a text are bytes here, which a text could not do without.
  @Test
  void whatHasNoStructuredOutputIsServedWithout() throws Exception {
    Path odd = SpelledIds.served(Golden.path("tiny-llama-a"), directory.resolve("odd"));
    Path config = odd.resolve("config.json");
    String text = Files.readString(config);
    Files.writeString(
        config, text.replaceFirst("\"eos_token_id\"\\s*:\\s*2", "\"eos_token_id\":600"));
    Files.delete(odd.resolve("generation_config.json"));
    try (Service service = start("odd", Map.of(), "--model", odd)) {
      assertThat(Files.readString(service.log())).contains("structured output is not available: ");
      String body = "{\"prompt\": [5, 6], \"max_tokens\": 2%s}";
      assertThat(status(service, body.formatted(""))).isEqualTo(200);
      assertThat(status(service, body.formatted(", \"guided_regex\": \"a\""))).isEqualTo(400);
    }
  }

  private int status(Service service, String body) throws Exception {
    return client
        .send(service.post(body).build(), HttpResponse.BodyHandlers.ofString())
        .statusCode();
  }

  private static Object option(CommandLine.ParseResult parsed, String name) {
    return parsed.commandSpec().findOption(name).getValue();
  }

  @Test
  void whatVllmTakesIsTaken() throws IOException {
    CommandLine command = new CommandLine(new ServeCommand());
    command.setCaseInsensitiveEnumValuesAllowed(true);
    ServeDefaults.on(
        command,
        List.of("serve"),
        Map.of("YUSHAN_DISABLE_LOG_REQUESTS", "1", "YUSHAN_ENABLE_PREFIX_CACHING", "off"));
    String[] arguments = {
      "serve",
      "m",
      "--max_model_len=8K",
      "--served_model_name",
      "a_b,c",
      "d",
      "--port",
      "1",
      "--port=2"
    };
    String[] named = ServeDefaults.named(arguments);
    CommandLine.ParseResult parsed = command.parseArgs(Arrays.copyOfRange(named, 1, named.length));
    assertThat(option(parsed, "--max-model-len")).isEqualTo(Optional.of(8192));
    assertThat(option(parsed, "--served-model-name")).isEqualTo(List.of("a_b,c", "d"));
    assertThat(option(parsed, "--port")).isEqualTo(2);
    assertThat(option(parsed, "--disable-log-requests")).isEqualTo(true);
    assertThat(option(parsed, "--enable-prefix-caching")).isEqualTo(false);
  }

  @Test
  void whatToDoAboutOtherOptionsOfVllmIsOnThePageToo() throws IOException {
    Path docs = Path.of("").toAbsolutePath().getParent().resolve("docs");
    String page = Files.readString(docs.resolve("how-to/serve-a-model.md"));
    String reference = Files.readString(docs.resolve("reference/cli.md"));
    assertThat(VllmOptions.names())
        .allSatisfy(name -> assertThat(page).contains("`--" + name + "`"))
        .noneSatisfy(name -> assertThat(reference).contains("--" + name + "="));
    assertThat(VllmOptions.advice("--tensor_parallel_size=2"))
        .contains("--tensor-parallel-size is an option of vLLM, not of Yushan: leave it out");
    assertThat(VllmOptions.advice("--port")).isEmpty();
    Path file = Files.writeString(directory.resolve("vllm.yaml"), "gpu-memory-utilization: 0.9\n");
    assertThat(Cli.run("serve", "m", "--config", file).err())
        .contains(file + ": --gpu-memory-utilization is an option of vLLM");
    assertThat(Cli.run("serve", "--api-key", "k", "m").err()).contains("it may also stand first");
  }

  @Test
  void theModelMayStandFirst() {
    assertThat(ServeDefaults.named("serve", "org/name", "--port", "0"))
        .containsExactly("serve", "--model", "org/name", "--port", "0");
    assertThat(ServeDefaults.named("serve", "--help")).containsExactly("serve", "--help");
    assertThat(ServeDefaults.named("infer", "org/name")).containsExactly("infer", "org/name");
    Cli run = Cli.run("serve", "no/such/place", "--dtype", "half", "--kv-cache-dtype", "auto");
    assertThat(run.err()).contains("model no/such/place: no such directory");
  }
}
