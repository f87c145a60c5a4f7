package dev.yushan.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.yushan.model.TokenBatch;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Real corpora with the real tokenizer, packed in all three ways: every token is looked at and
/// counted again. By default the two small files; with `-Dyushan.thorough=true` all of them.
class CorporaTest {
  private static final int CUTOFF_LEN = 4096;
  private static final boolean ALL = Boolean.getBoolean("yushan.thorough");

  @TempDir Path directory;

  private static Path shared(String name) {
    Path here = Path.of("").toAbsolutePath();
    while (here.getParent() != null && !Files.exists(here.resolve("CONTRIBUTING.md"))) {
      here = here.getParent();
    }
    Path file = here.resolveSibling("shared").resolve(name);
    assumeTrue(Files.exists(file), () -> "needs ../shared/" + name + " beside the repository");
    return file;
  }

  private static List<SourceFile> corpora() {
    List<SourceFile> files = new ArrayList<>();
    files.add(TestData.file(shared("corpora/tw-laws-valid.parquet")));
    files.add(TestData.file(shared("corpora/tw-laws-en.jsonl.gz")));
    if (ALL) {
      files.add(TestData.file(shared("corpora/tw-laws-train.parquet")));
    }
    return files;
  }

  @Test
  void theLedgerAddsUpToTheDocumentAndTheToken() {
    List<SourceFile> files = corpora();
    Path json = shared("llama3/tokenizer.json");
    Tokenizer tokenizer = Tokenizers.load(json);
    CorpusTokenizer corpus = CorpusTokenizer.of(tokenizer, json);
    CacheConfig cache = CacheConfig.of(directory, 2);
    long start = System.nanoTime();
    try (TokenizedDataset data =
        TokenizedDataset.open(
            files, OnBadRecord.FAIL, TokenizeConfig.of(CUTOFF_LEN), corpus, cache)) {
      System.out.printf("tokenised in %.1f s%n", (System.nanoTime() - start) / 1e9);
      for (PackingConfig packing :
          List.of(
              new PackingConfig(Packing.BEST_FIT, CUTOFF_LEN),
              new PackingConfig(Packing.CONCAT, 1024),
              new PackingConfig(Packing.NONE, CUTOFF_LEN))) {
        long packStart = System.nanoTime();
        PackedDataset packed = PackedDataset.of(data, CUTOFF_LEN, packing);
        System.out.printf("packed in %.2f s%n", (System.nanoTime() - packStart) / 1e9);
        recount(packed, corpus);
        System.out.println(packed.ledger());
      }
    }
    sameTextComesBack(files, tokenizer, corpus, cache);
  }

  private static void recount(PackedDataset packed, CorpusTokenizer corpus) {
    long tokens = 0;
    long targets = 0;
    long begins = 0;
    long ends = 0;
    long segments = 0;
    for (int r = 0; r < packed.rows(); r++) {
      TokenBatch.Rows row = packed.row(r).rows();
      tokens += row.length();
      targets += row.targetCount();
      segments += row.starts().length - 1;
      begins += Arrays.stream(row.tokens()).filter(t -> t == corpus.bosId().getAsInt()).count();
      ends += Arrays.stream(row.tokens()).filter(t -> t == corpus.eosId().getAsInt()).count();
    }
    TokenLedger ledger = packed.ledger();
    assertThat(tokens).isEqualTo(ledger.packed().tokens());
    assertThat(tokens)
        .isEqualTo(
            ledger.read().textTokens()
                + ledger.read().bosTokens()
                + ledger.read().eosTokens()
                - ledger.excess().droppedTokens());
    assertThat(targets).isEqualTo(ledger.packed().targets()).isEqualTo(tokens - segments);
    long kept = ledger.read().texts() - ledger.excess().droppedDocuments();
    assertThat(begins).isEqualTo(kept).isEqualTo(ledger.packed().documents());
    assertThat(ends).isEqualTo(kept);
    assertThat(ledger.read().records()).isEqualTo(ledger.read().texts()).isPositive();
  }

  /// Read again with a limit that keeps everything: document by document the text of the source.
  private static void sameTextComesBack(
      List<SourceFile> files, Tokenizer tokenizer, CorpusTokenizer corpus, CacheConfig cache) {
    long start = System.nanoTime();
    try (TokenizedDataset data =
        TokenizedDataset.open(
            files, OnBadRecord.FAIL, TokenizeConfig.of(Integer.MAX_VALUE), corpus, cache)) {
      System.out.printf("opened again in %.2f s%n", (System.nanoTime() - start) / 1e9);
      assertThat(data.cacheUse().tokenizedShards()).isZero();
      int d = 0;
      for (SourceFile file : files) {
        try (RecordReader reader = RecordReader.open(file)) {
          for (Optional<RawRecord> next = reader.next(); next.isPresent(); next = reader.next()) {
            int[] ids = new int[data.length(d)];
            data.copy(d, 0, ids.length, ids, new int[ids.length], 0);
            String text = ((RecordContent.Text) next.get().content().get()).text();
            boolean same = tokenizer.decode(ids, true).equals(text);
            assertThat(same).as("text of %s", data.document(d)).isTrue();
            assertThat(data.document(d).file()).isEqualTo(file.path());
            d++;
          }
        }
      }
      assertThat(data.documents()).isEqualTo(d);
    }
  }
}
