package dev.yushan.backend.tornado;

import dev.yushan.backend.BackendException;
import dev.yushan.tensor.Storage;
import java.util.function.Consumer;

/// A block of device memory: a region in each lane that it was used with, taken and zeroed at the
/// first use. One that holds floats alone, as nearly all do, takes nothing of the other lanes.
/// Storing an element as one type and reading it as another gives anything, as everywhere.
final class DeviceMemory implements Storage {
  /// The lanes by the size of their elements and what zeroes them.
  enum Of {
    FLOATS(4, Kernel.ZERO_FLOATS),
    SHORTS(2, Kernel.ZERO_SHORTS),
    INTS(4, Kernel.ZERO_INTS);

    final int bytes;
    final Kernel zero;

    Of(int bytes, Kernel zero) {
      this.bytes = bytes;
      this.zero = zero;
    }
  }

  private final Memory memory;
  private final long bytes;
  private final int[] at = {-1, -1, -1};
  private final Consumer<DeviceMemory> released;
  private boolean closed;

  /// @param released told when the memory is given back
  DeviceMemory(Memory memory, long bytes, Consumer<DeviceMemory> released) {
    this.memory = memory;
    this.bytes = bytes;
    this.released = released;
  }

  /// Where the block begins in a lane.
  int in(Of lane) {
    if (closed) {
      throw new IllegalStateException("device memory is used after it was closed");
    }
    int place = at[lane.ordinal()];
    if (place < 0) {
      place = memory.take(lane, elements(lane));
      at[lane.ordinal()] = place;
    }
    return place;
  }

  private long elements(Of lane) {
    return (bytes + lane.bytes - 1) / lane.bytes;
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public boolean closed() {
    return closed;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      for (Of lane : Of.values()) {
        if (at[lane.ordinal()] >= 0) {
          memory.give(lane, at[lane.ordinal()], elements(lane));
        }
      }
      released.accept(this);
    }
  }

  /// The lanes of a device and what is free in them, for all backends that are open on it.
  static final class Memory {
    private final Device device;
    private final Lane[] lanes;

    Memory(Device device) {
      this.device = device;
      lanes =
          new Lane[] {
            new Lane(Common.RESERVED, device.lane(Transfer.FLOATS_UP)),
            new Lane(64, device.lane(Transfer.SHORTS_UP)),
            new Lane(Common.PARAMETERS + Common.LENGTH, device.lane(Transfer.INTS_UP))
          };
    }

    private synchronized int take(Of lane, long elements) {
      int at = lanes[lane.ordinal()].take(elements);
      if (at < 0) {
        throw new BackendException(
            ("the tornado backend has no room for %,d bytes of %s on %s; choose a smaller model,"
                    + " batch or sequence length")
                .formatted(elements * lane.bytes, lane.name().toLowerCase(), device.description()));
      }
      device.zero(lane.zero, at, elements);
      return at;
    }

    private synchronized void give(Of lane, int at, long elements) {
      lanes[lane.ordinal()].give(at, elements);
    }
  }
}
