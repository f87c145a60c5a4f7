package dev.yushan.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.OperatingSystemMXBean;
import dev.yushan.backend.Backend;
import dev.yushan.io.DurableFiles;
import dev.yushan.model.ModelConfig;
import dev.yushan.report.FrontMatter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// `run.json`: what is known of a run beside its numbers. Written before the first step, so that it
/// is there whatever happens, and again at the end.
final class RunFacts {
  static final String FILE = "run.json";

  private static final String PROCESSES = "processes";
  private static final ObjectMapper JSON = JsonMapper.builder().build();

  /// A snapshot in the cache of Hugging Face, `models--org--name/snapshots/<commit>`.
  private static final Pattern HUB = Pattern.compile("models--([^/]+?)--([^/]+)/snapshots/");

  private final Path file;
  private final ObjectNode facts;

  private RunFacts(Path file, ObjectNode facts) {
    this.file = file;
    this.facts = facts;
  }

  /// Writes what is known before the first step.
  ///
  /// @param start where this process begins; those before it stay on record if that is a resume
  static RunFacts begin(
      Path outputDir,
      TrainingConfig config,
      ModelState state,
      TrainingData data,
      TrainingForecast forecast,
      Progress start) {
    Path file = outputDir.resolve(FILE);
    ArrayNode processes = JSON.createArrayNode();
    if (start.steps() > 0) {
      former(file).path(PROCESSES).forEach(processes::add);
    }
    processes.addObject().put("started", now()).put("from_step", start.steps());
    ObjectNode facts = JSON.createObjectNode();
    facts.set("software", software());
    facts.set("machine", machine(state.backend()));
    facts.set("base", base(config, state));
    facts.set("model", model(state));
    facts.set("tokenizer", data.tokenizerFacts());
    facts.set("datasets", JSON.valueToTree(data.datasets()));
    facts.set("eval_datasets", JSON.valueToTree(data.evaluationDatasets()));
    facts.set("memory_forecast", forecast.memoryRows());
    facts.set("scripts", JSON.valueToTree(data.scripts()));
    facts.set(PROCESSES, processes);
    RunFacts begun = new RunFacts(file, facts);
    begun.write();
    return begun;
  }

  /// Adds how this process ended.
  ///
  /// @param why before the last step, if that is where
  void end(Progress end, Optional<String> why) {
    ArrayNode processes = (ArrayNode) facts.get(PROCESSES);
    ObjectNode process = (ObjectNode) processes.get(processes.size() - 1);
    process.put("ended", now()).put("to_step", end.steps()).put("tokens", end.tokens());
    why.ifPresent(reason -> process.put("stopped_by", reason));
    write();
  }

  private void write() {
    DurableFiles.write(file, facts.toPrettyString() + "\n");
  }

  /// What an earlier process wrote; nothing if it cannot be read, which is no reason to stop.
  private static JsonNode former(Path file) {
    try {
      return Files.exists(file) ? JSON.readTree(file.toFile()) : JSON.createObjectNode();
    } catch (IOException e) {
      return JSON.createObjectNode();
    }
  }

  private static String now() {
    return Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
  }

  // ---- the facts -------------------------------------------------------------------------------

  private static ObjectNode software() {
    ObjectNode software = JSON.createObjectNode();
    software.put("yushan", version());
    software.put("java", Runtime.version().toString());
    software.put("java_vendor", System.getProperty("java.vendor"));
    software.put(
        "os",
        "%s %s %s"
            .formatted(
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("os.arch")));
    return software;
  }

  /// As the build wrote it into the jar; classes that are in no jar have none.
  private static String version() {
    Properties properties = new Properties();
    try (InputStream in =
        RunFacts.class.getResourceAsStream(
            "/META-INF/maven/dev.yushan/yushan-trainer/pom.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty("version", "unreleased");
  }

  private static ObjectNode machine(Backend backend) {
    ObjectNode machine = JSON.createObjectNode();
    machine.put("cpu", cpu().orElse(System.getProperty("os.arch")));
    machine.put("processors", Runtime.getRuntime().availableProcessors());
    if (ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system) {
      machine.put("memory_bytes", system.getTotalMemorySize());
    }
    machine.put("backend", backend.name());
    machine.put("backend_description", backend.description());
    return machine;
  }

  /// The name of the processor, where Linux tells it.
  private static Optional<String> cpu() {
    Path info = Path.of("/proc/cpuinfo");
    if (!Files.isReadable(info)) {
      return Optional.empty();
    }
    try (Stream<String> lines = Files.lines(info)) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.replaceFirst(".*?:", "").strip())
          .findFirst();
    } catch (IOException | UncheckedIOException e) {
      return Optional.empty();
    }
  }

  private static ObjectNode base(TrainingConfig config, ModelState state) {
    ObjectNode base = JSON.createObjectNode();
    Path path = state.base().toAbsolutePath().normalize();
    base.put("path", config.text("model_name_or_path"));
    base.put("name", path.getFileName().toString());
    Matcher hub = HUB.matcher(path.toString().replace('\\', '/') + "/");
    if (hub.find()) {
      base.put("id", hub.group(1) + "/" + hub.group(2));
    }
    base.put("train_from_scratch", config.flag("train_from_scratch"));
    base.set("card", FrontMatter.of(state.base().resolve("README.md")));
    return base;
  }

  private static ObjectNode model(ModelState state) {
    ModelConfig shape = state.model().config();
    ObjectNode model = JSON.createObjectNode();
    model.put("architecture", shape.architecture());
    model.put("model_type", state.configJson().path("model_type").asText());
    model.put(
        "parameters",
        state.model().parameters().stream().mapToLong(p -> p.value().elements()).sum());
    model.put("hidden_size", shape.hiddenSize());
    model.put("intermediate_size", shape.intermediateSize());
    model.put("num_hidden_layers", shape.layers());
    model.put("num_attention_heads", shape.heads());
    model.put("num_key_value_heads", shape.kvHeads());
    model.put("head_dim", shape.headDim());
    model.put("vocab_size", shape.vocabSize());
    model.put("max_position_embeddings", shape.maxPositions());
    model.put("tie_word_embeddings", shape.tiedEmbeddings());
    return model;
  }
}
