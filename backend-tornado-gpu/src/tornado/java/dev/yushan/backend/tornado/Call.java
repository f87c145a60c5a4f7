package dev.yushan.backend.tornado;

import dev.yushan.tensor.Tensor;
import java.util.LinkedHashSet;
import java.util.Set;

/// The parameters of a launch, written in the order in which the kernel lists them.
final class Call {
  private static final int SLOTS = (Common.ARGUMENTS - 2) / 2;
  private static final int SECOND_SLOTS = (Common.LENGTH - Common.SECOND - 2) / 2;

  private final TornadoKernels.Target target;
  private final Kernel kernel;
  private final int[] parameters = new int[Common.LENGTH];
  private int next = Common.ARGUMENTS;

  Call(TornadoKernels.Target target, Kernel kernel) {
    this.target = target;
    this.kernel = kernel;
  }

  /// The rows of an op, up to the smallest count.
  Call rows(Tensor... tensors) {
    long rows = Long.MAX_VALUE;
    for (Tensor tensor : tensors) {
      rows = Math.min(rows, tensor.rows());
    }
    counts(0, SLOTS, rows, tensors);
    return this;
  }

  /// The length of the sums of `matmul`, up to the counts of its operands.
  Call inner(long bound, Tensor... counted) {
    counts(Common.SECOND, SECOND_SLOTS, bound, counted);
    return this;
  }

  private void counts(int at, int slots, long rows, Tensor... tensors) {
    Set<Tensor.Count> counts = new LinkedHashSet<>();
    for (Tensor tensor : tensors) {
      tensor.count().ifPresent(counts::add);
    }
    if (counts.size() > slots) {
      throw new IllegalArgumentException(
          "%d tensors with live counts of their own, where %s takes %d"
              .formatted(counts.size(), kernel, slots));
    }
    parameters[at] = Math.toIntExact(rows);
    parameters[at + 1] = counts.size();
    int slot = at + 2;
    for (Tensor.Count count : counts) {
      parameters[slot++] = TornadoBackend.at(count.rows());
      parameters[slot++] = Math.toIntExact(count.start());
    }
  }

  Call columns(Tensor tensor) {
    return value(tensor.columns());
  }

  Call value(long value) {
    parameters[next++] = Math.toIntExact(value);
    return this;
  }

  Call tensors(Tensor... tensors) {
    for (Tensor tensor : tensors) {
      value(TornadoBackend.at(tensor));
    }
    return this;
  }

  /// Pairs of row stride and tensor.
  Call strided(Tensor... tensors) {
    for (Tensor tensor : tensors) {
      value(tensor.ld()).tensors(tensor);
    }
    return this;
  }

  /// A float as its mantissa and the slot of its power of two: parameters are integers.
  Call number(float number) {
    if (Float.isNaN(number) || Float.isInfinite(number)) {
      value(number < 0 ? -1 : 1);
      return value(Float.isNaN(number) ? Common.NAN : Common.INFINITY);
    }
    int exponent = Math.max(Math.getExponent(number), Float.MIN_EXPONENT) - 23;
    value((long) Math.scalb((double) number, -exponent));
    return value(Common.BIAS + exponent);
  }

  /// One thread an element.
  void forElements(long elements) {
    forGroups((elements + kernel.group - 1) / kernel.group);
  }

  void forGroups(long groups) {
    target.launch(kernel, parameters, groups);
  }
}
