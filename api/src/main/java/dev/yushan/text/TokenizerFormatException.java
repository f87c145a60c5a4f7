package dev.yushan.text;

/// A `tokenizer.json` that is broken, or asks for something that would not be done exactly. Wrong
/// ids are worse than none, so such a file is refused by the name of the field.
public final class TokenizerFormatException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final String field;

  TokenizerFormatException(String file, String field, String problem) {
    super("%s: %s: %s".formatted(file, field, problem));
    this.field = field;
  }

  /// The field at fault, for example `pre_tokenizer.pretokenizers[0].behavior`.
  public String field() {
    return field;
  }
}
