package dev.yushan.model.llama;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.backend.SizingBackend;
import dev.yushan.io.DurableFiles;
import dev.yushan.io.FileFormatException;
import dev.yushan.io.FloatFormats;
import dev.yushan.io.SafetensorsDirectory;
import dev.yushan.io.SafetensorsWriter;
import dev.yushan.io.StorageType;
import dev.yushan.io.StoredTensor;
import dev.yushan.io.TensorHeader;
import dev.yushan.io.TensorSource;
import dev.yushan.io.gguf.Blocks;
import dev.yushan.io.gguf.Gguf;
import dev.yushan.io.gguf.GgufType;
import dev.yushan.io.gguf.GgufWriter;
import dev.yushan.model.CausalLM;
import dev.yushan.model.ModelException;
import dev.yushan.model.Models;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.text.GgufTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;

/// Llama models in GGUF files: written from a model directory, read into one, or run as they are.
public final class GgufModels {
  /// Weights that are copied at a time: few enough to stay in a cache while they are converted.
  private static final long PIECE = 1 << 20;

  private GgufModels() {}

  // ---- to GGUF ---------------------------------------------------------------------------------

  /// Writes the model in `directory` to `file`.
  ///
  /// @param tokenizer whether its tokenizer, if it has one, goes along
  /// @param types of the matrices: F32, F16, BF16, Q8_0 or Q4_0; where rows are no whole number of
  ///   blocks BF16 is taken, and vectors are F32
  /// @throws ModelException if it is no Llama model
  /// @throws IllegalArgumentException naming tensor and element where a value does not fit its type
  public static void export(Path directory, Path file, MatrixTypes types, boolean tokenizer) {
    ObjectNode json = Models.configJson(directory);
    requireLlama(json);
    LlamaConfig config = LlamaConfig.of(json);
    Map<String, Object> metadata =
        LlamaGguf.metadata(json, directory.toAbsolutePath().normalize().getFileName().toString());
    metadata.put("general.file_type", fileType(types.layers()));
    metadata.put("general.quantization_version", 2);
    if (tokenizer) {
      metadata.putAll(GgufTokenizer.metadata(directory, config.vocabSize()));
    }
    try (SafetensorsDirectory weights = SafetensorsDirectory.open(directory)) {
      List<GgufWriter.Entry> entries = new ArrayList<>();
      LlamaGguf.ropeFactors(config)
          .ifPresent(
              factors ->
                  entries.add(
                      new GgufWriter.Entry(
                          LlamaGguf.ROPE_FACTORS,
                          GgufType.F32,
                          List.of((long) factors.length),
                          TensorSource.of(MemorySegment.ofArray(factors)))));
      LlamaGguf.names(config)
          .forEach(
              (name, there) ->
                  entries.add(entry(config, weights.tensor(name), there, type(there, types))));
      GgufWriter.write(file, metadata, entries);
    }
  }

  private static void requireLlama(ObjectNode json) {
    String architecture = json.path("architectures").path(0).asText("");
    if (!architecture.equals(LlamaProvider.ARCHITECTURE)) {
      throw new ModelException(
          "only %s is written as GGUF, not %s".formatted(LlamaProvider.ARCHITECTURE, architecture));
    }
  }

  /// The number of `llama_ftype` in llama.h.
  private static int fileType(DType type) {
    return switch (type) {
      case F32 -> 0;
      case F16 -> 1;
      case Q4_0 -> 2;
      case Q8_0 -> 7;
      case BF16 -> 32;
      case I32 -> throw new IllegalArgumentException("integers are no weights");
    };
  }

  private static GgufType type(String name, MatrixTypes types) {
    return GgufType.of(
        switch (name) {
          case LlamaGguf.EMBEDDING -> types.embedding();
          case LlamaGguf.HEAD -> types.head();
          default -> types.layers();
        });
  }

  private static GgufWriter.Entry entry(
      LlamaConfig config, StoredTensor stored, String name, GgufType matrices) {
    List<Long> dims = stored.header().dims();
    long columns = dims.getLast();
    GgufType whole = columns % matrices.blockLength() == 0 ? matrices : GgufType.BF16;
    GgufType type = dims.size() == 1 ? GgufType.F32 : whole;
    boolean turned = LlamaGguf.turns(stored.name());
    long size = columns * stored.type().bytes();
    TensorSource source =
        rows(
            stored.name(),
            columns,
            type,
            (row, wide) -> {
              long from = turned ? LlamaGguf.straight(row, config.headDim()) : row;
              MemorySegment bytes = stored.data().asSlice(from * size, size);
              FloatFormats.widen(stored.type(), bytes, wide, columns);
              return from;
            });
    return new GgufWriter.Entry(name, type, dims, source);
  }

  /// Supplies the rows of a tensor that is written.
  private interface Rows {
    /// Puts row `row` as F32 into `wide`, and returns which row of what is read that is.
    long widen(long row, MemorySegment wide);
  }

