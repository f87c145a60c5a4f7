package dev.yushan.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.backend.Backend;
import dev.yushan.io.Safetensors;
import dev.yushan.io.SafetensorsWriter;
import dev.yushan.io.StorageType;
import dev.yushan.io.StoredTensor;
import dev.yushan.io.TensorHeader;
import dev.yushan.io.TensorSource;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.optim.Optimizer;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;

/// The tensors of a run and their files.
///
/// @param configJson of the model
/// @param base directory of the model that training began with
/// @param tokenizer directory of the tokenizer that goes with it
/// @param maxShardBytes largest weight file
record ModelState(
    Backend backend,
    CausalLM model,
    Optimizer optimizer,
    ObjectNode configJson,
    Path base,
    Path tokenizer,
    long maxShardBytes) {
  static final String OPTIMIZER_FILE = "optimizer.safetensors";
  private static final long PIECE = 1 << 22;

  /// Writes a model directory that `transformers` loads.
  void saveModel(Path directory, DType dtype) {
    Models.save(backend, model, configJson, directory, dtype, maxShardBytes);
    Models.saveGenerationConfig(base, configJson, directory);
    Models.copyTokenizer(tokenizer, directory);
  }

  /// Writes the state of the optimizer.
  void saveOptimizer(Path directory) {
    List<SafetensorsWriter.Entry> entries =
        optimizer.state().entrySet().stream()
            .map(state -> entry(state.getKey(), state.getValue()))
            .toList();
    SafetensorsWriter.write(
        directory.resolve(OPTIMIZER_FILE), entries, SafetensorsWriter.PT_FORMAT);
  }

  private SafetensorsWriter.Entry entry(String name, Tensor tensor) {
    Tensor flat = tensor.reshape(tensor.elements());
    TensorSource source =
        (offset, piece) -> {
          long from = offset / Float.BYTES;
          backend.download(flat.rows(from, from + piece.byteSize() / Float.BYTES), piece);
        };
    return new SafetensorsWriter.Entry(
        TensorHeader.of(name, StorageType.of(tensor.dtype()), tensor.shape()), source);
  }

  /// Fills the optimizer from the checkpoint in `directory`, taken after `steps` steps.
  void loadOptimizer(Path directory, long steps) {
    try (Safetensors file = Safetensors.open(directory.resolve(OPTIMIZER_FILE))) {
      optimizer.state().forEach((name, tensor) -> fill(tensor, file.tensor(name), file.path()));
    }
    optimizer.resumeAt(steps);
  }

  private void fill(Tensor tensor, StoredTensor stored, Path file) {
    if (!stored.shape().equals(tensor.shape()) || stored.type() != StorageType.of(tensor.dtype())) {
      throw new TrainingException(
          "%s: tensor %s does not belong to this model; resume with the model of the checkpoint"
              .formatted(file, stored.name()));
    }
    Tensor flat = tensor.reshape(tensor.elements());
    for (long from = 0; from < flat.elements(); from += PIECE) {
      Tensor piece = flat.rows(from, Math.min(from + PIECE, flat.elements()));
      backend.upload(stored.data().asSlice(from * Float.BYTES, piece.bytes()), piece);
    }
  }
}
