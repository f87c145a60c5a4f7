package dev.yushan.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/// Device code that picks rows by index, and what moves tensors to and from the host.
final class RowKernels {
  private RowKernels() {}

  /// columns, table, ids, out, type of table
  static void kGather(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    int columns = p.get(24);
    if (i < Common.live(p, w, 0) * columns) {
      int row = i / columns;
      int e = w.get(p.get(26) + row) * columns + i - row * columns;
      f.set(p.get(27) + i, Packed.any(h, f, p.get(28), p.get(25), e));
    }
  }

  /// columns, rows, ids, table: one thread a column, so that equal ids add up in their order
  static void kScatterAdd(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int j = c.globalIdx;
    int columns = p.get(24);
    if (j < columns) {
      int live = Common.live(p, w, 0);
      for (int i = 0; i < live; i++) {
        int to = p.get(27) + w.get(p.get(26) + i) * columns + j;
        f.set(to, f.get(to) + f.get(p.get(25) + i * columns + j));
      }
    }
  }

  /// columns, ld of rows, rows, ids, table, type of table
  static void kScatter(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    int columns = p.get(24);
    if (i < Common.live(p, w, 0) * columns) {
      int row = i / columns;
      int j = i - row * columns;
      int id = w.get(p.get(27) + row);
      if (id >= 0) {
        float x = f.get(p.get(26) + row * p.get(25) + j);
        if (p.get(29) == Packed.F32) {
          f.set(p.get(28) + id * columns + j, x);
        } else {
          Packed.write(h, f, p.get(29), p.get(28) + id * columns + j, x);
        }
      }
    }
  }

  /// The first kernel of a device: writes where nobody reads, so that the lanes are allocated there
  /// and never sent.
  static void kOwner(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < p.get(0)) {
      f.set(Common.RESERVED - 1, 0);
      h.set(0, (short) 0);
      w.set(0, 0);
    }
  }

  /// first: zeroes as many as there are rows, of floats
  static void kZeroFloats(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < p.get(0)) {
      f.set(p.get(24) + i, 0);
    }
  }

  /// first: zeroes as many as there are rows, of shorts
  static void kZeroShorts(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < p.get(0)) {
      h.set(p.get(24) + i, (short) 0);
    }
  }

  /// first: zeroes as many as there are rows, of integers
  static void kZeroInts(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < p.get(0)) {
      w.set(p.get(24) + i, 0);
    }
  }

  /// rows in all, columns, ld of x, x, threads: zeroes the rows behind those that count
  static void kZeroTail(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int columns = p.get(25);
    int live = Common.live(p, w, 0);
    if (live < 0) {
      live = 0;
    }
    int elements = (p.get(24) - live) * columns;
    for (int i = c.globalIdx; i < elements; i += p.get(28)) {
      int row = i / columns;
      f.set(p.get(27) + (live + row) * p.get(26) + i - row * columns, 0);
    }
  }

  /// first: as many elements as there are rows
  static void kUploadFloats(
      KernelContext c, IntArray p, FloatArray s, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < p.get(0)) {
      f.set(p.get(24) + i, s.get(i));
    }
  }

  static void kUploadShorts(
      KernelContext c, IntArray p, ShortArray s, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < p.get(0)) {
      h.set(p.get(24) + i, s.get(i));
    }
  }

  static void kUploadInts(
      KernelContext c, IntArray p, IntArray s, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < p.get(0)) {
      w.set(p.get(24) + i, s.get(i));
    }
  }

  static void kDownloadFloats(
      KernelContext c, IntArray p, FloatArray s, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < p.get(0)) {
      s.set(i, f.get(p.get(24) + i));
    }
  }

  static void kDownloadShorts(
      KernelContext c, IntArray p, ShortArray s, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < p.get(0)) {
      s.set(i, h.get(p.get(24) + i));
    }
  }

  static void kDownloadInts(
      KernelContext c, IntArray p, IntArray s, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < p.get(0)) {
      s.set(i, w.get(p.get(24) + i));
    }
  }
}
