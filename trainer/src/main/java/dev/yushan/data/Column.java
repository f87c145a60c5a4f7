package dev.yushan.data;

import java.nio.file.Path;
import java.util.List;

/// A column, or field of a JSON object, that is read of each record.
///
/// @param key the configuration key that names it, for messages
/// @param textOnly whether it must be a string; else it may be a whole number too
/// @param optional whether a record that lacks it is good all the same, with nothing in its place
record Column(String name, String key, boolean textOnly, boolean optional) {
  /// What it may be, for messages.
  String kind() {
    return textOnly ? "string" : "string or whole number";
  }

  /// That `file`, whose columns are `names`, has no such one.
  DataException absent(Path file, List<String> names) {
    return new DataException(
        "%s has no column %s (key %s); it has %s".formatted(file, name, key, names));
  }

  /// What a record has in a column.
  sealed interface Value {
    /// A string, or a whole number in decimal digits.
    record Text(String text) implements Value {}

    /// There is no such field, or it is null.
    record Missing(String why) implements Value {}

    /// What cannot be used.
    ///
    /// @param text what there is of it as text
    record Bad(String why, String text) implements Value {}
  }
}
