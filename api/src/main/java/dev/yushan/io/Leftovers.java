package dev.yushan.io;

import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Names of files and directories that exist only while something is written: a hidden sibling
/// `.<name>.<16 hex digits>.<kind>`. One that outlives its writer tells what was interrupted.
///
/// @param name the name it stands in for
/// @param kind one of the constants below
record Leftovers(String name, String kind) {
  /// Not finished.
  static final String PARTIAL = "partial";

  /// The former content of a directory, while the new one takes its name.
  static final String REPLACED = "replaced";

  /// On its way out.
  static final String DELETED = "deleted";

  private static final Pattern PATTERN =
      Pattern.compile(
          "\\.(?<name>.+)\\.[0-9a-f]{16}\\.(?<kind>%s|%s|%s)"
              .formatted(PARTIAL, REPLACED, DELETED));

  static Path sibling(Path target, String kind) {
    String random = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    return target.resolveSibling("." + target.getFileName() + "." + random + "." + kind);
  }

  static Optional<Leftovers> parse(Path path) {
    Matcher matcher = PATTERN.matcher(path.getFileName().toString());
    return matcher.matches()
        ? Optional.of(new Leftovers(matcher.group("name"), matcher.group("kind")))
        : Optional.empty();
  }
}
