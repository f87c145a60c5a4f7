package dev.yushan.train;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.yushan.io.JsonFault;
import dev.yushan.train.TrainingConfig.Given;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// Reads the keys of a YAML file with the lines they are on.
final class ConfigFile {
  private static final YAMLMapper YAML = new YAMLMapper();

  private ConfigFile() {}

  static Map<String, Given> read(Path file) {
    if (Files.isDirectory(file)) {
      throw new ConfigException(file + " is a directory; name a YAML file with training settings");
    }
    if (!Files.isRegularFile(file)) {
      throw new ConfigException(file + " does not exist; name a YAML file with training settings");
    }
    try (JsonParser parser = YAML.createParser(file.toFile())) {
      return keys(file, parser);
    } catch (JsonProcessingException e) {
      String line = e.getLocation() == null ? "" : " line " + e.getLocation().getLineNr();
      throw new ConfigException(
          "%s%s: no valid YAML: %s; lines have the form key: value, are indented by spaces, and values with ': ' or '#' need quotes"
              .formatted(file, line, JsonFault.of(e).what()),
          e);
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static Map<String, Given> keys(Path file, JsonParser parser) throws IOException {
    Map<String, Given> keys = new LinkedHashMap<>();
    JsonToken first = parser.nextToken();
    if (first == null) {
      return keys;
    }
    if (first != JsonToken.START_OBJECT) {
      throw new ConfigException(file + ": expected lines of the form key: value");
    }
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      String origin = file + " line " + parser.currentTokenLocation().getLineNr();
      parser.nextToken();
      Given former = keys.put(name, new Given(YAML.readTree(parser), origin));
      if (former != null) {
        throw new ConfigException(
            "%s: %s is already set at %s; keep one".formatted(origin, name, former.origin()));
      }
    }
    if (parser.nextToken() != null) {
      throw new ConfigException(file + ": holds more than one document; keep one");
    }
    return keys;
  }

  /// A value given on the command line.
  static JsonNode value(String key, String text) {
    try {
      return YAML.readTree(text);
    } catch (JsonProcessingException e) {
      throw new ConfigException(
          "--set %s: %s is no valid YAML value: %s".formatted(key, text, JsonFault.of(e).what()),
          e);
    }
  }
}
