package dev.yushan.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The metadata of a model card: YAML between two lines of `---` at the top of `README.md` (Hugging
/// Face Hub, "Model Cards").
public final class FrontMatter {
  private static final Pattern BLOCK =
      Pattern.compile("\\A\\uFEFF?---[ \\t]*\\R(.*?\\R)---[ \\t]*(?:\\R|\\z)", Pattern.DOTALL);

  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
          .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
          .disable(YAMLGenerator.Feature.SPLIT_LINES)
          .build();

  private FrontMatter() {}

  /// The metadata of the card in `file`; empty if there is no file that can be read, no metadata,
  /// or what is there is no YAML object: a stranger's card is no reason to fail.
  public static ObjectNode of(Path file) {
    try {
      return parse(Files.isRegularFile(file) ? Files.readString(file) : "");
    } catch (IOException e) {
      return JsonNodeFactory.instance.objectNode();
    }
  }

  static ObjectNode parse(String card) {
    Matcher block = BLOCK.matcher(card);
    JsonNode metadata = JsonNodeFactory.instance.missingNode();
    try {
      metadata = block.find() ? YAML.readTree(block.group(1)) : metadata;
    } catch (JsonProcessingException e) {
      // no YAML, hence no metadata
    }
    return metadata instanceof ObjectNode fields ? fields : JsonNodeFactory.instance.objectNode();
  }

  /// The block with these fields, its `---` lines included.
  static String write(JsonNode metadata) {
    try {
      return YAML.writeValueAsString(metadata).stripTrailing() + "\n---\n";
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }
}
