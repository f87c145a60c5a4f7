package dev.yushan.backend.tornado;

import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/// F16, BF16, Q8_0 and Q4_0, read and written by arithmetic alone: casts between the bits of floats
/// and integers do not survive TornadoVM's compiler. Exact; powers of two come from the table.
final class Packed {
  static final int F32 = 0;
  static final int F16 = 1;
  static final int BF16 = 2;
  static final int Q8 = 3;
  static final int Q4 = 4;

  private Packed() {}

  // Both without branches, so that what is read after each other is asked for at once, and without
  // tests of single bits, which TornadoVM's compiler does not take. An exponent of 0 stands for 1
  // without the one before the mantissa; NaN follows infinity in the table.

  static float half(FloatArray f, int bits) {
    int exponent = (bits >> 10) & 31;
    int mantissa = bits & 1023;
    int one = (exponent + 31) >> 5;
    int at = Common.BIAS - 24 + exponent - one;
    if (exponent == 31) {
      at = Common.INFINITY + ((mantissa + 1023) >> 10);
    }
    float value = (mantissa + one * 1024) * f.get(at);
    return bits > 32767 ? -value : value;
  }

  static float bfloat(FloatArray f, int bits) {
    int exponent = (bits >> 7) & 255;
    int mantissa = bits & 127;
    int one = (exponent + 255) >> 8;
    int at = Common.BIAS - 133 + exponent - one;
    if (exponent == 255) {
      at = Common.INFINITY + ((mantissa + 127) >> 7);
    }
    float value = (mantissa + one * 128) * f.get(at);
    return bits > 32767 ? -value : value;
  }

  /// F16 or BF16.
  static float either(FloatArray f, int type, int bits) {
    return type == F16 ? half(f, bits) : bfloat(f, bits);
  }

  /// Whether elements come in blocks of 32 with a scale.
  static boolean quantised(int type) {
    return type > BF16;
  }

  /// Where the scale of element `e` is among the shorts of a quantised tensor.
  static int scaleAt(int type, int e) {
    return e / 32 * (type == Q8 ? 17 : 9);
  }

  /// Which short of a tensor element `e` is in.
  static int at(int type, int e) {
    int k = type == Q8 ? e & 31 : e & 15;
    return quantised(type) ? scaleAt(type, e) + 1 + k / 2 : e;
  }

  /// The number that element `e` of a quantised tensor is of its scale, from the short that it is
  /// in.
  static float quant(int type, int e, int word) {
    int bytes = word >> (8 * (e & 1));
    int q8 = bytes & 255;
    int q4 = (bytes >> (4 * ((e & 31) / 16))) & 15;
    // as floats: q is never negative, and the compiler takes a difference for unsigned
    return type == Q8 ? q8 - 256f * (q8 / 128) : q4 - 8f;
  }

  /// Element `e` of a contiguous tensor that begins at `base`.
  static float read(ShortArray h, FloatArray f, int type, int base, int e) {
    int bits = h.get(base + at(type, e)) & 65535;
    float value;
    if (type == F16) {
      value = half(f, bits);
    } else if (type == BF16) {
      value = bfloat(f, bits);
    } else {
      value = half(f, h.get(base + scaleAt(type, e)) & 65535) * quant(type, e, bits);
    }
    return value;
  }

  /// To the nearest integer, ties to even, of a number from 0 to 2²².
  static int nearest(float x) {
    float shifted = x + 8388608f;
    return (int) (shifted - 8388608f);
  }

  /// The largest e from `low` to `high` with 2ᵉ not above `x`.
  static int exponent(FloatArray f, float x, int low, int high) {
    int e = low;
    for (int step = 128; step > 0; step = step / 2) {
      if (e + step <= high) {
        if (x >= f.get(Common.BIAS + e + step)) {
          e = e + step;
        }
      }
    }
    return e;
  }

  /// The bits of `x` as F16, rounded to nearest even.
  static int toHalf(FloatArray f, float x) {
    float a = x < 0 ? -x : x;
    int sign = x < 0 ? 32768 : 0;
    int bits;
    if (x != x) {
      bits = 32256;
    } else if (a >= 65520f) {
      bits = 31744;
    } else if (a < f.get(Common.BIAS - 14)) {
      bits = nearest(a * 16777216f);
    } else {
      int e = exponent(f, a, -14, 15);
      bits = (e + 14) * 1024 + nearest(a * f.get(Common.BIAS + 10 - e));
    }
    return bits + sign;
  }

