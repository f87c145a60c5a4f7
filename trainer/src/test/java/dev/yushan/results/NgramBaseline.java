package dev.yushan.results;

import dev.yushan.data.CacheConfig;
import dev.yushan.data.CorpusTokenizer;
import dev.yushan.data.DataLoader;
import dev.yushan.data.LoaderConfig;
import dev.yushan.data.OnBadRecord;
import dev.yushan.data.PackedDataset;
import dev.yushan.data.Packing;
import dev.yushan.data.PackingConfig;
import dev.yushan.data.SourceConfig;
import dev.yushan.data.Sources;
import dev.yushan.data.TokenizeConfig;
import dev.yushan.data.TokenizedDataset;
import dev.yushan.model.TokenBatch;
import dev.yushan.text.Tokenizers;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/// What a unigram and a bigram model, counted on the very tokens that a run was trained on, lose on
/// the very rows that it was evaluated on: the bar that a language model must be below.
///
/// The bigram is interpolated with the unigram by the method of Witten and Bell (1991): `p(w|v) =
/// (c(v,w) + n(v)·p(w)) / (c(v) + n(v))`, where n(v) counts the different successors of v. The
/// unigram adds one to every count.
///
/// Arguments: `TRAIN HELD_OUT TOKENIZER_DIR CUTOFF_LEN SEQUENCE_LEN TRAINED_ROWS HELD_OUT_ROWS
/// SEED`, for runs with `packing: concat`.
public final class NgramBaseline {
  private final long[] unigrams;
  private final Map<Long, Integer> bigrams = new HashMap<>();
  private final int[] contexts;
  private final int[] successors;
  private long total;

  private NgramBaseline(int vocabSize) {
    unigrams = new long[vocabSize];
    contexts = new int[vocabSize];
    successors = new int[vocabSize];
  }

  private static long pair(int first, int second) {
    return ((long) first << 32) | second;
  }

  private void count(TokenBatch.Rows rows) {
    for (int t = 0; t < rows.length(); t++) {
      int next = rows.targets()[t];
      if (next >= 0) {
        unigrams[next]++;
        total++;
        contexts[rows.tokens()[t]]++;
        if (bigrams.merge(pair(rows.tokens()[t], next), 1, Integer::sum) == 1) {
          successors[rows.tokens()[t]]++;
        }
      }
    }
  }

  private double unigram(int word) {
    return (unigrams[word] + 1.0) / (total + unigrams.length);
  }

  private double bigram(int context, int word) {
    double types = successors[context];
    return types == 0
        ? unigram(word)
        : (bigrams.getOrDefault(pair(context, word), 0) + types * unigram(word))
            / (contexts[context] + types);
  }

  public static void main(String[] args) {
    Path tokenizerDir = Path.of(args[2]);
    CorpusTokenizer tokenizer =
        CorpusTokenizer.of(Tokenizers.load(tokenizerDir), tokenizerDir.resolve("tokenizer.json"));
    int cutoff = Integer.parseInt(args[3]);
    PackingConfig packing = new PackingConfig(Packing.CONCAT, Integer.parseInt(args[4]));
    NgramBaseline counts = new NgramBaseline(tokenizer.vocabSize());
    try (TokenizedDataset train = open(args[0], tokenizer, cutoff)) {
      DataLoader loader =
          new DataLoader(
              PackedDataset.of(train, cutoff, packing),
              new LoaderConfig(1, true, Long.parseLong(args[7])));
      for (int i = 0; i < Integer.parseInt(args[5]); i++) {
        counts.count(loader.microBatch(0, i).rows());
      }
    }
    double unigramNll = 0;
    double bigramNll = 0;
    long targets = 0;
    try (TokenizedDataset heldOut = open(args[1], tokenizer, cutoff)) {
      PackedDataset rows = PackedDataset.of(heldOut, cutoff, packing);
      for (int r = 0; r < Integer.parseInt(args[6]); r++) {
        TokenBatch.Rows row = rows.row(r).rows();
        for (int t = 0; t < row.length(); t++) {
          int word = row.targets()[t];
          if (word >= 0) {
            unigramNll -= Math.log(counts.unigram(word));
            bigramNll -= Math.log(counts.bigram(row.tokens()[t], word));
            targets++;
          }
        }
      }
    }
    System.out.printf(
        "counted on %,d targets; held out: %,d targets, unigram %.4f, bigram %.4f nats a token%n",
        counts.total, targets, unigramNll / targets, bigramNll / targets);
  }

  private static TokenizedDataset open(String file, CorpusTokenizer tokenizer, int cutoff) {
    return TokenizedDataset.open(
        Sources.files(Sources.resolve(SourceConfig.of(file))),
        OnBadRecord.FAIL,
        TokenizeConfig.of(cutoff),
        tokenizer,
        CacheConfig.of(CacheConfig.defaultDirectory(System.getenv()), 2));
  }
}
