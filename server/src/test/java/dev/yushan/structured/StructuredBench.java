package dev.yushan.structured;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.generate.TokenConstraint;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;

/// Measures structured output with a real vocabulary: making the tree of tokens, compiling, and
/// masks, cold (the first text of a new constraint) and warm (the same text again). The argument is
/// a `tokenizer.json`.
final class StructuredBench {
  private StructuredBench() {}

  public static void main(String[] args) throws IOException {
    Tokenizer tokenizer = Tokenizers.load(Path.of(args[0]));
    Vocabulary vocabulary = null;
    for (int i = 0; i < 5; i++) {
      long start = System.nanoTime();
      vocabulary = Vocabulary.of(tokenizer, List.of(tokenizer.eosId().orElseThrow()));
      System.out.printf(
          "tree of %,d tokens: %.0f ms%n",
          tokenizer.vocabSize(), (System.nanoTime() - start) / 1e6);
    }
    var json = new ObjectMapper();
    var person = json.readTree(Schemas.PERSON);
    var event = json.readTree(Schemas.EVENT);
    Map<String, Supplier<Program>> kinds = new LinkedHashMap<>();
    kinds.put("any JSON object", () -> Assembler.assemble(JsonText.ANY_OBJECT, JsonText.RULES));
    kinds.put("schema: person", () -> JsonSchema.program(person));
    kinds.put("schema: event", () -> JsonSchema.program(event));
    for (String regex : List.of("\\d{4}-\\d{2}-\\d{2}", "[\\u4e00-\\u9fff，。]{10,200}", ".*")) {
      kinds.put(regex, () -> Assembler.assemble(RegexParser.parse(regex).whole(), Map.of()));
    }
    for (int round = 0; round < 3; round++) {
      for (var kind : kinds.entrySet()) {
        measure(kind.getKey(), kind.getValue(), vocabulary, round == 2);
      }
    }
  }

  private static void measure(
      String name, Supplier<Program> source, Vocabulary vocabulary, boolean print) {
    long start = System.nanoTime();
    Program program = source.get();
    double compile = (System.nanoTime() - start) / 1e6;
    var constraint = new MaskedText(new Automaton(program), vocabulary);
    List<Integer> ids = new ArrayList<>();
    double[] cold = times(constraint, ids, new Random(1));
    double[] warm = times(constraint, ids, new Random(1));
    if (print) {
      System.out.printf(
          "%-28s %6d nodes, compiled in %6.2f ms; mask cold %8.1f µs (longest %8.1f), warm %6.2f µs"
              + " (longest %6.2f), %d tokens%n",
          name, program.nodes().size(), compile, cold[0], cold[1], warm[0], warm[1], ids.size());
    }
  }

  /// Mean and longest time of `allowed` and `next` in microseconds, along `ids`, which are drawn
  /// first if there are none.
  private static double[] times(TokenConstraint constraint, List<Integer> ids, Random random) {
    boolean draw = ids.isEmpty();
    double sum = 0;
    double longest = 0;
    TokenConstraint.State state = constraint.start();
    for (int step = 0; draw ? step < 60 : step < ids.size(); step++) {
      long start = System.nanoTime();
      var allowed = state.allowed();
      double micros = (System.nanoTime() - start) / 1e3;
      if (draw) {
        int[] all = allowed.stream().toArray();
        ids.add(all[random.nextInt(all.length)]);
      }
      start = System.nanoTime();
      state = state.next(ids.get(step));
      micros += (System.nanoTime() - start) / 1e3;
      sum += micros;
      longest = Math.max(longest, micros);
    }
    return new double[] {sum / ids.size(), longest};
  }
}
