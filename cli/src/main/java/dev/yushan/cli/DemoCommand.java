package dev.yushan.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.backend.Backend;
import dev.yushan.data.DataRecord;
import dev.yushan.data.Records;
import dev.yushan.data.SourceConfig;
import dev.yushan.generate.Generator;
import dev.yushan.generate.SamplingParams;
import dev.yushan.generate.TextGenerator;
import dev.yushan.model.CausalLM;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.Models;
import dev.yushan.tensor.DType;
import dev.yushan.text.BpeTrainer;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizers;
import dev.yushan.train.EvalResult;
import dev.yushan.train.Progress;
import dev.yushan.train.ProgressLine;
import dev.yushan.train.StepPlan;
import dev.yushan.train.StepReport;
import dev.yushan.train.TrainingConfig;
import dev.yushan.train.TrainingListener;
import dev.yushan.train.TrainingRun;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.StreamSupport;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `yushan demo`: from text to a small model that has been trained twice, by the same classes and
/// the same kind of files as `yushan train` and `yushan infer`.
@Command(
    name = "demo",
    description =
        "Train a small Llama on built-in sample text, continue on another kind, and compare.")
final class DemoCommand implements Callable<Integer> {
  private static final int VOCAB_SIZE = 2000;
  private static final int CONTEXT = 256;

  private static final List<String> PROMPTS =
      List.of("中華民國憲法第一條", "台灣是", "中華民國總統", "學校營養午餐", "刑法第一條");

  /// Greedy, with a penalty, since so small a model likes to repeat itself.
  private static final SamplingParams SAMPLING =
      SamplingParams.greedy(32).toBuilder().repetitionPenalty(1.2).build();

  @Mixin private BackendChoice backendChoice;

  @Option(
      names = "--output",
      paramLabel = "DIR",
      defaultValue = "demo-run",
      description = "Directory for all that is made (default: ${DEFAULT-VALUE}).")
  private Path output;

  private final PrintStream out = System.out;
  private long start;

  @Override
  public Integer call() {
    quiet();
    start = System.nanoTime();
    out.println("Yushan demo: a small Llama learns Traditional Chinese.");
    out.println();
    try (DemoDirectory directory = DemoDirectory.create(output);
        Backend backend = backendChoice.open()) {
      out.printf("Computing on %s: %s%n", backend.name(), backend.description());
      prepare(directory);
      Training base = train(directory, backend, "base", "Pre-training on general prose");
      Map<String, String> before = complete(directory, backend, "base");
      Training continued =
          train(directory, backend, "continue", "Continued pre-training on rules of associations");
      Map<String, String> after = complete(directory, backend, "continued");
      compare(base, continued);
      show(before, after);
      farewell(directory);
    }
    return 0;
  }

  /// What the demo shows says it all; YUSHAN_LOG still asks for more.
  private static void quiet() {
    if (System.getenv("YUSHAN_LOG") == null
        && LoggerFactory.getLogger("dev.yushan") instanceof ch.qos.logback.classic.Logger logger) {
      logger.setLevel(ch.qos.logback.classic.Level.WARN);
    }
  }

  private void heading(String text) {
    out.printf("%n[%3.0f s] %s%n", (System.nanoTime() - start) / 1e9, text);
  }

  // ---- the steps -------------------------------------------------------------------------------

  private void prepare(DemoDirectory directory) {
    heading("Data and tokenizer");
    directory.writeData("base");
    directory.writeData("continue");
    String[] files = {
      directory.resolve("data/base.jsonl").toString(),
      directory.resolve("data/continue.jsonl").toString()
    };
    command(
        "tokenizer train --data %s %s --vocab-size %d --output %s/tokenizer"
            .formatted(files[0], files[1], VOCAB_SIZE, directory));
    try (Records records = Records.open(SourceConfig.of(files))) {
      Iterable<DataRecord> all = () -> records;
      var texts =
          StreamSupport.stream(all.spliterator(), false)
              .map(record -> ((DataRecord.Text) record).text())
              .iterator();
      Tokenizer tokenizer =
          BpeTrainer.train(
              texts, BpeTrainer.Options.ofVocabSize(VOCAB_SIZE), directory.resolve("tokenizer"));
      JsonNode config = directory.writeModelConfig(tokenizer);
      ModelConfig shape = Models.config(config);
      out.printf(
          "%d ids; a Llama of %d layers, hidden size %d, %d heads%n",
          tokenizer.vocabSize(), shape.layers(), shape.hiddenSize(), shape.heads());
    }
  }