  /// The bytes of a tensor that is written as `type`.
  ///
  /// @param name for complaints
  private static TensorSource rows(String name, long columns, GgufType type, Rows rows) {
    return (offset, piece) -> {
      long size = type.bytes(columns);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment wide = arena.allocate(4 * columns, 64);
        for (long i = 0; i < piece.byteSize() / size; i++) {
          long first = columns * rows.widen(offset / size + i, wide);
          FloatFormats.firstNonFinite(StorageType.F32, wide, columns)
              .ifPresent(bad -> badValue(name, first + bad, "infinite or NaN"));
          MemorySegment out = piece.asSlice(i * size, size);
          Blocks.narrow(type, wide, out, columns);
          requireFits(name, first, type, out, columns);
        }
      }
    };
  }

  static void requireFits(
      String name, long first, GgufType type, MemorySegment values, long count) {
    Blocks.firstNonFinite(type, values, count)
        .ifPresent(bad -> badValue(name, first + bad, "infinite as " + type));
  }

  static void badValue(String name, long element, String what) {
    throw new IllegalArgumentException(
        "tensor %s: element %d is %s; take another type, or sound weights"
            .formatted(name, element, what));
  }

  // ---- from GGUF -------------------------------------------------------------------------------

  /// Writes the model in `file` to `directory`: config, weights as safetensors, tokenizer.
  ///
  /// @param dtype F32, F16 or BF16; absent: as the matrices are stored, BF16 if they are quantised
  public static void read(Path file, Path directory, Optional<DType> dtype, long maxShardBytes) {
    try (Gguf gguf = open(file)) {
      DType target = dtype.orElseGet(() -> real(gguf));
      Files.createDirectories(directory);
      LlamaConfig config = LlamaConfig.of(LlamaGguf.config(gguf));
      Map<String, Shape> shapes = shapes(config);
      List<SafetensorsWriter.Entry> entries = new ArrayList<>();
      LlamaGguf.names(config)
          .forEach(
              (name, there) ->
                  entries.add(
                      entry(config, gguf, name, there, shapes.get(name), StorageType.of(target))));
      SafetensorsWriter.writeModel(directory, entries, maxShardBytes);
      writeCompanions(gguf, directory, target);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the model to " + directory, e);
    }
  }

  /// Those of all weights of a model.
  private static Map<String, Shape> shapes(LlamaConfig config) {
    Map<String, Shape> shapes = new HashMap<>();
    try (CausalLM model =
        new LlamaForCausalLM(new SizingBackend(), config, MatrixTypes.all(DType.F32), false)) {
      model
          .parameters()
          .forEach(parameter -> shapes.put(parameter.name(), parameter.value().shape()));
    }
    return shapes;
  }

  private static Gguf open(Path file) {
    Gguf gguf = Gguf.open(file);
    String architecture = String.valueOf(gguf.metadata().get("general.architecture"));
    if (!architecture.equals(LlamaGguf.ARCHITECTURE)) {
      gguf.close();
      throw new FileFormatException(
          file, "holds a model of the architecture %s; only llama is read".formatted(architecture));
    }
    return gguf;
  }

  private static SafetensorsWriter.Entry entry(
      LlamaConfig config, Gguf gguf, String name, String there, Shape shape, StorageType type) {
    Gguf.Entry stored = tensor(gguf, there, shape);
    long columns = stored.dims().getLast();
    TensorSource source =
        rows(
            name,
            columns,
            GgufType.valueOf(type.name()),
            (row, wide) -> {
              Blocks.widen(stored.type(), row(config, stored, name, row), wide, columns);
              return row;
            });
    return new SafetensorsWriter.Entry(new TensorHeader(name, type, stored.dims()), source);
  }

  /// @throws FileFormatException if there is none of that name, or not of that shape
  static Gguf.Entry tensor(Gguf gguf, String name, Shape shape) {
    Gguf.Entry entry = gguf.tensors().get(name);
    if (entry == null) {
      throw new FileFormatException(
          gguf.path(), "lacks the tensor %s; it is no whole Llama model".formatted(name));
    }
    if (!Blocks.readable(entry.type())) {
      throw new FileFormatException(
          gguf.path(),
          "tensor %s has type %s; read are F32, F16, BF16, Q8_0, Q4_0 and Q6_K: take a file of one of those"
              .formatted(name, entry.type()));
    }
    if (!entry.shape().equals(shape)) {
      throw new FileFormatException(
          gguf.path(),
          "tensor %s: shape %s, but the metadata make it %s: the file is damaged, get it again"
              .formatted(name, entry.dims(), shape));
    }
    return entry;
  }

  /// A row of a tensor as transformers numbers them.
  static MemorySegment row(LlamaConfig config, Gguf.Entry stored, String name, long index) {
    long at = LlamaGguf.turns(name) ? LlamaGguf.turned(index, config.headDim()) : index;
    long bytes = stored.type().bytes(stored.dims().getLast());
    return stored.data().asSlice(at * bytes, bytes);
  }

  /// Writes all of the model in `file` but its weights to `directory`, for what reads a model
  /// directory.
  public static void writeCompanions(Path file, Path directory) {
    try (Gguf gguf = open(file)) {
      writeCompanions(gguf, directory, real(gguf));
    }
  }

  /// A type that holds what the matrices do: theirs, F32 if they have several, and BF16 in the
  /// place of quantised ones alone.
  private static DType real(Gguf gguf) {
    List<DType> types =
        gguf.tensors().values().stream()
            .filter(entry -> entry.dims().size() == 2)
            .flatMap(entry -> entry.type().dtype().stream())
            .filter(type -> !type.quantised())
            .distinct()
            .toList();
    return switch (types.size()) {
      case 0 -> DType.BF16;
      case 1 -> types.getFirst();
      default -> DType.F32;
    };
  }

  private static void writeCompanions(Gguf gguf, Path directory, DType dtype) {
    ObjectNode config = LlamaGguf.config(gguf);
    config.put("torch_dtype", Models.torchName(dtype));
    DurableFiles.write(directory.resolve("config.json"), config.toPrettyString() + "\n");
    Models.saveGenerationConfig(directory, config, directory);
    GgufTokenizer.write(gguf, directory);
  }

  // ---- run as they are -------------------------------------------------------------------------

  /// The types in which the matrices of `file` are best kept: of embedding, of all layers and of
  /// the head that of most of their weights, but Q8_0 where there is Q6_K, which no backend has.
  /// Most files of Q4_0 have it in the head alone.
  public static MatrixTypes types(Path file) {
    try (Gguf gguf = open(file)) {
      return types(gguf);
    }
  }

  private static MatrixTypes types(Gguf gguf) {
    DType embedding = kept(gguf, LlamaGguf.EMBEDDING);
    boolean tied = !gguf.tensors().containsKey(LlamaGguf.HEAD);
    return new MatrixTypes(
        embedding, kept(gguf, LlamaGguf.LAYERS), tied ? embedding : kept(gguf, LlamaGguf.HEAD));
  }

  /// The type for the matrices whose names begin so. Those whose rows are no whole number of blocks
  /// count only where all are such: they are BF16 beside quantised ones in any case.
  private static DType kept(Gguf gguf, String prefix) {
    Map<GgufType, Long> weights = weights(gguf, prefix, DType.Q8_0.blockLength());
    if (weights.isEmpty()) {
      weights = weights(gguf, prefix, 1);
    }
    GgufType most =
        weights.entrySet().stream()
            .max(Map.Entry.comparingByValue())
            .map(Map.Entry::getKey)
            .orElse(GgufType.F32);
    return weights.containsKey(GgufType.Q6_K) ? DType.Q8_0 : most.dtype().orElse(DType.BF16);
  }

  /// How many weights of each type are in rows of a multiple of `unit`.
  private static Map<GgufType, Long> weights(Gguf gguf, String prefix, int unit) {
    Map<GgufType, Long> weights = new EnumMap<>(GgufType.class);
    gguf.tensors().values().stream()
        .filter(entry -> entry.name().startsWith(prefix) && entry.dims().size() == 2)
        .filter(entry -> entry.dims().getLast() % unit == 0)
        .forEach(entry -> weights.merge(entry.type(), entry.elements(), Long::sum));
    return weights;
  }

  /// Loads the model in `file` to run it; what is stored in the type that it is kept in keeps every
  /// bit.
  public static CausalLM load(Backend backend, Path file, MatrixTypes weights) {
    return load(backend, file, weights, count -> {});
  }

  /// The same.
  ///
  /// @param read is told, a million at a time, how many weights have been read; they add up to
  ///   [dev.yushan.model.ModelConfig#parameters]
  /// @throws IllegalArgumentException naming tensor and element where a value is infinite or NaN,
  ///   or becomes so in its type
  public static CausalLM load(Backend backend, Path file, MatrixTypes weights, LongConsumer read) {
    return load(backend, file, weights, read, PIECE);
  }

  /// @param piece weights that are copied at a time
  static CausalLM load(
      Backend backend, Path file, MatrixTypes weights, LongConsumer read, long piece) {
    try (Gguf gguf = open(file);
        Arena arena = Arena.ofConfined()) {
      LlamaConfig config = LlamaConfig.of(LlamaGguf.config(gguf));
      GgufCopy copy = GgufCopy.of(backend, config, gguf, arena, read, piece);
      CausalLM model = new LlamaForCausalLM(backend, config, weights, false);
      try {
        Map<String, String> names = LlamaGguf.names(config);
        for (Parameter parameter : model.parameters()) {
          copy.tensor(names.get(parameter.name()), parameter);
        }
        return model;
      } catch (RuntimeException | Error e) {
        model.close();
        throw e;
      }
    }
  }
}
