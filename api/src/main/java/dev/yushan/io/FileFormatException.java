package dev.yushan.io;

import java.nio.file.Path;

/// A file that is not what it should be. The message names the file, the tensor or key where one is
/// to blame, the reason, and what to do about it.
public final class FileFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Path file;

  public FileFormatException(Path file, String reason) {
    super(file + ": " + reason);
    this.file = file;
  }

  public FileFormatException(Path file, String reason, Throwable cause) {
    super(file + ": " + reason, cause);
    this.file = file;
  }

  static FileFormatException ofTensor(Path file, String tensor, String reason) {
    return new FileFormatException(file, "tensor " + tensor + ": " + reason);
  }

  /// The file in question.
  public Path file() {
    return file;
  }
}
