package dev.yushan.data.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.data.DataException;
import dev.yushan.data.TextColumns;
import java.util.List;

/// A source of documents.
///
/// @param name in reports, and in the logs of training (key `name`)
/// @param files as `dataset` names them in training: paths, directories, globs, names of
///   `dataset_info.json` (key `files`)
/// @param textColumn the column or field that holds the text, or a template over several (key
///   `text_column`)
/// @param idColumn the one that holds an id; empty: file and place are the id (key `id_column`)
/// @param role what it is for (key `role`)
/// @param skip names of stages that are not for it, such as a quality filter for another language
///   (key `skip`)
/// @param weight its share of the tokens trained on, in proportion to those of others; 0: not mixed
///   by weight (key `weight`)
/// @param epochs how often a pass over the corpus goes over it; a fraction is drawn (key `epochs`)
public record SourceSpec(
    String name,
    List<String> files,
    String textColumn,
    String idColumn,
    Role role,
    List<String> skip,
    double weight,
    double epochs) {
  /// What a source is for.
  public enum Role {
    /// It is trained on.
    TRAIN,
    /// It is held out and evaluated on.
    EVAL,
    /// It is held out to see what training makes the model forget, such as another language.
    FORGET
  }

  private static final SourceSpec DEFAULTS =
      new SourceSpec("-", List.of(), "text", "", Role.TRAIN, List.of(), 0, 1);

  public SourceSpec {
    files = List.copyOf(files);
    skip = List.copyOf(skip);
    if (!name.matches("[\\w-][\\w.-]*")) {
      throw new DataException(
          "name: '%s' is no name; use the letters A to Z, digits, - and _, since files are named by it"
              .formatted(name));
    }
    TextColumns.of(textColumn); // says what is wrong with it
    requireAbove(weight >= 0, "weight", weight);
    requireAbove(epochs > 0, "epochs", epochs);
    if (role != Role.TRAIN && (weight != 0 || epochs != 1)) {
      throw new DataException(
          "weight, epochs: are for sources that are trained on; leave them out for role: "
              + Settings.word(role));
    }
    if (skip.contains(Stages.DEDUP)) {
      throw new DataException("skip: dedup is for all sources together; leave it out here");
    }
  }

  static SourceSpec of(JsonNode given, String where) {
    SourceSpec source = Settings.over(DEFAULTS, given, where);
    if (!given.has("name") || source.files.isEmpty()) {
      throw new DataException(where + ": needs name and files");
    }
    return source;
  }

  /// Whether a stage is not for it. What is held out may be the very benchmark that training data
  /// is kept clear of.
  boolean skips(String stage) {
    return skip.contains(stage) || (stage.equals(Stages.DECONTAMINATE) && !isTraining());
  }

  boolean isTraining() {
    return role == Role.TRAIN;
  }

  private static void requireAbove(boolean above, String key, double value) {
    if (!above || !Double.isFinite(value)) {
      throw new DataException("%s: %s: give a number above 0".formatted(key, value));
    }
  }
}
