package dev.yushan.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.yushan.io.JsonFault;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import picocli.CommandLine;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/// Options that the command line does not give: from the environment, else from the file that
/// `--config` names. `--max-model-len` is `YUSHAN_MAX_MODEL_LEN` there and `max-model-len` here.
///
/// @param file by the name of the option, without dashes in front
record ServeDefaults(Map<String, String> environment, Map<String, String> file)
    implements IDefaultValueProvider {
  private static final String PREFIX = "YUSHAN_";
  private static final String CONFIG = "--config";

  /// The arguments with `--model` before a model that stands first, as vLLM has it.
  static String[] named(String... arguments) {
    boolean first =
        arguments.length > 1 && arguments[0].equals("serve") && !arguments[1].startsWith("-");
    List<String> named = new ArrayList<>(List.of(arguments));
    if (first) {
      named.add(1, "--model");
    }
    return named.toArray(String[]::new);
  }

  /// Gives a command its defaults. A key of the file without a value counts as left out.
  ///
  /// @throws IllegalArgumentException if the file cannot be read, or has unknown keys or such
  ///   values
  static void on(CommandLine command, List<String> arguments, Map<String, String> environment) {
    Optional<String> named = Optional.ofNullable(environment.get(PREFIX + "CONFIG"));
    for (int i = 0; i < arguments.size(); i++) {
      String argument = arguments.get(i);
      if (argument.startsWith(CONFIG + "=")) {
        named = Optional.of(argument.substring(CONFIG.length() + 1));
      } else if (argument.equals(CONFIG) && i + 1 < arguments.size()) {
        named = Optional.of(arguments.get(i + 1));
      }
    }
    Map<String, String> file = named.map(name -> read(command, Path.of(name))).orElse(Map.of());
    command.setDefaultValueProvider(new ServeDefaults(environment, file));
  }

  @Override
  public String defaultValue(ArgSpec argument) {
    if (!(argument instanceof OptionSpec option)) {
      return null;
    }
    String name = option.longestName().replaceFirst("^--", "");
    String variable = PREFIX + name.replace('-', '_').toUpperCase(Locale.ROOT);
    return environment.getOrDefault(variable, file.get(name));
  }

  private static Map<String, String> read(CommandLine command, Path path) {
    try {
      JsonNode root = new YAMLMapper().readTree(Files.readString(path));
      if (!root.isObject()) {
        throw new IllegalArgumentException(
            path + ": expected lines of the form option: value, as max-model-len: 4096");
      }
      Map<String, String> values = new TreeMap<>();
      for (Map.Entry<String, JsonNode> entry : root.properties()) {
        String name = entry.getKey().replace('_', '-');
        OptionSpec option = command.getCommandSpec().findOption("--" + name);
        if (option == null || option.usageHelp() || option.versionHelp() || name.equals("config")) {
          throw new IllegalArgumentException(
              "%s: there is no option --%s; see yushan help serve".formatted(path, name));
        }
        if (!entry.getValue().isNull()) {
          values.put(name, text(path, name, entry.getValue()));
        }
      }
      return values;
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "%s: no valid YAML: %s; write lines of the form option: value"
              .formatted(path, JsonFault.of(e)),
          e);
    } catch (IOException e) {
      throw new UncheckedIOException(
          path + " cannot be read; name a YAML file with options of serve", e);
    }
  }

  private static String text(Path path, String name, JsonNode value) {
    List<String> elements = new ArrayList<>();
    for (JsonNode element : value.isArray() ? value : List.of(value)) {
      if (!element.isValueNode() || element.isNull()) {
        throw new IllegalArgumentException(
            "%s: %s must be a value or a list of values, got %s".formatted(path, name, value));
      }
      elements.add(element.asText());
    }
    return String.join(",", elements);
  }
}
