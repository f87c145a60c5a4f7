package dev.yushan.data.prepare;

import dev.yushan.data.hygiene.ForeignScript;
import dev.yushan.data.hygiene.MainlandWords;
import dev.yushan.data.hygiene.Pii;
import dev.yushan.data.hygiene.PiiAction;
import dev.yushan.data.hygiene.PiiConfig;
import dev.yushan.data.hygiene.PiiSpan;
import dev.yushan.data.hygiene.Quality;
import dev.yushan.data.hygiene.QualityConfig;
import dev.yushan.data.hygiene.Rejection;
import dev.yushan.data.hygiene.ScriptConfig;
import dev.yushan.data.hygiene.ScriptDetector;
import dev.yushan.data.hygiene.ScriptProfile;
import dev.yushan.data.hygiene.TaiwanConversion;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Script, quality and personal data as stages.
final class HygieneStages {
  private HygieneStages() {}

  static Stage script(ScriptConfig config) {
    return document -> {
      String text = document.text();
      Optional<ForeignScript.Found> foreign = ForeignScript.find(text, config);
      if (foreign.isPresent()) {
        String share = "%.0f %% of the letters are %s";
        boolean japanese = foreign.get().name().equals("japanese");
        return Outcome.dropped(
            foreign.get().name(),
            share.formatted(100 * foreign.get().share(), japanese ? "kana" : "Hangul"));
      }
      ScriptProfile profile = ScriptDetector.profile(text, config);
      Map<String, Long> notes = new TreeMap<>();
      notes.put(Settings.word(profile.script()), 1L);
      String detail =
          "%d characters of traditional script alone, %d of simplified"
              .formatted(profile.traditional(), profile.simplified());
      return switch (config.action(profile.script())) {
        case DROP -> new Outcome.Dropped(Settings.word(profile.script()), detail, notes);
        case CONVERT -> kept(TaiwanConversion.convert(text, config.convertWords()), config, notes);
        case KEEP -> kept(text, config, notes);
      };
    };
  }

  private static Outcome kept(String text, ScriptConfig config, Map<String, Long> notes) {
    int words = MainlandWords.count(text, config.countAmbiguous()).total();
    if (words > 0) {
      notes.put("mainland_words", (long) words);
    }
    return new Outcome.Kept(text, notes);
  }

  static Stage quality(QualityConfig config) {
    return document -> {
      Optional<Rejection> rejection = Quality.check(document.text(), config).rejection();
      return rejection.isPresent()
          ? Outcome.dropped(rejection.get().filter().id(), rejection.get().toString())
          : Outcome.kept(document.text());
    };
  }

  static Stage pii(PiiConfig config) {
    return document -> {
      List<PiiSpan> found = Pii.find(document.text(), config);
      if (found.isEmpty()) {
        return Outcome.kept(document.text());
      }
      Map<String, Long> notes = new TreeMap<>();
      found.forEach(span -> notes.merge(Settings.word(span.kind()), 1L, Long::sum));
      if (Pii.drops(found, config)) {
        PiiSpan first =
            found.stream()
                .filter(span -> config.action(span.kind()) == PiiAction.DROP)
                .findFirst()
                .orElseThrow();
        // not the data itself: it would be in the report
        return new Outcome.Dropped("personal_data", Settings.word(first.kind()), notes);
      }
      return new Outcome.Kept(Pii.redact(document.text(), found, config), notes);
    };
  }
}
