package dev.yushan.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Backends;
import dev.yushan.backend.testkit.ReferenceBackend;
import dev.yushan.golden.Golden;
import dev.yushan.io.FileFormatException;
import dev.yushan.io.SafetensorsDirectory;
import dev.yushan.io.SafetensorsWriter;
import dev.yushan.io.StorageType;
import dev.yushan.io.StoredTensor;
import dev.yushan.io.TensorHeader;
import dev.yushan.io.TensorSource;
import dev.yushan.io.gguf.Gguf;
import dev.yushan.model.llama.GgufModels;
import dev.yushan.model.llama.MatrixTypes;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelsTest {
  private static final Path TINY = Golden.path("tiny-llama-a");
  private static final String NORM = "model.norm.weight";

  private final Backend backend = Backends.checked(ReferenceBackend.float32());

  @TempDir private Path dir;

  @AfterEach
  void close() {
    backend.close();
  }

  private static float[] weight(Backend backend, CausalLM model, String name) {
    Parameter parameter =
        model.parameters().stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow();
    return backend.floats(parameter.value());
  }

  /// Within half a step (of the asymmetric four bits a whole one) of the largest magnitude over 127
  /// or 8, and what the scale loses as an F16: 2⁻¹¹ of it.
  @ParameterizedTest
  @CsvSource({"Q8_0, 127, 0.563", "Q4_0, 8, 1.005"})
  void matricesAreQuantisedWhenTheyAreLoaded(DType dtype, float steps, float within) {
    try (CausalLM plain = Models.load(backend, TINY, DType.F32, false);
        CausalLM model = Models.load(backend, TINY, dtype, false)) {
      for (int p = 0; p < plain.parameters().size(); p++) {
        Tensor exact = plain.parameters().get(p).value();
        Tensor stored = model.parameters().get(p).value();
        boolean isNorm = exact.shape().rank() == 1;
        boolean fits = exact.columns() % 32 == 0;
        assertThat(stored.dtype()).isEqualTo(isNorm ? DType.F32 : fits ? dtype : DType.BF16);
        float[] wanted = backend.floats(exact);
        float[] found;
        try (Tensor wide = backend.allocate(DType.F32, exact.shape())) {
          backend.kernels().copy(stored, wide);
          found = backend.floats(wide);
        }
        for (int block = 0; !isNorm && block < wanted.length; block += 32) {
          float largest = 0;
          for (int i = block; i < block + 32; i++) {
            largest = Math.max(largest, Math.abs(wanted[i]));
          }
          for (int i = block; i < block + 32; i++) {
            assertThat(found[i]).isCloseTo(wanted[i], within(within * largest / steps));
          }
        }
      }
    }
  }

  /// In serving the weights are arranged anew in memory of their own: of the files nothing is kept.
  @Test
  void quantisingLeavesNoMemoryTaken() {
    try (Backend backend = ReferenceBackend.float32()) {
      long before = backend.availableBytes();
      Models.load(backend, TINY, DType.Q4_0, false).close();
      assertThat(backend.availableBytes()).isEqualTo(before);
    }
  }

  /// A sound weight of 10^30, which F16 and a block's scale of 16 bits cannot hold.
  @ParameterizedTest
  @CsvSource({
    "F16,  element 70 is infinite or NaN as F16",
    "Q8_0, element 64 is too large for Q8_0",
    "Q4_0, element 64 is too large for Q4_0"
  })
  void aWeightThatDoesNotFitItsTypeIsNamed(DType dtype, String message) throws IOException {
    writeLarge();
    assertThatThrownBy(() -> Models.load(backend, dir, dtype, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("tensor %s: %s; choose another type", LARGE, message);
  }

  private static final String LARGE = "model.layers.0.self_attn.q_proj.weight";

  private void writeLarge() throws IOException {
    float[] weights = new float[64 * 64];
    weights[70] = 1e30f;
    writeChanged(
        all -> {
          all.removeIf(e -> e.header().name().equals(LARGE));
          all.add(entry(LARGE, weights, 64, 64));
          return all;
        });
  }

  @Test
  void aWeightThatDoesNotFitIsNotSaved() throws IOException {
    writeLarge();
    Path to = dir.resolve("saved");
    try (CausalLM model = Models.load(backend, dir, DType.F32, false)) {
      ObjectNode json = Models.configJson(dir);
      assertThatThrownBy(() -> Models.save(backend, model, json, to, DType.F16, Long.MAX_VALUE))
          .hasMessageContaining(LARGE + ": element 70 is infinite or NaN as F16");
    }
    assertThat(to).isEmptyDirectory();
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void filesAreNoLongerMappedOnceTheyWereRead() throws IOException {
    Path gguf = dir.resolve("model.gguf");
    GgufModels.export(TINY, gguf, MatrixTypes.all(DType.Q8_0), true);
    Path directory = Files.createDirectory(dir.resolve("model"));
    for (String file : List.of("config.json", "model.safetensors")) {
      Files.copy(TINY.resolve(file), directory.resolve(file));
    }
    try (SafetensorsDirectory _ = SafetensorsDirectory.open(directory);
        Gguf _ = Gguf.open(gguf)) {
      assertThat(mappedBelow(dir)).hasSize(2);
    }
    try (CausalLM fromDirectory = Models.load(backend, directory, DType.BF16, false);
        CausalLM fromGguf = GgufModels.load(backend, gguf, MatrixTypes.all(DType.Q8_0))) {
      fromDirectory.freeze(backend);
      fromGguf.freeze(backend);
      assertThat(mappedBelow(dir)).isEmpty();
    }
  }

  private static List<String> mappedBelow(Path directory) throws IOException {
    String real = directory.toRealPath().toString();
    try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
      return maps.filter(line -> line.contains(real)).toList();
    }
  }

  @Test
  void savedF32IsByteForByteWhatWasLoaded() throws IOException {
    try (CausalLM model = Models.load(backend, TINY, DType.F32, false)) {
      Models.save(backend, model, Models.configJson(TINY), dir, DType.F32, Long.MAX_VALUE);
    }
    assertThat(dir.resolve("model.safetensors"))
        .hasSameBinaryContentAs(TINY.resolve("model.safetensors"));
    assertThat(Models.configJson(dir)).isEqualTo(Models.configJson(TINY));
  }

  @Test
  void bf16ShardsSurviveARoundTrip() {
    Path source = Golden.path("tiny-llama-b");
    try (CausalLM model = Models.load(backend, source, DType.F32, false)) {
      Models.save(backend, model, Models.configJson(source), dir, DType.BF16, 300_000);
    }
    assertThat(dir.resolve("model.safetensors.index.json")).exists();
    try (SafetensorsDirectory before = SafetensorsDirectory.open(source);
        SafetensorsDirectory after = SafetensorsDirectory.open(dir)) {
      assertThat(after.tensors()).hasSameSizeAs(before.tensors());
      for (StoredTensor tensor : before.tensors()) {
        assertThat(after.tensor(tensor.name()).data().mismatch(tensor.data()))
            .as(tensor.name())
            .isEqualTo(-1);
      }
    }
  }

  @Test
  void freshWeightsAreAFunctionOfTheSeed() {
    ObjectNode config = Models.configJson(TINY);
    String name = "model.layers.1.mlp.up_proj.weight";
    try (CausalLM one = Models.create(backend, config, DType.F32, false, 7);
        CausalLM same = Models.create(backend, config, DType.F32, false, 7);
        CausalLM other = Models.create(backend, config, DType.F32, false, 8)) {
      float[] values = weight(backend, one, name);
      assertThat(weight(backend, same, name)).isEqualTo(values);
      assertThat(weight(backend, other, name)).isNotEqualTo(values);
      double sum = 0;
      double squares = 0;
      for (float value : values) {
        sum += value;
        squares += value * value;
      }
      // 11,264 draws of deviation 0.02: four standard errors of the mean and of the deviation.
      assertThat(Math.abs(sum / values.length)).isLessThan(4 * 0.02 / Math.sqrt(values.length));
      assertThat(Math.abs(Math.sqrt(squares / values.length) - 0.02))
          .isLessThan(4 * 0.02 / Math.sqrt(2.0 * values.length));
      assertThat(weight(backend, one, NORM)).containsOnly(1f);
    }
  }

  /// The tiny model's weights with one change.
  private void writeChanged(java.util.function.UnaryOperator<List<SafetensorsWriter.Entry>> change)
      throws IOException {
    Files.copy(TINY.resolve("config.json"), dir.resolve("config.json"));
    try (SafetensorsDirectory weights = SafetensorsDirectory.open(TINY)) {
      List<SafetensorsWriter.Entry> entries = new ArrayList<>();
      for (StoredTensor tensor : weights.tensors()) {
        entries.add(new SafetensorsWriter.Entry(tensor.header(), TensorSource.of(tensor.data())));
      }
      SafetensorsWriter.writeModel(dir, change.apply(entries), Long.MAX_VALUE);
    }
  }

  private static SafetensorsWriter.Entry entry(String name, float... values) {
    return entry(name, values, values.length);
  }

  private static SafetensorsWriter.Entry entry(String name, float[] values, long... dims) {
    return new SafetensorsWriter.Entry(
        TensorHeader.of(name, StorageType.F32, dims),
        TensorSource.of(MemorySegment.ofArray(values)));
  }

  private void assertRefused(String... words) {
    assertThatThrownBy(() -> Models.load(backend, dir, DType.F32, true))
        .isInstanceOf(FileFormatException.class)
        .hasMessageContainingAll(words);
  }

  @Test
  void aMissingTensorIsNamed() throws IOException {
    writeChanged(all -> all.stream().filter(e -> !e.header().name().equals(NORM)).toList());
    assertRefused(dir.toString(), NORM);
  }

  @Test
  void anUnexpectedTensorIsNamed() throws IOException {
    writeChanged(
        all -> {
          all.add(entry("model.layers.3.mlp.up_proj.weight", 1, 2));
          return all;
        });
    assertRefused(
        "model.safetensors", "model.layers.3.mlp.up_proj.weight", "not part of the model");
  }

  @Test
  void aWrongShapeIsNamed() throws IOException {
    writeChanged(
        all -> {
          all.removeIf(e -> e.header().name().equals(NORM));
          all.add(entry(NORM, 1, 2, 3));
          return all;
        });
    assertRefused("model.safetensors", NORM, "[3]", "[64]");
  }

  @Test
  void aNanIsNamedWithItsPlace() throws IOException {
    float[] ones = new float[64];
    Arrays.fill(ones, 1);
    ones[41] = Float.NaN;
    writeChanged(
        all -> {
          all.removeIf(e -> e.header().name().equals(NORM));
          all.add(entry(NORM, ones));
          return all;
        });
    assertRefused("model.safetensors", NORM, "element 41 is not finite");
  }

  @Test
  void aFailedLoadFreesTheWeights() throws IOException {
    writeChanged(all -> all.stream().filter(e -> !e.header().name().equals(NORM)).toList());
    long before = backend.availableBytes();
    assertRefused(NORM);
    assertThat(backend.availableBytes()).isEqualTo(before);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "hidden_size        | null          | hidden_size is missing",
        "hidden_size        | \"64\"        | hidden_size must be a whole number above 0, got"
            + " \"64\"",
        "num_hidden_layers  | 0             | num_hidden_layers must be a whole number above 0",
        "attention_bias     | true          | attention_bias = true: biases are not supported",
        "mlp_bias           | true          | mlp_bias = true",
        "hidden_act         | \"gelu\"      | hidden_act = gelu",
        "rms_norm_eps       | \"small\"     | rms_norm_eps must be a number",
        "num_key_value_heads| 3             | num_attention_heads must be a multiple of"
            + " num_key_value_heads",
        "initializer_range  | -0.02         | initializer_range must be a number that is not below"
            + " 0, got -0.02",
        "quantization_config| {\"bits\": 4} | quantization_config",
        "rope_parameters    | {\"rope_type\": \"yarn\"} | rope_type = yarn: supported are",
        "rope_parameters    | {\"rope_type\": \"llama3\"} | factor is missing",
        "tie_word_embeddings| 1             | tie_word_embeddings must be true or false",
        "eos_token_id       | [1, -2]       | eos_token_id must be a token id or a list of them",
        "eos_token_id       | 4294967301    | eos_token_id must be a token id or a list of them",
        "rope_theta         | 0             | rope_theta must be a number above 0, got 0",
        "rope_parameters    | {\"rope_type\": \"llama3\", \"low_freq_factor\": 1,"
            + " \"high_freq_factor\": 4, \"factor\": 0} | factor must be a number above 0",
        "rope_parameters    | {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4,"
            + " \"high_freq_factor\": 4} | high_freq_factor = 4.0: must be above low_freq_factor",
        "max_position_embeddings | 2000000000 | max_position_embeddings = 2000000000: at most",
        "architectures      | [\"GPT2LMHeadModel\"] | supported: [LlamaForCausalLM]",
      })
  void unusableConfigsNameTheKey(String key, String value, String message) throws IOException {
    ObjectNode config = Models.configJson(TINY);
    config.set(key, new com.fasterxml.jackson.databind.ObjectMapper().readTree(value));
    assertThatThrownBy(() -> Models.config(config))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(message);
  }

  @Test
  void severalEndOfTextIdsAreKept() {
    ObjectNode config = Models.configJson(TINY);
    config.putArray("eos_token_id").add(2).add(9);
    assertThat(Models.config(config).eosIds()).containsExactly(2, 9);
  }

  @Test
  void aDirectoryWithoutConfigSaysWhatToName() {
    assertThatThrownBy(() -> Models.load(backend, dir, DType.F32, false))
        .isInstanceOf(ModelException.class)
        .hasMessageContainingAll(dir.toString(), "config.json", "does not exist");
  }

  @Test
  void whereAGgufFileLiesAloneItIsNamed() throws IOException {
    Path gguf = Files.createFile(dir.resolve("model.gguf"));
    assertThatThrownBy(() -> Models.config(dir))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("does not exist")
        .hasMessageEndingWith("or the GGUF file itself: " + gguf);
  }
}
