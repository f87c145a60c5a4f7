package dev.yushan.generate;

import dev.yushan.backend.Backend;
import dev.yushan.backend.KvPages;
import dev.yushan.model.ModelConfig;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// The keys and values of tokens seen so far, in pages of 16 positions (Kwon et al. 2023). Which
/// sequence has which page is the caller's business, told by the page table of [#view].
public final class KvCache implements AutoCloseable {
  private final List<Tensor> keys = new ArrayList<>();
  private final List<Tensor> values = new ArrayList<>();

  /// Room for `pages` pages in every layer.
  ///
  /// @param dtype F32, or F16 or BF16 to halve the memory
  public KvCache(Backend backend, ModelConfig config, DType dtype, int pages) {
    Shape shape =
        Shape.of((long) pages * KvPages.PAGE_LENGTH, (long) config.kvHeads() * config.headDim());
    try {
      for (int layer = 0; layer < config.layers(); layer++) {
        keys.add(backend.allocate(dtype, shape));
        values.add(backend.allocate(dtype, shape));
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /// Bytes of one page over all layers.
  public static long pageBytes(ModelConfig config, DType dtype) {
    long row = dtype.bytes((long) config.kvHeads() * config.headDim());
    return 2L * config.layers() * KvPages.PAGE_LENGTH * row;
  }

  /// Pages that `positions` positions fill.
  public static int pagesFor(int positions) {
    return (positions + KvPages.PAGE_LENGTH - 1) / KvPages.PAGE_LENGTH;
  }

  /// The cache as a forward pass sees it.
  ///
  /// @param pageTable I32 `[S, pagesPerSequence]`
  /// @param slots I32 `[T]`
  public KvPages view(Tensor pageTable, Tensor slots) {
    return new KvPages(keys, values, pageTable, slots);
  }

  @Override
  public void close() {
    keys.forEach(Tensor::close);
    values.forEach(Tensor::close);
    keys.clear();
    values.clear();
  }
}
