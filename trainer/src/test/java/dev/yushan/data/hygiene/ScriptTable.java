package dev.yushan.data.hygiene;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// Makes `script-characters.txt` as [ScriptDetector] describes it. Run with the path of the file to
/// write, after a new version of opencc4j.
final class ScriptTable {
  private static final int CHARACTERS_A_LINE = 48;

  private ScriptTable() {}

  public static void main(String[] args) throws IOException {
    Files.writeString(Path.of(args[0]), make());
  }

  static String make() throws IOException {
    Map<String, List<String>> toTraditional = dictionary("STCharacters.txt");
    Map<String, List<String>> toSimplified = dictionary("TSCharacters.txt");
    return "# Characters of one script only, from the dictionaries of OpenCC in opencc4j (Apache\n"
        + "# License 2.0); made by ScriptTable among the tests.\n"
        + "[traditional]\n"
        + lines(onlyOne(toSimplified, toTraditional, "GB2312"))
        + "[simplified]\n"
        + lines(onlyOne(toTraditional, toSimplified, "x-windows-950"));
  }

  /// Characters that `away` maps, but never to themselves, that nothing maps to, that the other
  /// side does not map, and that the other side's charset lacks.
  private static Set<String> onlyOne(
      Map<String, List<String>> away, Map<String, List<String>> back, String otherCharset) {
    CharsetEncoder other = Charset.forName(otherCharset).newEncoder();
    Set<String> targets = new HashSet<>();
    away.values().forEach(targets::addAll);
    Set<String> only = new TreeSet<>();
    away.forEach(
        (character, to) -> {
          if (character.length() == 1
              && !to.contains(character)
              && !targets.contains(character)
              && !back.containsKey(character)
              && !other.canEncode(character)) {
            only.add(character);
          }
        });
    return only;
  }

  private static Map<String, List<String>> dictionary(String name) throws IOException {
    Map<String, List<String>> map = new LinkedHashMap<>();
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                ScriptTable.class.getResourceAsStream("/data/dictionary/" + name),
                StandardCharsets.UTF_8))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        String[] words = line.trim().split("\\s+");
        map.put(words[0], List.of(words).subList(1, words.length));
      }
    }
    return map;
  }

  private static String lines(Set<String> characters) {
    String all = String.join("", characters);
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < all.length(); i += CHARACTERS_A_LINE) {
      lines.append(all, i, Math.min(all.length(), i + CHARACTERS_A_LINE)).append('\n');
    }
    return lines.toString();
  }
}
