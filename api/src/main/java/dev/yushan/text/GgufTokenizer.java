package dev.yushan.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.io.DurableFiles;
import dev.yushan.io.FileFormatException;
import dev.yushan.io.gguf.Gguf;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A tokenizer in the metadata of a GGUF file: `tokenizer.json` to it and back.
///
/// Source: `gpt2` vocabularies in `convert_hf_to_gguf.py` and `llama-vocab.cpp` of llama.cpp. There
/// the pre-tokenizer is a name and not a regular expression; the one that is known here is
/// `llama-bpe`, that of Llama 3, which takes words that are tokens as they are (`ignore_merges`).
public final class GgufTokenizer {
  private static final String PREFIX = "tokenizer.ggml.";
  private static final String PRE = "llama-bpe";
  private static final int NORMAL = 1;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;

  private GgufTokenizer() {}

  // ---- to GGUF ---------------------------------------------------------------------------------

  /// The metadata of the tokenizer in a model directory; empty if it has none.
  ///
  /// @param vocabulary rows of the embedding: ids that the tokenizer lacks are `[PADn]`, unused
  /// @throws TokenizerFormatException naming the field that GGUF cannot say
  public static Map<String, Object> metadata(Path directory, int vocabulary) {
    Path file = directory.resolve("tokenizer.json");
    if (!Files.isRegularFile(file)) {
      return Map.of();
    }
    Tokenizer tokenizer = Tokenizers.load(directory);
    JsonField root = TokenizerJson.open(file);
    TokenizerJson spec = TokenizerJson.of(root);
    requireLlama3(root, spec);
    requireMerged(root, spec);
    List<String> tokens = new ArrayList<>(vocabulary);
    for (int id = 0; id < vocabulary; id++) {
      tokens.add("[PAD" + id + "]");
    }
    List<Integer> types = new ArrayList<>(Collections.nCopies(vocabulary, UNUSED));
    for (Map.Entry<String, JsonNode> entry : root.get("model").get("vocab").node().properties()) {
      put(root, tokens, types, entry.getValue().asInt(), entry.getKey(), NORMAL);
    }
    for (JsonNode added : root.get("added_tokens").node()) {
      int type = added.path("special").asBoolean() ? CONTROL : USER_DEFINED;
      put(root, tokens, types, added.path("id").asInt(), added.path("content").asText(), type);
    }
    List<String> merges = new ArrayList<>();
    for (JsonNode merge : root.get("model").get("merges").node()) {
      merges.add(
          merge.isArray() ? merge.get(0).asText() + " " + merge.get(1).asText() : merge.asText());
    }
    Map<String, Object> data = new LinkedHashMap<>();
    data.put(PREFIX + "model", "gpt2");
    data.put(PREFIX + "pre", PRE);
    data.put(PREFIX + "tokens", tokens);
    data.put(PREFIX + "token_type", types);
    data.put(PREFIX + "merges", merges);
    tokenizer.bosId().ifPresent(id -> data.put(PREFIX + "bos_token_id", id));
    tokenizer.eosId().ifPresent(id -> data.put(PREFIX + "eos_token_id", id));
    data.put(PREFIX + "add_bos_token", addsBos(root, spec.template(), tokenizer));
    chatTemplate(directory).ifPresent(text -> data.put("tokenizer.chat_template", text));
    return data;
  }

  private static void put(
      JsonField root, List<String> tokens, List<Integer> types, int id, String token, int type) {
    if (id < 0 || id >= tokens.size()) {
      throw root.refuse(
          "has the token %s with id %d, but the model only %d rows for tokens; leave the tokenizer out (--without-tokenizer)"
              .formatted(token, id, tokens.size()));
    }
    tokens.set(id, token);
    types.set(id, type);
  }

  /// GGUF can have the BOS token put in front of a text, and nothing else around it.
  private static boolean addsBos(JsonField root, Template template, Tokenizer tokenizer) {
    boolean bos = tokenizer.bosId().stream().boxed().toList().equals(template.prefix());
    if (!template.suffix().isEmpty() || !template.prefix().isEmpty() && !bos) {
      throw root.get("post_processor")
          .refuse(
              "puts more around a text than the BOS token in front, which GGUF cannot say; leave"
                  + " the tokenizer out (--without-tokenizer)");
    }
    return bos && !template.prefix().isEmpty();
  }

  /// Text that is a token is taken as that in GGUF, whatever the merges make of it.
  private static void requireMerged(JsonField root, TokenizerJson spec) {
    if (spec.ignoreMerges()) {
      return;
    }
    BitSet merged = BpeTokenizer.merged(spec);
    for (Map.Entry<String, JsonNode> entry : root.get("model").get("vocab").node().properties()) {
      if (!merged.get(entry.getValue().intValue()) && !isAdded(spec, entry.getKey())) {
        throw root.get("model")
            .get("ignore_merges")
            .refuse(
                "is not true, but no merges make the token %s, which GGUF would take; leave the tokenizer out (--without-tokenizer)"
                    .formatted(entry.getKey()));
      }
    }
  }

