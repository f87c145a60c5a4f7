package dev.yushan.cli;

import dev.yushan.data.DataException;
import dev.yushan.data.format.Change;
import dev.yushan.data.format.FormatConfig;
import dev.yushan.data.format.FormatStream;
import dev.yushan.data.format.Rule;
import dev.yushan.data.format.TextFormatter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `yushan format`: the formatting rules as a filter, line by line.
@Command(
    name = "format",
    description = "Make untidy Chinese text tidy: width, punctuation, spaces.",
    footer = {
      "%nTexts go through line by line, so that it works in a pipe. With --check, exit",
      "code 1 says that some text would change. For example:",
      "  yushan format <raw.txt >clean.txt",
      "  echo '他用Java寫10kg的程式,好嗎?' | yushan format --explain"
    })
final class FormatCommand implements Callable<Integer> {
  private static final String STANDARD_INPUT = "-";

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "FILE",
      description = "Files of text in UTF-8; none, or -, for standard input.")
  private List<String> files = List.of(STANDARD_INPUT);

  @Option(
      names = "--enable",
      split = ",",
      paramLabel = "RULE",
      description = "Rules to switch on, separated by commas.")
  private List<String> enable = List.of();

  @Option(
      names = "--disable",
      split = ",",
      paramLabel = "RULE",
      description = "Rules to switch off, separated by commas.")
  private List<String> disable = List.of();

  @Option(names = "--rules", description = "List the rules, in their order, and which are on.")
  private boolean rules;

  @Option(
      names = "--explain",
      description =
          "Print what each rule changes, one change a line, instead of the text: place, rule,"
              + " before, after, separated by tabs.")
  private boolean explain;

  @Option(
      names = "--check",
      description = "Print only the names of files that would change; exit code 1 if any would.")
  private boolean check;

  private PrintWriter out;

  @Override
  public Integer call() throws IOException {
    out = spec.commandLine().getOut();
    FormatConfig config = config();
    if (rules) {
      list(config);
      return 0;
    }
    TextFormatter formatter = TextFormatter.of(config);
    boolean changed = false;
    for (String file : files) {
      boolean wasChanged = format(file, formatter);
      if (wasChanged && check && !explain) {
        out.println(name(file));
      }
      changed |= wasChanged;
      if (!StandardOutput.sound() && StandardOutput.readerHasGone()) {
        return StandardOutput.READER_HAS_GONE;
      }
    }
    return check && changed ? 1 : 0;
  }

  private FormatConfig config() {
    try {
      return new FormatConfig(enable, disable);
    } catch (DataException e) {
      throw new ParameterException(spec.commandLine(), "--" + e.getMessage(), e);
    }
  }

  private void list(FormatConfig config) {
    Columns columns = new Columns("rule", "", "what it does");
    for (Rule rule : Rule.values()) {
      columns.add(rule.id(), config.on(rule) ? "on" : "off", rule.description());
    }
    columns.print(out);
  }

  private static String name(String file) {
    return file.equals(STANDARD_INPUT) ? "standard input" : file;
  }

  /// Returns whether the text changed.
  private boolean format(String file, TextFormatter formatter) throws IOException {
    if (!file.equals(STANDARD_INPUT) && Files.isDirectory(Path.of(file))) {
      throw new ParameterException(
          spec.commandLine(), file + " is a directory; name its files, such as " + file + "/*.txt");
    }
    try (InputStream in =
        file.equals(STANDARD_INPUT) ? System.in : Files.newInputStream(Path.of(file))) {
      boolean[] any = {false};
      FormatStream stream =
          explain || check
              ? formatter.stream(
                  change -> {
                    any[0] = true;
                    if (explain) {
                      show(file, change);
                    }
                  })
              : formatter.stream();
      filter(file, in, stream);
      return any[0];
    }
  }

  private void show(String file, Change change) {
    out.printf(
        "%s:%d:%d\t%s\t%s\t%s%n",
        name(file),
        change.line(),
        change.column(),
        change.rule(),
        visible(change.before()),
        visible(change.after()));
  }

  /// In quotation marks, with escapes for what cannot be seen.
  private static String visible(String text) {
    StringBuilder visible = new StringBuilder("\"");
    text.codePoints()
        .forEach(
            c -> {
              int type = Character.getType(c);
              switch (c) {
                case '\n' -> visible.append("\\n");
                case '\r' -> visible.append("\\r");
                case '\t' -> visible.append("\\t");
                case ' ', '"' -> visible.appendCodePoint(c);
                default -> {
                  if (type == Character.CONTROL
                      || type == Character.FORMAT
                      || type == Character.SURROGATE
                      || type == Character.SPACE_SEPARATOR
                      || type == Character.LINE_SEPARATOR
                      || type == Character.PARAGRAPH_SEPARATOR) {
                    visible.append("\\u%04X".formatted(c));
                  } else {
                    visible.appendCodePoint(c);
                  }
                }
              }
            });
    return visible.append('"').toString();
  }

  /// Reads line by line; what is done is out before more is waited for.
  private void filter(String file, InputStream in, FormatStream stream) throws IOException {
    try {
      lines(file, in, stream);
    } catch (DataException e) {
      // what is before a line that cannot be read is done
      print(stream.take());
      out.flush();
      throw e;
    }
  }

  private void lines(String file, InputStream in, FormatStream stream) throws IOException {
    byte[] buffer = new byte[1 << 16];
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    int number = 1;
    for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
      int from = 0;
      for (int i = 0; i < count; i++) {
        if (buffer[i] == '\n') {
          line.write(buffer, from, i + 1 - from);
          stream.add(decode(file, number++, line));
          from = i + 1;
        }
      }
      line.write(buffer, from, count - from);
      print(stream.take());
      out.flush();
      if (!StandardOutput.sound() && StandardOutput.readerHasGone()) {
        return;
      }
      StandardOutput.requireSound();
    }
    if (line.size() > 0) {
      stream.add(decode(file, number, line));
    }
    stream.end();
    print(stream.take());
    out.flush();
  }

  private void print(String done) {
    if (!explain && !check) {
      out.print(done);
    }
  }

  private static String decode(String file, int number, ByteArrayOutputStream line) {
    ByteBuffer bytes = ByteBuffer.wrap(line.toByteArray());
    line.reset();
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw new DataException(
          "%s line %d: no UTF-8 at byte %d; convert the file, for example by iconv -f BIG5 -t UTF-8"
              .formatted(name(file), number, bytes.position() + 1),
          e);
    }
  }
}
