package dev.yushan.cli.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.model.CausalLM;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.Models;
import dev.yushan.random.CounterRandom;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/// A model of random weights: no speed depends on their values.
///
/// @param name of its shape
/// @param configJson what config.json says
record BenchModel(String name, ObjectNode configJson) {
  private static final long SEED = 1;
  private static final double DEVIATION = 0.02;

  /// Random numbers that all weights are filled from.
  private static final int PIECE = 1 << 20;

  /// One of the shapes that are built in.
  static BenchModel builtIn(String name) {
    try (InputStream in = BenchModel.class.getResourceAsStream("/bench/" + name + ".json")) {
      return new BenchModel(name, (ObjectNode) new ObjectMapper().readTree(in));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The shape of the model in a directory, or of a config.json.
  static BenchModel of(Path model) {
    return new BenchModel(model.toString(), Models.configJson(model));
  }

  ModelConfig config() {
    return Models.config(configJson);
  }

  /// `count` ids of the vocabulary.
  int[] tokens(int count, long stream) {
    int[] ids = new int[count];
    int vocabulary = config().vocabSize();
    for (int i = 0; i < count; i++) {
      ids[i] = (int) (CounterRandom.uniform(SEED, stream, i) * vocabulary);
    }
    return ids;
  }

  /// The model; the caller closes it.
  CausalLM create(Backend backend, DType weights, boolean trainable) {
    CausalLM model = Models.allocate(backend, configJson, weights, trainable);
    try (Tensor values = randomNumbers(backend)) {
      model.parameters().stream()
          .map(Parameter::value)
          .forEach(value -> fill(backend, values, value));
      return model;
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /// Made once, when first needed.
  private static final class Numbers {
    private static final float[] VALUES = new float[PIECE];

    static {
      for (int i = 0; i < PIECE; i++) {
        VALUES[i] = (float) (DEVIATION * CounterRandom.gaussian(SEED, 0, i));
      }
    }

    private Numbers() {}
  }

  /// Normally distributed around zero.
  static float[] numbers() {
    return Numbers.VALUES;
  }

  /// What [#fill] takes: normally distributed around zero.
  static Tensor randomNumbers(Backend backend) {
    return backend.tensor(Numbers.VALUES, PIECE);
  }

  /// A matrix gets random numbers, whatever its type, and the vector of a norm ones.
  static void fill(Backend backend, Tensor values, Tensor weight) {
    if (weight.shape().rank() == 1) {
      backend.kernels().fill(weight, 1);
      return;
    }
    Tensor flat = weight.reshape(weight.elements());
    for (long from = 0; from < flat.elements(); from += PIECE) {
      long count = Math.min(PIECE, flat.elements() - from);
      backend.kernels().copy(values.rows(0, count), flat.rows(from, from + count));
    }
  }
}
