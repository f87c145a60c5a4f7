package dev.yushan.train;

import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.model.TokenBatch;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/// Runs a step again that training could not go past, and finds what in it is out of order: the
/// micro-batch, the sequence, the tensor.
public final class Replay {
  private static final long PIECE = 1 << 20;

  private Replay() {}

  /// Replays the step in a directory `failed-step-N` of a run, or that of a file in one, and tells
  /// what it finds line by line.
  ///
  /// @throws ConfigException if there is no failed step
  public static void run(Backend backend, Path step, Consumer<String> out) {
    Path directory = Files.isRegularFile(step) ? step.toAbsolutePath().getParent() : step;
    FailedStep failed = FailedStep.read(directory);
    out.accept("the run said: " + failed.message());
    MicroBatches data = failed.data();
    try (CausalLM model = Models.load(backend, directory, DType.F32, true);
        BatchPass pass =
            BatchPass.training(backend, model, data, failed.keep(), failed.lossChunk());
        Gradients gradients = new Gradients(backend, model.parameters())) {
      int targets = failed.batches().stream().mapToInt(batch -> batch.rows().targetCount()).sum();
      gradients.zero();
      pass.scale(1.0 / Math.max(1, targets));
      for (int i = 0; i < failed.batches().size(); i++) {
        FailedStep.Batch batch = failed.batches().get(i);
        float[] nlls = pass.run(batch.rows());
        double loss = BatchPass.sum(nlls) / Math.max(1, batch.rows().targetCount());
        out.accept(
            "micro-batch %d: loss %s, norm of the gradients so far %s"
                .formatted(i + 1, number(loss), number(gradients.norm())));
        sequences(batch, nlls, out);
      }
      out.accept(firstNotFinite(backend, model.parameters()).orElse("all gradients are finite"));
    }
  }

  /// The loss of every sequence by itself.
  private static void sequences(FailedStep.Batch batch, float[] nlls, Consumer<String> out) {
    int[] starts = batch.rows().starts();
    for (int s = 0; s + 1 < starts.length; s++) {
      int[] targets = Arrays.copyOfRange(batch.rows().targets(), starts[s], starts[s + 1]);
      long count = Arrays.stream(targets).filter(t -> t != TokenBatch.NO_TARGET).count();
      double loss =
          BatchPass.sum(Arrays.copyOfRange(nlls, starts[s], starts[s + 1])) / Math.max(1, count);
      out.accept("  loss %-10s %s".formatted(number(loss), name(batch, s)));
    }
  }

  /// With `packing: concat` a sequence holds pieces of several documents.
  private static String name(FailedStep.Batch batch, int sequence) {
    int sequences = batch.rows().starts().length - 1;
    return batch.documents().size() == sequences
        ? batch.documents().get(sequence)
        : "sequence %d of %s".formatted(sequence + 1, String.join(", ", batch.documents()));
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.6g", value);
  }

  // ---- tensors ---------------------------------------------------------------------------------

  /// Names the first weight, and if all are finite the first gradient, that holds a value that is
  /// not.
  static Optional<String> firstNotFinite(Backend backend, List<Parameter> parameters) {
    return first(backend, parameters, parameter -> Optional.of(parameter.value()))
        .map(name -> "the weight " + name + " is not finite")
        .or(
            () ->
                first(backend, parameters, Parameter::gradient)
                    .map(name -> "the weights are finite, the gradient of " + name + " is not"));
  }

  private static Optional<String> first(
      Backend backend, List<Parameter> parameters, Function<Parameter, Optional<Tensor>> part) {
    return parameters.stream()
        .filter(parameter -> part.apply(parameter).filter(t -> !isFinite(backend, t)).isPresent())
        .map(Parameter::name)
        .findFirst();
  }

  private static boolean isFinite(Backend backend, Tensor tensor) {
    Tensor flat = tensor.reshape(tensor.elements());
    for (long from = 0; from < flat.elements(); from += PIECE) {
      for (float value : backend.floats(flat.rows(from, Math.min(from + PIECE, flat.elements())))) {
        if (!Float.isFinite(value)) {
          return false;
        }
      }
    }
    return true;
  }
}
