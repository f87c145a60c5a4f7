package dev.yushan.io.hub;

import java.util.List;
import java.util.regex.Pattern;

/// Files by patterns as `hf download` has them (Python's `fnmatch`): `*` stands for anything, also
/// across `/`; `?` for a character, `[a-z]`, `[!a-z]` for one of some. One that ends with `/` means
/// all below it.
///
/// @param include what is wanted; everything if empty
/// @param exclude what is not wanted of that
public record Patterns(List<String> include, List<String> exclude) implements FileChoice {
  public Patterns {
    include = List.copyOf(include);
    exclude = List.copyOf(exclude);
  }

  @Override
  public List<String> of(List<String> paths) {
    List<Pattern> wanted = include.stream().map(Patterns::regex).toList();
    List<Pattern> unwanted = exclude.stream().map(Patterns::regex).toList();
    return paths.stream()
        .filter(path -> wanted.isEmpty() || matches(wanted, path))
        .filter(path -> !matches(unwanted, path))
        .toList();
  }

  private static boolean matches(List<Pattern> patterns, String path) {
    return patterns.stream().anyMatch(pattern -> pattern.matcher(path).matches());
  }

  private static Pattern regex(String pattern) {
    String text = pattern.endsWith("/") ? pattern + "*" : pattern;
    StringBuilder regex = new StringBuilder();
    int i = 0;
    while (i < text.length()) {
      char c = text.charAt(i++);
      int end = c == '[' ? text.indexOf(']', Math.min(text.length(), i + 1)) : -1;
      if (end > 0) {
        String set = text.substring(i, end).replace("\\", "\\\\").replace("[", "\\[");
        set = set.replace("&&", "&\\&");
        boolean not = set.startsWith("!");
        regex.append(not ? "[^" : "[").append(escaped(not ? set.substring(1) : set)).append(']');
        i = end + 1;
      } else {
        regex.append(
            switch (c) {
              case '*' -> ".*";
              case '?' -> ".";
              default -> Pattern.quote(String.valueOf(c));
            });
      }
    }
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }

  /// `^` and `]` at the beginning of a set are themselves.
  private static String escaped(String set) {
    return set.startsWith("^") || set.startsWith("]") ? "\\" + set : set;
  }
}
