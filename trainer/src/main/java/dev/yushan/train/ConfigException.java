package dev.yushan.train;

/// A training configuration that cannot be followed: the message names the key, where it was set,
/// and what to write instead.
public final class ConfigException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ConfigException(String message) {
    super(message);
  }

  public ConfigException(String message, Throwable cause) {
    super(message, cause);
  }
}
