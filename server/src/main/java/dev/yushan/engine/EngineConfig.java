package dev.yushan.engine;

import dev.yushan.backend.KvPages;
import dev.yushan.generate.KvCache;
import dev.yushan.io.ByteSize;
import dev.yushan.model.ModelConfig;
import dev.yushan.tensor.DType;
import java.util.Locale;

/// How much the engine does at a time.
///
/// @param maxModelLen tokens of a request, prompt and continuation together
/// @param maxNumSeqs requests computed side by side
/// @param maxNumBatchedTokens tokens of one forward pass
/// @param kvCacheBytes memory for keys and values
/// @param kvCacheDtype F32, F16 or BF16
/// @param prefixCaching whether keys and values of prompts and texts are kept for those that begin
///   alike
/// @param maxWaiting requests that wait beside those that are computed; more are refused
public record EngineConfig(
    int maxModelLen,
    int maxNumSeqs,
    int maxNumBatchedTokens,
    long kvCacheBytes,
    DType kvCacheDtype,
    boolean prefixCaching,
    int maxWaiting) {

  public EngineConfig {
    require(maxModelLen >= 1, "max-model-len", maxModelLen, "1 or more");
    require(maxNumSeqs >= 1, "max-num-seqs", maxNumSeqs, "1 or more");
    require(
        maxNumBatchedTokens >= maxNumSeqs,
        "max-num-batched-tokens",
        maxNumBatchedTokens,
        "--max-num-seqs (%d) or more".formatted(maxNumSeqs));
    require(maxWaiting >= 0, "max-waiting", maxWaiting, "0 or more");
  }

  private static void require(boolean holds, String name, long value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "--%s must be %s, got %d".formatted(name, expected, value));
    }
  }

  /// Bytes of cache that one request of full length needs: with less an engine does not start.
  public long leastKvCacheBytes(ModelConfig model) {
    // one more page, to copy from
    return (KvCache.pagesFor(maxModelLen) + 1L) * KvCache.pageBytes(model, kvCacheDtype);
  }

  /// Tokens whose keys and values the cache holds.
  public long kvCacheTokens(ModelConfig model) {
    return kvCacheBytes / KvCache.pageBytes(model, kvCacheDtype) * KvPages.PAGE_LENGTH;
  }

  /// The type of keys and values as `--kv-cache-dtype` has it.
  public String kvCacheType() {
    return kvCacheDtype.toString().toLowerCase(Locale.ROOT);
  }

  /// What a forward pass needs beside weights and cache, about: activations of one layer, hidden
  /// states, logits.
  public static long activationBytes(ModelConfig model, int maxNumSeqs, int maxNumBatchedTokens) {
    long heads = (model.heads() + 2L * model.kvHeads()) * model.headDim();
    long token = 6L * model.hiddenSize() + 2 * heads + 3L * model.intermediateSize();
    return Float.BYTES * (maxNumBatchedTokens * token + 2L * maxNumSeqs * model.vocabSize());
  }

  /// Pages of the cache.
  ///
  /// @throws IllegalArgumentException if one request does not fit
  public int pages(ModelConfig model) {
    long one = 2L * KvCache.pageBytes(model, kvCacheDtype);
    if (kvCacheBytes < one) {
      throw new IllegalArgumentException(
          "keys and values need %s at least, for the shortest request, but there are %s; raise --kv-cache-memory"
              .formatted(ByteSize.words(one), ByteSize.words(kvCacheBytes)));
    }
    if (kvCacheBytes < leastKvCacheBytes(model)) {
      throw new IllegalArgumentException(
          "a request of %d tokens needs %s for its keys and values, but there are %s; lower --max-model-len or raise --kv-cache-memory"
              .formatted(
                  maxModelLen,
                  ByteSize.words(leastKvCacheBytes(model)),
                  ByteSize.words(kvCacheBytes)));
    }
    long pages = kvCacheBytes / KvCache.pageBytes(model, kvCacheDtype);
    // more than all can use at once serve texts that come again
    return (int) Math.min(pages, Integer.MAX_VALUE / KvPages.PAGE_LENGTH);
  }
}
