package dev.yushan.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.io.ByteSize;
import dev.yushan.train.TrainingKey.Alias;
import dev.yushan.train.TrainingKey.Honoured;
import dev.yushan.train.TrainingKey.NoEffect;
import dev.yushan.train.TrainingKey.Refused;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/// A training configuration, resolved and checked: every honoured key with its value and where that
/// came from. Later settings win: default, file, override.
///
/// ```java
/// TrainingConfig config = TrainingConfig.of(Map.of(
///     "model_name_or_path", "base", "dataset", "corpus.jsonl", "output_dir", "out"));
/// ```
///
/// @param settings by key, in the order of [TrainingKeys]; keys without any value are absent
/// @param notices what there is to say about it, each in one line: keys that were set and make no
///   difference here, and how the batch of several devices is kept
public record TrainingConfig(Map<String, Setting> settings, List<String> notices) {
  /// A value in its normal spelling.
  ///
  /// @param origin where it was set, for example `cpt.yaml line 7`, `--set` or `default`
  public record Setting(String value, String origin) {}

  /// What was written, before it is checked.
  record Given(JsonNode value, String origin) {}

  private static final String DEFAULT = "default";
  private static final ObjectMapper JSON = new ObjectMapper();

  public TrainingConfig {
    settings = Collections.unmodifiableMap(new LinkedHashMap<>(settings));
    notices = List.copyOf(notices);
  }

  /// Reads a YAML file.
  ///
  /// @param overrides keys with values as `--set` gives them; the values are YAML as well
  /// @throws ConfigException naming key and line
  public static TrainingConfig read(Path file, Map<String, String> overrides) {
    Map<String, Given> set = new LinkedHashMap<>();
    overrides.forEach(
        (key, value) -> set.put(key, new Given(ConfigFile.value(key, value), "--set " + key)));
    Map<String, Given> given = named(ConfigFile.read(file));
    given.putAll(named(set));
    return resolve(given);
  }

  /// A configuration made in code, its values spelled as in a file.
  public static TrainingConfig of(Map<String, ?> values) {
    Map<String, Given> given = new LinkedHashMap<>();
    new TreeMap<String, Object>(values)
        .forEach((key, value) -> given.put(key, new Given(JSON.valueToTree(value), "code")));
    return resolve(named(given));
  }

  /// The same with the names of the table. A key may be set once, under one of its names.
  private static Map<String, Given> named(Map<String, Given> given) {
    Map<String, Given> named = new LinkedHashMap<>();
    given.forEach(
        (name, value) -> {
          TrainingKey key = TrainingKeys.find(name).orElseThrow(() -> unknown(name, value));
          Given former =
              named.put(key.treatment() instanceof Alias(String other) ? other : name, value);
          if (former != null) {
            throw new ConfigException(
                "%s: %s is set at %s under another name; keep one"
                    .formatted(value.origin(), name, former.origin()));
          }
        });
    return named;
  }

  private static ConfigException unknown(String name, Given given) {
    return new ConfigException(
        TrainingKeys.meant(name)
            .map(
                near ->
                    "%s: there is no key %s; did you mean %s?"
                        .formatted(given.origin(), name, near))
            .orElse(
                "%s: there is no key %s, nor one like it; docs/reference/config.md has all keys"
                    .formatted(given.origin(), name)));
  }

  private static TrainingConfig resolve(Map<String, Given> given) {
    Map<String, Setting> set = new LinkedHashMap<>();
    List<String> notices = new ArrayList<>();
    given.forEach(
        (name, value) -> {
          if (!value.value().isNull()) {
            take(name, value, set, notices);
          }
        });
    Map<String, Setting> settings = new LinkedHashMap<>();
    for (TrainingKey key : TrainingKeys.all().values()) {
      if (key.treatment() instanceof Honoured) {
        value(key, set).ifPresent(setting -> settings.put(key.name(), setting));
      }
    }
    TrainingConfig config = new TrainingConfig(settings, notices);
    config.devices().ifPresent(notices::add);
    config.reporters().ifPresent(notices::add);
    config.rounding().ifPresent(notices::add);
    return new TrainingConfig(settings, notices);
  }

  /// How the global batch of several devices is kept, if it is one.
  private Optional<String> devices() {
    long devices = whole("world_size");
    long rows = whole("per_device_train_batch_size");
    long accumulation = whole("gradient_accumulation_steps");
    return devices == 1
        ? Optional.empty()
        : Optional.of(
            "%s: world_size: global batch %d × %d × %d = %d rows: %d devices are run one after the other as %d micro-batches"
                .formatted(
                    settings.get("world_size").origin(),
                    rows,
                    accumulation,
                    devices,
                    rows * accumulation * devices,
                    devices,
                    accumulation * devices));
  }

