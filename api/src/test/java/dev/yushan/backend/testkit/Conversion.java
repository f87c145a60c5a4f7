package dev.yushan.backend.testkit;

import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Element types: what is stored, and how values become it.
///
/// The block layouts and their rounding are those of GGUF (ggml `quantize_row_q8_0_ref`,
/// `quantize_row_q4_0_ref`), whose arithmetic is F32.
final class Conversion {
  private Conversion() {}

  /// The upper half of `value` as F32, rounded to nearest even; NaN stays NaN.
  static short toBFloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
  }

  static float fromBFloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /// Block Q8_0: F16 scale d = max|x| / 127, then 32 signed bytes round(x / d), half away from
  /// zero.
  static void encodeQ8(float[] x, ByteBuffer block) {
    float largest = 0;
    for (float value : x) {
      largest = Math.max(largest, Math.abs(value));
    }
    float d = largest / 127;
    float inverse = d == 0 ? 0 : 1 / d;
    block.putShort(Float.floatToFloat16(d));
    for (float value : x) {
      float scaled = value * inverse;
      block.put((byte) (Math.signum(scaled) * Math.floor(Math.abs((double) scaled) + 0.5)));
    }
  }

  /// Block Q4_0: F16 scale d = m / −8 for the value m that is largest by magnitude, then 16 bytes:
  /// byte i holds q of element i in its low half and of element 16 + i in its high half, where q =
  /// min(15, ⌊x / d + 8.5⌋) stands for d · (q − 8).
  static void encodeQ4(float[] x, ByteBuffer block) {
    float extreme = 0;
    for (float value : x) {
      extreme = Math.abs(value) > Math.abs(extreme) ? value : extreme;
    }
    float d = extreme / -8;
    float inverse = d == 0 ? 0 : 1 / d;
    block.putShort(Float.floatToFloat16(d));
    for (int i = 0; i < 16; i++) {
      int low = Math.min(15, (int) (x[i] * inverse + 8.5f));
      int high = Math.min(15, (int) (x[16 + i] * inverse + 8.5f));
      block.put((byte) (low | high << 4));
    }
  }

  private static void decodeQ8(ByteBuffer block, double[] out, int at) {
    double d = Float.float16ToFloat(block.getShort());
    for (int i = 0; i < 32; i++) {
      out[at + i] = d * block.get();
    }
  }

  private static void decodeQ4(ByteBuffer block, double[] out, int at) {
    double d = Float.float16ToFloat(block.getShort());
    for (int i = 0; i < 16; i++) {
      int both = block.get();
      out[at + i] = d * ((both & 15) - 8);
      out[at + 16 + i] = d * ((both >> 4 & 15) - 8);
    }
  }

  /// The values of `elements` elements of a half or quantised type.
  static double[] decode(DType dtype, ByteBuffer bytes, int elements) {
    ByteBuffer in = bytes.order(ByteOrder.LITTLE_ENDIAN);
    double[] values = new double[elements];
    for (int i = 0; i < elements; i += dtype.blockLength()) {
      switch (dtype) {
        case F16 -> values[i] = Float.float16ToFloat(in.getShort());
        case BF16 -> values[i] = fromBFloat16(in.getShort());
        case Q8_0 -> decodeQ8(in, values, i);
        case Q4_0 -> decodeQ4(in, values, i);
        case F32 -> values[i] = in.getFloat();
        case I32 -> values[i] = in.getInt();
      }
    }
    return values;
  }

  /// The bytes of values as F32, F16, BF16, or quantised in blocks of 32.
  static void encode(DType dtype, float[] values, ByteBuffer bytes) {
    ByteBuffer out = bytes.order(ByteOrder.LITTLE_ENDIAN);
    float[] block = new float[dtype.blockLength()];
    for (int i = 0; i < values.length; i += block.length) {
      System.arraycopy(values, i, block, 0, block.length);
      switch (dtype) {
        case F32 -> out.putFloat(block[0]);
        case F16 -> out.putShort(Float.floatToFloat16(block[0]));
        case BF16 -> out.putShort(toBFloat16(block[0]));
        case Q8_0 -> encodeQ8(block, out);
        case Q4_0 -> encodeQ4(block, out);
        case I32 -> throw new IllegalArgumentException("I32 does not hold real numbers");
      }
    }
  }

  /// The values of a contiguous tensor that is stored as bytes.
  static double[] decode(Tensor tensor) {
    ByteBuffer bytes = ByteBuffer.wrap(ReferenceStorage.of(tensor).raw());
    int elements = Math.toIntExact(tensor.elements());
    return decode(tensor.dtype(), bytes.position((int) tensor.byteOffset()), elements);
  }

  /// Stores values in row `row` of a tensor of any real type.
  static void write(Tensor tensor, int row, double[] values) {
    if (tensor.dtype() == DType.F32) {
      Matrix target = Matrix.of(tensor);
      for (int j = 0; j < values.length; j++) {
        target.set(row, j, values[j]);
      }
      return;
    }
    float[] rounded = new float[values.length];
    for (int j = 0; j < values.length; j++) {
      rounded[j] = (float) values[j];
    }
    long offset = tensor.byteOffset() + tensor.dtype().bytes(row * tensor.ld());
    ByteBuffer bytes = ByteBuffer.wrap(ReferenceStorage.of(tensor).raw());
    encode(tensor.dtype(), rounded, bytes.position((int) offset));
  }

  /// [dev.yushan.backend.Kernels#copy]
  static void copy(Tensor source, Tensor target) {
    if (source.dtype() == DType.I32) {
      Matrix from = Matrix.vector(source);
      Matrix to = Matrix.vector(target);
      for (int i = 0; i < Matrix.liveElements(source, target); i++) {
        to.set(i, from.get(i));
      }
      return;
    }
    boolean one = source.shape().rank() == 1;
    Tensor flat = one ? source.reshape(1, source.elements()) : source;
    Tensor flatTarget = one ? target.reshape(1, target.elements()) : target;
    Matrix from = Matrix.reading(flat);
    for (int i = 0; i < Matrix.live(flat, flatTarget); i++) {
      double[] row = new double[from.columns()];
      for (int j = 0; j < row.length; j++) {
        row[j] = from.get(i, j);
      }
      write(flatTarget, i, row);
    }
  }
}
