package dev.yushan.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Where a model's directory keeps its templates and special tokens.
final class TemplateFiles {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String NAME = "chat_template.jinja";
  private static final List<String> SPECIAL =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  /// Of the two the latter one counts.
  private static final List<String> SPECIAL_FILES =
      List.of("special_tokens_map.json", "tokenizer_config.json");

  private TemplateFiles() {}

  /// By name; the one that has none is `default`.
  static Map<String, String> sources(Path directory) {
    Map<String, String> sources = new LinkedHashMap<>();
    JsonNode config = json(directory.resolve("tokenizer_config.json")).path("chat_template");
    if (config.isTextual()) {
      sources.put("default", config.asText());
    }
    for (JsonNode named : config) {
      if (named.path("name").isTextual() && named.path("template").isTextual()) {
        sources.put(named.path("name").asText(), named.path("template").asText());
      }
    }
    if (Files.exists(directory.resolve(NAME))) {
      sources.clear();
      sources.put("default", read(directory.resolve(NAME)));
    }
    Path more = directory.resolve("additional_chat_templates");
    if (Files.isDirectory(more)) {
      try (var files = Files.newDirectoryStream(more, "*.jinja")) {
        for (Path file : files) {
          sources.put(file.getFileName().toString().replaceFirst("\\.jinja$", ""), read(file));
        }
      } catch (IOException e) {
        throw new UncheckedIOException("cannot list " + more, e);
      }
    }
    return sources;
  }

  static String given(String fileOrTemplate) {
    try {
      Path file = Path.of(fileOrTemplate);
      if (Files.isRegularFile(file)) {
        return read(file);
      }
    } catch (InvalidPathException e) {
      // no path, hence a template
    }
    if (fileOrTemplate.indexOf('{') < 0) {
      throw new IllegalArgumentException(
          "--chat-template "
              + fileOrTemplate
              + ": there is no such file, and it is no template"
              + " either, as it has no {{ or {%; check the path");
    }
    return fileOrTemplate;
  }

  /// @param otherwise where the directory has no file that could name any
  static Map<String, String> specialTokens(Path directory, Map<String, String> otherwise) {
    if (SPECIAL_FILES.stream().noneMatch(file -> Files.exists(directory.resolve(file)))) {
      return otherwise;
    }
    Map<String, String> tokens = new HashMap<>();
    for (String file : SPECIAL_FILES) {
      JsonNode config = json(directory.resolve(file));
      for (String name : SPECIAL) {
        JsonNode token = config.path(name);
        JsonNode text = token.isObject() ? token.path("content") : token;
        if (text.isTextual()) {
          tokens.put(name, text.asText());
        }
      }
    }
    return tokens;
  }

  private static JsonNode json(Path file) {
    try {
      return Files.exists(file) ? JSON.readTree(file.toFile()) : JSON.missingNode();
    } catch (IOException e) {
      throw new UncheckedIOException(
          file + " cannot be read as JSON: " + e.getMessage() + "; fetch it again", e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the chat template "
              + file
              + " cannot be read: "
              + e.getMessage()
              + "; it has to be UTF-8",
          e);
    }
  }
}
