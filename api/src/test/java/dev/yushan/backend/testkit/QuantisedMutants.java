package dev.yushan.backend.testkit;

import dev.yushan.backend.Invocation;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import java.util.function.ObjIntConsumer;

/// Backends that read blocks of Q8_0 and Q4_0 wrongly.
///
/// @param table where they go
record QuantisedMutants(Mutants table) {
  void list() {
    lowest("gather", "−128 of Q8_0 taken for −127", 0);
    lowest("copy", "−128 of Q8_0 taken for −127", 0);
    lowest("matmul", "−128 of Q8_0 taken for −127", 4);
    lowest("matmul", "−128 of rows of Q8_0 taken for −127", 3);
    for (DType dtype : new DType[] {DType.Q8_0, DType.Q4_0}) {
      withoutScale("gather", dtype, 0);
      withoutScale("copy", dtype, 0);
      withoutScale("matmul", dtype, 4);
      table.add("matmul", "NaN of a scale of " + dtype + " in all columns", spreads(dtype));
    }
    withoutScale("matmul", DType.Q8_0, 3);
    table.add("matmul", "sums of a block stop at 32,767", QuantisedMutants::saturates);
    table.add(
        "matmul",
        "halves of Q4_0 bytes exchanged",
        changed(
            4,
            DType.Q4_0,
            (bytes, at) -> {
              for (int i = at + 2; i < at + 18; i++) {
                bytes[i] = (byte) (bytes[i] << 4 | bytes[i] >> 4 & 15);
              }
            }));
  }

  private void lowest(String op, String name, int index) {
    ObjIntConsumer<byte[]> raise =
        (bytes, at) -> {
          for (int i = at + 2; i < at + 34; i++) {
            bytes[i] = (byte) Math.max(-127, bytes[i]);
          }
        };
    table.add(op, name, changed(index, DType.Q8_0, raise));
  }

  private void withoutScale(String op, DType dtype, int index) {
    ObjIntConsumer<byte[]> zero =
        (bytes, at) -> {
          if (!finite(bytes, at)) {
            bytes[at] = 0;
            bytes[at + 1] = 0;
          }
        };
    String name = "scales of %s that are not finite taken for 0, argument %d";
    table.add(op, name.formatted(dtype, index), changed(index, dtype, zero));
  }

  private static boolean finite(byte[] bytes, int at) {
    return (bytes[at + 1] & 0x7C) != 0x7C;
  }

  /// The blocks of argument `index` are changed where it is of `dtype`, in a tensor of its own.
  private static Consumer<Invocation> changed(
      int index, DType dtype, ObjIntConsumer<byte[]> change) {
    return call -> {
      Tensor t = call.tensor(index);
      if (t.dtype() != dtype) {
        call.proceed();
        return;
      }
      byte[] bytes = call.backend().bytes(t);
      for (int at = 0; at < bytes.length; at += dtype.blockBytes()) {
        change.accept(bytes, at);
      }
      try (Tensor wrong = call.backend().allocate(dtype, t.shape())) {
        call.backend().upload(MemorySegment.ofArray(bytes), wrong);
        call.with(index, t.count().map(wrong::counted).orElse(wrong)).proceed();
      }
    };
  }

  /// A scale of `b` that is not finite makes all of `c` NaN.
  private static Consumer<Invocation> spreads(DType dtype) {
    return call -> {
      call.proceed();
      Tensor b = call.tensor(4);
      if (b.dtype() != dtype) {
        return;
      }
      byte[] bytes = call.backend().bytes(b);
      for (int at = 0; at < bytes.length; at += dtype.blockBytes()) {
        if (!finite(bytes, at)) {
          call.backend().kernels().fill(call.tensor(6), Float.NaN);
          return;
        }
      }
    };
  }

  /// As if the sum of the 32 products of a block, which are integers, were kept in 16 bits and
  /// clipped: only 32 times −128 · −8 is more than they hold.
  private static void saturates(Invocation call) {
    call.proceed();
    if (call.tensor(3).dtype() != DType.Q8_0) {
      return;
    }
    byte[] a = call.backend().bytes(call.tensor(3));
    byte[] b = call.backend().bytes(call.tensor(4));
    Matrix c = Matrix.of(call.tensor(6));
    float alpha = (float) call.arguments()[2];
    int blocks = (int) call.tensor(3).columns() / 32;
    for (int i = 0; i < Matrix.live(call.tensor(6)); i++) {
      for (int j = 0; j < c.columns(); j++) {
        for (int k = 0; k < blocks; k++) {
          int left = (i * blocks + k) * DType.Q8_0.blockBytes();
          int right = (j * blocks + k) * DType.Q4_0.blockBytes();
          if (all(a, left + 2, 32, Byte.MIN_VALUE) && all(b, right + 2, 16, (byte) 0)) {
            c.add(i, j, -alpha * scale(a, left) * scale(b, right));
          }
        }
      }
    }
  }

  private static boolean all(byte[] bytes, int from, int count, byte value) {
    for (int i = from; i < from + count; i++) {
      if (bytes[i] != value) {
        return false;
      }
    }
    return true;
  }

  private static float scale(byte[] bytes, int at) {
    return Float.float16ToFloat((short) (bytes[at] & 0xFF | bytes[at + 1] << 8));
  }
}
