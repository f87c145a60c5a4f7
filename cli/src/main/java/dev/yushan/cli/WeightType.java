package dev.yushan.cli;

import dev.yushan.tensor.DType;

/// The types of weights that can be asked for, by their short names and those of `transformers`.
enum WeightType {
  F32(DType.F32),
  BF16(DType.BF16),
  F16(DType.F16),
  FLOAT32(DType.F32),
  BFLOAT16(DType.BF16),
  FLOAT16(DType.F16);

  private final DType dtype;

  WeightType(DType dtype) {
    this.dtype = dtype;
  }

  DType dtype() {
    return dtype;
  }
}
