package dev.yushan.cli;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.yushan.config.NearestKey;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/// Options that the command line does not give: from the environment, else from the file that
/// `--config` names. `--max-model-len` is `YUSHAN_MAX_MODEL_LEN` there and `max-model-len` here.
///
/// @param file by the name of the option, without dashes in front
/// @param path of the file, empty if there is none
record ServeDefaults(Map<String, String> environment, Map<String, String> file, String path)
    implements IDefaultValueProvider {
  private static final Logger LOG = LoggerFactory.getLogger(ServeDefaults.class);
  private static final String PREFIX = "YUSHAN_";
  private static final YAMLMapper YAML =
      YAMLMapper.builder().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION).build();

  /// Variables of the launcher, the log, and the other commands.
  private static final List<String> OTHERS =
      List.of("JAVA_HOME", "JAVA_OPTS", "NO_BUILD", "LOG", "CACHE", "DEBUG");

  private static final String CONFIG = "--config";

  /// The arguments of `serve` as picocli knows them: vLLM takes a model that stands first, without
  /// `--model`, and `_` for `-` in the names of options.
  static String[] named(String... arguments) {
    if (arguments.length < 2 || !arguments[0].equals("serve")) {
      return arguments;
    }
    List<String> named = new ArrayList<>();
    for (String argument : arguments) {
      named.add(argument.startsWith("--") ? dashed(argument) : argument);
    }
    if (!arguments[1].startsWith("-")) {
      named.add(1, "--model");
    }
    return named.toArray(String[]::new);
  }

  private static String dashed(String argument) {
    int end = argument.indexOf('=');
    return end < 0
        ? argument.replace('_', '-')
        : argument.substring(0, end).replace('_', '-') + argument.substring(end);
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
    command.setDefaultValueProvider(new ServeDefaults(environment, file, named.orElse("")));
    // the last one counts, as for vLLM: scripts append what is to be otherwise
    command.setOverwrittenOptionsAllowed(true);
    warnOfSlips(command, environment);
  }

  private static void warnOfSlips(CommandLine command, Map<String, String> environment) {
    List<String> known = new ArrayList<>(OTHERS);
    command.getCommandSpec().options().forEach(option -> known.add(variable(option)));
    for (String name : environment.keySet()) {
      String bare = name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : "";
      if (!bare.isEmpty() && !known.contains(bare)) {
        NearestKey.of(bare, known)
            .ifPresent(near -> LOG.warn("{} has no effect: did you mean {}?", name, PREFIX + near));
      }
    }
  }

  @Override
  public String defaultValue(ArgSpec argument) {
    if (!(argument instanceof OptionSpec option)) {
      return null;
    }
    String given = environment.getOrDefault(PREFIX + variable(option), file.get(name(option)));
    return given != null && option.type() == boolean.class ? truth(given) : given;
  }

  /// As YAML has it, and shells.
  private static String truth(String given) {
    return switch (given.strip().toLowerCase(Locale.ROOT)) {
      case "1", "yes", "on", "true" -> "true";
      case "0", "no", "off", "false" -> "false";
      default -> given;
    };
  }

  private static String name(OptionSpec option) {
    return option.longestName().replaceFirst("^--", "");
  }

  private static String variable(OptionSpec option) {
    return name(option).replace('-', '_').toUpperCase(Locale.ROOT);
  }

  /// What is wrong with a value, after the place that it is from, where it is from here.
  String blamed(OptionSpec option, String message) {
    String variable = PREFIX + variable(option);
    if (environment.containsKey(variable)) {
      return variable + ": " + message;
    }
    return file.containsKey(name(option))
        ? "%s: %s: %s".formatted(path, name(option), message)
        : message;
  }

  /// The same of a command that was parsed, where the option is known by the message.
  static String blamed(CommandLine command, String message) {
    ServeDefaults defaults = (ServeDefaults) command.getDefaultValueProvider();
    return command.getCommandSpec().options().stream()
        .filter(option -> !command.getParseResult().hasMatchedOption(option))
        .filter(option -> message.matches("(?s).*--%s\\b(?!-).*".formatted(name(option))))
        .findFirst()
        .map(option -> defaults.blamed(option, message))
        .orElse(message);
  }

  private static Map<String, String> read(CommandLine command, Path path) {
    try {
      JsonNode root = YAML.readTree(Files.readString(path));
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
              VllmOptions.advice("--" + name)
                  .map(advice -> path + ": " + advice)
                  .orElse(
                      "%s: there is no option --%s; see yushan help serve".formatted(path, name)));
        }
        if (!entry.getValue().isNull()
            && values.put(name, text(path, name, entry.getValue())) != null) {
          throw new IllegalArgumentException("%s: %s is set twice; keep one".formatted(path, name));
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