  /// The bits of `x` as BF16, rounded to nearest even.
  static int toBfloat(FloatArray f, float x) {
    float a = x < 0 ? -x : x;
    int sign = x < 0 ? 32768 : 0;
    int bits;
    if (x != x) {
      bits = 32704;
    } else if (a == f.get(Common.INFINITY)) {
      bits = 32640;
    } else if (a < f.get(Common.BIAS - 126)) {
      bits = nearest(a * f.get(Common.BIAS + 100) * f.get(Common.BIAS + 33));
    } else if (a < 1f) {
      // in two steps, since 2¹³³ is no float
      int e = exponent(f, a, -126, 0);
      float scaled = a * f.get(Common.BIAS + 30);
      bits = (e + 126) * 128 + nearest(scaled * f.get(Common.BIAS - 23 - e));
    } else {
      int e = exponent(f, a, 0, 127);
      bits = (e + 126) * 128 + nearest(a * f.get(Common.BIAS + 7 - e));
    }
    return bits + sign;
  }

  private static int store(int bits) {
    return bits > 32767 ? bits - 65536 : bits;
  }

  /// Writes element `e` of an F16 or BF16 tensor.
  static void write(ShortArray h, FloatArray f, int type, int at, float x) {
    if (type == F16) {
      h.set(at, (short) store(toHalf(f, x)));
    } else {
      h.set(at, (short) store(toBfloat(f, x)));
    }
  }

  /// An element as [#read] does, or of a tensor of floats.
  static float any(ShortArray h, FloatArray f, int type, int base, int e) {
    return type == F32 ? f.get(base + e) : read(h, f, type, base, e);
  }

  /// An element of a tensor that is not quantised.
  static float plain(ShortArray h, FloatArray f, int type, int at) {
    float value;
    if (type == F32) {
      value = f.get(at);
    } else if (type == F16) {
      value = half(f, h.get(at) & 65535);
    } else {
      value = bfloat(f, h.get(at) & 65535);
    }
    return value;
  }

  /// Quantises 32 elements from `from` on into the block of Q8_0 at `at`.
  static void writeQ8(ShortArray h, FloatArray f, int type, int from, int at) {
    float largest = 0;
    for (int k = 0; k < 32; k++) {
      float a = TornadoMath.abs(plain(h, f, type, from + k));
      if (a > largest) {
        largest = a;
      }
    }
    float d = largest / 127f;
    float inverse = d == 0 ? 0 : 1f / d;
    h.set(at, (short) store(toHalf(f, d)));
    int word = 0;
    for (int k = 0; k < 32; k++) {
      int q = q8(plain(h, f, type, from + k) * inverse);
      if ((k & 1) == 0) {
        word = q;
      } else {
        h.set(at + 1 + k / 2, (short) store(word + 256 * q));
      }
    }
  }

  /// Rounded half away from zero, as an unsigned byte.
  private static int q8(float x) {
    float a = x < 0 ? -x : x;
    float whole = TornadoMath.floor(a);
    int q = (int) whole;
    if (a - whole >= 0.5f) {
      q = q + 1;
    }
    int signed = x < 0 ? -q : q;
    return signed < 0 ? signed + 256 : signed;
  }

  /// Quantises 32 elements from `from` on into the block of Q4_0 at `at`.
  static void writeQ4(ShortArray h, FloatArray f, int type, int from, int at) {
    float largest = 0;
    float extreme = 0;
    for (int k = 0; k < 32; k++) {
      float x = plain(h, f, type, from + k);
      float a = TornadoMath.abs(x);
      if (a > largest) {
        largest = a;
        extreme = x;
      }
    }
    float d = extreme / -8f;
    float inverse = d == 0 ? 0 : 1f / d;
    h.set(at, (short) store(toHalf(f, d)));
    // a short holds elements 2i, 16 + 2i, 2i + 1 and 17 + 2i, four bits each
    int word = 0;
    for (int k = 0; k < 32; k++) {
      int place = k & 3;
      int element = 2 * (k / 4) + place / 2 + 16 * (place & 1);
      int q = (int) (plain(h, f, type, from + element) * inverse + 8.5f);
      q = q > 15 ? 15 : q;
      word = place == 0 ? q : word + (q << (4 * place));
      if (place == 3) {
        h.set(at + 1 + k / 4, (short) store(word));
      }
    }
  }
}
