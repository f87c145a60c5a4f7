package dev.yushan.cli;

import dev.yushan.tensor.DType;
import java.util.Optional;

/// The types of weights that can be asked for, by their short names and those of `transformers` and
/// vLLM.
enum WeightType {
  F32(DType.F32),
  BF16(DType.BF16),
  F16(DType.F16),
  FLOAT32(DType.F32),
  BFLOAT16(DType.BF16),
  FLOAT16(DType.F16),
  FLOAT(DType.F32),
  HALF(DType.F16),
  AUTO();

  private final Optional<DType> dtype;

  WeightType(DType dtype) {
    this.dtype = Optional.of(dtype);
  }

  WeightType() {
    this.dtype = Optional.empty();
  }

  /// Empty where it is left to the program.
  Optional<DType> dtype() {
    return dtype;
  }
}
