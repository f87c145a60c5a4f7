package dev.yushan.model;

import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.io.FileFormatException;
import dev.yushan.io.FloatFormats;
import dev.yushan.io.SafetensorsDirectory;
import dev.yushan.io.SafetensorsWriter;
import dev.yushan.io.StorageType;
import dev.yushan.io.StoredTensor;
import dev.yushan.io.TensorHeader;
import dev.yushan.io.TensorSource;
import dev.yushan.io.gguf.Blocks;
import dev.yushan.io.gguf.GgufType;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.LongConsumer;

/// Moves weights between safetensors and a backend, piece by piece: no tensor is held twice.
final class WeightFiles {
  private static final long PIECE = 1 << 22;
  private static final String HEAD = "lm_head.weight";

  private WeightFiles() {}

  /// Fills `parameters` from the weights in `directory`, which must hold exactly those, in their
  /// shapes, and all finite.
  ///
  /// @param read is told of each piece how many weights it has
  static void load(Backend backend, Path directory, List<Parameter> parameters, LongConsumer read) {
    try (SafetensorsDirectory files = SafetensorsDirectory.open(directory);
        Copy copy = new Copy(backend, Math.min(PIECE, largest(parameters)), read)) {
      refuseUnexpected(files, parameters);
      for (Parameter parameter : parameters) {
        StoredTensor stored = files.tensor(parameter.name());
        Path file = files.fileOf(parameter.name());
        requireUsable(file, stored, parameter.value());
        copy.tensor(file, stored, parameter.value());
      }
    }
  }

  private static long largest(List<Parameter> parameters) {
    return parameters.stream().mapToLong(p -> p.value().elements()).max().orElse(0);
  }

  private static void refuseUnexpected(SafetensorsDirectory files, List<Parameter> parameters) {
    Set<String> known = new HashSet<>();
    parameters.forEach(parameter -> known.add(parameter.name()));
    for (StoredTensor stored : files.tensors()) {
      // A tied head may be stored a second time, and old files hold the rotary frequencies.
      boolean redundant =
          stored.name().equals(HEAD) || stored.name().endsWith("rotary_emb.inv_freq");
      if (!known.contains(stored.name()) && !redundant) {
        throw new FileFormatException(
            files.fileOf(stored.name()),
            "tensor %s: not part of the model that config.json describes; do the two belong together?"
                .formatted(stored.name()));
      }
    }
  }

  private static void requireUsable(Path file, StoredTensor stored, Tensor target) {
    if (!stored.shape().equals(target.shape())) {
      throw new FileFormatException(
          file,
          "tensor %s: shape %s, but config.json makes it %s"
              .formatted(stored.name(), stored.shape(), target.shape()));
    }
    if (!stored.type().real()) {
      throw new FileFormatException(
          file, "tensor %s: type %s is not supported".formatted(stored.name(), stored.type()));
    }
  }

  /// Copies tensors piece by piece, in rooms that it keeps for all of them.
  private static final class Copy implements AutoCloseable {
    private final Backend backend;
    private final long most;
    private final LongConsumer read;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment wide;
    private final MemorySegment narrow;

    /// A piece as F32 on the backend, once there is one to quantise.
    private Optional<Tensor> floats = Optional.empty();

    /// @param most elements of a piece
    Copy(Backend backend, long most, LongConsumer read) {
      this.backend = backend;
      this.most = most;
      this.read = read;
      this.wide = arena.allocate(4 * most, 64);
      this.narrow = arena.allocate(4 * most, 64);
    }

    void tensor(Path file, StoredTensor stored, Tensor target) {
      Tensor flat = target.reshape(target.elements());
      int size = stored.type().bytes();
      for (long from = 0; from < flat.elements(); from += most) {
        long count = Math.min(most, flat.elements() - from);
        MemorySegment bytes = stored.data().asSlice(from * size, count * size);
        OptionalLong bad = FloatFormats.firstNonFinite(stored.type(), bytes, count);
        if (bad.isPresent()) {
          throw new FileFormatException(
              file,
              "tensor %s: element %d is not finite: the file is damaged or training had diverged; take sound weights"
                  .formatted(stored.name(), from + bad.getAsLong()));
        }
        piece(stored, from, bytes, flat.rows(from, from + count));
        read.accept(count);
      }
    }

