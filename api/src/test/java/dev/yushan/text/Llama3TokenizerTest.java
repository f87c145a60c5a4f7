package dev.yushan.text;

import static dev.yushan.text.Tokenizer.Specials.AS_TEXT;
import static dev.yushan.text.Tokenizer.Specials.PARSE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.generate.SamplingParams;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The real vocabulary of Llama 3 against the Hugging Face tokenizers library.
class Llama3TokenizerTest {
  private static Path file;
  private static Tokenizer llama3;
  private static Oracle oracle;

  @BeforeAll
  static void load() throws IOException {
    file = Shared.file("llama3/tokenizer.json");
    llama3 = Tokenizers.load(file);
    oracle = Oracle.load(file, false);
  }

  @AfterAll
  static void close() {
    if (oracle != null) {
      oracle.close();
    }
  }

  @Test
  void recordedEncodings() throws IOException {
    List<JsonNode> records = Shared.records("llama3/encodings.jsonl");
    assertThat(records).hasSizeGreaterThan(700);
    for (JsonNode record : records) {
      String text = record.get("text").textValue();
      int[] ids =
          IntStream.range(0, record.get("ids").size())
              .map(i -> record.get("ids").get(i).intValue())
              .toArray();
      assertThat(llama3.encodeWithTemplate(text, PARSE)).as(text).isEqualTo(ids);
      assertThat(llama3.count(text, PARSE)).isEqualTo(ids.length - 1);
      int[] plain = Arrays.copyOfRange(ids, 1, ids.length);
      assertThat(llama3.decode(plain, false)).isEqualTo(text);
    }
  }

  /// Ids by tokenizers 0.23.2 of the Hugging Face library.
  @Test
  void aBadWordIsBannedAtTheBeginningAndAfterASpace() {
    assertThat(SamplingParams.badWordIds("New York", llama3))
        .containsExactly(new int[] {3648, 4356}, new int[] {1561, 4356});
    assertThat(SamplingParams.badWordIds("  bad", llama3))
        .containsExactly(new int[] {14176}, new int[] {3958});
    assertThat(SamplingParams.badWordIds("台灣", llama3))
        .containsExactly(new int[] {117342}, new int[] {109142, 106861});
    assertThat(SamplingParams.badWordIds("Taipei 101", llama3))
        .containsExactly(new int[] {79094, 64974, 220, 4645}, new int[] {97445, 220, 4645});
    // after a space it is the same with one id more
    assertThat(SamplingParams.badWordIds("<|eot_id|>", llama3)).containsExactly(new int[] {128009});
    assertThatThrownBy(() -> SamplingParams.badWordIds("  ", llama3))
        .hasMessage("bad_words must not contain an empty text, got '  '");
  }

