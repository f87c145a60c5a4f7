package dev.yushan.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.io.JsonFault;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

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
  // A vocabulary is an object of 128,000 names that are met once: to keep them costs more than to
  // read them.
  private static final ObjectMapper JSON =
      new ObjectMapper(
              JsonFactory.builder()
                  .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                  .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY);

  static TokenizerJson read(Path file) {
    return of(open(file));
  }

  /// @param root of a file
  static TokenizerJson of(JsonField root) {
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
    JsonField vocab = model.get("vocab");
    Vocabulary vocabulary = Vocabulary.of(vocab);
    List<AddedTokens.Added> added = AddedTokens.parse(root.get("added_tokens"), vocab);
    vocabulary.add(added, vocab);
    checkDecoder(root.get("decoder"));
    return new TokenizerJson(
        added,
        nfc(root.get("normalizer")),
        PreTokenizer.parse(root.get("pre_tokenizer")),
        Template.parse(root.get("post_processor")),
        vocabulary,
        Merges.of(model.get("merges"), vocabulary),
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
    } catch (NoSuchFileException e) {
      throw new UncheckedIOException(
          "there is no " + file + "; name a directory with a tokenizer.json, or the file itself",
          e);
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
