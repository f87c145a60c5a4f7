package dev.yushan.structured;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.yushan.generate.TokenConstraint;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizers;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Random;

/// Vocabularies to test with, and texts written with them.
final class Tokens {
  private Tokens() {}

  /// The 256 bytes, then `more`, then one that ends the text.
  static byte[][] bytes(String... more) {
    byte[][] tokens = new byte[256 + more.length + 1][];
    for (int b = 0; b < 256; b++) {
      tokens[b] = new byte[] {(byte) b};
    }
    for (int i = 0; i < more.length; i++) {
      tokens[256 + i] = more[i].getBytes(StandardCharsets.UTF_8);
    }
    tokens[256 + more.length] = new byte[0];
    return tokens;
  }

  static Vocabulary vocabulary(String... more) {
    return Vocabulary.of(bytes(more), List.of(256 + more.length));
  }

  /// The tokenizer of Llama 3, where it is there.
  static Tokenizer llama3() {
    Path here = Path.of("").toAbsolutePath();
    while (here.getParent() != null && !Files.exists(here.resolve("CONTRIBUTING.md"))) {
      here = here.getParent();
    }
    Path file = here.resolveSibling("shared").resolve("llama3/tokenizer.json");
    assumeTrue(Files.exists(file), "needs ../shared/llama3/tokenizer.json beside the repository");
    return Tokenizers.load(file);
  }

  static List<Integer> llama3Ends(Tokenizer tokenizer) {
    return List.of(
        tokenizer.idOf("<|end_of_text|>").orElseThrow(),
        tokenizer.idOf("<|eot_id|>").orElseThrow());
  }

  /// Whether `text` may be written byte by byte, and end there.
  static boolean accepts(Automaton automaton, String text) {
    Automaton.State state = automaton.start();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      state = state.next(b & 0xFF);
    }
    return state.accepts();
  }

  /// A text of random tokens: `free` of them any that are allowed, then those after which the end
  /// is nearest. Fails where nothing is allowed before the end.
  static String write(TokenConstraint constraint, Vocabulary vocabulary, Random random, int free) {
    var text = new ByteArrayOutputStream();
    TokenConstraint.State state = constraint.start();
    for (int step = 0; ; step++) {
      BitSet allowed = state.allowed();
      if (allowed.isEmpty()) {
        throw new AssertionError("nothing may follow " + text.toString(StandardCharsets.UTF_8));
      }
      int id = step < free ? any(allowed, random) : nearest(state, allowed, vocabulary);
      if (vocabulary.eos().get(id)) {
        return text.toString(StandardCharsets.UTF_8);
      }
      text.writeBytes(vocabulary.bytes(id));
      state = state.next(id);
    }
  }

  private static int any(BitSet allowed, Random random) {
    int[] ids = allowed.stream().toArray();
    return ids[random.nextInt(ids.length)];
  }

  private static int nearest(TokenConstraint.State state, BitSet allowed, Vocabulary vocabulary) {
    if (allowed.intersects(vocabulary.eos())) {
      return vocabulary.eos().stream().filter(allowed::get).findFirst().orElseThrow();
    }
    int before = ((MaskedText.Written) state).automatonState().remaining();
    return allowed.stream()
        .filter(id -> vocabulary.bytes(id).length == 1)
        .filter(
            id -> ((MaskedText.Written) state.next(id)).automatonState().remaining() == before - 1)
        .findFirst()
        .orElseThrow(() -> new AssertionError("no byte leads nearer to the end"));
  }
}
