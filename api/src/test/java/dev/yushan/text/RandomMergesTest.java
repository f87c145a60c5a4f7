package dev.yushan.text;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
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

/// Random vocabularies over few bytes, and random merges, as no training would make them: tokens
/// that nothing makes, merges in any order, pieces of characters that join across borders. All give
/// the ids of the Hugging Face library.
class RandomMergesTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  private Path write(Random random, String characters) throws IOException {
    BpeTrainer.train(Collections.emptyIterator(), BpeTrainer.Options.ofVocabSize(258), directory);
    ObjectNode root = (ObjectNode) JSON.readTree(directory.resolve("tokenizer.json").toFile());
    ObjectNode model = (ObjectNode) root.get("model");
    Map<String, Integer> vocab = new HashMap<>();
    for (char c : ByteAlphabet.order().toCharArray()) {
      vocab.put(String.valueOf(c), vocab.size());
    }
    String bytes = ByteAlphabet.encode(characters.getBytes(StandardCharsets.UTF_8));
    List<String> tokens =
        new ArrayList<>(bytes.chars().distinct().mapToObj(Character::toString).toList());
    for (int count = 1 + random.nextInt(60); count > 0; count--) {
      // Mostly what text really holds, else anything.
      String token =
          tokens.get(random.nextInt(tokens.size())) + tokens.get(random.nextInt(tokens.size()));
      if (random.nextInt(3) > 0) {
        String text =
            ByteAlphabet.encode(text(random, characters, 4).getBytes(StandardCharsets.UTF_8));
        int from = random.nextInt(text.length());
        token = text.substring(from, Math.min(text.length(), from + 2 + random.nextInt(4)));
      }
      if (token.length() > 1 && vocab.putIfAbsent(token, vocab.size()) == null) {
        tokens.add(token);
      }
    }
    ArrayNode pairs = model.putArray("merges");
    merges(random, vocab, tokens).forEach(pair -> pairs.add(pair[0] + " " + pair[1]));
    model.set("vocab", JSON.valueToTree(vocab));
    model.put("ignore_merges", random.nextBoolean());
    root.putArray("added_tokens");
    root.putNull("post_processor");
    Path file = directory.resolve("random.json");
    JSON.writeValue(file.toFile(), root);
    return file;
  }

  /// All pairs that make a token, or some, as their ids rise or in any order, a few of them twice.
  private static List<String[]> merges(
      Random random, Map<String, Integer> vocab, List<String> tokens) {
    List<String[]> merges = new ArrayList<>();
    int left = random.nextBoolean() ? 0 : 25;
    for (String token : tokens) {
      for (int i = 1; i < token.length(); i++) {
        if (vocab.containsKey(token.substring(0, i))
            && vocab.containsKey(token.substring(i))
            && random.nextInt(100) >= left) {
          merges.add(new String[] {token.substring(0, i), token.substring(i)});
        }
      }
    }
    if (random.nextBoolean()) {
      merges.sort(
          Comparator.<String[]>comparingInt(pair -> vocab.get(pair[0] + pair[1]))
              .thenComparingInt(pair -> vocab.get(pair[0])));
    } else {
      Collections.shuffle(merges, random);
      merges.addAll(merges.subList(0, merges.size() / 10));
    }
    return merges;
  }

  private static String text(Random random, String characters, int length) {
    StringBuilder text = new StringBuilder();
    int[] all = characters.codePoints().toArray();
    for (int i = 0; i < length; i++) {
      text.appendCodePoint(all[random.nextInt(all.length)]);
    }
    return text.toString();
  }

  @Test
  void agreeWithTheLibrary() throws IOException {
    long seed = new Random().nextLong();
    System.out.println("RandomMergesTest seed " + seed);
    Random random = new Random(seed);
    List<String> alphabets = List.of("abc", "aé中丰之", "中丰串丱", "a中é👍👎");
    for (int round = 0; round < 160; round++) {
      String characters = alphabets.get(round % alphabets.size());
      Path file = write(random, characters);
      Tokenizer ours = Tokenizers.load(file);
      List<String> texts = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        texts.add(text(random, characters, 1 + random.nextInt(i < 50 ? 40 : 700)));
      }
      try (Oracle oracle = Oracle.load(file, false)) {
        oracle.agreesWith(ours, texts, "round %d, seed %d".formatted(round, seed));
      }
    }
  }
}
