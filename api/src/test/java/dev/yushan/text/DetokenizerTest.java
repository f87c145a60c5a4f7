package dev.yushan.text;

import static dev.yushan.text.Tokenizer.Specials.AS_TEXT;
import static dev.yushan.text.Tokenizer.Specials.PARSE;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// On a vocabulary of bytes alone every character longer than a byte is split over ids.
class DetokenizerTest {
  @TempDir private static Path directory;
  private static Tokenizer bytes;

  @BeforeAll
  static void train() {
    bytes =
        BpeTrainer.train(
            Collections.emptyIterator(), BpeTrainer.Options.ofVocabSize(258), directory);
  }

  @Test
  void charactersComeWhole() {
    String text = "a玉é👩‍👧\n🇹🇼𠮷";
    Detokenizer stream = new Detokenizer(bytes, true);
    StringBuilder all = new StringBuilder();
    for (int id : bytes.encode(text, AS_TEXT)) {
      String piece = stream.add(id);
      assertThat(piece.codePointCount(0, piece.length())).isLessThanOrEqualTo(1);
      assertThat(piece).doesNotContain("\ufffd").isNotEqualTo("\u0000");
      all.append(piece);
    }
    assertThat(stream.flush()).isEmpty();
    assertThat(all.toString()).isEqualTo(text);
  }

  @Test
  void anIncompleteCharacterIsReplacedAtTheEnd() {
    int[] mountain = bytes.encode("山", AS_TEXT);
    Detokenizer stream = new Detokenizer(bytes, true);
    assertThat(stream.add(mountain[0])).isEmpty();
    assertThat(stream.add(mountain[1])).isEmpty();
    assertThat(stream.flush()).isEqualTo("\ufffd");
    assertThat(stream.add(mountain[0]) + stream.add(mountain[1]) + stream.add(mountain[2]))
        .isEqualTo("山");
    stream.add(mountain[0]);
    assertThat(stream.add(bytes.encode("x", AS_TEXT)[0])).isEqualTo("\ufffdx");
  }

  @Test
  void specialTokens() {
    int[] ids = bytes.encodeWithTemplate("a<|end_of_text|>", PARSE);
    assertThat(ids).hasSize(3);
    for (boolean skip : new boolean[] {true, false}) {
      Detokenizer stream = new Detokenizer(bytes, skip);
      StringBuilder all = new StringBuilder();
      Arrays.stream(ids).forEach(id -> all.append(stream.add(id)));
      assertThat(all.append(stream.flush()).toString())
          .isEqualTo(skip ? "a" : "<|begin_of_text|>a<|end_of_text|>")
          .isEqualTo(bytes.decode(ids, skip));
    }
  }

  @Test
  void anyBytesStreamAsTheyDecode() {
    long seed = new Random().nextLong();
    System.out.println("DetokenizerTest seed " + seed);
    Random random = new Random(seed);
    int[] likely = bytes.encode("山é👩\u0800\udbff\udfff", AS_TEXT);
    for (int round = 0; round < 2000; round++) {
      int[] ids =
          IntStream.range(0, random.nextInt(12))
              .map(
                  i ->
                      random.nextBoolean()
                          ? likely[random.nextInt(likely.length)]
                          : random.nextInt(256))
              .toArray();
      Detokenizer stream = new Detokenizer(bytes, false);
      StringBuilder all = new StringBuilder();
      Arrays.stream(ids).forEach(id -> all.append(stream.add(id)));
      assertThat(all.append(stream.flush()).toString())
          .as("seed %d, round %d", seed, round)
          .isEqualTo(bytes.decode(ids, false));
    }
  }

  @Test
  void oneTokenizerServesManyThreads() {
    List<String> texts = SampleTexts.mixed(new Random(4), 400);
    List<int[]> alone = texts.stream().map(text -> bytes.encode(text, PARSE)).toList();
    List<int[]> together = texts.parallelStream().map(text -> bytes.encode(text, PARSE)).toList();
    assertThat(together).usingRecursiveComparison().isEqualTo(alone);
  }
}
