package dev.yushan.tensor;

import java.util.Arrays;
import java.util.stream.Collectors;

/// The lengths of a tensor's dimensions, slowest first. At least one dimension, none negative.
public final class Shape {
  private final long[] dims;

  private Shape(long[] dims) {
    this.dims = dims;
  }

  /// A shape of the given dimensions; throws [IllegalArgumentException] for none or a negative one.
  public static Shape of(long... dims) {
    if (dims.length == 0) {
      throw new IllegalArgumentException("a shape needs at least one dimension");
    }
    for (long dim : dims) {
      if (dim < 0) {
        throw new IllegalArgumentException("negative dimension in " + Arrays.toString(dims));
      }
    }
    return new Shape(dims.clone());
  }

  public int rank() {
    return dims.length;
  }

  public long dim(int index) {
    return dims[index];
  }

  /// The first dimension: what a range of the tensor is taken from.
  public long rows() {
    return dims[0];
  }

  /// Elements in one row: the product of all dimensions but the first (1 for a vector).
  public long rowLength() {
    long length = 1;
    for (int i = 1; i < dims.length; i++) {
      length = Math.multiplyExact(length, dims[i]);
    }
    return length;
  }

  /// Number of elements.
  public long elements() {
    return Math.multiplyExact(dims[0], rowLength());
  }

  public long[] toArray() {
    return dims.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(dims, shape.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  /// For example `[4, 128]`.
  @Override
  public String toString() {
    return Arrays.stream(dims).mapToObj(Long::toString).collect(Collectors.joining(", ", "[", "]"));
  }
}
