package dev.yushan.text;

import static dev.yushan.text.Tokenizer.Specials.PARSE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BpeTrainerTest {
  private static final List<String> PROSE =
      List.of(
          "玉山是臺灣的最高峰，山頂常年積雪。登山的人從塔塔加出發，走過排雲山莊。",
          "本協會會員大會每年召開一次，由理事長召集之；必要時得召開臨時會員大會。",
          "The mountain's summit stands 3,952 metres above the sea; don't climb it alone.",
          "臺灣的夜市有蚵仔煎、滷肉飯、珍珠奶茶。會員大會之決議，以出席會員過半數之同意行之。\n\n第二條",
          "aaaaaaaaaaaa aaaaa aaa  banana bandana 🍌🍌🍌\tif (x == 1) { return x; }\r\n");

  @TempDir private Path directory;

  private static List<String> corpus(Random random, int texts) {
    List<String> corpus = new ArrayList<>(PROSE);
    for (int i = 0; i < texts; i++) {
      String text = PROSE.get(random.nextInt(PROSE.size()));
      int from = text.offsetByCodePoints(0, random.nextInt(text.codePointCount(0, text.length())));
      corpus.add(text.substring(from));
    }
    return corpus;
  }

  /// Learns by counting everything anew for each merge, the definition itself.
  private static List<PairMerges.Merge> slowly(
      Map<String, PairMerges.Weight> pieces, int limit, int minFrequency) {
    Map<List<Integer>, Long> words = new HashMap<>();
    pieces.forEach(
        (piece, weight) -> {
          List<Integer> ids = new ArrayList<>();
          for (char c : ByteAlphabet.encode(piece.getBytes(StandardCharsets.UTF_8)).toCharArray()) {
            ids.add(ByteAlphabet.order().indexOf(c));
          }
          words.put(ids, weight.count);
        });
    List<PairMerges.Merge> merges = new ArrayList<>();
    while (merges.size() < limit) {
      Map<Long, Long> counts = new TreeMap<>();
      words.forEach(
          (ids, weight) -> {
            for (int i = 0; i + 1 < ids.size(); i++) {
              counts.merge((long) ids.get(i) << 32 | ids.get(i + 1), weight, Long::sum);
            }
          });
      long most = counts.values().stream().mapToLong(n -> n).max().orElse(0);
      if (most < minFrequency) {
        break;
      }
      long pair =
          counts.entrySet().stream()
              .filter(e -> e.getValue() == most)
              .findFirst()
              .orElseThrow()
              .getKey();
      PairMerges.Merge merge = new PairMerges.Merge((int) (pair >>> 32), (int) pair);
      int made = 256 + merges.size();
      Map<List<Integer>, Long> merged = new HashMap<>();
      words.forEach((ids, weight) -> merged.merge(merged(ids, merge, made), weight, Long::sum));
      words.clear();
      words.putAll(merged);
      merges.add(merge);
    }
    return merges;
  }

  private static List<Integer> merged(List<Integer> ids, PairMerges.Merge merge, int made) {
    List<Integer> out = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      boolean here =
          i + 1 < ids.size() && ids.get(i) == merge.left() && ids.get(i + 1) == merge.right();
      out.add(here ? made : ids.get(i));
      i += here ? 1 : 0;
    }
    return out;
  }

  @Test
  void mergesAreThoseOfTheDefinition() {
    long seed = new Random().nextLong();
    System.out.println("BpeTrainerTest.mergesAreThoseOfTheDefinition seed " + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 12; round++) {
      Map<String, PairMerges.Weight> pieces = new HashMap<>();
      String letters = round % 3 == 0 ? "ab" : round % 3 == 1 ? "abcdefg" : "山玉臺灣a";
      for (int i = 0; i < 150; i++) {
        StringBuilder piece = new StringBuilder();
        for (int length = 1 + random.nextInt(12); length > 0; length--) {
          piece.append(letters.charAt(random.nextInt(letters.length())));
        }
        PairMerges.Weight weight = new PairMerges.Weight();
        weight.count = 1 + random.nextInt(4);
        pieces.put(piece.toString(), weight);
      }
      int minFrequency = 1 + random.nextInt(3);
      List<PairMerges.Merge> expected = slowly(pieces, 120, minFrequency);
      assertThat(expected).hasSizeGreaterThan(20);
      assertThat(PairMerges.learn(new HashMap<>(pieces), 120, minFrequency))
          .as("seed %d, round %d", seed, round)
          .isEqualTo(expected);
    }
  }

  @Test
  void theLibraryLoadsItAndGivesTheSameIds() throws IOException {
    long seed = new Random().nextLong();
    System.out.println("BpeTrainerTest.theLibraryLoadsItAndGivesTheSameIds seed " + seed);
    Random random = new Random(seed);
    List<String> corpus = corpus(random, 300);
    for (int vocabSize : new int[] {258, 400, 1500}) {
      Tokenizer ours =
          BpeTrainer.train(corpus.iterator(), BpeTrainer.Options.ofVocabSize(vocabSize), directory);
      List<String> texts = new ArrayList<>(corpus.subList(0, 60));
      texts.addAll(SampleTexts.mixed(random, 300));
      texts.addAll(SampleTexts.unicode(random, 300));
      texts.addAll(SampleTexts.longPieces(random, 20));
      texts.add("a<|end_of_text|> b<|begin_of_text|>");
      try (Oracle plain = Oracle.load(directory, false);
          Oracle withTemplate = Oracle.load(directory, true)) {
        plain.agreesWith(ours, texts, "vocab " + vocabSize + ", seed " + seed);
        String text = corpus.get(7);
        assertThat(ours.encodeWithTemplate(text, PARSE)).isEqualTo(withTemplate.encode(text));
        assertThat(ours.decode(ours.encode(text, PARSE), false)).isEqualTo(text);
      }
    }
  }

  @Test
  void sizesAndSpecialTokens() {
    Tokenizer tokenizer =
        BpeTrainer.train(
            corpus(new Random(1), 50).iterator(),
            BpeTrainer.Options.ofVocabSize(400).withOtherSpecialTokens(List.of("<|user|>")),
            directory);
    assertThat(tokenizer.vocabSize()).isEqualTo(400);
    assertThat(tokenizer.bosId()).isEqualTo(OptionalInt.of(397));
    assertThat(tokenizer.eosId()).isEqualTo(OptionalInt.of(398));
    assertThat(tokenizer.idOf("<|user|>")).isEqualTo(OptionalInt.of(399));
    assertThat(tokenizer.encodeWithTemplate("玉山", PARSE)).startsWith(397).doesNotContain(398);
    assertThat(tokenizer.encode("<|user|>玉山", PARSE)).startsWith(399);
  }

  @Test
  void orderOfTextsDoesNotMatter() throws IOException {
    List<String> corpus = corpus(new Random(2), 100);
    BpeTrainer.Options options = BpeTrainer.Options.ofVocabSize(600);
    BpeTrainer.train(corpus.iterator(), options, directory.resolve("one"));
    Collections.shuffle(corpus, new Random(3));
    BpeTrainer.train(corpus.iterator(), options, directory.resolve("two"));
    for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
      assertThat(directory.resolve("one").resolve(file))
          .hasSameBinaryContentAs(directory.resolve("two").resolve(file));
    }
  }

  @Test
  void minFrequencyEndsLearning() {
    BpeTrainer.Options options = BpeTrainer.Options.ofVocabSize(100_000).withMinFrequency(3);
    Tokenizer tokenizer =
        BpeTrainer.train(List.of("ab ab ab", "cd cd").iterator(), options, directory);
    // "ab", then " ab" (twice) stays apart; "cd" is too rare.
    assertThat(tokenizer.vocabSize()).isEqualTo(256 + 1 + 2);
    assertThat(tokenizer.idOf("ab")).isEqualTo(OptionalInt.of(256));
    assertThat(BpeTrainer.train(Collections.emptyIterator(), options, directory).vocabSize())
        .isEqualTo(258);
  }

  @Test
  void configNamesTheTokens() throws IOException {
    BpeTrainer.train(PROSE.iterator(), BpeTrainer.Options.ofVocabSize(300), directory);
    JsonNode config =
        new ObjectMapper().readTree(Files.readAllBytes(directory.resolve("tokenizer_config.json")));
    assertThat(config.get("bos_token").textValue()).isEqualTo("<|begin_of_text|>");
    assertThat(config.get("eos_token").textValue()).isEqualTo("<|end_of_text|>");
    assertThat(config.get("added_tokens_decoder").get("298").get("content").textValue())
        .isEqualTo("<|begin_of_text|>");
  }

  @Test
  void badOptionsAreRefused() {
    assertThatThrownBy(() -> BpeTrainer.Options.ofVocabSize(257))
        .hasMessageContaining("a vocabulary of 257 is too small")
        .hasMessageContaining("at least 258");
    assertThatThrownBy(() -> BpeTrainer.Options.ofVocabSize(300).withMinFrequency(0))
        .hasMessageContaining("minFrequency is 0");
    assertThatThrownBy(
            () ->
                BpeTrainer.Options.ofVocabSize(300)
                    .withOtherSpecialTokens(List.of("<|end_of_text|>")))
        .hasMessageContaining("distinct");
  }

  @Test
  void aTokenizerTakesItsPlaceWhole() throws IOException {
    Path old = Files.writeString(directory.resolve("old.json"), "old");
    Files.createLink(directory.resolve("tokenizer.json"), old);
    BpeTrainer.train(PROSE.iterator(), BpeTrainer.Options.ofVocabSize(270), directory);
    assertThat(old).as("written beside and renamed, not over it").hasContent("old");
    assertThat(Tokenizers.load(directory).vocabSize()).isEqualTo(270);
  }
}
