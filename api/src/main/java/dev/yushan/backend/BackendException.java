package dev.yushan.backend;

/// A backend could not do what it was asked: out of memory, device lost, a kernel that failed. The
/// message names the device, what was tried and what would help. The process can go on.
public class BackendException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public BackendException(String message) {
    super(message);
  }

  public BackendException(String message, Throwable cause) {
    super(message, cause);
  }
}
