package dev.yushan.model.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.backend.testkit.ReferenceBackend;
import dev.yushan.golden.Golden;
import dev.yushan.io.FileFormatException;
import dev.yushan.io.SafetensorsDirectory;
import dev.yushan.io.StoredTensor;
import dev.yushan.io.TensorSource;
import dev.yushan.io.gguf.Blocks;
import dev.yushan.io.gguf.Gguf;
import dev.yushan.io.gguf.GgufType;
import dev.yushan.io.gguf.GgufWriter;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import dev.yushan.text.BpeTrainer;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.TokenizerFormatException;
import dev.yushan.text.Tokenizers;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class GgufModelsTest {
  private static final List<String> PROSE =
      List.of(
          "玉山是臺灣的最高峰，山頂常年積雪。登山的人從塔塔加出發，走過排雲山莊。",
          "The mountain's summit stands 3,952 metres above the sea; don't climb it alone.",
          "會員大會之決議，以出席會員過半數之同意行之。\n\n第二條  \t if (x == 1) { return x; }");

  @TempDir private Path directory;

  private Path file() {
    return directory.resolve("model.gguf");
  }

  @ParameterizedTest
  @CsvSource({"tiny-llama-a", "tiny-llama-b"})
  void whatWasWrittenComesBack(String name) {
    Path model = Golden.path(name);
    GgufModels.export(model, file(), MatrixTypes.all(DType.F32), true);
    Path back = directory.resolve("back");
    GgufModels.read(file(), back, Optional.of(Models.dtype(model)), Long.MAX_VALUE);
    LlamaConfig wanted = LlamaConfig.of(Models.configJson(model));
    LlamaConfig seen = LlamaConfig.of(Models.configJson(back));
    assertThat(seen)
        .usingRecursiveComparison()
        .ignoringFields("initializerRange", "eosIds", "bosId")
        .isEqualTo(wanted);
    try (SafetensorsDirectory before = SafetensorsDirectory.open(model);
        SafetensorsDirectory after = SafetensorsDirectory.open(back)) {
      assertThat(after.tensors()).hasSameSizeAs(before.tensors());
      for (StoredTensor tensor : before.tensors()) {
        assertThat(after.tensor(tensor.name()).data().mismatch(tensor.data()))
            .as(tensor.name())
            .isEqualTo(-1);
      }
    }
  }

  /// The blocks in the file are those that a backend makes when it quantises on load, and a file
  /// that is loaded keeps every bit.
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F16", "BF16", "Q8_0", "Q4_0"})
  void aFileIsLoadedAsTheDirectoryIs(DType type) {
    int piece = 130; // two rows of most, less than one of others
    Path model = Golden.path("tiny-llama-a");
    GgufModels.export(model, file(), MatrixTypes.all(type), true);
    assertThat(GgufModels.types(file())).isEqualTo(MatrixTypes.all(type));
    try (Backend backend = ReferenceBackend.float32();
        CausalLM wanted = Models.load(backend, model, type, false);
        CausalLM seen =
            GgufModels.load(backend, file(), MatrixTypes.all(type), count -> {}, piece)) {
      assertThat(seen.parameters()).hasSameSizeAs(wanted.parameters());
      for (int i = 0; i < wanted.parameters().size(); i++) {
        Parameter parameter = wanted.parameters().get(i);
        assertThat(backend.bytes(seen.parameters().get(i).value()))
            .as(parameter.name())
            .isEqualTo(backend.bytes(parameter.value()));
      }
    }
  }

  /// As most quantised files are: the head, which may be the embedding too, has more bits than the
  /// layers. One model ties the two and one does not.
  @ParameterizedTest
  @CsvSource({
    "tiny-llama-a, Q8_0, 'Q4_0, embedding and head Q8_0'",
    "tiny-llama-b, Q4_0, 'Q4_0, head Q8_0'"
  })
  void eachMatrixKeepsItsType(String name, DType embedding, String words) {
    Path model = Golden.path(name);
    MatrixTypes types = new MatrixTypes(embedding, DType.Q4_0, DType.Q8_0);
    GgufModels.export(model, file(), types, true);
    MatrixTypes stored = GgufModels.types(file());
    assertThat(stored).isEqualTo(types).hasToString(words);
    try (Backend backend = ReferenceBackend.float32();
        CausalLM low = Models.load(backend, model, DType.Q4_0, false);
        CausalLM high = Models.load(backend, model, DType.Q8_0, false);
        CausalLM seen = GgufModels.load(backend, file(), stored)) {
      List<Parameter> parameters = seen.parameters();
      for (int i = 0; i < parameters.size(); i++) {
        Parameter parameter = parameters.get(i);
        boolean head = parameter.name().equals(seen.head().name());
        Parameter wanted = (head ? high : low).parameters().get(i);
        assertThat(backend.bytes(parameter.value()))
            .as(parameter.name())
            .isEqualTo(backend.bytes(wanted.value()));
      }
    }
  }

  /// BF16 reaches further than F16.
  @Test
  void aValueThatTheTypeOfTheDirectoryCannotHoldIsNamed() throws IOException {
    GgufModels.export(Golden.path("tiny-llama-a"), file(), MatrixTypes.all(DType.BF16), true);
    patch("blk.0.attn_q.weight", 0, (short) 0x7F00); // 1.7e38
    assertThatThrownBy(
            () ->
                GgufModels.read(
                    file(), directory.resolve("back"), Optional.of(DType.F16), Long.MAX_VALUE))
        .hasStackTraceContaining("q_proj.weight: element 0 is infinite as F16");
  }

  /// Writes two bytes of a tensor.
  private void patch(String tensor, int at, short value) throws IOException {
    byte[] bytes = Files.readAllBytes(file());
    long offset;
    long length;
    try (Gguf gguf = Gguf.open(file())) {
      List<Gguf.Entry> all = List.copyOf(gguf.tensors().values());
      long first = all.getFirst().data().address();
      MemorySegment last = all.getLast().data();
      offset = gguf.tensors().get(tensor).data().address() - first;
      length = (last.address() + last.byteSize() - first + 31) / 32 * 32;
    }
    int to = (int) (bytes.length - length + offset) + at;
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putShort(to, value);
    Files.write(file(), bytes);
  }

  /// The scale of the second block of row 3.
  @Test
  void aWeightThatIsNoNumberIsNamed() throws IOException {
    GgufModels.export(Golden.path("tiny-llama-a"), file(), MatrixTypes.all(DType.Q8_0), true);
    patch("token_embd.weight", 3 * 2 * 34 + 34, (short) 0x7C00);
    assertThatThrownBy(() -> load(MatrixTypes.all(DType.Q8_0)))
        .hasMessageContaining("embed_tokens.weight: element 224 is infinite or NaN");
    assertThatThrownBy(() -> load(MatrixTypes.all(DType.F32)))
        .hasMessageContaining("embed_tokens.weight: element 224 is infinite or NaN");
  }

  @Test
  void aWeightThatDoesNotFitIsNamed() throws IOException {
    GgufModels.export(Golden.path("tiny-llama-a"), file(), MatrixTypes.all(DType.F32), true);
    patch("blk.1.attn_v.weight", 4 * (2 * 64 + 5) + 2, (short) 0x4980); // 2^20 and more
    load(MatrixTypes.all(DType.BF16)).close();
    assertThatThrownBy(() -> load(MatrixTypes.all(DType.F16)))
        .hasMessageContaining("v_proj.weight: element 133 is infinite as F16");
  }

  /// A weight of 2^100, whose block would have a scale beyond what 16 bits hold.
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "Q8_0", "Q4_0"})
  void aBlockWhoseScaleIsInfiniteIsNotWritten(DType type) throws IOException {
    GgufModels.export(Golden.path("tiny-llama-a"), file(), MatrixTypes.all(DType.F32), true);
    patch("blk.1.attn_v.weight", 4 * 64 + 2, (short) 0x7180);
    Path back = directory.resolve("back");
    GgufModels.read(file(), back, Optional.of(DType.F32), Long.MAX_VALUE);
    Path written = directory.resolve("written.gguf");
    assertThatThrownBy(() -> GgufModels.export(back, written, MatrixTypes.all(type), false))
        .hasStackTraceContaining("v_proj.weight: element 64 is infinite as " + type);
    assertThat(written).doesNotExist();
  }

  /// Rows of 48 are BF16 beside those that can be blocks, which keep their bits.
  @Test
  void whatIsQuantisedStaysSoWhereMostRowsAreNoBlocks() {
    ObjectNode json = Models.configJson(Golden.path("tiny-llama-a"));
    json.put("hidden_size", 48).put("intermediate_size", 96).put("vocab_size", 40);
    json.put("num_attention_heads", 3).put("num_key_value_heads", 1).put("head_dim", 16);
    Path model = directory.resolve("odd");
    try (Backend backend = ReferenceBackend.float32();
        CausalLM random = Models.create(backend, json, DType.F32, false, 1950)) {
      Models.save(backend, random, json, model, DType.F32, Long.MAX_VALUE);
    }
    GgufModels.export(model, file(), MatrixTypes.all(DType.Q8_0), false);
    assertThat(GgufModels.types(file()).layers()).isEqualTo(DType.Q8_0);
  }

  private CausalLM load(MatrixTypes types) {
    return GgufModels.load(ReferenceBackend.float32(), file(), types, count -> {}, 130);
  }

  /// A model whose head has more bits than any backend knows, as llama-quantize makes it.
  @Test
  void aHeadOfSixBitsIsKeptInEight() throws IOException {
    ObjectNode json = Models.configJson(Golden.path("tiny-llama-a"));
    json.put("hidden_size", 256).put("intermediate_size", 64).put("vocab_size", 40);
    json.put("num_attention_heads", 4).put("num_key_value_heads", 2).put("head_dim", 64);
    Path model = directory.resolve("wide");
    Path four = directory.resolve("four.gguf");
    byte[] blocks = new byte[Math.toIntExact(GgufType.Q6_K.bytes(40 * 256))];
    new Random(1950).nextBytes(blocks);
    for (int scale = 208; scale < blocks.length; scale += 210) {
      blocks[scale + 1] = 0x20;
    }
    try (Backend backend = ReferenceBackend.float32()) {
      try (CausalLM random = Models.create(backend, json, DType.F32, false, 1950)) {
        Models.save(backend, random, json, model, DType.F32, Long.MAX_VALUE);
      }
      GgufModels.export(model, four, MatrixTypes.all(DType.Q4_0), false);
      withHead(four, json, blocks);
      MatrixTypes types = GgufModels.types(file());
      assertThat(types).hasToString("Q4_0, embedding and head Q8_0");
      float[] values = new float[40 * 256];
      Blocks.widen(
          GgufType.Q6_K,
          MemorySegment.ofArray(blocks),
          MemorySegment.ofArray(values),
          values.length);
      try (CausalLM seen = GgufModels.load(backend, file(), types);
          Tensor wide = backend.tensor(values, 40, 256);
          Tensor wanted = backend.allocate(DType.Q8_0, Shape.of(40, 256))) {
        backend.kernels().copy(wide, wanted);
        assertThat(backend.bytes(seen.head().value())).isEqualTo(backend.bytes(wanted));
      }
    }
  }

  /// A file whose metadata contradict its weights, or themselves.
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "llama.feed_forward_length    | 96 | ffn_gate.weight: shape [176, 64], but the metadata"
            + " make it [96, 64]",
        "llama.attention.head_count   | 0  | llama.attention.head_count is 0: the file is damaged",
        "tokenizer.ggml.bos_token_id  | 99999 | names the id 99999, but has only 512 tokens",
        "general.alignment            | 0  | general.alignment is 0, not 1 to 1,048,576"
      })
  void metadataThatCannotBeTrueAreNamed(String key, int value, String message) throws IOException {
    Path whole = directory.resolve("whole.gguf");
    GgufModels.export(modelWithTokenizer(), whole, MatrixTypes.all(DType.F32), true);
    try (Gguf gguf = Gguf.open(whole)) {
      Map<String, Object> metadata = new LinkedHashMap<>();
      gguf.metadata().forEach((name, read) -> metadata.put(name, written(read)));
      metadata.put(key, value);
      List<GgufWriter.Entry> entries =
          gguf.tensors().values().stream()
              .map(
                  entry ->
                      new GgufWriter.Entry(
                          entry.name(), entry.type(), entry.dims(), TensorSource.of(entry.data())))
              .toList();
      GgufWriter.write(file(), metadata, entries);
    }
    Path back = directory.resolve("back");
    assertThatThrownBy(() -> GgufModels.read(file(), back, Optional.empty(), Long.MAX_VALUE))
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining(message);
  }

  private static Object written(Object read) {
    return switch (read) {
      case Long whole -> whole.intValue();
      case Double real -> real.floatValue();
      case List<?> list -> list.stream().map(GgufModelsTest::written).toList();
      default -> read;
    };
  }

  /// What GGUF has no words for: a token that no merges make, more splits, BOS twice.
  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      value = {
        "/model/merges #  # model.ignore_merges: is not true, but no merges make the token",
        "/pre_tokenizer/pretokenizers # {\"type\": \"Split\", \"pattern\": {\"String\": \"x\"},"
            + " \"behavior\": \"Isolated\", \"invert\": false} # pre_tokenizer: is not that of"
            + " Llama",
        "/post_processor/single # {\"SpecialToken\": {\"id\": \"<|begin_of_text|>\", \"type_id\":"
            + " 0}} # post_processor: puts more around a text than the BOS token"
      })
  void aTokenizerThatGgufCannotSayIsRefused(String list, String first, String message)
      throws IOException {
    Path model = modelWithTokenizer();
    Path tokenizer = model.resolve("tokenizer.json");
    ObjectMapper mapper = new ObjectMapper();
    JsonNode json = mapper.readTree(tokenizer.toFile());
    ArrayNode array = (ArrayNode) json.at(list);
    if (first == null) {
      array.remove(array.size() - 1);
    } else {
      array.insert(0, mapper.readTree(first));
    }
    mapper.writeValue(tokenizer.toFile(), json);
    assertThatThrownBy(() -> GgufModels.export(model, file(), MatrixTypes.all(DType.F32), true))
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessageContainingAll(message, "--without-tokenizer");
    GgufModels.export(model, file(), MatrixTypes.all(DType.F32), false);
  }

  /// The model in `from`, its embedding, which is the head, replaced by Q6_K.
  private void withHead(Path from, ObjectNode json, byte[] blocks) {
    try (Gguf gguf = Gguf.open(from)) {
      List<GgufWriter.Entry> entries = new ArrayList<>();
      gguf.tensors()
          .forEach(
              (name, entry) -> {
                boolean head = name.equals(LlamaGguf.EMBEDDING);
                entries.add(
                    new GgufWriter.Entry(
                        name,
                        head ? GgufType.Q6_K : entry.type(),
                        entry.dims(),
                        TensorSource.of(head ? MemorySegment.ofArray(blocks) : entry.data())));
              });
      GgufWriter.write(file(), LlamaGguf.metadata(json, "wide"), entries);
    }
  }

  /// Nothing is lost on the way back: F32 where some matrices are.
  @ParameterizedTest
  @CsvSource({"F32, BF16, F32", "BF16, BF16, BF16", "F16, Q4_0, F16", "Q8_0, Q4_0, BF16"})
  void aDirectoryHoldsWhatTheMatricesDo(DType embedding, DType layers, DType wanted) {
    MatrixTypes types = new MatrixTypes(embedding, layers, embedding);
    // rows that are no whole number of blocks are BF16: this model has none
    GgufModels.export(Golden.path("tiny-llama-b"), file(), types, true);
    Path back = directory.resolve("back");
    GgufModels.read(file(), back, Optional.empty(), Long.MAX_VALUE);
    assertThat(Models.dtype(back)).isEqualTo(wanted);
  }

  @Test
  void quantisedWeightsMayBeReadWider() {
    GgufModels.export(Golden.path("tiny-llama-a"), file(), MatrixTypes.all(DType.Q8_0), true);
    try (Backend backend = ReferenceBackend.float32();
        CausalLM blocks = GgufModels.load(backend, file(), MatrixTypes.all(DType.Q8_0));
        CausalLM floats = GgufModels.load(backend, file(), MatrixTypes.all(DType.F32))) {
      var packed = blocks.head().value();
      try (var wide = backend.allocate(DType.F32, packed.shape())) {
        backend.kernels().copy(packed, wide);
        assertThat(backend.floats(floats.head().value())).isEqualTo(backend.floats(wide));
      }
    }
  }

  private Path modelWithTokenizer() throws IOException {
    Path model = directory.resolve("model");
    Files.createDirectory(model);
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(Golden.path("tiny-llama-a").resolve(name), model.resolve(name));
    }
    BpeTrainer.train(PROSE.iterator(), BpeTrainer.Options.ofVocabSize(400), model);
    Files.writeString(model.resolve("chat_template.jinja"), "{{ messages }} 玉山");
    return model;
  }

  @Test
  void theTokenizerGoesAlong() throws IOException {
    Path model = modelWithTokenizer();
    GgufModels.export(model, file(), MatrixTypes.all(DType.F16), true);
    Path back = directory.resolve("back");
    GgufModels.read(file(), back, Optional.of(DType.F32), Long.MAX_VALUE);
    Tokenizer wanted = Tokenizers.load(model);
    Tokenizer seen = Tokenizers.load(back);
    assertThat(seen.bosId()).isEqualTo(wanted.bosId());
    assertThat(seen.eosId()).isEqualTo(wanted.eosId());
    assertThat(seen.vocabSize()).isEqualTo(wanted.vocabSize());
    for (String text : PROSE) {
      String mixed = text + "<|end_of_text|> 🍌 " + text.substring(3);
      for (Tokenizer.Specials specials : Tokenizer.Specials.values()) {
        assertThat(seen.encodeWithTemplate(mixed, specials))
            .isEqualTo(wanted.encodeWithTemplate(mixed, specials));
      }
    }
    assertThat(back.resolve("tokenizer_config.json")).content().contains("{{ messages }} 玉山");
  }

  @Test
  void aDamagedFileIsRefused() throws IOException {
    long seed = new Random().nextLong();
    System.out.println("GgufModelsTest.aDamagedFileIsRefused seed " + seed);
    Random random = new Random(seed);
    GgufModels.export(modelWithTokenizer(), file(), MatrixTypes.all(DType.Q4_0), true);
    byte[] whole = Files.readAllBytes(file());
    Path damaged = directory.resolve("damaged.gguf");
    Files.write(damaged, Arrays.copyOf(whole, 100));
    assertThatThrownBy(() -> Gguf.open(damaged))
        .hasMessageContaining("its 100 bytes hold; it is damaged or cut off: get it again");
    for (int i = 0; i < 60; i++) {
      Files.write(damaged, Arrays.copyOf(whole, random.nextInt(whole.length - 32)));
      assertThatThrownBy(() -> Gguf.open(damaged)).isInstanceOf(FileFormatException.class);
      byte[] changed = whole.clone();
      changed[random.nextInt(4000)] = (byte) random.nextInt();
      Files.write(damaged, changed);
      try (Gguf opened = Gguf.open(damaged)) {
        assertThat(opened.tensors()).isNotEmpty();
      } catch (FileFormatException e) {
        assertThat(e).hasMessageContaining("damaged.gguf");
      }
    }
  }

  @Test
  void whatCannotBeReadIsNamed() throws IOException {
    Files.writeString(file(), "no such thing");
    assertThatThrownBy(
            () -> GgufModels.load(ReferenceBackend.float32(), file(), MatrixTypes.all(DType.F32)))
        .hasMessageContaining("is it a GGUF file?");
    GgufModels.export(Golden.path("tiny-llama-a"), file(), MatrixTypes.all(DType.F32), true);
    byte[] bytes = Files.readAllBytes(file());
    String text = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
    int at = text.indexOf("llama", text.indexOf("general.architecture"));
    bytes[at] = 'L';
    Files.write(file(), bytes);
    assertThatThrownBy(() -> GgufModels.types(file()))
        .hasMessageContaining("Llama; only llama is read");
  }
}