  private static boolean isAdded(TokenizerJson spec, String token) {
    return spec.addedTokens().stream().anyMatch(added -> added.content().equals(token));
  }

  private static void requireLlama3(JsonField root, TokenizerJson spec) {
    if (!root.get("normalizer").isNull()) {
      throw root.get("normalizer")
          .refuse(
              "is not null, but GGUF has no normalizer; leave the tokenizer out"
                  + " (--without-tokenizer)");
    }
    boolean split = root.get("pre_tokenizer").node().toString().contains(quoted(Llama3Split.REGEX));
    if (!split || spec.preTokenizer().rules().size() > 1) {
      throw root.get("pre_tokenizer")
          .refuse(
              "is not that of Llama 3, the one that has a name in GGUF here; leave the tokenizer"
                  + " out (--without-tokenizer)");
    }
  }

  private static String quoted(String text) {
    return new ObjectMapper().getNodeFactory().textNode(text).toString();
  }

  private static Optional<String> chatTemplate(Path directory) {
    Path file = directory.resolve("chat_template.jinja");
    Path config = directory.resolve("tokenizer_config.json");
    try {
      if (Files.isRegularFile(file)) {
        return Optional.of(Files.readString(file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
    return Files.isRegularFile(config)
        ? Optional.ofNullable(TokenizerJson.open(config).get("chat_template").node().textValue())
        : Optional.empty();
  }

  // ---- from GGUF -------------------------------------------------------------------------------

  /// Writes `tokenizer.json` and `tokenizer_config.json` for the tokenizer in a file, if it has
  /// one.
  ///
  /// @throws FileFormatException naming the kind of tokenizer that is not supported
  public static void write(Gguf file, Path directory) {
    if (file.text(PREFIX + "model").isEmpty()) {
      return;
    }
    String kind = file.text(PREFIX + "model").orElseThrow();
    String pre = file.text(PREFIX + "pre").orElse("default");
    if (!kind.equals("gpt2") || !pre.equals(PRE)) {
      throw new FileFormatException(
          file.path(),
          "has a tokenizer of kind %s with pre-tokenizer %s; only gpt2 with %s is known: take the model's tokenizer.json and name it by --tokenizer"
              .formatted(kind, pre, PRE));
    }
    ObjectMapper mapper = new ObjectMapper();
    try {
      DurableFiles.write(
          directory.resolve("tokenizer.json"), mapper.writeValueAsBytes(tokenizer(file)));
      DurableFiles.write(
          directory.resolve("tokenizer_config.json"), mapper.writeValueAsBytes(config(file)));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the tokenizer to " + directory, e);
    }
  }

  private static ObjectNode tokenizer(Gguf file) {
    List<String> tokens = file.list(PREFIX + "tokens", String.class);
    List<Long> types = file.list(PREFIX + "token_type", Long.class);
    boolean bos = file.flag(PREFIX + "add_bos_token").orElse(true);
    Optional<Long> bosId = file.integer(PREFIX + "bos_token_id").filter(id -> bos);
    Optional<String> bosToken = bosId.map(id -> token(file, tokens, id));
    if (!types.isEmpty() && types.size() != tokens.size()) {
      throw new FileFormatException(
          file.path(),
          "has %d tokens and %d token types: it is damaged, get it again"
              .formatted(tokens.size(), types.size()));
    }
    ObjectNode root =
        TokenizerFiles.skeleton(
            bosToken.map(t -> new TokenizerFiles.Bos(t, bosId.orElseThrow().intValue())));
    ArrayNode added = root.withArray("added_tokens");
    ObjectNode model = root.putObject("model");
    TokenizerFiles.bpe(model, true);
    ObjectNode vocab = model.putObject("vocab");
    for (int id = 0; id < tokens.size(); id++) {
      int type = types.isEmpty() ? NORMAL : types.get(id).intValue();
      if (type == NORMAL) {
        vocab.put(tokens.get(id), id);
      } else if (type != UNUSED) {
        added.add(
            TokenizerFiles.addedToken(tokens.get(id))
                .put("special", type == CONTROL)
                .put("id", id));
      }
    }
    ArrayNode merges = model.putArray("merges");
    file.list(PREFIX + "merges", String.class).forEach(merges::add);
    return root;
  }

  private static String token(Gguf file, List<String> tokens, long id) {
    if (id < 0 || id >= tokens.size()) {
      throw new FileFormatException(
          file.path(),
          "names the id %d, but has only %d tokens: it is damaged, get it again"
              .formatted(id, tokens.size()));
    }
    return tokens.get((int) id);
  }

  private static ObjectNode config(Gguf file) {
    List<String> tokens = file.list(PREFIX + "tokens", String.class);
    ObjectNode config = new ObjectMapper().createObjectNode();
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    for (String role : List.of("bos", "eos")) {
      file.integer(PREFIX + role + "_token_id")
          .ifPresent(id -> config.put(role + "_token", token(file, tokens, id)));
    }
    file.text("tokenizer.chat_template").ifPresent(text -> config.put("chat_template", text));
    return config;
  }
}
