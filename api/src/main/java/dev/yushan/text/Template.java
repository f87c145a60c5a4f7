package dev.yushan.text;

import java.util.ArrayList;
import java.util.List;

/// What `TemplateProcessing` puts around a single text: ids in front and ids behind.
record Template(List<Integer> prefix, List<Integer> suffix) {
  static final Template NONE = new Template(List.of(), List.of());

  Template {
    prefix = List.copyOf(prefix);
    suffix = List.copyOf(suffix);
  }

  /// Reads the field `post_processor`. A `ByteLevel` step moves offsets, never ids; templates for
  /// pairs are not looked at, since pairs are never encoded here.
  static Template parse(JsonField field) {
    if (field.isNull()) {
      return NONE;
    }
    List<JsonField> steps = List.of(field);
    if (field.get("type").node().asText().equals("Sequence")) {
      field.allowOnly("type", "processors");
      steps = field.get("processors").elements();
    }
    Template template = NONE;
    for (JsonField step : steps) {
      switch (step.get("type").string()) {
        case "ByteLevel" -> step.allowOnly("type", "add_prefix_space", "trim_offsets", "use_regex");
        case "TemplateProcessing" -> {
          if (template != NONE) {
            throw step.refuse("is a second TemplateProcessing; only one is supported");
          }
          template = template(step);
        }
        default ->
            throw step.get("type")
                .refuse(
                    "is %s; only TemplateProcessing and ByteLevel are supported"
                        .formatted(step.get("type").shown()));
      }
    }
    return template;
  }

  private static Template template(JsonField step) {
    step.allowOnly("type", "single", "pair", "special_tokens");
    List<Integer> prefix = new ArrayList<>();
    List<Integer> suffix = new ArrayList<>();
    boolean seen = false;
    for (JsonField part : step.get("single").elements()) {
      part.allowOnly("SpecialToken", "Sequence");
      if (part.get("SpecialToken").isNull()) {
        if (seen || !part.get("Sequence").get("id").string().equals("A")) {
          throw part.refuse("must be the only Sequence, with id A");
        }
        seen = true;
        continue;
      }
      String name = part.get("SpecialToken").get("id").string();
      JsonField ids = step.get("special_tokens").get(name).get("ids");
      for (JsonField id : ids.elements()) {
        (seen ? suffix : prefix).add(id.id());
      }
    }
    if (!seen) {
      throw step.get("single").refuse("has no Sequence A: the text itself would be lost");
    }
    return new Template(prefix, suffix);
  }
}
