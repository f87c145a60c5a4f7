package dev.yushan.train;

import dev.yushan.data.Format;
import dev.yushan.data.Source;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Short names for the entries of `dataset` or `eval_dataset`, as they stand in keys of logs.
///
/// @param names one for each entry, no two the same
/// @param byFile the name of the first entry that has the file
record SourceNames(List<String> names, Map<Path, String> byFile) {
  static SourceNames of(List<Source> sources) {
    List<String> names = new ArrayList<>();
    Map<Path, String> byFile = new HashMap<>();
    for (Source source : sources) {
      String name = unused(shortName(source.name()), names);
      names.add(name);
      source.files().forEach(file -> byFile.putIfAbsent(file.path(), name));
    }
    return new SourceNames(List.copyOf(names), Map.copyOf(byFile));
  }

  /// The name of a dataset; of a path the file name without its ending.
  private static String shortName(String name) {
    return name.contains("/") || name.contains(".") ? Format.withoutEnding(Path.of(name)) : name;
  }

  private static String unused(String name, List<String> used) {
    int number = 1;
    String free = name;
    while (used.contains(free)) {
      free = name + "_" + ++number;
    }
    return free;
  }

  boolean several() {
    return names.size() > 1;
  }

  /// The name of the entry that `file` belongs to.
  String of(Path file) {
    return byFile.getOrDefault(file, "other");
  }
}
