package dev.yushan.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.yushan.io.DurableFiles;
import dev.yushan.io.hub.HubRepo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/// The model card, `README.md`: metadata of the Hugging Face Hub and what was measured, in the
/// order in which cards of continued pre-training are read. Nothing is in it that the files of the
/// run do not say; what they cannot know, such as the license of a corpus, is left out and named as
/// missing.
///
/// `card.yaml` beside it has metadata that takes the place of ours, for those who know more.
public final class ModelCard {
  /// The name of the card.
  static final String FILE = "README.md";

  /// The name of the file with metadata of the user.
  static final String OVERRIDES = "card.yaml";

  /// What tells a card of ours from one that somebody wrote.
  static final String MARKER =
      "<!-- Made by yushan from the files of this run. To keep changes of your own, delete this"
          + " line: a card without it is not replaced. -->";

  /// The share of Han among the letters from which a corpus is Chinese, unless so many are kana.
  private static final double CHINESE = 0.3;

  private static final double JAPANESE = 0.05;

  private ModelCard() {}

  /// Writes the card of a run and returns its path.
  ///
  /// @param force whether to replace one that is not ours
  /// @throws IllegalArgumentException if there is one that is not ours, or `card.yaml` is no YAML
  ///   object of fields as the Hub takes them
  public static Path write(RunDirectory run, boolean force) {
    Path file = run.path().resolve(FILE);
    if (Files.exists(file) && !force && !isOurs(file)) {
      throw new IllegalArgumentException(
          "%s was not made by yushan and stays as it is; replace it with --force, or move it away"
              .formatted(file));
    }
    DurableFiles.write(file, text(run));
    return file;
  }

  /// Whether there is a card at `file` that we made.
  public static boolean isOurs(Path file) {
    try {
      return Files.isRegularFile(file) && Files.readString(file).contains(MARKER);
    } catch (IOException e) {
      // what cannot be read as text, ours is not, and it must not be replaced
      return false;
    }
  }

  static String text(RunDirectory run) {
    ObjectNode metadata = metadata(run);
    return FrontMatter.write(metadata)
        + "\n"
        + MARKER
        + "\n\n"
        + new CardText(run, metadata).body();
  }

  // ---- metadata --------------------------------------------------------------------------------

  static ObjectNode metadata(RunDirectory run) {
    JsonNode base = run.facts().path("base");
    JsonNode baseCard = base.path("card");
    ObjectNode metadata = JsonNodeFactory.instance.objectNode();
    boolean fresh = base.path("train_from_scratch").asBoolean();
    if (base.has("id") && !fresh) {
      metadata.set("base_model", base.get("id"));
    }
    metadata.put("library_name", "transformers");
    datasets(run, metadata);
    ArrayNode languages = languages(run, fresh ? JsonNodeFactory.instance.missingNode() : baseCard);
    if (!languages.isEmpty()) {
      metadata.set("language", languages);
    }
    if (!fresh) {
      for (String key : List.of("license", "license_name", "license_link")) {
        if (baseCard.path(key).isTextual()) {
          metadata.set(key, baseCard.get(key));
        }
      }
    }
    ArrayNode tags = metadata.putArray("tags").add("yushan");
    tags.add(fresh ? "pretraining" : "continued-pretraining");
    metadata.put("pipeline_tag", "text-generation");
    ArrayNode widget = metadata.putArray("widget");
    run.prompts().forEach(prompt -> widget.addObject().put("text", prompt));
    if (widget.isEmpty()) {
      metadata.remove("widget");
    }
    metadata.setAll(overrides(run.path().resolve(OVERRIDES)));
    return metadata;
  }

  /// Those that have the form of a dataset's id on the Hub; files are none.
  private static void datasets(RunDirectory run, ObjectNode metadata) {
    Set<String> ids = new LinkedHashSet<>();
    for (JsonNode dataset : run.facts().path("datasets")) {
      String entry = hubId(dataset.path("entry").asText());
      if (isHubId(entry) && dataset.path("files").asInt() > 0 && !Files.exists(Path.of(entry))) {
        ids.add(entry);
      }
    }
    if (!ids.isEmpty()) {
      ids.forEach(metadata.putArray("datasets")::add);
    }
  }

  /// Of the address of files of a dataset the id; other names as they are.
  private static String hubId(String entry) {
    return entry.startsWith(HubRepo.SCHEME + "datasets/")
        ? HubRepo.parse(entry).repo().id()
        : entry;
  }

  static boolean isHubId(String name) {
    return name.matches("[\\w-][\\w.-]*/[\\w-][\\w.-]*")
        && !name.matches(".*\\.(jsonl?|parquet|txt|csv|gz|zst)");
  }

  /// Those of the base, and Chinese where the corpus is written in it: that much its characters
  /// tell.
  private static ArrayNode languages(RunDirectory run, JsonNode baseCard) {
    ArrayNode languages = JsonNodeFactory.instance.arrayNode();
    JsonNode scripts = run.facts().path("scripts");
    double kana = scripts.path("HIRAGANA").asDouble() + scripts.path("KATAKANA").asDouble();
    boolean chinese = scripts.path("HAN").asDouble() >= CHINESE && kana < JAPANESE;
    if (chinese) {
      languages.add("zh");
    }
    JsonNode inherited = baseCard.path("language");
    (inherited.isTextual() ? languages.arrayNode().add(inherited) : inherited)
        .forEach(
            language -> {
              if (language.isTextual() && !(chinese && language.asText().equals("zh"))) {
                languages.add(language);
              }
            });
    return languages;
  }

  private static ObjectNode overrides(Path file) {
    if (!Files.isRegularFile(file)) {
      return JsonNodeFactory.instance.objectNode();
    }
    try {
      if (new YAMLMapper().readTree(file.toFile()) instanceof ObjectNode fields) {
        CardFields.check(fields, file);
        return fields;
      }
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "%s is no valid YAML: %s; correct it or delete it"
              .formatted(file, e.getOriginalMessage()),
          e);
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
    }
    throw new IllegalArgumentException(
        file + " must hold lines of the form key: value, such as license: apache-2.0");
  }
}
