package dev.yushan.text;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Random vocabularies of strings over a few letters, and merges in any order, as no training would
/// make them: the ids are those of the Hugging Face library.
class MergesTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  /// @param kind 0: every pair that makes a token is a merge, sorted by the id it makes and then by
  ///   the ids of its parts (how the vocabulary of Llama 3 was converted); 1: some are left out; 2:
  ///   in any order, some left out
  private Path write(Random random, int kind) throws IOException {
    boolean allSplits = kind == 0;
    BpeTrainer.train(Collections.emptyIterator(), BpeTrainer.Options.ofVocabSize(258), directory);
    ObjectNode root = (ObjectNode) JSON.readTree(directory.resolve("tokenizer.json").toFile());
    ObjectNode model = (ObjectNode) root.get("model");
    Map<String, Integer> vocab = new HashMap<>();
    for (char c : ByteAlphabet.order().toCharArray()) {
      vocab.put(String.valueOf(c), vocab.size());
    }
    List<String> tokens = new ArrayList<>(List.of("a", "b", "c"));
    int size = 4 + random.nextInt(30);
    while (tokens.size() < size) {
      String token =
          tokens.get(random.nextInt(tokens.size())) + tokens.get(random.nextInt(tokens.size()));
      if (vocab.putIfAbsent(token, vocab.size()) == null) {
        tokens.add(token);
      }
      if (allSplits && random.nextInt(4) == 0) {
        // A token that has no split when its id is given, perhaps a late one.
        String odd = token + "abc".charAt(random.nextInt(3)) + "abc".charAt(random.nextInt(3));
        if (vocab.putIfAbsent(odd, vocab.size()) == null) {
          tokens.add(odd);
        }
      }
    }
    List<String[]> merges = new ArrayList<>();
    for (String token : tokens) {
      List<String[]> splits = new ArrayList<>();
      for (int i = 1; i < token.length(); i++) {
        if (vocab.containsKey(token.substring(0, i)) && vocab.containsKey(token.substring(i))) {
          splits.add(new String[] {token.substring(0, i), token.substring(i)});
        }
      }
      if (!allSplits && splits.size() > 1) {
        splits.remove(random.nextInt(splits.size()));
      }
      merges.addAll(splits);
    }
    merges.sort(
        Comparator.<String[]>comparingInt(pair -> vocab.get(pair[0] + pair[1]))
            .thenComparingInt(pair -> vocab.get(pair[0])));
    if (kind == 2) {
      Collections.shuffle(merges, random);
    }
    ArrayNode pairs = model.putArray("merges");
    merges.forEach(pair -> pairs.add(pair[0] + " " + pair[1]));
    model.set("vocab", JSON.valueToTree(vocab));
    model.put("ignore_merges", random.nextBoolean());
    root.putArray("added_tokens");
    root.putNull("post_processor");
    Path file = directory.resolve("random.json");
    JSON.writeValue(file.toFile(), root);
    return file;
  }

  @Test
  void idsAreThoseOfTheLibrary() throws IOException {
    long seed = new Random().nextLong();
    System.out.println("MergesTest seed " + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 150; round++) {
      Path file = write(random, round % 3);
      Tokenizer ours = Tokenizers.load(file);
      List<String> texts = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        StringBuilder text = new StringBuilder();
        for (int length = 1 + random.nextInt(i < 50 ? 40 : 700); length > 0; length--) {
          text.append("abc".charAt(random.nextInt(3)));
        }
        texts.add(text.toString());
      }
      try (Oracle oracle = Oracle.load(file, false)) {
        oracle.agreesWith(ours, texts, "round %d, seed %d".formatted(round, seed));
      }
    }
  }
}
