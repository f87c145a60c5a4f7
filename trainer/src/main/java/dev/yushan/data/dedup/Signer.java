package dev.yushan.data.dedup;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.function.LongSupplier;

/// Makes the [Signature] of a text: a pure function of text and settings, for any thread.
///
/// MinHash (Broder 1997): for each of bands × rows random permutations of the hashed n-grams, the
/// smallest. Two texts agree in one of them with the probability of their Jaccard similarity. The
/// permutations are x → a·x + b modulo 2^32 with odd a, on n-gram hashes that are mixed before.
public final class Signer {
  private static final long SEED = 0x5955_5348_414EL;

  private final DedupConfig config;
  private final Folding folding;
  private final int[] factors;
  private final int[] summands;

  public Signer(DedupConfig config) {
    this.config = config;
    folding = new Folding(config.normalization());
    factors = new int[config.bands() * config.rows()];
    summands = new int[factors.length];
    LongSupplier words = Mix.words(SEED);
    for (int p = 0; p < factors.length; p++) {
      long word = words.getAsLong();
      factors[p] = (int) word | 1;
      summands[p] = (int) (word >>> 32);
    }
  }

  /// The signature of `text`, which is in NFC.
  public Signature sign(String text) {
    int[] folded = folding.fold(text);
    long[] shingles = Shingles.unordered(folded, config.ngramSize());
    ByteBuffer hash = ByteBuffer.wrap(sha256(folded));
    return new Signature(
        hash.getLong(), hash.getLong(), shingles.length, bandKeys(minima(shingles)));
  }

  /// The n-grams that `sign` sees in `text`, as [Shingles].
  long[] shingles(String text) {
    return Shingles.of(folding.fold(text), config.ngramSize());
  }

  private int[] minima(long[] shingles) {
    int[] minima = new int[factors.length];
    Arrays.fill(minima, Integer.MAX_VALUE);
    for (long shingle : shingles) {
      lower(minima, factors, summands, (int) (shingle >>> 32));
    }
    return minima;
  }

  /// One loop over three arrays, which C2 turns into vector instructions.
  private static void lower(int[] minima, int[] factors, int[] summands, int x) {
    for (int p = 0; p < minima.length; p++) {
      minima[p] = Math.min(minima[p], factors[p] * x + summands[p]);
    }
  }

  private long[] bandKeys(int[] minima) {
    long[] keys = new long[config.bands()];
    for (int p = 0; p < minima.length; p++) {
      int band = p / config.rows();
      keys[band] = Mix.mix(keys[band] * Mix.BASE + minima[p] + band);
    }
    return keys;
  }

  private static byte[] sha256(int[] codePoints) {
    ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(4, codePoints.length));
    bytes.asIntBuffer().put(codePoints);
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes.array());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
