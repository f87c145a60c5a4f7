package dev.yushan.data;

import dev.yushan.random.CounterRandom;
import java.util.BitSet;
import java.util.List;
import java.util.function.IntUnaryOperator;

/// Which documents of a dataset are used: the first ones of each entry, and of these a part drawn
/// at random or all the others. Documents are chosen before the length limit is applied, so that
/// another limit holds out the same ones; the shards in the cache serve every choice.
///
/// @param maxSamples documents of each entry, the first ones; those of bad and empty records do not
///   count (key `max_samples`)
/// @param valSize of what is left, the part that is held out: below 1 a share, rounded up, else a
///   number of documents; 0 for nothing (key `val_size`)
/// @param seed of the draw
/// @param part which of the two parts is used
public record Selection(long maxSamples, double valSize, long seed, Part part) {
  /// The parts that `val_size` makes.
  public enum Part {
    TRAINING,
    HELD_OUT
  }

  /// Every document.
  public static final Selection ALL = first(Long.MAX_VALUE);

  private static final long DRAW_STREAM = 0x76616C73697A65L;
  private static final long EPOCH_STREAM = 0x65706F636873000L;

  public Selection {
    if (maxSamples < 1) {
      throw new DataException("max_samples: " + maxSamples + " is less than one");
    }
    if (!(valSize >= 0) || (valSize > 1 && valSize != Math.rint(valSize))) {
      throw new DataException(
          "val_size: %s is no part of the documents: give a share below 1 or a whole number of them"
              .formatted(valSize));
    }
  }

  /// The first `maxSamples` documents of each entry.
  public static Selection first(long maxSamples) {
    return new Selection(maxSamples, 0, 0, Part.TRAINING);
  }

  /// The same documents, those of `part`.
  public Selection of(Part other) {
    return new Selection(maxSamples, valSize, seed, other);
  }

  /// The used ones among all documents, counted over all shards.
  ///
  /// @param again how often a used one comes again; none where nothing does
  record Chosen(BitSet used, int[] again, SelectionCounts counts) {
    /// How often a document is used.
    int copies(int document) {
      return used.get(document) ? 1 + (again.length == 0 ? 0 : again[document]) : 0;
    }
  }

  /// @param entry the entry of each shard, in ascending order
  /// @param entries how often each of them is gone over, and by which seed the rest is drawn
  Chosen choose(List<Shard> shards, int[] entry, List<Source> entries) {
    Draw draw = new Draw(shards);
    int inEntry = 0;
    for (int s = 0; s < shards.size(); s++) {
      inEntry = s > 0 && entry[s] == entry[s - 1] ? inEntry : 0;
      int documents = shards.get(s).documents();
      int within = (int) Math.min(documents, Math.max(0, maxSamples - inEntry));
      draw.add(shards.get(s), within);
      inEntry = Math.addExact(inEntry, documents);
    }
    draw.leaveOut(heldOut(draw.candidates.cardinality()));
    draw.repeat(entry, entries);
    return draw.chosen();
  }

  private int heldOut(int documents) {
    double number = valSize < 1 ? Math.ceil(valSize * documents) : valSize;
    if (number > 0 && number >= documents) {
      throw new DataException(
          "val_size: holding out %,.0f of %,d documents leaves none to train on; lower it"
              .formatted(number, documents));
    }
    return (int) number;
  }

  /// Collects what is used and counts the rest.
  private final class Draw {
    private final List<Shard> shards;
    private final BitSet candidates = new BitSet();
    private final BitSet out = new BitSet();
    private int documents;
    private long beyondDocuments;
    private long beyondTokens;
    private final BitSet undrawn = new BitSet();
    private int[] again = {};

    Draw(List<Shard> shards) {
      this.shards = shards;
    }

    void add(Shard shard, int within) {
      candidates.set(documents, documents + within);
      beyondDocuments += shard.documents() - within;
      beyondTokens += shard.tokens() - shard.offset(within);
      documents = Math.addExact(documents, shard.documents());
    }

    /// Takes out the part that is not asked for.
    void leaveOut(int heldOut) {
      if (heldOut == 0) {
        return;
      }
      int[] all = candidates.stream().toArray();
      int[] order = CounterRandom.permutation(seed, DRAW_STREAM, all.length);
      for (int i = 0; i < all.length; i++) {
        if (i < heldOut == (part == Part.TRAINING)) {
          out.set(all[order[i]]);
        }
      }
      candidates.andNot(out);
    }

    /// Sees to it that each entry is gone over as often as it should be: every used document of it
    /// as often as there are whole times, and for the rest as many as that part of them, drawn.
    void repeat(int[] entry, List<Source> entries) {
      if (entries.stream().allMatch(source -> source.epochs() == 1)) {
        return;
      }
      again = new int[documents];
      int from = 0;
      int first = 0;
      for (int s = 0; s < shards.size(); s++) {
        first += shards.get(s).documents();
        if (s + 1 == shards.size() || entry[s + 1] != entry[s]) {
          repeat(from, first, entries.get(entry[s]), entry[s]);
          from = first;
        }
      }
    }

    private void repeat(int from, int to, Source source, int entry) {
      int[] own = candidates.stream().filter(d -> d >= from && d < to).toArray();
      int whole = (int) source.epochs();
      int drawn = (int) Math.round((source.epochs() - whole) * own.length);
      int[] order = CounterRandom.permutation(source.seed(), EPOCH_STREAM + entry, own.length);
      for (int i = 0; i < own.length; i++) {
        int times = whole + (i < drawn ? 1 : 0);
        int document = own[order[i]];
        again[document] = Math.max(0, times - 1);
        if (times == 0) {
          undrawn.set(document);
        }
      }
      candidates.andNot(undrawn);
    }

    Chosen chosen() {
      long repeated = 0;
      for (int times : again) {
        repeated += times;
      }
      return new Chosen(
          candidates,
          again,
          new SelectionCounts(
              beyondDocuments,
              beyondTokens,
              out.cardinality(),
              tokens(d -> out.get(d) ? 1 : 0),
              undrawn.cardinality(),
              tokens(d -> undrawn.get(d) ? 1 : 0),
              repeated,
              again.length == 0 ? 0 : tokens(d -> again[d])));
    }

    /// The tokens of documents, each as often as `times` says.
    private long tokens(IntUnaryOperator times) {
      long tokens = 0;
      int document = 0;
      for (Shard shard : shards) {
        for (int d = 0; d < shard.documents(); d++) {
          tokens += times.applyAsInt(document++) * (shard.offset(d + 1) - shard.offset(d));
        }
      }
      return tokens;
    }
  }
}
