package dev.yushan.data.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.data.ContentHash;
import dev.yushan.data.DataException;
import dev.yushan.data.SourceConfig;
import dev.yushan.data.SourceFile;
import dev.yushan.data.Sources;
import dev.yushan.data.dedup.Contamination;
import dev.yushan.data.dedup.Decontamination;
import dev.yushan.data.dedup.DecontaminationConfig;
import dev.yushan.data.dedup.DedupConfig;
import dev.yushan.data.format.FormatConfig;
import dev.yushan.data.format.TextFormatter;
import dev.yushan.data.hygiene.PiiConfig;
import dev.yushan.data.hygiene.QualityConfig;
import dev.yushan.data.hygiene.ScriptConfig;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/// The stages there are, each with its settings. A new one is a class that makes a [Stage] of a
/// record of settings, and a line in the table.
public final class Stages {
  /// Deduplication: the stage that needs all documents at once.
  static final String DEDUP = "dedup";

  /// What keeps benchmarks out of what is trained on.
  static final String DECONTAMINATE = "decontaminate";

  private static final Map<String, Type<?>> TYPES = new LinkedHashMap<>();

  static {
    add("format", FormatConfig.DEFAULTS, Stages::format, config -> TextFormatter.VERSION);
    add("script", ScriptConfig.DEFAULTS, HygieneStages::script);
    add("quality", QualityConfig.DEFAULTS, HygieneStages::quality);
    add("pii", PiiConfig.DEFAULTS, HygieneStages::pii);
    add(DECONTAMINATE, DecontaminationConfig.DEFAULTS, Stages::decontaminate, Stages::benchmarks);
    add(DEDUP, DedupConfig.DEFAULTS, config -> document -> Outcome.kept(document.text()));
  }

  private Stages() {}

  /// @param make the stage with these settings
  /// @param inputs what it depends on besides its settings, such as the content of files
  private record Type<C>(C defaults, Function<C, Stage> make, Function<C, String> inputs) {
    Configured configured(String name, JsonNode given, String where) {
      C config = Settings.over(defaults, given, where);
      return new Configured(name, config, Settings.MAPPER.valueToTree(config));
    }

    @SuppressWarnings("unchecked")
    Stage stage(Object config) {
      return make.apply((C) config);
    }

    @SuppressWarnings("unchecked")
    String inputs(Object config) {
      return inputs.apply((C) config);
    }
  }

  private static <C> void add(String name, C defaults, Function<C, Stage> make) {
    add(name, defaults, make, config -> "");
  }

  private static <C> void add(
      String name, C defaults, Function<C, Stage> make, Function<C, String> inputs) {
    TYPES.put(name, new Type<>(defaults, make, inputs));
  }

  /// A stage with its settings.
  ///
  /// @param config its record of settings
  /// @param settings the same as a tree, in snake case
  public record Configured(String name, Object config, ObjectNode settings) {
    Stage stage() {
      return TYPES.get(name).stage(config);
    }

    boolean isDedup() {
      return name.equals(DEDUP);
    }

    /// All that its outcome depends on besides the document.
    String fingerprint() {
      return name + " " + settings + " " + TYPES.get(name).inputs(config);
    }
  }

  /// Those of a corpus that names none: all but `decontaminate`, which needs files.
  static List<Configured> defaults() {
    return TYPES.entrySet().stream()
        .filter(type -> !type.getKey().equals(DECONTAMINATE))
        .map(type -> type.getValue().configured(type.getKey(), Settings.MAPPER.nullNode(), ""))
        .toList();
  }

  /// Reads a list whose elements are names, or names with settings.
  static List<Configured> read(JsonNode list, String where) {
    if (!list.isArray()) {
      throw new DataException(
          where
              + ": is no list; write for example\n"
              + "  stages:\n"
              + "  - format\n"
              + "  - dedup: {threshold: 0.9}");
    }
    List<Configured> stages = new ArrayList<>();
    for (JsonNode element : list) {
      String place = "%s[%d]".formatted(where, stages.size());
      Map.Entry<String, JsonNode> stage = nameAndSettings(element, place);
      String name = stage.getKey();
      if (!TYPES.containsKey(name)) {
        throw new DataException(
            "%s: there is no stage %s; %s"
                .formatted(place, name, Settings.nearest(name, List.copyOf(TYPES.keySet()))));
      }
      if (stages.stream().anyMatch(former -> former.name().equals(name))) {
        throw new DataException("%s: %s is there twice; keep one".formatted(place, name));
      }
      stages.add(TYPES.get(name).configured(name, stage.getValue(), place + ": " + name));
    }
    return stages;
  }

  private static Map.Entry<String, JsonNode> nameAndSettings(JsonNode element, String place) {
    if (element.isTextual()) {
      return Map.entry(element.textValue(), Settings.MAPPER.nullNode());
    }
    if (element.isObject() && element.size() == 1) {
      return element.properties().iterator().next();
    }
    throw new DataException(
        "%s: is no stage: %s; write its name, or name: {key: value}".formatted(place, element));
  }

  // ---- stages ----------------------------------------------------------------------------------

  private static Stage format(FormatConfig config) {
    TextFormatter formatter = TextFormatter.of(config);
    return document -> Outcome.kept(formatter.format(document.text()));
  }

  private static Stage decontaminate(DecontaminationConfig config) {
    files(config); // says which is not there
    Decontamination benchmarks = Decontamination.read(config);
    return document -> {
      Optional<Contamination> found = benchmarks.check(document.text());
      if (found.isEmpty()) {
        return Outcome.kept(document.text());
      }
      String detail =
          "%.0f %% of %s: %s"
              .formatted(100 * found.get().overlap(), found.get().place(), found.get().fragment());
      return config.action() == DecontaminationConfig.Action.DROP
          ? Outcome.dropped("contaminated", detail)
          : new Outcome.Kept(document.text(), Map.of("contaminated", 1L));
    };
  }

  private static String benchmarks(DecontaminationConfig config) {
    return files(config).stream()
        .map(SourceFile::path)
        .map(ContentHash::of)
        .collect(Collectors.joining(" "));
  }

  private static List<SourceFile> files(DecontaminationConfig config) {
    if (config.files().isEmpty()) {
      throw new DataException(
          "decontaminate: names no benchmarks; give it files: [benchmark.jsonl], or take it out of"
              + " the stages");
    }
    try {
      SourceConfig named = SourceConfig.of(config.files().toArray(String[]::new));
      return Sources.files(Sources.resolve(named));
    } catch (DataException e) {
      throw Settings.about("decontaminate: files", e);
    }
  }
}
