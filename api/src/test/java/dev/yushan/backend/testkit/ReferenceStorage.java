package dev.yushan.backend.testkit;

import dev.yushan.tensor.Storage;
import dev.yushan.tensor.Tensor;
import java.util.function.Consumer;

/// Memory of the [ReferenceBackend]: one double for each four bytes, which holds an F32 or an I32
/// element, and the bytes themselves, which hold elements of all other types. Storing an element as
/// one type and reading it as another gives anything, as everywhere.
final class ReferenceStorage implements Storage {
  private final long bytes;
  private final boolean rounded;
  private final Consumer<ReferenceStorage> onClose;
  private double[] numbers;
  private byte[] raw = new byte[0];
  private boolean closed;

  ReferenceStorage(long bytes, boolean rounded, Consumer<ReferenceStorage> onClose) {
    this.bytes = bytes;
    this.rounded = rounded;
    this.onClose = onClose;
    this.numbers = new double[Math.toIntExact((bytes + 3) / 4)];
  }

  static ReferenceStorage of(Tensor tensor) {
    if (tensor.storage() instanceof ReferenceStorage storage) {
      if (storage.closed) {
        throw new IllegalStateException("closed: " + tensor);
      }
      return storage;
    }
    throw new IllegalArgumentException(tensor + " belongs to another backend");
  }

  double[] numbers() {
    return numbers;
  }

  /// The bytes of half and quantised elements, made on first use.
  byte[] raw() {
    if (raw.length == 0) {
      raw = new byte[Math.toIntExact(bytes)];
    }
    return raw;
  }

  /// Whether every F32 element is rounded to F32 when it is stored.
  boolean rounded() {
    return rounded;
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
      numbers = new double[0];
      raw = new byte[0];
      onClose.accept(this);
    }
  }
}
