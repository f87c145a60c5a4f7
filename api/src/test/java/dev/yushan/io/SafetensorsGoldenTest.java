package dev.yushan.io;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.golden.Golden;
import dev.yushan.io.SafetensorsWriter.Entry;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Against files that the Python libraries wrote.
class SafetensorsGoldenTest {
  /// The order in which `transformers` registers the parameters of a Llama layer.
  private static final List<String> LAYER_ORDER =
      List.of(
          "self_attn.q_proj",
          "self_attn.k_proj",
          "self_attn.v_proj",
          "self_attn.o_proj",
          "mlp.gate_proj",
          "mlp.up_proj",
          "mlp.down_proj",
          "input_layernorm",
          "post_attention_layernorm");

  @TempDir Path temp;

  static List<String> files() throws IOException {
    Path root = Golden.path("README.md").getParent();
    try (Stream<Path> paths = Files.walk(root)) {
      return paths
          .filter(path -> path.toString().endsWith(".safetensors"))
          .map(path -> root.relativize(path).toString().replace('\\', '/'))
          .sorted()
          .toList();
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void readsEveryGoldenFile(String file) {
    try (Safetensors read = Safetensors.open(Golden.path(file))) {
      List<String> names = read.tensors().stream().map(StoredTensor::name).toList();
      assertThat(names).containsExactlyElementsOf(Golden.names(file));
      for (StoredTensor tensor : read.tensors()) {
        assertThat(tensor.type().name()).isEqualTo(Golden.dtype(file, tensor.name()));
        assertThat(tensor.header().dims()).isEqualTo(boxed(Golden.shape(file, tensor.name())));
        MemorySegment expected = MemorySegment.ofBuffer(Golden.bytes(file, tensor.name()));
        assertThat(tensor.data().mismatch(expected)).as(tensor.name()).isEqualTo(-1);
      }
      read.requireFinite();
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void writesTheSameBytes(String file) throws IOException {
    Path golden = Golden.path(file);
    Path copy = temp.resolve("copy.safetensors");
    try (Safetensors read = Safetensors.open(golden)) {
      List<Entry> reversed = entries(read.tensors()).reversed();
      SafetensorsWriter.write(copy, reversed, read.metadata());
    }
    assertThat(Files.mismatch(golden, copy)).isEqualTo(-1);
    assertThat(temp).isDirectoryContaining(copy::equals);
    assertThat(Files.list(temp)).hasSize(1);
  }

  @Test
  void shardsAndIndexAreThoseOfTransformers() throws IOException {
    Path golden = Golden.path("tiny-llama-b");
    try (SafetensorsDirectory read = SafetensorsDirectory.open(golden)) {
      List<StoredTensor> ordered = new ArrayList<>(read.tensors());
      ordered.sort((a, b) -> Integer.compare(order(a.name()), order(b.name())));
      List<String> written = SafetensorsWriter.writeModel(temp, entries(ordered), 280_000);
      assertThat(written).hasSize(3);
    }
    try (Stream<Path> files = Files.list(golden)) {
      for (Path file : files.filter(f -> f.toString().contains("safetensors")).toList()) {
        assertThat(Files.mismatch(file, temp.resolve(file.getFileName())))
            .as("%s", file)
            .isEqualTo(-1);
      }
    }
  }

  @Test
  void widensTheBf16ShardsOfADirectory() {
    try (SafetensorsDirectory read = SafetensorsDirectory.open(Golden.path("tiny-llama-b"));
        Arena arena = Arena.ofConfined()) {
      assertThat(read.files()).hasSize(3);
      assertThat(read.totalBytes()).isEqualTo(639936);
      for (StoredTensor tensor : read.tensors()) {
        String file = "tiny-llama-b/" + read.fileOf(tensor.name()).getFileName();
        MemorySegment wide = arena.allocate(tensor.header().elements() * 4, 4);
        tensor.widenInto(wide);
        assertThat(wide.toArray(ValueLayout.JAVA_FLOAT))
            .isEqualTo(Golden.floats(file, tensor.name()));
      }
    }
  }

  private static int order(String name) {
    if (!name.contains("layers.")) {
      return name.contains("embed") ? -1 : name.equals("lm_head.weight") ? 1001 : 1000;
    }
    String[] parts = name.split("\\.", 4);
    String kind = parts[3].substring(0, parts[3].lastIndexOf('.'));
    return Integer.parseInt(parts[2]) * 100 + LAYER_ORDER.indexOf(kind);
  }

  private static List<Entry> entries(List<StoredTensor> tensors) {
    return tensors.stream().map(t -> new Entry(t.header(), TensorSource.of(t.data()))).toList();
  }

  private static List<Long> boxed(long[] dims) {
    return java.util.Arrays.stream(dims).boxed().toList();
  }
}