  @Test
  void lawCorpus() throws IOException {
    List<JsonNode> records = Shared.records("corpora/tw-laws-en.jsonl.gz");
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < records.size(); i += 30) {
      texts.add(records.get(i).get("text").textValue());
    }
    StringBuilder chinese = new StringBuilder();
    for (JsonNode record : Shared.records("llama3/encodings.jsonl")) {
      chinese.append(record.get("text").textValue());
    }
    texts.add(chinese.toString());
    oracle.agreesWith(llama3, texts, "law text");
  }

  @Test
  void strangeText() throws IOException {
    long seed = new Random().nextLong();
    System.out.println("Llama3TokenizerTest.strangeText seed " + seed);
    Random random = new Random(seed);
    oracle.agreesWith(llama3, SampleTexts.mixed(random, 1500), "mixed, seed " + seed);
    oracle.agreesWith(llama3, SampleTexts.unicode(random, 3000), "unicode, seed " + seed);
    oracle.agreesWith(llama3, SampleTexts.longPieces(random, 120), "long, seed " + seed);
  }

  @Test
  void hugePieces() throws IOException {
    long seed = new Random().nextLong();
    System.out.println("Llama3TokenizerTest.hugePieces seed " + seed);
    Random random = new Random(seed);
    List<String> texts = new ArrayList<>();
    for (String part : List.of("a", "法", "👍", "=", "\n", "\u0301", "é", "0", "'")) {
      texts.add(part.repeat(20_000));
    }
    for (String alphabet :
        List.of("規定中央主管機關之第條", "ệhởiợpnguêàc", "👍😀🇹🇼", "etaoinshrdlu", "-=.:/")) {
      int[] characters = alphabet.codePoints().toArray();
      StringBuilder text = new StringBuilder();
      for (int bytes = 0; bytes < 100_000; bytes += 3) {
        text.appendCodePoint(characters[random.nextInt(characters.length)]);
      }
      texts.add(text.toString());
    }
    oracle.agreesWith(llama3, texts, "huge, seed " + seed);
  }

  @Test
  void manyThreads() throws Exception {
    List<String> texts = SampleTexts.mixed(new Random(7), 300);
    List<int[]> expected = texts.stream().map(text -> llama3.encode(text, PARSE)).toList();
    try (var threads = Executors.newFixedThreadPool(4)) {
      List<Callable<Void>> passes = new ArrayList<>();
      for (int pass = 0; pass < 8; pass++) {
        passes.add(
            () -> {
              for (int i = 0; i < texts.size(); i++) {
                assertThat(llama3.encode(texts.get(i), PARSE)).isEqualTo(expected.get(i));
              }
              return null;
            });
      }
      for (Future<Void> pass : threads.invokeAll(passes)) {
        pass.get();
      }
    }
  }

  @Test
  void everyAssignedCharacter() throws IOException {
    List<String> texts = new ArrayList<>();
    for (int c = 0; c < Character.MAX_CODE_POINT; c += 512) {
      String block =
          IntStream.range(c, c + 512)
              .filter(p -> Character.isDefined(p) && Character.getType(p) != Character.SURROGATE)
              .mapToObj(p -> "a" + Character.toString(p) + "1" + Character.toString(p) + " ")
              .reduce("", String::concat);
      texts.add(block);
    }
    oracle.agreesWith(llama3, texts, "each character after a letter and a digit");
  }

  /// Splitting out no added tokens is what an empty list of them does.
  @Test
  void specialTokensAsText(@TempDir Path directory) throws IOException {
    ObjectMapper json = new ObjectMapper();
    ObjectNode root = (ObjectNode) json.readTree(file.toFile());
    root.set("added_tokens", json.createArrayNode());
    root.putNull("post_processor");
    Path without = directory.resolve("tokenizer.json");
    json.writeValue(without.toFile(), root);
    List<String> texts =
        List.of(
            "<|end_of_text|>",
            "甲<|begin_of_text|> 乙<|eot_id|>\n",
            "<|end_of_text|><|end_of_text|> <|end_of_text",
            "<<|end_of_text|>>");
    try (Oracle plain = Oracle.load(without, false)) {
      for (String text : texts) {
        assertThat(llama3.encode(text, AS_TEXT)).isEqualTo(plain.encode(text));
        assertThat(IntStream.of(llama3.encode(text, AS_TEXT))).noneMatch(llama3::isSpecial);
        assertThat(llama3.encode(text, PARSE)).isEqualTo(oracle.encode(text));
      }
    }
  }

  @Test
  void factsAndTemplate() {
    assertThat(llama3.vocabSize()).isEqualTo(128256);
    assertThat(llama3.bosId()).isEqualTo(OptionalInt.of(128000));
    assertThat(llama3.eosId()).isEqualTo(OptionalInt.of(128001));
    assertThat(llama3.idOf("<|eot_id|>")).isEqualTo(OptionalInt.of(128009));
    assertThat(llama3.idOf(" the")).isEqualTo(OptionalInt.of(279));
    assertThat(llama3.idOf("no such token at all")).isEmpty();
    assertThat(llama3.isSpecial(128255)).isTrue();
    assertThat(llama3.isSpecial(127999)).isFalse();
    assertThat(llama3.encodeWithTemplate("", PARSE)).containsExactly(128000);
    assertThat(llama3.bytes(128001)).isEqualTo("<|end_of_text|>".getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void decodingEqualsTheLibrary() throws IOException {
    long seed = new Random().nextLong();
    System.out.println("Llama3TokenizerTest.decodingEqualsTheLibrary seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 300; i++) {
      int[] ids = random.ints(1 + random.nextInt(30), 0, 128256).toArray();
      for (boolean skip : new boolean[] {false, true}) {
        Detokenizer stream = new Detokenizer(llama3, skip);
        StringBuilder streamed = new StringBuilder();
        for (int id : ids) {
          streamed.append(stream.add(id));
        }
        streamed.append(stream.flush());
        assertThat(llama3.decode(ids, skip)).as("seed " + seed).isEqualTo(oracle.decode(ids, skip));
        assertThat(streamed.toString()).isEqualTo(llama3.decode(ids, skip));
      }
    }
  }
}
