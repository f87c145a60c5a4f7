package dev.yushan.data;

import static java.util.stream.Collectors.joining;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/// Which columns a record is made of: those of its text, and perhaps one that names it.
///
/// The text is one column as it is, or a template such as `{title}\n\n{body}`, written like
/// Python's format strings: `{name}` is a column, `{name?}` one that a record may lack or have as
/// null, `{{` and `}}` are braces.
///
/// @param template the name of the column or the template, as it was written
/// @param literals what stands before, between and after the columns of the text: one more than
///   there are of these
/// @param columns those of the text in its order, then that of the id if one is asked for
public record TextColumns(String template, List<String> literals, List<Column> columns) {
  /// The key of the column or template.
  static final String TEXT_KEY = "text_column";

  private static final String ID_KEY = "id_column";

  public TextColumns {
    literals = List.copyOf(literals);
    columns = List.copyOf(columns);
  }

  /// A column or template, and no id.
  public static TextColumns of(String template) {
    return of(TEXT_KEY, template);
  }

  /// @param where what names the template in messages, a key or a place in a file
  /// @throws DataException if it is empty, or has braces and is no template
  public static TextColumns of(String where, String template) {
    if (template.isEmpty()) {
      throw new DataException(where + ": is empty; name the column that holds the text");
    }
    if (template.indexOf('{') < 0 && template.indexOf('}') < 0) {
      Column column = new Column(template, TEXT_KEY, true, false);
      return new TextColumns(template, List.of("", ""), List.of(column));
    }
    return parse(where, template);
  }

  private static TextColumns parse(String where, String template) {
    List<String> literals = new ArrayList<>();
    List<Column> columns = new ArrayList<>();
    StringBuilder literal = new StringBuilder();
    int at = 0;
    while (at < template.length()) {
      char c = template.charAt(at);
      if (c != '{' && c != '}') {
        literal.append(c);
        at++;
      } else if (template.startsWith("" + c + c, at)) {
        literal.append(c);
        at += 2;
      } else {
        int end = template.indexOf('}', at);
        if (c == '}' || end < 0) {
          throw new DataException(
              "%s: %s has a single %s at character %d; write a column as {name}, and a brace that is text twice"
                  .formatted(where, template, c, at + 1));
        }
        columns.add(column(where, template, template.substring(at + 1, end)));
        literals.add(literal.toString());
        literal.setLength(0);
        at = end + 1;
      }
    }
    if (columns.isEmpty()) {
      throw new DataException(
          "%s: %s names no column; write each as {name}".formatted(where, template));
    }
    literals.add(literal.toString());
    return new TextColumns(template, literals, columns);
  }

  private static Column column(String where, String template, String reference) {
    boolean optional = reference.endsWith("?");
    String name = optional ? reference.substring(0, reference.length() - 1) : reference;
    if (name.isEmpty() || name.indexOf('{') >= 0) {
      throw new DataException(
          "%s: %s has {%s}, which is no column; write a name between two braces"
              .formatted(where, template, reference));
    }
    return new Column(name, TEXT_KEY, false, optional);
  }

  /// The same with the id in the column `name`, which each record must have.
  TextColumns withId(String name) {
    if (name.isEmpty()) {
      throw new DataException("id_column: is empty; name the column that holds the ids");
    }
    List<Column> all = new ArrayList<>(columns.subList(0, texts()));
    all.add(new Column(name, ID_KEY, false, false));
    return new TextColumns(template, literals, all);
  }

  /// The same with the text of `other`.
  TextColumns withText(TextColumns other) {
    return hasId() ? other.withId(columns.getLast().name()) : other;
  }

  private int texts() {
    return literals.size() - 1;
  }

  private boolean hasId() {
    return columns.size() > texts();
  }

  /// The record that has `values` in [#columns]; empty if all columns of its text are.
  RecordContent content(IntFunction<Column.Value> values) {
    String[] found = new String[columns.size()];
    Optional<String> wrong = Optional.empty();
    for (int i = 0; i < found.length; i++) {
      switch (values.apply(i)) {
        case Column.Value.Text(String text) -> found[i] = text;
        case Column.Value.Missing(String why) -> {
          wrong = columns.get(i).optional() ? wrong : wrong.or(() -> Optional.of(why));
          found[i] = "";
        }
        case Column.Value.Bad(String why, String text) -> {
          wrong = wrong.or(() -> Optional.of(why));
          found[i] = text;
        }
      }
    }
    if (wrong.isPresent()) {
      return new RecordContent.Bad(wrong.get(), there(found));
    }
    if (!hasId()) {
      return Utf8.content(text(found), Optional.empty());
    }
    String id = found[texts()];
    return Utf8.halfPair(id).isPresent()
        ? new RecordContent.Bad("the id has half a surrogate pair, which is no UTF-8", there(found))
        : Utf8.content(text(found), Optional.of(id));
  }

  /// What there is of a record that cannot be used.
  private static String there(String[] values) {
    return Arrays.stream(values).filter(value -> !value.isEmpty()).collect(joining("\n"));
  }

  private String text(String[] values) {
    if (columns.getFirst().textOnly()) {
      return values[0];
    }
    StringBuilder text = new StringBuilder();
    boolean empty = true;
    for (int i = 0; i < texts(); i++) {
      text.append(literals.get(i)).append(values[i]);
      empty &= values[i].isEmpty();
    }
    return empty ? "" : text.append(literals.getLast()).toString();
  }
}
