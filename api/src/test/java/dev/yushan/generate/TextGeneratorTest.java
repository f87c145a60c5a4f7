package dev.yushan.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.backend.Backend;
import dev.yushan.backend.testkit.ReferenceBackend;
import dev.yushan.generate.Generator.Finish;
import dev.yushan.generate.TextGenerator.Completion;
import dev.yushan.golden.Golden;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.tensor.DType;
import dev.yushan.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Where a text ends: on the golden tokens of a tiny model, each of which is one character.
class TextGeneratorTest {
  private static final String FILE = "a_greedy.safetensors";

  private static Backend backend;
  private static CausalLM model;
  private static Generator generator;
  private static String prompt;
  private static String text;

  /// A character of the ideographs for each id.
  private static final class Characters implements Tokenizer {
    @Override
    public int[] encode(String text, Specials specials) {
      return text.chars().map(c -> c - 0x4E00).toArray();
    }

    @Override
    public int[] encodeWithTemplate(String text, Specials specials) {
      return encode(text, specials);
    }

    @Override
    public byte[] bytes(int id) {
      return character(id).getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public boolean isSpecial(int id) {
      return false;
    }

    @Override
    public int vocabSize() {
      return 512;
    }

    @Override
    public OptionalInt bosId() {
      return OptionalInt.empty();
    }

    @Override
    public OptionalInt eosId() {
      return OptionalInt.empty();
    }

    @Override
    public OptionalInt idOf(String token) {
      return OptionalInt.empty();
    }
  }

  private static String character(int id) {
    return String.valueOf((char) (0x4E00 + id));
  }

  private static String characters(int[] ids) {
    return IntStream.of(ids).mapToObj(TextGeneratorTest::character).collect(Collectors.joining());
  }

  @BeforeAll
  static void open() {
    backend = ReferenceBackend.float64();
    model = Models.load(backend, Golden.path("tiny-llama-a"), DType.F32, false);
    generator = new Generator(backend, model, 60);
    prompt = characters(Golden.ints(FILE, "short.prompt"));
    text = characters(Golden.ints(FILE, "short.tokens"));
  }

  @AfterAll
  static void close() {
    generator.close();
    model.close();
    backend.close();
  }

  private static Completion complete(SamplingParams.Builder params) {
    StringBuilder streamed = new StringBuilder();
    Completion completion =
        new TextGenerator(generator, new Characters())
            .complete(prompt, params.build(), streamed::append);
    assertThat(streamed).hasToString(completion.text());
    return completion;
  }

  private static SamplingParams.Builder greedy() {
    return SamplingParams.greedy(text.length()).toBuilder().ignoreEos(true);
  }

  private static void assertEnds(Completion completion, String text, Finish finish) {
    assertThat(completion.text()).isEqualTo(text);
    assertThat(completion.finish()).isEqualTo(finish);
  }

  @Test
  void withoutAStopItIsTheGoldenText() {
    assertEnds(complete(greedy()), text, Finish.LENGTH);
  }

  @Test
  void aStopStringEndsTheTextBeforeOrAfterIt() {
    String stop = text.substring(10, 13);
    int at = text.indexOf(stop);
    assertEnds(complete(greedy().stop(List.of(stop))), text.substring(0, at), Finish.STOP);
    assertEnds(
        complete(greedy().stop(List.of(stop)).includeStopStrInOutput(true)),
        text.substring(0, at + 3),
        Finish.STOP);
    // the first that is complete
    assertEnds(
        complete(greedy().stop(List.of(text.substring(9, 20), stop))),
        text.substring(0, at),
        Finish.STOP);
  }

  @Test
  void aStopStringAmongTheLeastTokensIsText() {
    String stop = text.substring(10, 13);
    assertThat(text.indexOf(stop, 11)).isNegative();
    assertEnds(complete(greedy().stop(List.of(stop)).minTokens(13)), text, Finish.LENGTH);
    // it ends after them, though it begins before
    assertEnds(
        complete(greedy().stop(List.of(stop)).minTokens(12)), text.substring(0, 10), Finish.STOP);
  }

  @Test
  void aStopIdEndsTheText() {
    int id = text.charAt(10) - 0x4E00;
    int at = text.indexOf(text.charAt(10));
    assertEnds(complete(greedy().stopTokenIds(Set.of(id))), text.substring(0, at), Finish.STOP);
    assertEnds(
        complete(greedy().stopTokenIds(Set.of(id)).includeStopStrInOutput(true)),
        text.substring(0, at + 1),
        Finish.STOP);
    // put off, it is not chosen at all
    Completion later = complete(greedy().stopTokenIds(Set.of(id)).minTokens(text.length()));
    assertThat(later.text()).hasSize(text.length()).doesNotContain(character(id));
    assertThat(later.finish()).isEqualTo(Finish.LENGTH);
  }

  @Test
  void idsThatTheModelDoesNotHaveAreRefusedAtTheStart() {
    assertThatThrownBy(() -> complete(greedy().stopTokenIds(Set.of(512))))
        .hasMessage("stop_token_ids has the id 512; the model's ids are 0 to 511");
  }
}
