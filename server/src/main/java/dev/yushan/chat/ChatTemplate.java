package dev.yushan.chat;

import dev.yushan.chat.Functions.Raised;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// How a model wants a conversation written: its chat template, in Jinja as transformers sets it up
/// (docs/reference/chat-templates.md). Compiled once, used by any number of threads.
///
/// What it cannot do as jinja2 does it refuses when it is loaded or rendered; it never writes
/// something else. A template reaches nothing but the values it is given, and its work, its depth
/// and its output are bounded.
public final class ChatTemplate {
  /// Put after the text to continue. Its last blank tells whether the template strips texts.
  private static final String CONTINUED = "\u0001the text to continue ends here\u0001 ";

  private final Map<String, Compiled> templates;
  private final Map<String, ?> tokens;
  private final Clock clock;

  private record Compiled(String source, List<Statement> statements, boolean parts) {}

  ChatTemplate(Map<String, String> sources, Map<String, ?> tokens, Clock clock) {
    Map<String, Compiled> compiled = new LinkedHashMap<>();
    sources.forEach(
        (name, source) -> {
          List<Statement> statements = compile(source);
          compiled.put(name, new Compiled(source, statements, ContentParts.wanted(statements)));
        });
    this.templates = compiled;
    this.tokens = tokens;
    this.clock = clock;
  }

  private static List<Statement> compile(String source) {
    try {
      return Parser.parse(source);
    } catch (Fault e) {
      throw new IllegalArgumentException("chat template, line " + e.line + ": " + e.getMessage());
    }
  }

  /// The template of a model: `chat_template.jinja` (with `additional_chat_templates/*.jinja`), or
  /// `chat_template` of `tokenizer_config.json`. Empty if it has none, as base models have not.
  ///
  /// @param directory of the model's tokenizer
  /// @param specialTokens `bos_token`, `eos_token` and the like, for a directory that has neither
  ///   `tokenizer_config.json` nor `special_tokens_map.json`
  /// @throws IllegalArgumentException if the template uses what is not supported, with the line and
  ///   the name
  /// @throws java.io.UncheckedIOException if a file cannot be read
  public static Optional<ChatTemplate> load(Path directory, Map<String, String> specialTokens) {
    Map<String, String> sources = TemplateFiles.sources(directory);
    return sources.isEmpty()
        ? Optional.empty()
        : Optional.of(of(sources, directory, specialTokens));
  }

  /// The template that `--chat-template` gives for a model: the path of a file, or the template
  /// itself, which has a `{`.
  ///
  /// @throws IllegalArgumentException if it is neither, or uses what is not supported
  public static ChatTemplate load(
      Path directory, String fileOrTemplate, Map<String, String> specialTokens) {
    Map<String, String> sources = Map.of("default", TemplateFiles.given(fileOrTemplate));
    return of(sources, directory, specialTokens);
  }

  private static ChatTemplate of(
      Map<String, String> sources, Path directory, Map<String, String> specialTokens) {
    return new ChatTemplate(
        sources, TemplateFiles.specialTokens(directory, specialTokens), Clock.systemDefaultZone());
  }

  /// A template by itself.
  ///
  /// @param specialTokens `bos_token`, `eos_token` and the like
  public static ChatTemplate of(String source, Map<String, String> specialTokens) {
    return new ChatTemplate(Map.of("default", source), specialTokens, Clock.systemDefaultZone());
  }

  /// Writes a conversation. Content that comes in parts of text is joined with line breaks, unless
  /// the template goes over the parts; absent content is an empty text; the arguments of tool
  /// calls, which come as JSON in a text, are handed on as objects.
  ///
  /// @param messages `role`, `content` and so on, as OpenAI's requests have them, of JSON's values
  /// @param tools what the model may call; empty means none
  /// @param addGenerationPrompt whether the beginning of an answer follows
  /// @param continueFinalMessage whether the text ends inside the last message, for the model to go
  ///   on
  /// @param variables more variables of the template (`chat_template_kwargs`)
  /// @return the prompt, with its special tokens written out: tokenise it without adding any
  /// @throws IllegalArgumentException if the template refuses the conversation, with its own
  ///   message, or if it cannot be rendered, with the line
  public String render(
      List<? extends Map<String, ?>> messages,
      List<? extends Map<String, ?>> tools,
      boolean addGenerationPrompt,
      boolean continueFinalMessage,
      Map<String, ?> variables) {
    if (messages.isEmpty()) {
      throw new IllegalArgumentException("a conversation needs at least one message");
    }
    if (addGenerationPrompt && continueFinalMessage) {
      throw new IllegalArgumentException(
          "add_generation_prompt and continue_final_message exclude each other; set one to false");
    }
    Compiled template = choose(!tools.isEmpty());
    List<Object> conversation = Conversation.of(messages, template.parts());
    if (continueFinalMessage) {
      mark(conversation);
    }
    Scope global = Scope.outermost();
    Functions.into(global, clock);
    tokens.forEach((name, value) -> global.set(name, Value.of(value)));
    global.set("messages", conversation);
    global.set("tools", tools.isEmpty() ? Value.None.NONE : Value.of(tools));
    global.set("documents", Value.None.NONE);
    global.set("add_generation_prompt", addGenerationPrompt);
    variables.forEach((name, value) -> global.set(name, Value.of(value)));
    String text = render(template, global.inner());
    return continueFinalMessage ? cut(text) : text;
  }

  private static String render(Compiled template, Scope scope) {
    var renderer = new Renderer();
    try {
      return renderer.render(template.statements(), scope);
    } catch (Raised e) {
      throw new IllegalArgumentException(e.getMessage());
    } catch (Fault e) {
      throw new IllegalArgumentException(
          "chat template, line " + renderer.line + ": " + e.getMessage());
    } catch (StackOverflowError e) {
      throw new IllegalArgumentException(
          "chat template, line " + renderer.line + ": it is nested too deep; simplify it");
    }
  }

  private Compiled choose(boolean tools) {
    Compiled chosen = tools ? templates.get("tool_use") : null;
    chosen = chosen == null ? templates.get("default") : chosen;
    if (chosen == null) {
      throw new IllegalArgumentException(
          "the model has the chat templates "
              + templates.keySet()
              + " and none named 'default'; pass one by --chat-template");
    }
    return chosen;
  }

  @SuppressWarnings("unchecked")
  private static void mark(List<Object> conversation) {
    var last = (Map<Object, Object>) conversation.getLast();
    Object content = last.get("content");
    if (content instanceof List<?> parts
        && !parts.isEmpty()
        && parts.getLast() instanceof Map<?, ?> part
        && part.get("text") instanceof String text) {
      Map<Object, Object> marked = new LinkedHashMap<>(part);
      marked.put("text", text + CONTINUED);
      List<Object> copy = new ArrayList<>(parts);
      copy.set(copy.size() - 1, marked);
      last.put("content", copy);
    } else if (content instanceof String text) {
      last.put("content", text + CONTINUED);
    } else {
      throw new IllegalArgumentException("the last message has no text to continue");
    }
  }

  private static String cut(String text) {
    int end = text.lastIndexOf(CONTINUED.strip());
    if (end < 0) {
      throw new IllegalArgumentException(
          "continue_final_message: the chat template leaves out or changes the end of the last"
              + " message; set it to false");
    }
    String before = text.substring(0, end);
    return text.startsWith(CONTINUED, end) ? before : Text.strip(before, "", false, true);
  }
}
