package dev.yushan.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.io.DurableFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Writes a learned tokenizer as Hugging Face reads it: `tokenizer.json`, with the fields that the
/// one of Llama 3 has, and `tokenizer_config.json`.
final class TokenizerFiles {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private TokenizerFiles() {}

  static void write(Path directory, List<PairMerges.Merge> merges, BpeTrainer.Options options) {
    ObjectMapper json = new ObjectMapper();
    try {
      Files.createDirectories(directory);
      var writer = json.writerWithDefaultPrettyPrinter();
      DurableFiles.write(
          directory.resolve("tokenizer.json"),
          writer.writeValueAsBytes(tokenizer(merges, options)));
      DurableFiles.write(
          directory.resolve("tokenizer_config.json"),
          writer.writeValueAsBytes(config(merges, options)));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the tokenizer to " + directory, e);
    }
  }

  private static ObjectNode tokenizer(List<PairMerges.Merge> merges, BpeTrainer.Options options) {
    int id = 256 + merges.size();
    ObjectNode root = skeleton(Optional.of(new Bos(options.bosToken(), id)));
    for (String token : options.specialTokens()) {
      root.withArray("added_tokens").add(addedToken(token).put("id", id++));
    }
    root.set("model", model(merges));
    return root;
  }

  /// The token that every text begins with.
  record Bos(String token, int id) {}

  /// All of a tokenizer of the kind of Llama 3 but its tokens and merges.
  static ObjectNode skeleton(Optional<Bos> bos) {
    ObjectNode root = NODES.objectNode().put("version", "1.0");
    root.putNull("truncation").putNull("padding");
    root.putArray("added_tokens");
    root.putNull("normalizer");
    ObjectNode preTokenizer = root.putObject("pre_tokenizer").put("type", "Sequence");
    ObjectNode split = NODES.objectNode().put("type", "Split");
    split.putObject("pattern").put("Regex", Llama3Split.REGEX);
    split.put("behavior", "Isolated").put("invert", false);
    preTokenizer
        .putArray("pretokenizers")
        .add(split)
        .add(byteLevel().put("add_prefix_space", false).put("use_regex", false));
    root.set(
        "post_processor",
        bos.<JsonNode>map(b -> template(b.token(), b.id())).orElseGet(NODES::nullNode));
    root.set("decoder", byteLevel().put("add_prefix_space", true).put("use_regex", true));
    return root;
  }

  private static ObjectNode byteLevel() {
    return NODES.objectNode().put("type", "ByteLevel").put("trim_offsets", true);
  }

  static ObjectNode addedToken(String content) {
    return NODES
        .objectNode()
        .put("content", content)
        .put("single_word", false)
        .put("lstrip", false)
        .put("rstrip", false)
        .put("normalized", false)
        .put("special", true);
  }

  private static ObjectNode template(String bos, int bosId) {
    ObjectNode template = NODES.objectNode().put("type", "TemplateProcessing");
    template.putArray("single").add(part("SpecialToken", bos, 0)).add(part("Sequence", "A", 0));
    template
        .putArray("pair")
        .add(part("SpecialToken", bos, 0))
        .add(part("Sequence", "A", 0))
        .add(part("SpecialToken", bos, 1))
        .add(part("Sequence", "B", 1));
    ObjectNode token = template.putObject("special_tokens").putObject(bos).put("id", bos);
    token.putArray("ids").add(bosId);
    token.putArray("tokens").add(bos);
    return template;
  }

  private static ObjectNode part(String kind, String id, int typeId) {
    ObjectNode part = NODES.objectNode();
    part.putObject(kind).put("id", id).put("type_id", typeId);
    return part;
  }

  private static ObjectNode model(List<PairMerges.Merge> merges) {
    ObjectNode model = NODES.objectNode();
    bpe(model, false);
    ObjectNode vocab = model.putObject("vocab");
    ArrayNode pairs = model.putArray("merges");
    List<String> tokens = new ArrayList<>();
    for (char c : ByteAlphabet.order().toCharArray()) {
      tokens.add(String.valueOf(c));
    }
    for (PairMerges.Merge merge : merges) {
      pairs.add(tokens.get(merge.left()) + " " + tokens.get(merge.right()));
      tokens.add(tokens.get(merge.left()) + tokens.get(merge.right()));
    }
    for (int id = 0; id < tokens.size(); id++) {
      vocab.put(tokens.get(id), id);
    }
    return model;
  }

  /// What stands before vocabulary and merges.
  static void bpe(ObjectNode model, boolean ignoreMerges) {
    model.put("type", "BPE").putNull("dropout").putNull("unk_token");
    model.putNull("continuing_subword_prefix").putNull("end_of_word_suffix");
    model.put("fuse_unk", false).put("byte_fallback", false).put("ignore_merges", ignoreMerges);
  }

  private static ObjectNode config(List<PairMerges.Merge> merges, BpeTrainer.Options options) {
    ObjectNode root = NODES.objectNode().put("tokenizer_class", "PreTrainedTokenizerFast");
    root.put("bos_token", options.bosToken()).put("eos_token", options.eosToken());
    root.put("clean_up_tokenization_spaces", false);
    ObjectNode added = root.putObject("added_tokens_decoder");
    int id = 256 + merges.size();
    for (String token : options.specialTokens()) {
      added.set(String.valueOf(id++), addedToken(token));
    }
    return root;
  }
}
