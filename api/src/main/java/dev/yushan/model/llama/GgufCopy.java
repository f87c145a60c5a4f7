package dev.yushan.model.llama;

import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.io.gguf.Blocks;
import dev.yushan.io.gguf.Gguf;
import dev.yushan.io.gguf.GgufType;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.LongConsumer;

/// Copies tensors of a GGUF file to a backend, some rows at a time.
///
/// @param raw room for such a piece as it is stored
/// @param wide room for one as F32
/// @param narrow room for one in another type
/// @param piece weights of a piece, unless a row has more
record GgufCopy(
    Backend backend,
    LlamaConfig config,
    Gguf gguf,
    MemorySegment raw,
    MemorySegment wide,
    MemorySegment narrow,
    LongConsumer read,
    long piece) {

  static GgufCopy of(
      Backend backend, LlamaConfig config, Gguf gguf, Arena arena, LongConsumer read, long piece) {
    long columns = Math.max(config.hiddenSize(), config.intermediateSize());
    long most = Math.max(piece, Math.max(columns, (long) config.heads() * config.headDim()));
    return new GgufCopy(
        backend,
        config,
        gguf,
        arena.allocate(4 * most, 64),
        arena.allocate(4 * most, 64),
        arena.allocate(4 * most, 64),
        read,
        piece);
  }

  void tensor(String there, Parameter parameter) {
    Tensor target = parameter.value();
    Gguf.Entry stored = GgufModels.tensor(gguf, there, target.shape());
    boolean vector = stored.dims().size() == 1;
    long columns = stored.dims().getLast();
    long rows = vector ? 1 : stored.dims().getFirst();
    long step = Math.max(1, piece / columns);
    for (long from = 0; from < rows; from += step) {
      long count = Math.min(step, rows - from);
      Tensor part = vector ? target : target.rows(from, from + count);
      upload(parameter.name(), stored.type(), rows(stored, parameter, from, count), part, from);
      read.accept(part.elements());
    }
  }

  /// Some rows as transformers numbers them.
  private MemorySegment rows(Gguf.Entry stored, Parameter parameter, long from, long count) {
    long bytes = stored.type().bytes(stored.dims().getLast());
    if (!LlamaGguf.turns(parameter.name())) {
      return stored.data().asSlice(from * bytes, count * bytes);
    }
    for (long i = 0; i < count; i++) {
      MemorySegment row = GgufModels.row(config, stored, parameter.name(), from + i);
      MemorySegment.copy(row, 0, raw, i * bytes, bytes);
    }
    return raw.asSlice(0, count * bytes);
  }

  private void upload(String name, GgufType type, MemorySegment bytes, Tensor target, long row) {
    long count = target.elements();
    long first = row * target.columns();
    Blocks.firstNonFinite(type, bytes, count)
        .ifPresent(bad -> GgufModels.badValue(name, first + bad, "infinite or NaN"));
    if (type.dtype().filter(target.dtype()::equals).isPresent()) {
      backend.upload(bytes, target);
    } else {
      MemorySegment out = narrow.asSlice(0, target.bytes());
      GgufType kept = GgufType.of(target.dtype());
      Blocks.widen(type, bytes, wide, count);
      Blocks.narrow(kept, wide, out, count);
      GgufModels.requireFits(name, first, kept, out, count);
      backend.upload(out, target);
    }
  }
}
