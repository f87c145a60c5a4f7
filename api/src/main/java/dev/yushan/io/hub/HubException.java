package dev.yushan.io.hub;

/// A download that cannot be made: the message says what is wrong and what to do.
public final class HubException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /// Why.
  public enum Reason {
    /// No connection, or no answer of a hub: it may work at another time.
    UNREACHABLE,
    /// No access: gated, private, or a token that is not valid.
    DENIED,
    /// The hub has no such repository, or it has no such file.
    NOT_FOUND,
    /// The repository has no such revision.
    NO_REVISION,
    /// Nothing may be downloaded, and the cache does not have it.
    OFFLINE,
    /// What came is not what the hub announced, twice.
    WRONG_BYTES,
    /// The cache cannot be written.
    DISK,
    /// The name cannot be one of the hub, or a file in it would be written elsewhere.
    NAME
  }

  private final Reason reason;

  HubException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  HubException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /// Why it cannot be made.
  public Reason reason() {
    return reason;
  }
}