  /// What is to be shown of a training run.
  private static final class Training implements TrainingListener {
    private final LossCurve curve = new LossCurve();
    private final List<List<EvalResult>> evaluations = new ArrayList<>();

    @Override
    public void logged(StepReport step, double loss, Progress progress) {
      curve.add(progress.steps(), loss);
    }

    @Override
    public void evaluated(List<EvalResult> results, Progress progress) {
      evaluations.add(results);
    }
  }

  private Training train(DemoDirectory directory, Backend backend, String name, String title) {
    Path file = directory.writeTraining(name);
    heading(title);
    command("train " + file);
    TrainingConfig config = TrainingConfig.read(file, Map.of());
    Training training = new Training();
    TrainingRun.run(config, backend, new Shown(TrainCommand.progressLine(), training));
    training.curve.draw().forEach(out::println);
    out.println("The same curve as a picture: " + config.text("output_dir") + "/training_loss.png");
    return training;
  }

  /// Tells both, but spares the terminal the evaluation of every epoch.
  private record Shown(ProgressLine line, Training training) implements TrainingListener {
    @Override
    public void started(StepPlan plan, Progress progress) {
      line.started(plan, progress);
    }

    @Override
    public void stepped(StepReport step, Progress progress) {
      line.stepped(step, progress);
    }

    @Override
    public void logged(StepReport step, double loss, Progress progress) {
      line.logged(step, loss, progress);
      training.logged(step, loss, progress);
    }

    @Override
    public void evaluated(List<EvalResult> results, Progress progress) {
      training.evaluated(results, progress);
    }

    @Override
    public void finished(Progress progress) {
      line.finished(progress);
    }
  }

  private static Map<String, String> complete(
      DemoDirectory directory, Backend backend, String name) {
    Path path = directory.resolve(name);
    Tokenizer tokenizer = Tokenizers.load(path);
    Map<String, String> completions = new LinkedHashMap<>();
    try (CausalLM model = Models.load(backend, path, DType.F32, false);
        Generator generator = new Generator(backend, model, CONTEXT)) {
      TextGenerator texts = new TextGenerator(generator, tokenizer);
      for (String prompt : PROMPTS) {
        completions.put(prompt, texts.complete(prompt, SAMPLING, piece -> {}).text());
      }
    }
    return completions;
  }

  // ---- the results -----------------------------------------------------------------------------

  private void compare(Training base, Training continued) {
    heading("Perplexity of texts that no model has seen (lower is better)");
    Columns table = new Columns("", "FRESH WEIGHTS", "BASE", "CONTINUED");
    String[] parts = {"general prose", "rules of associations"};
    for (int i = 0; i < parts.length; i++) {
      table.add(
          parts[i],
          perplexity(base.evaluations.getFirst().get(i)),
          perplexity(continued.evaluations.getFirst().get(i)),
          perplexity(continued.evaluations.getLast().get(i)));
    }
    table.print(new PrintWriter(out, true));
  }

  private static String perplexity(EvalResult result) {
    return "%.1f".formatted(result.perplexity());
  }

  private void show(Map<String, String> before, Map<String, String> after) {
    heading("Completions before and after");
    for (String prompt : PROMPTS) {
      out.println(prompt);
      out.println("  base       " + oneLine(before.get(prompt)));
      out.println("  continued  " + oneLine(after.get(prompt)));
    }
  }

  private static String oneLine(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", " ⏎ ");
  }

  private void farewell(DemoDirectory directory) {
    heading("Done. All of it is in " + directory + "/, in the formats of Hugging Face.");
    out.println();
    out.println("Try next:");
    command(
        "infer --model %s/continued --prompt 本會會員 --repetition-penalty 1.2".formatted(directory));
    command("infer --model %s/continued --interactive --temperature 0.7".formatted(directory));
    command(
        "eval --model %s/continued --add-eos --data %s/data/continue-heldout.jsonl"
            .formatted(directory, directory));
    command("train %s/continue.yaml --set learning_rate=5e-4".formatted(directory));
    out.println();
    out.println(
        "So small a model and so little text make no assistant; the same commands train a real"
            + " one.");
  }

  private void command(String arguments) {
    // the launcher says how it was called
    out.println("  $ " + Yushan.called() + " " + arguments);
  }
}
