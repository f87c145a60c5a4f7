package dev.yushan.data.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Every rule does what its examples say, and `docs/reference/format-rules.md` shows all of them.
class FormatRulesTest {
  private static final Path PAGE = Path.of("../docs/reference/format-rules.md");

  @ParameterizedTest
  @EnumSource
  void examplesOfRulesHold(Rule rule) {
    TextFormatter formatter = TextFormatter.of(new FormatConfig(List.of(rule.id()), List.of()));
    assertThat(rule.examples()).isNotEmpty();
    for (Rule.Example example : rule.examples()) {
      assertThat(formatter.format(example.before())).isEqualTo(example.after());
      assertThat(formatter.format(example.after())).isEqualTo(example.after());
    }
  }

  /// No rule's first example is the work of others.
  @ParameterizedTest
  @EnumSource
  void withoutTheRuleItsFirstExampleIsNotMet(Rule rule) {
    TextFormatter without = TextFormatter.of(new FormatConfig(List.of(), List.of(rule.id())));
    Rule.Example example = rule.examples().getFirst();
    assertThat(without.format(example.before())).isNotEqualTo(example.after());
  }

  /// The rule is named where a change is explained.
  @ParameterizedTest
  @EnumSource
  void changesNameTheRule(Rule rule) {
    TextFormatter formatter = TextFormatter.of(new FormatConfig(List.of(rule.id()), List.of()));
    assertThat(formatter.explain(rule.examples().getFirst().before()))
        .extracting(Change::rule)
        .contains(rule.id());
  }

  @ParameterizedTest
  @EnumSource
  void examplesOfSpansHold(Span span) {
    TextFormatter formatter = TextFormatter.of(FormatConfig.DEFAULTS);
    assertThat(formatter.format(span.example().before())).isEqualTo(span.example().after());
  }

  @Test
  void thePageShowsThem() throws IOException {
    String page = page();
    Path made = Files.writeString(Path.of("target/format-rules.md"), page);
    assertThat(PAGE).as("copy trainer/%s there", made).hasContent(page);
    assertThat(page).contains("## word-space", "10c.c");
  }

  private static String page() {
    StringBuilder page =
        new StringBuilder(
            """
            # Formatting rules

            What `yushan format` and the formatting stage of `prepare` do, in the order in which they do it. Rules are
            switched by their names: `--enable`, `--disable`, or the keys `enable` and `disable`. Why they are so, how
            they compare with other tools and how fast they are: [formatting](../explanation/formatting.md).

            In the examples `\\n` is a line feed, and `\\u…` a character that cannot be seen; they are made with the
            rules that are on by default, and the one they are for.

            """);
    for (Rule rule : Rule.values()) {
      page.append("## %s%n%n".formatted(rule.id()))
          .append(rule.onByDefault() ? "" : "Off by default. ")
          .append(rule.description())
          .append("\n\n| before | after |\n|---|---|\n");
      rule.examples().forEach(example -> page.append(row(example)));
      page.append('\n');
    }
    page.append(
        """
        ## What is left alone

        Rules after `nfc` do not touch what is within one of these. Numbers, dates, times and e-mail addresses need
        no protection: no rule acts between two half-width characters, but for a space before a unit.

        | | before | after |
        |---|---|---|
        """);
    for (Span span : Span.values()) {
      page.append("| ").append(span.description()).append(' ').append(row(span.example()));
    }
    return page.toString();
  }

  private static String row(Rule.Example example) {
    boolean stays = example.before().equals(example.after());
    return "| %s | %s |%n"
        .formatted(code(example.before()), stays ? "stays" : code(example.after()));
  }

  private static String code(String text) {
    StringBuilder shown = new StringBuilder();
    for (char c : text.toCharArray()) {
      boolean seen = c == ' ' || Character.isLetterOrDigit(c) || Character.isSurrogate(c);
      int type = Character.getType(c);
      boolean hidden =
          type == Character.CONTROL
              || type == Character.FORMAT
              || type == Character.NON_SPACING_MARK
              || type == Character.LINE_SEPARATOR
              || type == Character.SPACE_SEPARATOR
              || (c >= 0xF900 && c <= 0xFAFF);
      shown.append(
          switch (c) {
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            case '|' -> "\\|";
            default -> hidden && !(seen && c < 0xF900) ? "\\u%04X".formatted((int) c) : "" + c;
          });
    }
    String fence = text.contains("```") ? "````" : text.contains("`") ? "``" : "`";
    String pad = text.startsWith("`") || text.endsWith("`") || text.endsWith(" ") ? " " : "";
    return fence + pad + shown + pad + fence;
  }
}
