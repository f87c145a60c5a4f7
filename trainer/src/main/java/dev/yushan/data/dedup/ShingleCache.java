package dev.yushan.data.dedup;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/// The n-grams of documents, the least recently used ones forgotten: at most 64 MiB of them. For
/// several threads.
final class ShingleCache {
  private static final long MOST = 8L << 20;

  private final Signer signer;
  private final TextLookup texts;
  private final Map<Integer, long[]> sets = new LinkedHashMap<>(16, 0.75f, true);
  private long held;

  ShingleCache(Signer signer, TextLookup texts) {
    this.signer = signer;
    this.texts = texts;
  }

  long[] get(int document) {
    synchronized (this) {
      long[] known = sets.get(document);
      if (known != null) {
        return known;
      }
    }
    long[] made = signer.shingles(texts.text(document));
    if (made.length <= MOST / 8) {
      put(document, made);
    }
    return made;
  }

  private synchronized void put(int document, long[] made) {
    if (sets.put(document, made) == null) {
      held += made.length;
    }
    for (Iterator<long[]> oldest = sets.values().iterator(); held > MOST; ) {
      held -= oldest.next().length;
      oldest.remove();
    }
  }
}
