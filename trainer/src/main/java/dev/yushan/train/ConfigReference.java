package dev.yushan.train;

import dev.yushan.train.TrainingKey.Alias;
import dev.yushan.train.TrainingKey.NoEffect;
import dev.yushan.train.TrainingKey.Refused;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;

/// Writes `docs/reference/config.md` from [TrainingKeys].
final class ConfigReference {
  private static final String HEAD =
      """
      # Training configuration

      What `yushan train CONFIG.yaml` reads: one YAML file with the key names of Hugging Face
      `TrainingArguments` and LLaMA-Factory. `--set key=value` overrides a key. This page is made from the
      table in `TrainingKeys.java`; a test keeps the two equal.

      `yushan config --resolve CONFIG.yaml` shows what all keys come to, and where from, without a run.

      A key that is not on this page is an error that names the one that was probably meant. A key that is
      set twice, also under its other name, is one too. Keys that are not set have the defaults of
      `TrainingArguments`, except where a row says otherwise. `→ key` is the value of that key. A key set to
      `null` counts as not set. The resolved configuration, with the origin of each value, is written to
      `output_dir/training_config.yaml`.

      ## A recipe for several devices

      It runs in one process, one device after the other: set `world_size` to their number, which the file
      of such a recipe does not hold. A step then has `per_device_train_batch_size` ×
      `gradient_accumulation_steps` × `world_size` rows; a line at the start says how many. Its loss is the
      mean over all its targets, as that of all devices with `average_tokens_across_devices: true`. An epoch
      has as many steps as there; but where devices would be given rows twice, so that all have as many, here
      each row counts once. `docs/examples/llama-3.2-taiwan-3b.yaml` is such a recipe.
      """;

  private ConfigReference() {}

  /// Rewrites the page: the one argument is its file.
  public static void main(String[] args) throws IOException {
    Files.writeString(Path.of(args[0]), page());
  }

  /// The page as Markdown.
  static String page() {
    StringBuilder page = new StringBuilder(HEAD);
    for (String row : TrainingKeys.honouredRows()) {
      if (row.startsWith("# ")) {
        page.append("\n## ").append(row.substring(2)).append("\n\n");
        page.append("| key | type | default | |\n|---|---|---|---|\n");
      } else {
        String[] cells = row.split("\\|", -1);
        page.append(
            "| `%s` | %s | %s | %s |\n"
                .formatted(
                    cells[0].strip(), cells[1].strip(), code(cells[2].strip()), cells[3].strip()));
      }
    }
    page.append("\n## Other names\n\n| key | the same as |\n|---|---|\n");
    each(Alias.class, (key, alias) -> page.append(row(key, "`" + alias.key() + "`")));
    page.append(
        "\n"
            + "## No effect here\n\n"
            + "These may stay in a file; one notice says that they do nothing.\n\n");
    page.append("| key | why |\n|---|---|\n");
    each(NoEffect.class, (key, no) -> page.append(row(key, key.doc())));
    page.append("\n## Refused\n\nThe result would be another one than the file asks for.\n\n");
    page.append("| key | accepted all the same | why |\n|---|---|---|\n");
    each(
        Refused.class,
        (key, refused) -> page.append(row(key, codes(refused.harmless()) + " | " + key.doc())));
    return page.toString();
  }

  private static <T> void each(Class<T> type, BiConsumer<TrainingKey, T> consumer) {
    TrainingKeys.all().values().stream()
        .filter(key -> type.isInstance(key.treatment()))
        .forEach(key -> consumer.accept(key, type.cast(key.treatment())));
  }

  private static String row(TrainingKey key, String rest) {
    return "| `%s` | %s |\n".formatted(key.name(), rest);
  }

  private static String codes(List<String> values) {
    return values.stream().map(ConfigReference::code).collect(Collectors.joining(", "));
  }

  private static String code(String value) {
    return value.isEmpty() || value.startsWith("→") ? value : "`" + value + "`";
  }
}
