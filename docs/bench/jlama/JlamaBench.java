import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.ModelSupport;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.StringJoiner;

/// What [jlama_bench.py] runs in a JVM: `quantise MODEL OUT` writes a model as Jlama's Q4, as its
/// command `quantize` does; `prefill` and `decode` `MODEL WORKING QUANTISED THREADS TOKENS REPEAT
/// WARM-UP` print a line of JSON, whose rates are tokens a second of each repetition.
final class JlamaBench {
  private final AbstractModel model;
  private final KvBufferCache caches;
  private final AbstractTensor logits;

  private JlamaBench(AbstractModel model) {
    this.model = model;
    caches = new KvBufferCache(model);
    logits = model.makeDenseTensor(model.getConfig().vocabularySize);
  }

  public static void main(String[] args) throws IOException {
    Path directory = Path.of(args[1]);
    if (args[0].equals("quantise")) {
      Optional<Path> out = Optional.of(Path.of(args[2]));
      String[] kept = {"norm"};
      SafeTensorSupport.quantizeModel(directory, DType.Q4, kept, new String[0], out);
      return;
    }
    AbstractModel model =
        ModelSupport.loadModel(
            directory.toFile(),
            null,
            DType.valueOf(args[2]),
            DType.valueOf(args[3]),
            Optional.empty(),
            Optional.of(Integer.valueOf(args[4])));
    JlamaBench bench = new JlamaBench(model);
    int tokens = Integer.parseInt(args[5]);
    int repeat = Integer.parseInt(args[6]);
    int warmUp = Integer.parseInt(args[7]);
    boolean prefill = args[0].equals("prefill");
    StringJoiner rates = new StringJoiner(", ", "[", "]");
    for (int i = -warmUp; i < repeat; i++) {
      long start = System.nanoTime();
      if (prefill) {
        bench.prefill(tokens);
      } else {
        bench.decode(tokens);
      }
      double rate = tokens * 1e9 / (System.nanoTime() - start);
      if (i >= 0) {
        rates.add(Double.toString(rate));
      }
    }
    System.out.printf(
        "{\"operations\": \"%s\", \"rates\": %s}%n", TensorOperationsProvider.get().name(), rates);
  }

  /// A prompt of random ids, and the logits of its last token.
  private void prefill(int tokens) {
    int[] ids =
        new SplittableRandom(1).ints(tokens, 0, model.getConfig().vocabularySize).toArray();
    try (KvBufferCache.KvBuffer cache = caches.getEphemeralKvBuffer();
        AbstractTensor rows = model.batchForward(ids, 0, cache)) {
      model.sample(rows.slice(rows.shape().first() - 1), 0, 0, logits);
    }
  }

  /// A token at a time from an empty context, each the most probable one after that before it.
  private void decode(int tokens) {
    int token = 1;
    try (KvBufferCache.KvBuffer cache = caches.getEphemeralKvBuffer()) {
      for (int i = 0; i < tokens; i++) {
        try (AbstractTensor row = model.forward(token, i, cache, Optional.empty())) {
          token = model.sample(row, 0, 0, logits);
        }
      }
    }
  }
}
