package dev.yushan.backend.tornado;

import dev.yushan.backend.DeviceLimits;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/// What a device can do at most, by two kernels: fused multiply-adds on registers, and reading
/// memory from end to end. Each is the best of many runs, since what else the machine does can only
/// take away.
final class LimitKernels {
  static final int GROUP = 256;

  private static final int CHAINS = 16;

  /// Several times what a large device runs at once.
  private static final int GROUPS = 4096;

  /// Floats that a thread reads.
  private static final int READS = 8;

  private static final int PIECE = GROUP * READS;

  /// More than caches hold, and enough that launches count little: 0.1 ms beside 1.3 on the fastest
  /// devices.
  private static final long READ_BYTES = 1L << 32;

  private static final long ENOUGH_NANOS = 20_000_000;
  private static final long SETTLED_NANOS = 300_000_000;
  private static final long MOST_NANOS = 3_000_000_000L;

  private LimitKernels() {}

  static DeviceLimits measure(TornadoBackend backend, Device device) {
    return new DeviceLimits(flops(device), readBytes(backend, device));
  }

  /// Operations a second of independent chains of FMA in registers.
  static double flops(Device device) {
    int steps = 8;
    Call call;
    do {
      steps = 2 * steps;
      call = new Call(device::launch, Kernel.CHAINS).value(steps).number(0.5f).number(0.25f);
    } while (nanos(device, call, GROUPS) < ENOUGH_NANOS);
    return 2e9 * CHAINS * steps * GROUPS * GROUP / fastest(device, call, GROUPS);
  }

  /// Bytes a second that are read from memory.
  private static double readBytes(TornadoBackend backend, Device device) {
    long bytes = Math.min(READ_BYTES, backend.availableBytes() / 2);
    long pieces = Math.max(1, bytes / (PIECE * 4L));
    try (Tensor memory = backend.allocate(DType.F32, Shape.of(pieces * PIECE))) {
      Call call = new Call(device::launch, Kernel.READ).tensors(memory);
      return 4e9 * PIECE * pieces / fastest(device, call, pieces);
    }
  }

  /// Nanoseconds of the fastest run: goes on as long as runs become faster.
  private static long fastest(Device device, Call call, long groups) {
    long best = nanos(device, call, groups);
    long begin = System.nanoTime();
    long now = begin;
    long better = begin;
    while (now - better < SETTLED_NANOS && now - begin < MOST_NANOS) {
      long nanos = nanos(device, call, groups);
      now = System.nanoTime();
      if (nanos < 0.98 * best) {
        better = now;
      }
      best = Math.min(best, nanos);
    }
    return best;
  }

  /// Of the second of two calls: the first may have to be compiled. A download waits for the calls
  /// before it.
  private static long nanos(Device device, Call call, long groups) {
    MemorySegment probe = MemorySegment.ofArray(new float[1]);
    call.forGroups(groups);
    device.download(Transfer.FLOATS_DOWN, 0, probe);
    long begin = System.nanoTime();
    call.forGroups(groups);
    device.download(Transfer.FLOATS_DOWN, 0, probe);
    return System.nanoTime() - begin;
  }

  /// steps, factor and summand as numbers
  static void kChains(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float x = Common.number(p, f, 25);
    float y = Common.number(p, f, 27);
    float c0 = c.localIdx;
    float c1 = c0 + 1, c2 = c0 + 2, c3 = c0 + 3, c4 = c0 + 4, c5 = c0 + 5, c6 = c0 + 6, c7 = c0 + 7;
    float c8 = c0 + 8, c9 = c0 + 9, ca = c0 + 10, cb = c0 + 11, cc = c0 + 12, cd = c0 + 13;
    float ce = c0 + 14, cf = c0 + 15;
    int steps = p.get(24);
    for (int i = 0; i < steps; i++) {
      c0 = c0 * x + y;
      c1 = c1 * x + y;
      c2 = c2 * x + y;
      c3 = c3 * x + y;
      c4 = c4 * x + y;
      c5 = c5 * x + y;
      c6 = c6 * x + y;
      c7 = c7 * x + y;
      c8 = c8 * x + y;
      c9 = c9 * x + y;
      ca = ca * x + y;
      cb = cb * x + y;
      cc = cc * x + y;
      cd = cd * x + y;
      ce = ce * x + y;
      cf = cf * x + y;
    }
    float low = c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7;
    keep(f, low + c8 + c9 + ca + cb + cc + cd + ce + cf);
  }

  /// memory: of which a group reads a piece
  static void kRead(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int at = p.get(24) + c.groupIdx * PIECE + c.localIdx;
    float low = f.get(at) + f.get(at + 256) + f.get(at + 512) + f.get(at + 768);
    float high = f.get(at + 1024) + f.get(at + 1280) + f.get(at + 1536) + f.get(at + 1792);
    keep(f, low + high);
  }

  /// Nothing, as results are not negative; the compiler does not know it.
  private static void keep(FloatArray f, float result) {
    if (result < 0) {
      f.set(Common.RESERVED - 1, result);
    }
  }
}
