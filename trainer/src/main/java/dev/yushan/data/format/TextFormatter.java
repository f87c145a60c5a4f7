package dev.yushan.data.format;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/// Makes untidy Chinese text tidy, by the [Rule]s that are on.
///
/// To format twice is to format once; no letter, digit or Han character is lost or moved, up to
/// composition (NFC) and width. Time grows with the length of the text. Safe for use by several
/// threads.
public final class TextFormatter {
  /// Another one whenever rules give another result.
  public static final String VERSION = "rules 4";

  private final Set<Rule> on;

  private TextFormatter(FormatConfig config) {
    on = EnumSet.noneOf(Rule.class);
    Arrays.stream(Rule.values()).filter(config::on).forEach(on::add);
  }

  public static TextFormatter of(FormatConfig config) {
    return new TextFormatter(config);
  }

  /// The text as the rules would have it.
  public String format(String text) {
    return run(stream(), text);
  }

  /// What [#format] does, rule by rule and place by place, in the order in which it does it.
  public List<Change> explain(String text) {
    List<Change> changes = new ArrayList<>();
    run(stream(changes::add), text);
    return changes;
  }

  /// For a text that comes piece by piece.
  public FormatStream stream() {
    return new FormatStream(on, false, change -> {});
  }

  /// For a text that comes piece by piece; tells `changes` of each.
  public FormatStream stream(Consumer<Change> changes) {
    return new FormatStream(on, true, changes);
  }

  private static String run(FormatStream stream, String text) {
    stream.add(text);
    stream.end();
    return stream.take();
  }
}
