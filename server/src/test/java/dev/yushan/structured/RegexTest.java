package dev.yushan.structured;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Regular expressions against `java.util.regex`.
class RegexTest {
  /// Tokens that begin and end within characters, and that stand for several.
  private static final byte[][] TOKENS = tokens();

  private static final Vocabulary VOCABULARY = Vocabulary.of(TOKENS, List.of(TOKENS.length - 1));

  private static final List<String> ATOMS =
      List.of(
          "a",
          "b",
          "中",
          "國",
          "é",
          "😀",
          ".",
          "[ab]",
          "[^a]",
          "[^a中]",
          "[一-龥]",
          "[a-c😀]",
          "\\d",
          "\\w",
          "\\W",
          "\\s",
          "\\S",
          "[^\\w]",
          "\\u4e2d",
          "\\p{IsHan}",
          "\\P{L}",
          "\\.",
          "ab",
          "");

  private static final List<String> ALPHABET = List.of("a", "b", "中", "國", "é", "😀", "1", "\n");

  @Test
  void sameTextsAsJava() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    List<String> texts = texts(4);
    for (int i = 0; i < 60; i++) {
      String pattern = pattern(random, 3);
      Automaton automaton = automaton(pattern);
      Pattern java = java(pattern);
      for (String text : texts) {
        assertThat(Tokens.accepts(automaton, text))
            .as("seed %d, %s on %s", seed, pattern, text)
            .isEqualTo(java.matcher(text).matches());
      }
    }
  }

  /// Each mask, token by token, is what trying every token's bytes one by one gives; and a token is
  /// allowed only where the end can be reached.
  @Test
  void masksAreWhatTheBytesAllow() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int i = 0; i < 60; i++) {
      String pattern = pattern(random, 4);
      Automaton.State state = automaton(pattern).start();
      for (int step = 0; step < 8 && !state.isDead(); step++) {
        BitSet mask = VOCABULARY.mask(state);
        BitSet expected = new BitSet();
        for (int id = 0; id < TOKENS.length - 1; id++) {
          expected.set(id, !after(state, TOKENS[id]).isDead());
        }
        expected.set(TOKENS.length - 1, state.accepts());
        assertThat(mask)
            .as("seed %d, %s", seed, pattern)
            .isEqualTo(expected)
            .isNotEqualTo(new BitSet());
        assertThat(state.remaining()).isLessThan(Program.NEVER);
        int[] ids = mask.stream().filter(id -> id < TOKENS.length - 1).toArray();
        if (ids.length == 0) {
          break;
        }
        state = after(state, TOKENS[ids[random.nextInt(ids.length)]]);
      }
    }
  }

  @Test
  void whatIsWrittenMatches() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int i = 0; i < 200; i++) {
      String pattern = pattern(random, 4);
      var constraint = new MaskedText(automaton(pattern), VOCABULARY);
      for (int walk = 0; walk < 5; walk++) {
        String text = Tokens.write(constraint, VOCABULARY, random, random.nextInt(12));
        assertThat(java(pattern).matcher(text).matches())
            .as("seed %d, %s wrote %s", seed, pattern, text)
            .isTrue();
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '§',
      value = {
        "^a+$ § aaa § b",
        "^a|b$ § b § ab",
        "(?:ab|c)?d § abd § abcd",
        "(?<year>\\d{4})-(?P<m>\\d\\d) § 2026-07 § 26-07",
        "a{2} § aa § aaa",
        "a{,2}b § aab § aaab",
        "a{2,}b § aaaab § ab",
        "a{x} § a{x} § axx",
        "[\\]\\-a-] § - § b",
        "[-+]?\\d+ § -17 § --1",
        "\\x41\\u0042 § AB § x",
        "\\uD83D\\uDE00 § 😀 § 😁",
        "[\\uD83D\\uDE00-\\uD83D\\uDE02] § 😁 § 😃",
        "\\p{Script=Han}+ § 玉山 § yu",
        "\\p{IsHan}+ § 玉山 § yu",
        "\\p{Lu} § É § é",
        "a+?b*? § aab § b"
      })
  void dialect(String pattern, String fits, String not) {
    assertThat(Tokens.accepts(automaton(pattern), fits)).isTrue();
    assertThat(Tokens.accepts(automaton(pattern), not)).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '§',
      value = {
        "a(?=b) § 2: lookahead",
        "a(?!b) § lookahead",
        "(?<=a)b § 1: lookbehind",
        "(?<!a)b § lookbehind",
        "(a)\\1 § 4: a back-reference",
        "(?P<n>a)(?P=n) § a back-reference",
        "\\bword § a word boundary",
        "\\Aa § the whole text must match anyway",
        "(?i)a § an inline flag",
        "(?>a) § an atomic group",
        "a++ § a quantifier after a quantifier",
        "a** § a quantifier after a quantifier",
        "*a § nothing to repeat before *",
        "a^b § an anchor within the expression",
        "a$b § an anchor within the expression",
        "(a$)b § an anchor within a group",
        "(a § a ( without its )",
        "a) § a ) without its (",
        "[a § a [ without its ]",
        "[]a] § a ] right after [",
        "[[:alpha:]] § a POSIX class",
        "[a&&b] § a set operation",
        "[z-a] § a range whose end comes before its beginning",
        "[\\d-z] § a range from or to a class",
        "a{3,2} § the lower bound is above the upper one",
        "a{99999} § more than 10,000 repetitions",
        "\\u{41} § needs 4 hexadecimal digits",
        "\\q § the escape \\q",
        "\\uD83D § half a surrogate pair",
        "\\p{Klingon} § Klingon, which is not known",
        "[^\\s\\S] § no finite text fits"
      })
  void refusedByName(String pattern, String message) {
    assertThatThrownBy(() -> automaton(pattern))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void deepAndLargeOnesAreRefused() {
    assertThatThrownBy(() -> automaton("(".repeat(5000)))
        .hasMessageContaining("more than 200 groups within each other");
    assertThatThrownBy(
            () ->
                automaton(
                    "(.{9999}){0,9999}(a{9999}b{9999}){1,20}(a|b{9999}|c{9999}){20}".repeat(20)))
        .hasMessageContaining("too large");
    assertThatThrownBy(() -> automaton("a".repeat(60_000))).hasMessageContaining("at most 50,000");
  }

  @Test
  void countsOfCountsAreCounted() {
    Automaton automaton = automaton("((ab){3}c){0,1000}d");
    assertThat(Tokens.accepts(automaton, "abababc".repeat(1000) + "d")).isTrue();
    assertThat(Tokens.accepts(automaton, "abababc".repeat(1001) + "d")).isFalse();
    assertThat(Tokens.accepts(automaton, "abababc".repeat(7) + "abd")).isFalse();
  }

  /// Written out, each of these would have more nodes than there are atoms in a gram.
  @Test
  @Timeout(20)
  void countsOfCountsThatMayBeNothingAreFollowedAsFarAsIsAffordable() {
    for (String pattern :
        List.of(
            "((((((((a{0,1000}){0,1000}){0,1000}){0,1000}){0,1000}){0,1000}){0,1000}){0,1000})b",
            "((((((((a{0,1000}){1000}){1000}){1000}){1000}){1000}){1000}){1000})b")) {
      Automaton.State state = automaton(pattern).start();
      for (int i = 0; i < 100; i++) {
        state = state.next('a');
        assertThat(state.isDead()).isFalse();
      }
    }
    assertThat(Tokens.accepts(automaton("((a{0,1000}){0,1000}){0,1000}b"), "aaab")).isTrue();
    assertThat(Tokens.accepts(automaton("(a{1000}){1000}"), "a".repeat(1000))).isFalse();
  }

  @Test
  void statesAreForgottenNotLost() {
    Automaton automaton = automaton("(a|b)*a(a|b){40}");
    Random random = new Random(3);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < Automaton.MAX_STATES + 2_000; i++) {
      text.append(random.nextBoolean() ? 'a' : 'b');
    }
    text.setCharAt(text.length() - 41, 'a');
    assertThat(Tokens.accepts(automaton, text.toString())).isTrue();
    text.setCharAt(text.length() - 41, 'b');
    assertThat(Tokens.accepts(automaton, text.toString())).isFalse();
  }

  private static Automaton automaton(String pattern) {
    return new Automaton(Assembler.assemble(RegexParser.parse(pattern).whole(), Map.of()));
  }

  private static Pattern java(String pattern) {
    return Pattern.compile(pattern, Pattern.UNIX_LINES);
  }

  private static Automaton.State after(Automaton.State state, byte[] token) {
    Automaton.State to = state;
    for (byte b : token) {
      to = to.next(b & 0xFF);
    }
    return to;
  }

  private static String pattern(Random random, int depth) {
    if (depth == 0) {
      return ATOMS.get(random.nextInt(ATOMS.size()));
    }
    String one = pattern(random, depth - 1);
    return switch (random.nextInt(8)) {
      case 0 -> "(" + one + ")*";
      case 1 -> "(?:" + one + ")+";
      case 2 -> "(" + one + ")?";
      case 3 -> "(" + one + "){" + random.nextInt(3) + "," + (2 + random.nextInt(2)) + "}";
      case 4, 5 -> "(" + one + "|" + pattern(random, depth - 1) + ")";
      default -> one + pattern(random, depth - 1);
    };
  }

  /// All texts over the alphabet up to a length.
  private static List<String> texts(int length) {
    List<String> texts = new ArrayList<>(List.of(""));
    int from = 0;
    for (int i = 0; i < length; i++) {
      int to = texts.size();
      for (String text : List.copyOf(texts.subList(from, to))) {
        ALPHABET.forEach(c -> texts.add(text + c));
      }
      from = to;
    }
    return texts;
  }

  private static byte[][] tokens() {
    List<byte[]> tokens = new ArrayList<>();
    for (int b = 0; b < 256; b++) {
      tokens.add(new byte[] {(byte) b});
    }
    for (String text : List.of("ab", "aba", "bb", "中國", "a中", "é1", "😀a", "國\n")) {
      tokens.add(text.getBytes(StandardCharsets.UTF_8));
    }
    tokens.add(new byte[] {(byte) 0xE4, (byte) 0xB8});
    tokens.add(new byte[] {(byte) 0xAD, 'a', (byte) 0xF0});
    tokens.add(new byte[] {'a'});
    tokens.add(new byte[0]);
    return tokens.toArray(byte[][]::new);
  }
}
