package dev.yushan.io.hub;

import java.util.List;
import java.util.regex.Pattern;

/// The files of a model's repository that are read here. Weights in other formats, the originals
/// and pictures, often twice as much, are not wanted.
public enum ModelFiles implements FileChoice {
  /// What a tokenizer is made of.
  TOKENIZER("tokenizer\\.json|tokenizer_config\\.json|special_tokens_map\\.json|config\\.json"),
  /// All of a model but its weights.
  DESCRIPTION(
      TOKENIZER.names
          + "|generation_config\\.json|chat_template\\.jinja|README\\.md|LICENSE.*|USE_POLICY\\.md"),
  /// A model with its weights.
  ALL(
      DESCRIPTION.names
          + "|model\\.safetensors(\\.index\\.json)?|model-\\d+-of-\\d+\\.safetensors");

  private static final String ONE_FILE = "model.safetensors";

  private final String names;
  private final Pattern pattern;

  ModelFiles(String names) {
    this.names = names;
    this.pattern = Pattern.compile(names);
  }

  @Override
  public List<String> of(List<String> paths) {
    boolean inOneFile = paths.contains(ONE_FILE);
    return paths.stream()
        .filter(path -> pattern.matcher(path).matches())
        // where the whole is in one file the shards are not looked at
        .filter(path -> !inOneFile || !path.matches("model(-.*|\\.safetensors\\.index\\.json)"))
        .toList();
  }
}
