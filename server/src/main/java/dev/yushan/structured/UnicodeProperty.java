package dev.yushan.structured;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/// Sets of characters by the name of a Unicode property: general categories (`L`, `Lu`) and scripts
/// (`Han`, `Script=Han`, `IsHan`), of the Unicode version of the JDK.
final class UnicodeProperty {
  /// By the value of [Character#getType(int)].
  private static final List<String> CATEGORIES =
      List.of(
          "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Me", "Mc", "Nd", "Nl", "No", "", "Zs", "Zl",
          "Zp", "Cc", "Cf", "", "Co", "Cs", "Pd", "Ps", "Pe", "Pc", "Po", "Sm", "Sc", "Sk", "So",
          "Pi", "Pf");

  private static final Map<String, CodePoints> KNOWN = new ConcurrentHashMap<>();

  private UnicodeProperty() {}

  /// Throws [IllegalArgumentException] for a name that is neither a category nor a script.
  static CodePoints named(String name) {
    String plain = name.replaceFirst("^(Script=|script=|sc=|General_Category=|gc=|Is)", "");
    boolean category =
        plain.matches("[A-Z][a-z]?") && CATEGORIES.stream().anyMatch(c -> c.startsWith(plain));
    if (category) {
      return KNOWN.computeIfAbsent(
          plain, p -> CodePoints.where(c -> CATEGORIES.get(Character.getType(c)).startsWith(p)));
    }
    Character.UnicodeScript script =
        script(plain)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "the regular expression names the property %s, which is not known: a general category (L, Lu, N, P …) or a script (Han, Latin, Bopomofo …) may stand in \\p{…}"
                            .formatted(name)));
    return KNOWN.computeIfAbsent(
        script.name(), n -> CodePoints.where(c -> Character.UnicodeScript.of(c) == script));
  }

  private static Optional<Character.UnicodeScript> script(String name) {
    try {
      return Optional.of(Character.UnicodeScript.forName(name.toUpperCase(Locale.ROOT)));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
