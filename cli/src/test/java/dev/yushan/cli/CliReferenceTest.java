package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;

/// `docs/reference/cli.md` is the help of every command.
class CliReferenceTest {
  private static final Path PAGE = Path.of("../docs/reference/cli.md");

  @Test
  void thePageIsTheHelp() throws IOException {
    String page = page();
    Path made = Files.writeString(Path.of("target/cli.md"), page);
    assertThat(PAGE).as("copy %s there", made).hasContent(page);
    assertThat(page).contains("## yushan train", "## yushan tokenizer encode", "--top-p");
  }

  private static String page() {
    StringBuilder page =
        new StringBuilder(
            """
            # Command line

            What `yushan COMMAND --help` says, command by command. Results go to standard output, the rest to
            standard error. Exit codes, with one line on standard error that says why:

            | code | |
            |---|---|
            | 0 | done |
            | 1 | failed: something is missing or damaged, a disk is full, a connection lost; or what was asked about is not so (`format --check`, `inspect --checksums`, `train --estimate`, `backends`, which say so without that line) |
            | 2 | refused: a command, an option, a value or a configuration must be another one, also where what is asked for does not fit into memory |
            | 130, 143 | ended at once by Ctrl-C or SIGTERM |
            | 141 | whoever read standard output has gone, as with `head` |
            """);
    add(Yushan.commandLine(), page);
    return page.toString();
  }

  private static void add(CommandLine command, StringBuilder page) {
    command.setUsageHelpWidth(100);
    page.append("\n## ").append(command.getCommandSpec().qualifiedName()).append("\n\n```text\n");
    command
        .getUsageMessage(Ansi.OFF)
        .lines()
        .forEach(line -> page.append(line.stripTrailing()).append('\n'));
    page.append("```\n");
    command.getSubcommands().values().stream()
        .filter(sub -> !sub.getCommandSpec().helpCommand())
        .forEach(sub -> add(sub, page));
  }
}
