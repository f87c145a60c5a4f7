package dev.yushan.cli;

import dev.yushan.backend.Backend;
import dev.yushan.generate.Generator;
import dev.yushan.generate.TextGenerator;
import dev.yushan.generate.TextGenerator.Completion;
import dev.yushan.model.CausalLM;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.Models;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizer.Specials;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `yushan infer`: completes prompts. Standard output carries the completion alone.
@Command(
    name = "infer",
    description = "Complete a prompt, as it is generated.",
    footer = {
      "%nWithout --prompt, or with --prompt -, the prompt is read from standard input (UTF-8, the"
          + " line break at its end left out). Options that choose tokens default to the model's"
          + " generation_config.json, then to greedy. For example:",
      "  yushan infer --model demo-run/continued --prompt 中華民國憲法第一條",
      "  yushan infer --model demo-run/continued --interactive --temperature 0.7 --top-p 0.9"
    })
final class InferCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(InferCommand.class);
  private static final int USUAL_CONTEXT = 4096;

  @Spec private CommandSpec spec;
  @Mixin private ModelChoice modelChoice;
  @Mixin private SamplingOptions sampling;
  @Mixin private BackendChoice backendChoice;

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description = "Text to continue; - reads it from standard input.")
  private Optional<String> prompt = Optional.empty();

  @Option(
      names = "--interactive",
      description = "Complete every line of standard input on its own; Ctrl-D ends.")
  private boolean interactive;

  @Option(
      names = "--max-model-len",
      paramLabel = "N",
      converter = CountConverter.class,
      description =
          "Length of the context, prompt and completion, in tokens; default: all positions of the"
              + " model, but at most "
              + USUAL_CONTEXT
              + ".")
  private Optional<Integer> maxModelLen = Optional.empty();

  private boolean announced;

  @Override
  public Integer call() throws IOException {
    if (interactive && prompt.isPresent()) {
      throw new ParameterException(
          spec.commandLine(), "--interactive reads its prompts; leave out --prompt");
    }
    String text = interactive ? "" : prompt();
    SamplingOptions.Chosen chosen = sampling.resolve(modelChoice.directory());
    Tokenizer tokenizer = modelChoice.requireTokenizer();
    int context = context(Models.config(modelChoice.directory()));
    if (!interactive) {
      // keys and values have room from the start: for the prompt and what can follow it
      long prompted = tokenizer.encodeWithTemplate(text, Specials.PARSE).length;
      context = Math.clamp(prompted + chosen.params().maxTokens(), 1, context);
    }
    try (Backend backend = backendChoice.open();
        CausalLM model = modelChoice.load(backend);
        Generator generator = new Generator(backend, model, context)) {
      TextGenerator texts = new TextGenerator(generator, tokenizer);
      if (interactive) {
        converse(texts, chosen);
      } else {
        complete(texts, text, chosen);
      }
    }
    return 0;
  }

  private int context(ModelConfig config) {
    int longest = config.maxPositions();
    int length = maxModelLen.orElse(Math.min(longest, USUAL_CONTEXT));
    if (length < 1 || length > longest) {
      throw new ParameterException(
          spec.commandLine(),
          "--max-model-len %d: the model has max_position_embeddings = %d; choose 1 to that"
              .formatted(length, longest));
    }
    return length;
  }

  private String prompt() throws IOException {
    if (prompt.isPresent() && !prompt.get().equals("-")) {
      return prompt.get();
    }
    if (prompt.isEmpty() && Terminal.INPUT.isThere()) {
      throw new ParameterException(
          spec.commandLine(), "what is to be completed? Give --prompt TEXT or --interactive");
    }
    String text = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    return text.replaceFirst("\\r?\\n\\z", "");
  }

  private void converse(TextGenerator texts, SamplingOptions.Chosen chosen) throws IOException {
    PrintWriter err = spec.commandLine().getErr();
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    boolean asks = Terminal.INPUT.isThere();
    while (true) {
      if (asks) {
        err.print("> ");
        err.flush();
      }
      String line = lines.readLine();
      if (line == null) {
        if (asks) {
          err.println(); // so that the prompt of the shell has a line of its own
        }
        return;
      }
      if (!line.isBlank()) {
        try {
          complete(texts, line, chosen);
        } catch (IllegalArgumentException e) {
          err.println("yushan: " + e.getMessage());
        }
      }
    }
  }

  /// Says once how tokens are chosen, and not before one has been: an error may come first.
  private void announce(SamplingOptions.Chosen chosen) {
    if (!announced) {
      LOG.info("{}", chosen.words());
      announced = true;
    }
  }

  private void complete(TextGenerator texts, String text, SamplingOptions.Chosen chosen) {
    PrintWriter out = spec.commandLine().getOut();
    Completion done =
        texts.complete(
            text,
            chosen.params(),
            piece -> {
              announce(chosen);
              out.print(piece);
              out.flush();
              StandardOutput.requireSound();
            });
    announce(chosen);
    out.println();
    int tokens = done.generation().tokens().length;
    spec.commandLine()
        .getErr()
        .printf(
            "prompt %s; completion %s; ended by %s%n",
            speed(done.promptTokens(), done.generation().prefillNanos()),
            speed(tokens, done.generation().decodeNanos()),
            done.finish().name().toLowerCase(Locale.ROOT));
  }

  private static String speed(int tokens, long nanos) {
    if (tokens == 0 || nanos == 0) {
      return tokens + " tokens";
    }
    return "%d tokens in %.2f s (%.1f tokens/s)"
        .formatted(tokens, nanos / 1e9, tokens / (nanos / 1e9));
  }
}
