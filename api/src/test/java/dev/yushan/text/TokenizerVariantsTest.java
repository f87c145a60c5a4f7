package dev.yushan.text;

import static dev.yushan.text.Tokenizer.Specials.AS_TEXT;
import static dev.yushan.text.Tokenizer.Specials.PARSE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Variants of a small trained tokenizer: those that are supported give the ids of the Hugging Face
/// library, all others are refused by the name of the field.
class TokenizerVariantsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final long SEED = new Random().nextLong();

  static {
    System.out.println("TokenizerVariantsTest seed " + SEED);
  }

  @TempDir private static Path trained;

  @TempDir private Path directory;
  private ObjectNode root;

  @BeforeAll
  static void train() {
    List<String> texts =
        SampleTexts.mixed(new Random(5), 400).stream().filter(text -> text.length() < 400).toList();
    BpeTrainer.train(texts.iterator(), BpeTrainer.Options.ofVocabSize(900), trained);
  }

  @BeforeEach
  void copy() throws IOException {
    for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
      Files.copy(trained.resolve(name), directory.resolve(name));
    }
    root = (ObjectNode) JSON.readTree(directory.resolve("tokenizer.json").toFile());
  }

  private Path write() throws IOException {
    Path file = directory.resolve("variant.json");
    JSON.writeValue(file.toFile(), root);
    return file;
  }

  private ObjectNode model() {
    return (ObjectNode) root.get("model");
  }

  private ObjectNode preTokenizer(int index) {
    return (ObjectNode) root.at("/pre_tokenizer/pretokenizers").get(index);
  }

  private void agrees(List<String> more) throws IOException {
    Random random = new Random(SEED);
    List<String> texts = new ArrayList<>(more);
    texts.addAll(SampleTexts.mixed(random, 200));
    texts.addAll(SampleTexts.unicode(random, 300));
    texts.addAll(SampleTexts.longPieces(random, 18));
    Path file = write();
    Tokenizer ours = Tokenizers.load(file);
    try (Oracle plain = Oracle.load(file, false);
        Oracle withTemplate = Oracle.load(file, true)) {
      plain.agreesWith(ours, texts, "seed " + SEED);
      for (String text : texts.subList(0, 40)) {
        assertThat(ours.encodeWithTemplate(text, PARSE)).isEqualTo(withTemplate.encode(text));
      }
    }
  }

  private static JsonNode json(String text) {
    try {
      return JSON.readTree(text.replace('\'', '"'));
    } catch (IOException e) {
      throw new IllegalArgumentException(e);
    }
  }

  @Test
  void byteLevelWithItsOwnRegex() throws IOException {
    root.set(
        "pre_tokenizer",
        json("{'type':'ByteLevel','add_prefix_space':false,'trim_offsets':true,'use_regex':true}"));
    agrees(List.of("don't DON'T we'll 12345 ½ \n\n x"));
  }

  @Test
  void noSplitAtAll() throws IOException {
    root.set(
        "pre_tokenizer",
        json(
            "{'type':'ByteLevel','add_prefix_space':false,'trim_offsets':true,'use_regex':false}"));
    agrees(List.of());
  }

  @Test
  void severalSplitsWithGaps() throws IOException {
    root.set(
        "pre_tokenizer",
        json(
            """
            {'type':'Sequence','pretokenizers':[
            {'type':'Split','pattern':{'Regex':'\\\\p{N}{1,3}'},'behavior':'Isolated','invert':false},
            {'type':'Split','pattern':{'Regex':'[一-龥぀-ゟ゠-ヿ]+'},'behavior':'Isolated','invert':false},
            {'type':'Split','pattern':{'String':'a'},'behavior':'Isolated','invert':false},
            {'type':'Split','pattern':{'Regex':'[!#$%&()*+,\\\\-./:;<=>?@\\\\[\\\\]^_`{|}~][A-Za-z]+|[^\\\\r\\\\n\\\\p{L}\\\\p{P}\\\\p{S}]?[\\\\p{L}\\\\p{M}]+| ?[\\\\p{P}\\\\p{S}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+'},'behavior':'Isolated','invert':false},
            {'type':'ByteLevel','add_prefix_space':false,'trim_offsets':true,'use_regex':true}]}\
            """));
    agrees(List.of("第123456條banana\n\n中文abc ", "/usr/lib a  b"));
  }

  @Test
  void o200kRegex() throws IOException {
    String regex =
        "[^\\r"
            + "\\n"
            + "\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r"
            + "\\n"
            + "\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}|"
            + " ?[^\\s\\p{L}\\p{N}]+[\\r"
            + "\\n"
            + "/]*|\\s*[\\r"
            + "\\n"
            + "]+|\\s+(?!\\S)|\\s+";
    ((ObjectNode) preTokenizer(0).get("pattern")).put("Regex", regex);
    agrees(List.of("HelloWorld DON'Tdo it's/\n/x", "ǅabc ʼn"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\\p{L}+",
        "\\S+|.",
        "\\d",
        ".",
        "a++b|\\D*+x",
        " ?+[^ ]+?",
        "(?:ab|a(b))?c|(?>x|xy)z",
        "(?<=a)b|(?<!a)n(?=a)",
        "[\\S]{2,}",
        "[^\\S\\n]+",
        "\\p{Lu}{2}|\\P{L}",
        "[\\]}]|}|]",
      })
  void regexConstructs(String regex) throws IOException {
    ((ObjectNode) preTokenizer(0).get("pattern")).put("Regex", regex);
    agrees(List.of("banana abc ac xyz xz \n\r\u2028\u0085 ABCD 12", "}]}]", "aab xb"));
  }

  @Test
  void nfc() throws IOException {
    root.set("normalizer", json("{'type':'Sequence','normalizers':[{'type':'NFC'}]}"));
    List<String> texts = new ArrayList<>(List.of("e\u0301 \u1112\u1161\u11ab Å \u212b \u0344"));
    Random random = new Random(11);
    int[] marks =
        java.util.stream.IntStream.range(0x300, 0x1f000)
            .filter(c -> Character.getType(c) == Character.NON_SPACING_MARK)
            .toArray();
    for (int i = 0; i < 3000; i++) {
      StringBuilder text = new StringBuilder("ae각가\u105d2\u0928\u1100".substring(i % 6, i % 6 + 1));
      for (int n = 2 + random.nextInt(4); n > 0; n--) {
        text.appendCodePoint(
            random.nextBoolean()
                ? marks[random.nextInt(marks.length)]
                : 0x300 + random.nextInt(0x30));
      }
      texts.add(text.toString());
    }
    agrees(texts);
  }

  @Test
  void addedTokensOfAllKinds() throws IOException {
    root.set("normalizer", json("{'type':'NFC'}"));
    ArrayNode added = (ArrayNode) root.get("added_tokens");
    int id = 900;
    for (String content : List.of("<tool>", "<tool>s", "ét", "ana nas", "玉山", "<|end")) {
      ObjectNode token = ((ObjectNode) added.get(0)).deepCopy();
      boolean special = content.equals("玉山");
      token.put("id", id++).put("content", content).put("special", special);
      added.add(token.put("normalized", content.equals("ét") || content.equals("ana nas")));
    }
    agrees(
        List.of(
            "a<tool>b<tool>s <tool><tool>",
            "e\u0301t \u00e9te\u0301t",
            "bana nas",
            "登玉山<|end<|end_of_text|>"));
    Tokenizer ours = Tokenizers.load(write());
    assertThat(ours.encode("<tool>玉山", AS_TEXT)).startsWith(900).doesNotContain(904);
    assertThat(ours.encode("<tool>玉山", PARSE)).containsExactly(900, 904);
  }

  /// As in GPT-2, where `<|endoftext|>` is in the vocabulary; here no merge makes the tokens.
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void tokensThatNoMergeMakes(boolean ignoreMerges) throws IOException {
    model().put("ignore_merges", ignoreMerges);
    ObjectNode vocab = (ObjectNode) model().get("vocab");
    int id = vocab.size();
    for (String token : List.of("zqx", "Ġzqxzqx", "<|endoftext|>")) {
      vocab.put(token, id++);
    }
    ArrayNode added = root.putArray("added_tokens");
    added.add(
        json(
            "{'id':%d,'content':'<|endoftext|>','single_word':false,'lstrip':false,'rstrip':false,'normalized':true,'special':true}"
                .formatted(id - 1)));
    root.putNull("post_processor");
    Files.delete(directory.resolve("tokenizer_config.json"));
    agrees(List.of("zqx zqx", " zqxzqx", "zqxzqx", "a<|endoftext|>b", "zqx".repeat(400)));
    Tokenizer ours = Tokenizers.load(write());
    assertThat(ours.encode("zqx", PARSE)).hasSize(ignoreMerges ? 1 : 3);
    assertThat(ours.eosId()).isEqualTo(OptionalInt.of(id - 1));
  }

  /// The order of the list alone counts, whatever ids the merges make.
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void mergesInAnyOrder(boolean ignoreMerges) throws IOException {
    model().put("ignore_merges", ignoreMerges);
    List<JsonNode> merges = new ArrayList<>();
    model().get("merges").forEach(merges::add);
    Collections.shuffle(merges, new Random(SEED));
    merges.addAll(merges.subList(0, 20));
    model().set("merges", JSON.valueToTree(merges));
    agrees(List.of("banana banana"));
    model().putArray("merges");
    agrees(List.of("banana banana"));
  }

  @Test
  void templateWithSuffixAndMergesAsLists() throws IOException {
    ((ArrayNode) root.at("/post_processor/single"))
        .add(json("{'SpecialToken':{'id':'<|end_of_text|>','type_id':0}}"));
    ((ObjectNode) root.at("/post_processor/special_tokens"))
        .set(
            "<|end_of_text|>",
            json("{'id':'<|end_of_text|>','ids':[899],'tokens':['<|end_of_text|>']}"));
    ArrayNode merges = JSON.createArrayNode();
    for (JsonNode merge : model().get("merges")) {
      merges.addArray().add(merge.textValue().split(" ")[0]).add(merge.textValue().split(" ")[1]);
    }
    model().set("merges", merges);
    agrees(List.of());
    Tokenizer ours = Tokenizers.load(write());
    assertThat(ours.encodeWithTemplate("", PARSE)).containsExactly(898, 899);
    assertThat(ours.eosId()).isEqualTo(OptionalInt.of(899));
  }

  @Test
  void unpairedSurrogatesBecomeReplacementCharacters() {
    Tokenizer ours = Tokenizers.load(directory);
    assertThat(ours.encode("a\ud800b\udc00", PARSE))
        .isEqualTo(ours.encode("a\ufffdb\ufffd", PARSE));
  }

  @Test
  void idsOutsideTheVocabulary() {
    Tokenizer ours = Tokenizers.load(directory);
    for (int id : new int[] {-1, 900}) {
      assertThatThrownBy(() -> ours.bytes(id))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("id " + id);
    }
  }

  private void refused(String field, Consumer<ObjectNode> change) throws IOException {
    change.accept(root);
    Path file = write();
    assertThatThrownBy(() -> Tokenizers.load(file))
        .isInstanceOfSatisfying(
            TokenizerFormatException.class, e -> assertThat(e.field()).isEqualTo(field))
        .hasMessageContaining(file.toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "truncation ; truncation ; {'max_length':8}",
        "padding ; padding ; {'strategy':'BatchLongest'}",
        "surprise ; surprise ; 1",
        "normalizer.type ; normalizer ; {'type':'Lowercase'}",
        "normalizer.normalizers[1].type ; normalizer ;"
            + " {'type':'Sequence','normalizers':[{'type':'NFC'},{'type':'NFKC'}]}",
        "pre_tokenizer ; pre_tokenizer ; null",
        "pre_tokenizer ; pre_tokenizer ; {'type':'Metaspace'}",
        "pre_tokenizer.add_prefix_space ; pre_tokenizer ;"
            + " {'type':'ByteLevel','add_prefix_space':true}",
        "pre_tokenizer.pretokenizers[0] ; pre_tokenizer/pretokenizers/0/type ; 'Digits'",
        "pre_tokenizer.pretokenizers[0].behavior ; pre_tokenizer/pretokenizers/0/behavior ;"
            + " 'Removed'",
        "pre_tokenizer.pretokenizers[0].invert ; pre_tokenizer/pretokenizers/0/invert ; true",
        "pre_tokenizer.pretokenizers[0].pattern.String ;"
            + " pre_tokenizer/pretokenizers/0/pattern/String ; ''",
        "pre_tokenizer.pretokenizers[1].add_prefix_space ;"
            + " pre_tokenizer/pretokenizers/1/add_prefix_space ; true",
        "pre_tokenizer.pretokenizers[1].more ; pre_tokenizer/pretokenizers/1/more ; 1",
        "post_processor.type ; post_processor/type ; 'RobertaProcessing'",
        "post_processor.single ; post_processor/single ; []",
        "post_processor.special_tokens.<|begin_of_text|>.ids ; post_processor/special_tokens ; {}",
        "decoder ; decoder ; {'type':'Metaspace'}",
        "decoder ; decoder ; null",
        "model.type ; model/type ; 'Unigram'",
        "model.dropout ; model/dropout ; 0.1",
        "model.byte_fallback ; model/byte_fallback ; true",
        "model.continuing_subword_prefix ; model/continuing_subword_prefix ; '##'",
        "model.end_of_word_suffix ; model/end_of_word_suffix ; '</w>'",
        "model.ignore_merges ; model/ignore_merges ; 'yes'",
        "model.vocab ; model/vocab ; {'a':0}",
        "model.vocab ; model/vocab/▁the ; 896",
        "model.vocab ; model/vocab/ab ; 0",
        "model.vocab.ab ; model/vocab/ab ; -4",
        "model.merges ; model/merges/0 ; 'a'",
        "model.merges ; model/merges/0 ; 'qqqq zzzz'",
        "model.merges ; model/merges ; {}",
        "added_tokens[0].lstrip ; added_tokens/0/lstrip ; true",
        "added_tokens[0].rstrip ; added_tokens/0/rstrip ; true",
        "added_tokens[0].single_word ; added_tokens/0/single_word ; true",
        "added_tokens[0].content ; added_tokens/0/content ; ''",
        "added_tokens[1].id ; added_tokens/1/id ; 1200",
        "added_tokens[0].content ; added_tokens/0 ; {'id':165,'content':'é','special':true}",
        "added_tokens[1].extra ; added_tokens/1/extra ; null",
      })
  void refusedByName(String field, String path, String value) throws IOException {
    refused(
        field,
        all -> {
          int slash = path.lastIndexOf('/');
          JsonNode parent = slash < 0 ? all : all.at("/" + path.substring(0, slash));
          String name = path.substring(slash + 1);
          if (parent instanceof ArrayNode list) {
            list.set(Integer.parseInt(name), json(value));
          } else {
            ((ObjectNode) parent).set(name, json(value));
          }
        });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\\w+", "^a", "a$", "a*", "(ab)+", "(?:a|b){2}", "\\bx", "[[:alpha:]]", "[a&&b]",
            "\\p{Han}",
        "\\p{^L}", "a{1,3}+", "a{,3}", "(?i:ss)", "(?i:é)", "(?m:a)", "(?<n>a)", "(a)\\1", "(a",
            "a)",
        "\\x41", "\\h", "*a", "[]a]", "[a", "[\\s-x]", "(?i)a", "a**", "(?=a)*"
      })
  void unsureRegexIsRefused(String regex) throws IOException {
    refused(
        "pre_tokenizer.pretokenizers[0].pattern.Regex",
        all -> ((ObjectNode) preTokenizer(0).get("pattern")).put("Regex", regex));
  }

  @Test
  void brokenFilesAreRefused() throws IOException {
    Path file = directory.resolve("broken.json");
    Files.writeString(file, "{\"version\": ");
    assertThatThrownBy(() -> Tokenizers.load(file))
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessageContaining("broken.json")
        .hasMessageContaining("not valid JSON");
    assertThatThrownBy(() -> Tokenizers.load(directory.resolve("absent.json")))
        .hasMessageContaining("absent.json");
    Files.writeString(file, "[]");
    assertThatThrownBy(() -> Tokenizers.load(file)).hasMessageContaining("(root)");
  }
}
