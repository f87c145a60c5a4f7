package dev.yushan.model;

import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.io.FloatFormats;
import dev.yushan.io.StorageType;
import dev.yushan.model.ModelProvider.Initializer;
import dev.yushan.random.CounterRandom;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/// Initial weights: each element is a function of the seed, its parameter's place in the list and
/// its own index, whatever the number of threads.
final class FreshWeights {
  private static final long FIRST_STREAM = 1L << 32;
  private static final int PIECE = 1 << 20;

  private FreshWeights() {}

  static void fill(
      Backend backend,
      List<Parameter> parameters,
      Function<String, Initializer> initializers,
      long seed) {
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      fill(
          backend,
          parameter.value().reshape(parameter.value().elements()),
          initializers.apply(parameter.name()),
          seed,
          FIRST_STREAM + i);
    }
  }

  private static void fill(
      Backend backend, Tensor flat, Initializer initializer, long seed, long stream) {
    float[] values = new float[(int) Math.min(PIECE, flat.elements())];
    for (long from = 0; from < flat.elements(); from += values.length) {
      long start = from;
      int count = (int) Math.min(values.length, flat.elements() - from);
      IntStream.range(0, count)
          .parallel()
          .forEach(j -> values[j] = value(initializer, seed, stream, start + j));
      upload(backend, values, count, flat.rows(from, from + count));
    }
  }

  private static float value(Initializer initializer, long seed, long stream, long index) {
    return initializer.deviation() == 0
        ? initializer.mean()
        : (float)
            (initializer.mean()
                + initializer.deviation() * CounterRandom.gaussian(seed, stream, index));
  }

  private static void upload(Backend backend, float[] values, int count, Tensor target) {
    MemorySegment source = MemorySegment.ofArray(values).asSlice(0, 4L * count);
    if (target.dtype() == DType.F32) {
      backend.upload(source, target);
    } else {
      MemorySegment narrow = MemorySegment.ofArray(new byte[(int) target.bytes()]);
      FloatFormats.narrow(StorageType.of(target.dtype()), source, narrow, count);
      backend.upload(narrow, target);
    }
  }
}