    /// @param from which element of the tensor the first is
    private void piece(StoredTensor stored, long from, MemorySegment bytes, Tensor target) {
      long count = target.elements();
      if (!target.dtype().quantised() && StorageType.of(target.dtype()) == stored.type()) {
        backend.upload(bytes, target);
        return;
      }
      FloatFormats.widen(stored.type(), bytes, wide, count);
      if (target.dtype().quantised()) {
        quantise(stored.name(), from, target);
      } else {
        StorageType type = StorageType.of(target.dtype());
        FloatFormats.narrow(type, wide, narrow, count);
        FloatFormats.requireFinite(stored.name(), from, type, narrow, count);
        backend.upload(narrow.asSlice(0, target.bytes()), target);
      }
    }

    /// What is in [#wide], by the backend, whose rounding it is to have.
    private void quantise(String name, long from, Tensor target) {
      if (floats.isEmpty()) {
        floats = Optional.of(backend.allocate(DType.F32, Shape.of(most)));
      }
      Tensor piece = floats.get().rows(0, target.elements());
      backend.upload(wide.asSlice(0, 4 * target.elements()), piece);
      backend.kernels().copy(piece, target);
      backend.download(target, narrow.asSlice(0, target.bytes()));
      Blocks.firstNonFinite(GgufType.of(target.dtype()), narrow, target.elements())
          .ifPresent(
              bad -> {
                throw new IllegalArgumentException(
                    "tensor %s: element %d is too large for %s; choose another type"
                        .formatted(name, from + bad, target.dtype()));
              });
    }

    @Override
    public void close() {
      floats.ifPresent(Tensor::close);
      arena.close();
    }
  }

  /// Writes `parameters` to `directory` as `dtype`.
  static void save(
      Backend backend,
      List<Parameter> parameters,
      Path directory,
      DType dtype,
      long maxShardBytes) {
    List<SafetensorsWriter.Entry> entries =
        parameters.stream()
            .map(
                parameter ->
                    new SafetensorsWriter.Entry(
                        TensorHeader.of(
                            parameter.name(), StorageType.of(dtype), parameter.value().shape()),
                        source(backend, parameter, StorageType.of(dtype))))
            .toList();
    SafetensorsWriter.writeModel(directory, entries, maxShardBytes);
  }

  /// Writes the weights in `from` to `to`, real ones as `type`, others as they are. Nothing is held
  /// but one piece at a time.
  static void convert(Path from, Path to, Optional<StorageType> type, long maxShardBytes) {
    try (SafetensorsDirectory files = SafetensorsDirectory.open(from)) {
      List<SafetensorsWriter.Entry> entries =
          files.tensors().stream()
              .map(
                  stored -> {
                    StorageType target =
                        stored.type().real() ? type.orElse(stored.type()) : stored.type();
                    return new SafetensorsWriter.Entry(
                        new TensorHeader(stored.name(), target, stored.header().dims()),
                        TensorSource.converted(stored, target));
                  })
              .toList();
      SafetensorsWriter.writeModel(to, entries, maxShardBytes);
    }
  }

  /// The elements of a weight on a backend, as the bytes of `type`.
  private static TensorSource source(Backend backend, Parameter parameter, StorageType type) {
    Tensor value = parameter.value();
    Tensor flat = value.reshape(value.elements());
    return (offset, piece) -> {
      long from = offset / type.bytes();
      long count = piece.byteSize() / type.bytes();
      Tensor part = flat.rows(from, from + count);
      if (StorageType.of(value.dtype()) == type) {
        backend.download(part, piece);
        return;
      }
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment raw = arena.allocate(part.bytes(), 64);
        MemorySegment wide = arena.allocate(count * 4, 64);
        backend.download(part, raw);
        FloatFormats.widen(StorageType.of(value.dtype()), raw, wide, count);
        FloatFormats.narrow(type, wide, piece, count);
      }
      FloatFormats.requireFinite(parameter.name(), from, type, piece, count);
    };
  }
}