  /// What `report_to` names and is not here.
  private Optional<String> reporters() {
    String unknown =
        names("report_to").stream()
            .filter(name -> !TensorBoardLog.REPORTERS.contains(name))
            .collect(Collectors.joining(", "));
    return unknown.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "%s: report_to: %s is not available here; tensorboard is, and all numbers are in %s"
                .formatted(settings.get("report_to").origin(), unknown, TrainingLog.STATE));
  }

  /// What is not rounded, as it is not kept.
  private Optional<String> rounding() {
    return flag("bf16") && flag("gradient_checkpointing")
        ? Optional.of(
            "%s: bf16 has no effect: gradient_checkpointing keeps no activations that it could round"
                .formatted(settings.get("bf16").origin()))
        : Optional.empty();
  }

  private static void take(
      String name, Given given, Map<String, Setting> set, List<String> notices) {
    TrainingKey key = TrainingKeys.find(name).orElseThrow();
    String text = given.value().isValueNode() ? given.value().asText() : given.value().toString();
    switch (key.treatment()) {
      case Honoured honoured ->
          set.put(name, new Setting(checked(key, honoured, given), given.origin()));
      case Alias alias -> throw new IllegalStateException(name + " is another name");
      case NoEffect(List<String> silent) -> {
        if (!asksFor(silent, text)) {
          notices.add("%s: %s has no effect: %s".formatted(given.origin(), name, key.doc()));
        }
      }
      case Refused(List<String> harmless) -> {
        if (!asksFor(harmless, text)) {
          throw new ConfigException(
              "%s: %s: %s is not supported: %s".formatted(given.origin(), name, text, key.doc()));
        }
      }
    }
  }

  /// Whether `text` is one of `values`, however it is spelled, or nothing at all.
  private static boolean asksFor(List<String> values, String text) {
    return List.of("", "[]", "{}").contains(text.strip())
        || values.stream()
            .anyMatch(value -> value.equalsIgnoreCase(text) || sameNumber(value, text));
  }

  private static boolean sameNumber(String a, String b) {
    try {
      return Double.parseDouble(a) == Double.parseDouble(b);
    } catch (NumberFormatException e) {
      return false;
    }
  }

  private static String checked(TrainingKey key, Honoured honoured, Given given) {
    JsonNode value = given.value();
    if (key.name().equals("packing") && List.of("true", "false").contains(value.asText())) {
      value = TextNode.valueOf(value.asText().equals("true") ? "concat" : "none");
    }
    JsonNode spelled = value;
    return KeyType.of(honoured.type())
        .normal(spelled)
        .orElseThrow(
            () ->
                new ConfigException(
                    "%s: %s must be %s, not %s"
                        .formatted(
                            given.origin(),
                            key.name(),
                            KeyType.inWords(honoured.type()),
                            spelled.isMissingNode() ? "empty" : spelled)));
  }

  private static Optional<Setting> value(TrainingKey key, Map<String, Setting> set) {
    if (set.containsKey(key.name())) {
      return Optional.of(set.get(key.name()));
    }
    String fallback = ((Honoured) key.treatment()).fallback();
    if (fallback.startsWith("→ ")) {
      String other = fallback.substring(2);
      return value(TrainingKeys.find(other).orElseThrow(), set)
          .map(setting -> new Setting(setting.value(), DEFAULT + ": " + other));
    }
    return KeyType.of(((Honoured) key.treatment()).type())
        .normal(TextNode.valueOf(fallback))
        .filter(value -> !fallback.isEmpty())
        .map(value -> new Setting(value, DEFAULT));
  }

  /// The same with other values of some honoured keys.
  ///
  /// @param origin what to say of where they were set
  TrainingConfig with(Map<String, String> values, String origin) {
    Map<String, Setting> changed = new LinkedHashMap<>(settings);
    values.forEach((key, value) -> changed.put(key, new Setting(value, origin)));
    return new TrainingConfig(changed, notices);
  }

  /// Throws unless a run could begin with it, as far as can be said without opening a file.
  ///
  /// @return this configuration
  public TrainingConfig check() {
    text("model_name_or_path");
    text("dataset");
    TrainerConfig.of(this);
    TrainingJob.provider(this);
    return this;
  }

  // ---- values ----------------------------------------------------------------------------------

  /// The value of a key, if it has one.
  public Optional<String> find(String key) {
    if (!(TrainingKeys.find(key).map(TrainingKey::treatment).orElse(null) instanceof Honoured)) {
      throw new IllegalArgumentException(key + " is not an honoured key");
    }
    return Optional.ofNullable(settings.get(key)).map(Setting::value);
  }

  /// Opens the backend that is named, or the best one.
  public Backend openBackend() {
    BackendOptions options =
        new BackendOptions(
            count("threads"),
            find("device"),
            Map.of(
                BackendOptions.ASSERTING,
                text("check_backend"),
                BackendOptions.EXPERIMENTAL_CUDA,
                text("experimental_cuda")));
    try {
      return Backends.open(find("backend"), options);
    } catch (BackendException e) {
      boolean wished = options.threads() > 0 || options.device().isPresent();
      throw wished || options.experimentalCuda() ? new ConfigException(e.getMessage(), e) : e;
    }
  }

  /// The value of a key that must have one.
  ///
  /// @throws ConfigException if it was not set and has no default
  public String text(String key) {
    return find(key)
        .orElseThrow(
            () ->
                new ConfigException(
                    "%s is not set: %s"
                        .formatted(key, TrainingKeys.find(key).orElseThrow().doc())));
  }

  /// Whether the key has the value that it has when it is not set.
  boolean isDefault(String key) {
    return settings.containsKey(key) && settings.get(key).origin().startsWith(DEFAULT);
  }

  /// The key with the one that it has its value from, if that is another: `data_seed (by seed)`.
  String setBy(String key) {
    String origin = settings.containsKey(key) ? settings.get(key).origin() : "";
    return origin.startsWith(DEFAULT + ": ")
        ? "%s (by %s)".formatted(key, origin.substring(DEFAULT.length() + 2))
        : key;
  }

  public boolean flag(String key) {
    return text(key).equals("true");
  }

  public double number(String key) {
    return Double.parseDouble(text(key));
  }

  public long whole(String key) {
    return Long.parseLong(text(key));
  }

  /// A whole number that is an `int`.
  public int count(String key) {
    long value = whole(key);
    if (value != (int) value) {
      throw wrong(key, "is too large");
    }
    return (int) value;
  }

  /// A size in bytes.
  public long bytes(String key) {
    return ByteSize.parse(text(key)).orElseThrow();
  }

  /// The names of a list; none if it is not set.
  public List<String> names(String key) {
    return find(key).map(names -> List.of(names.split(","))).orElse(List.of());
  }

  /// The texts of a list; none if it is not set.
  public List<String> texts(String key) {
    return StreamSupport.stream(tree(find(key).orElse("[]")).spliterator(), false)
        .map(JsonNode::asText)
        .toList();
  }

  /// The entries of a map; none if it is not set.
  public Map<String, Double> table(String key) {
    Map<String, Double> entries = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : tree(find(key).orElse("{}")).properties()) {
      try {
        entries.put(entry.getKey(), Double.valueOf(entry.getValue().asText()));
      } catch (NumberFormatException e) {
        throw wrong(key, "must hold numbers, but has " + entry);
      }
    }
    return entries;
  }

  /// An exception that says what is wrong with the value of a key, and where it was set.
  public ConfigException wrong(String key, String what) {
    Setting setting = settings.get(key);
    String where = setting.origin().endsWith(" " + key) ? "--set " : setting.origin() + ": ";
    return new ConfigException("%s%s: %s %s".formatted(where, key, setting.value(), what));
  }

  private static JsonNode tree(String json) {
    try {
      return JSON.readTree(json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- output ----------------------------------------------------------------------------------

  /// All values with their origins, as YAML that gives this configuration again.
  public String toYaml() {
    StringBuilder yaml = new StringBuilder();
    settings.forEach(
        (key, setting) ->
            yaml.append(
                String.format(
                    "%-60s # %s%n", key + ": " + quoted(setting.value()), setting.origin())));
    return yaml.toString();
  }

  private static String quoted(String value) {
    return value.startsWith("{")
            || value.startsWith("[\"")
            || value.matches("(?!no$|yes$|on$|off$)[\\w./-]+")
        ? value
        : TextNode.valueOf(value).toString();
  }

  /// All values as a JSON object, without their origins.
  public ObjectNode toJson() {
    ObjectNode json = JSON.createObjectNode();
    settings.forEach((key, setting) -> json.put(key, setting.value()));
    return json;
  }
}
