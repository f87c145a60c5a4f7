package dev.yushan.cli.bench;

import dev.yushan.backend.Backend;
import dev.yushan.backend.Feature;
import dev.yushan.tensor.DType;
import java.util.Locale;

/// The types that weights are kept in, as options name them.
enum Weights {
  F32,
  BF16,
  F16,
  Q8_0,
  Q4_0;

  DType dtype() {
    return DType.valueOf(name());
  }

  /// Throws if `backend` has no such weights.
  void requireOn(Backend backend) {
    boolean there =
        switch (this) {
          case F32 -> true;
          case BF16, F16 -> backend.supports(Feature.HALF_WEIGHTS);
          case Q8_0, Q4_0 -> backend.supports(Feature.QUANTISED_WEIGHTS);
        };
    if (!there) {
      throw new IllegalArgumentException(
          "--weights: the %s backend has no weights in %s; leave it out"
              .formatted(backend.name(), this));
    }
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
