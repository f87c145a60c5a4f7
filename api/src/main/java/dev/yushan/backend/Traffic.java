package dev.yushan.backend;

/// What went between the host and a device.
///
/// @param launches kernels started
/// @param sent bytes of tensors that went to the device, with what their carriers add
/// @param fetched bytes of tensors that came back, likewise
/// @param parameters bytes that told kernels what to do: shapes, places, constants
public record Traffic(long launches, long sent, long fetched, long parameters) {
  /// Of a device that shares the memory of the host, or a backend that does not count.
  public static final Traffic NONE = new Traffic(0, 0, 0, 0);

  /// What came on top of an earlier count.
  public Traffic since(Traffic earlier) {
    return new Traffic(
        launches - earlier.launches,
        sent - earlier.sent,
        fetched - earlier.fetched,
        parameters - earlier.parameters);
  }
}
