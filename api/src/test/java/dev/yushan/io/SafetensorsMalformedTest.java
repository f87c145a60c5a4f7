package dev.yushan.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsMalformedTest {
  private static final String A = "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";

  @TempDir Path temp;

  /// Columns: header, bytes of data, what the message must say.
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\1',
      textBlock =
          """
          {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}           | 8 | no valid JSON
          {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} {}       | 8 | no valid JSON
          []                                                              | 0 | no JSON object
          {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}          | 7 | tensor a: .* truncated
          {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}          | 9 | 1 bytes after the last tensor
          {}                                                              | 4 | 4 bytes after the last tensor
          {"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}          | 8 | tensor a: F32 \\[3\\] takes 12 bytes but .* hold 8
          {"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}         | 8 | tensor a: shape .* no count: -2
          {"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}        | 8 | tensor a: shape .* no count: 2.0
          {"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}        | 8 | tensor a: shape .* no count: "2"
          {"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}            | 8 | tensor a: shape is no array
          {"a":{"dtype":"F32","data_offsets":[0,8]}}                      | 8 | tensor a: shape is missing
          {"a":{"dtype":"F32","shape":[2]}}                               | 8 | tensor a: data_offsets is missing
          {"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}            | 8 | tensor a: data_offsets .* begin and end
          {"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}          | 8 | tensor a: data_offsets .* begin and end
          {"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}         | 8 | tensor a: data_offsets .* no count: -8
          {"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}         | 12 | tensor a: 4 bytes before it, from 0
          {"a":{"dtype":"Q8_0","shape":[2],"data_offsets":[0,8]}}         | 8 | tensor a: dtype "Q8_0" is unknown; known are .*BF16
          {"a":{"shape":[2],"data_offsets":[0,8]}}                        | 8 | tensor a: dtype .* unknown
          {"a":7}                                                         | 0 | tensor a: .* no JSON object
          {"__metadata__":{"format":1}}                                   | 0 | __metadata__.format is 1, not a string
          {"__metadata__":"pt"}                                           | 0 | __metadata__ is no JSON object
          {"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,8]}} | 8 | tensor a: .* more bytes than a long
          {"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}} | 8 | tensor a: .* more bytes than a long
          {"a":{"dtype":"F32","shape":[92233720368547758080],"data_offsets":[0,8]}} | 8 | tensor a: shape .* no count
          """)
  void isRefusedWithFileTensorAndReason(String header, int dataBytes, String reason)
      throws IOException {
    Path file = write(header, dataBytes);
    assertThatThrownBy(() -> Safetensors.open(file).close())
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageMatching("(?s).*" + reason + ".*");
  }

  @Test
  void theSameHeaderWithoutTheDefectIsRead() throws IOException {
    try (Safetensors read = Safetensors.open(write("{" + A + "}", 8))) {
      assertThat(read.tensors()).hasSize(1);
      assertThat(read.metadata()).isEmpty();
    }
  }

  @Test
  void overlappingTensors() throws IOException {
    String b = "\"b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[4,12]}";
    assertRefused(write("{" + A + "," + b + "}", 12), "tensor b: its bytes begin at 4, inside");
  }

  @Test
  void aHoleBetweenTensors() throws IOException {
    String b = "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[12,16]}";
    assertRefused(write("{" + b + "," + A + "}", 16), "tensor b: 4 bytes before it, from 8");
  }

  @Test
  void twoTensorsOfOneName() throws IOException {
    String again = "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}";
    assertRefused(write("{" + A + "," + again + "}", 16), "Duplicate field 'a'");
  }

  @Test
  void aHeaderThatIsNoUtf8() throws IOException {
    byte[] json = ("{\"x" + A.substring(2) + "}").getBytes(StandardCharsets.UTF_8);
    json[2] = (byte) 0xff;
    assertRefused(write(json.length, json, 8), "no UTF-8");
  }

  @Test
  void aLengthThatReachesPastTheFile() throws IOException {
    byte[] json = ("{" + A + "}").getBytes(StandardCharsets.UTF_8);
    assertRefused(write(json.length + 9, json, 8), "declares a header of");
  }

  @Test
  void aLengthThatCutsTheHeaderShort() throws IOException {
    byte[] json = ("{" + A + "}").getBytes(StandardCharsets.UTF_8);
    assertRefused(write(json.length - 9, json, 8), "no valid JSON");
  }

  @Test
  void aLengthOverTheLimit() throws IOException {
    byte[] json = "{}".getBytes(StandardCharsets.UTF_8);
    assertRefused(write(100_000_001, json, 0), "100000001 bytes, over the limit of 100000000");
    assertRefused(write(-1, json, 0), "18446744073709551615 bytes, over the limit");
  }

  @Test
  void aFileOfAFewBytes() throws IOException {
    for (int size : List.of(0, 1, 7)) {
      Path file = temp.resolve("few.safetensors");
      Files.write(file, new byte[size]);
      assertRefused(file, size + " bytes are too few");
    }
  }

  @Test
  void everyTruncationOfASoundFile() throws IOException {
    byte[] whole = Files.readAllBytes(write("{" + A + "}  ", 8));
    for (int size = 0; size < whole.length; size++) {
      Path file = temp.resolve("cut.safetensors");
      Files.write(file, java.util.Arrays.copyOf(whole, size));
      assertThatThrownBy(() -> Safetensors.open(file).close())
          .as("%d of %d bytes", size, whole.length)
          .isInstanceOf(FileFormatException.class);
    }
  }

  @Test
  void anAbsentFileOrTensor() throws IOException {
    assertThatThrownBy(() -> Safetensors.open(temp.resolve("none.safetensors")))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("none.safetensors");
    try (Safetensors read = Safetensors.open(write("{" + A + "}", 8))) {
      assertThatThrownBy(() -> read.tensor("b"))
          .isInstanceOf(FileFormatException.class)
          .hasMessageContaining("tensor b: not there; there are [a]");
    }
  }

  private static void assertRefused(Path file, String reason) {
    assertThatThrownBy(() -> Safetensors.open(file).close())
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(reason);
  }

  private Path write(String header, int dataBytes) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return write(json.length, json, dataBytes);
  }

  private Path write(long length, byte[] json, int dataBytes) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(8 + json.length + dataBytes);
    bytes.order(ByteOrder.LITTLE_ENDIAN).putLong(length).put(json);
    Path file = temp.resolve("malformed.safetensors");
    return Files.write(file, bytes.array());
  }
}
