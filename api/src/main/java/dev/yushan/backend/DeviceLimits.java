package dev.yushan.backend;

/// What a device can do at most, measured: what the speed of kernels is held against.
///
/// @param flops F32 operations a second, a fused multiply-add counted as two
/// @param readBytes bytes a second that are read from memory, in sequence
public record DeviceLimits(double flops, double readBytes) {
  public DeviceLimits {
    if (!(flops > 0 && readBytes > 0)) {
      throw new IllegalArgumentException(
          "limits must be above 0, got %s operations and %s bytes a second"
              .formatted(flops, readBytes));
    }
  }
}
