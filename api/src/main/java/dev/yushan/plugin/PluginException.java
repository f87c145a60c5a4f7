package dev.yushan.plugin;

/// A plugin was asked for that does not exist or cannot be used; the message names what there is.
public final class PluginException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public PluginException(String message) {
    super(message);
  }
}
