package dev.yushan.io.hub;

/// The kinds of repositories that are downloaded.
public enum RepoType {
  /// Weights, config and tokenizer.
  MODEL("model", ""),
  /// Files of texts.
  DATASET("dataset", "datasets/");

  private final String word;
  private final String path;

  RepoType(String word, String path) {
    this.word = word;
    this.path = path;
  }

  /// `model` or `dataset`.
  public String word() {
    return word;
  }

  /// What stands before the id in the address of a page.
  String path() {
    return path;
  }
}
