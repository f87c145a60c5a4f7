package dev.yushan.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.io.JsonFault;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The content of a `tokenizer.json`, checked field by field: what is here is done exactly, all
/// else was refused.
///
/// @param ignoreMerges whether a piece that is a token becomes it whatever its bytes merge to
record TokenizerJson(
    List<AddedTokens.Added> addedTokens,
    boolean nfc,
    PreTokenizer preTokenizer,
    Template template,
    Vocabulary vocabulary,
    Merges merges,
    boolean ignoreMerges) {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY);

  static TokenizerJson read(Path file) {
    JsonField root = open(file);
    root.allowOnly(
        "version",
        "truncation",
        "padding",
        "added_tokens",
        "normalizer",
        "pre_tokenizer",
        "post_processor",
        "decoder",
        "model");
    root.get("truncation").require("set it to null; length is limited elsewhere");
    root.get("padding").require("set it to null; nothing is padded here");
    JsonField model = root.get("model");
    checkModel(model);
    Map<String, Integer> vocab = vocab(model.get("vocab"));
    List<AddedTokens.Added> added = AddedTokens.parse(root.get("added_tokens"), vocab);
    keepByteLevel(vocab, added, model.get("vocab"));
    checkDecoder(root.get("decoder"));
    return new TokenizerJson(
        added,
        nfc(root.get("normalizer")),
        PreTokenizer.parse(root.get("pre_tokenizer")),
        Template.parse(root.get("post_processor")),
        new Vocabulary(vocab, added),
        Merges.of(merges(model.get("merges")), vocab, model.get("merges")),
        model.get("ignore_merges").flag(false));
  }

  /// The root of a JSON file; a missing or broken file is an error that says so.
  static JsonField open(Path file) {
    try {
      byte[] bytes = Files.readAllBytes(file);
      JsonNode root = JSON.readTree(bytes);
      return new JsonField(file.toString(), "", root);
    } catch (JsonProcessingException e) {
      throw new TokenizerFormatException(
          file.toString(), "(root)", "is not valid JSON: " + JsonFault.of(e));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  /// The content of the token that `tokenizer_config.json` beside `file` names in `field`.
  static Optional<String> configToken(Path config, String field) {
    if (!Files.exists(config)) {
      return Optional.empty();
    }
    JsonField token = open(config).get(field);
    if (token.isNull()) {
      return Optional.empty();
    }
    return Optional.of(token.node().isObject() ? token.get("content").string() : token.string());
  }

  private static void checkModel(JsonField model) {
    model.allowOnly(
        "type",
        "dropout",
        "unk_token",
        "continuing_subword_prefix",
        "end_of_word_suffix",
        "fuse_unk",
        "byte_fallback",
        "ignore_merges",
        "vocab",
        "merges");
    if (!model.get("type").node().asText().equals("BPE")) {
      throw model
          .get("type")
          .refuse("is %s; only BPE is supported".formatted(model.get("type").shown()));
    }
    model.get("dropout").require("set it to null", "0", "0.0");
    model.get("continuing_subword_prefix").require("only none is", "\"\"");
    model.get("end_of_word_suffix").require("only none is", "\"\"");
    model.get("byte_fallback").require("only byte-level BPE is", "false");
  }

  /// All 256 bytes must be tokens, or text could be lost.
  private static Map<String, Integer> vocab(JsonField field) {
    if (!field.node().isObject()) {
      throw field.refuse("must be an object of tokens and ids, but is " + field.shown());
    }
    Map<String, Integer> vocab = HashMap.newHashMap(field.node().size());
    Map<Integer, String> tokens = HashMap.newHashMap(field.node().size());
    for (Map.Entry<String, JsonNode> entry : field.node().properties()) {
      int id =
          new JsonField(field.file(), field.path() + "." + entry.getKey(), entry.getValue()).id();
      String other = tokens.put(id, entry.getKey());
      if (other != null) {
        throw field.refuse("gives id %d to both %s and %s".formatted(id, other, entry.getKey()));
      }
      vocab.put(entry.getKey(), id);
    }
    for (char c : ByteAlphabet.order().toCharArray()) {
      if (!vocab.containsKey(String.valueOf(c))) {
        throw field.refuse(
            "lacks the byte token \"%c\"; only byte-level BPE is supported".formatted(c));
      }
    }
    return vocab;
  }

  /// The merges, each as `left right`; newer files write them as lists of two.
  private static List<String> merges(JsonField field) {
    if (!field.node().isArray()) {
      throw field.refuse("must be a list, but is " + field.shown());
    }
    List<String> merges = new ArrayList<>(field.node().size());
    for (JsonNode merge : field.node()) {
      boolean pair = merge.size() == 2 && merge.get(0).isTextual() && merge.get(1).isTextual();
      String text =
          pair ? merge.get(0).textValue() + " " + merge.get(1).textValue() : merge.asText();
      int space = text.indexOf(' ');
      if (space <= 0 || space != text.lastIndexOf(' ') || space == text.length() - 1) {
        throw field.refuse("[%d] is %s, not a pair of tokens".formatted(merges.size(), merge));
      }
      merges.add(text);
    }
    return merges;
  }

  /// Tokens in other than the byte alphabet must be added tokens, and leave `vocab`, since
  /// byte-level text is never made of them.
  private static void keepByteLevel(
      Map<String, Integer> vocab, List<AddedTokens.Added> added, JsonField field) {
    Set<String> addedContents = new HashSet<>();
    added.forEach(token -> addedContents.add(token.content()));
    for (String token : List.copyOf(vocab.keySet())) {
      if (token.isEmpty() || !ByteAlphabet.covers(token)) {
        if (!addedContents.contains(token)) {
          throw field.refuse(
              "holds \"%s\", which is not written in the byte-level alphabet; only byte-level BPE is supported"
                  .formatted(token));
        }
        vocab.remove(token);
      }
    }
  }

  private static boolean nfc(JsonField field) {
    if (field.isNull()) {
      return false;
    }
    String type = field.get("type").string();
    if (type.equals("Sequence")) {
      field.allowOnly("type", "normalizers");
      boolean any = false;
      for (JsonField step : field.get("normalizers").elements()) {
        any |= nfc(step);
      }
      return any;
    }
    if (!type.equals("NFC")) {
      throw field.get("type").refuse("is \"%s\"; only NFC is supported".formatted(type));
    }
    field.allowOnly("type");
    return true;
  }

  private static void checkDecoder(JsonField field) {
    if (field.isNull() || !field.get("type").node().asText().equals("ByteLevel")) {
      throw field.refuse("must be of type ByteLevel, but is " + field.shown());
    }
    field.allowOnly("type", "add_prefix_space", "trim_offsets", "use_regex");
  }
}
