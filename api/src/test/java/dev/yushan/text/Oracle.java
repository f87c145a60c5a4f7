package dev.yushan.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// The Hugging Face tokenizers library, by way of DJL. Its native part is inside the jar and is
/// unpacked below `target`; nothing is downloaded.
public final class Oracle implements AutoCloseable {
  static {
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("RUST_FLAVOR", "cpu");
    System.setProperty("DJL_CACHE_DIR", Path.of("target", "djl").toAbsolutePath().toString());
  }

  private final HuggingFaceTokenizer tokenizer;

  private Oracle(HuggingFaceTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /// The tokenizer in `file`; a test that asks is skipped where the native part cannot be had.
  public static Oracle load(Path file, boolean addSpecialTokens) throws IOException {
    Path json = Files.isDirectory(file) ? file.resolve("tokenizer.json") : file;
    // Truncation is DJL's default, and silent.
    Map<String, String> options =
        Map.of("truncation", "false", "addSpecialTokens", String.valueOf(addSpecialTokens));
    try (var in = Files.newInputStream(json)) {
      return new Oracle(HuggingFaceTokenizer.newInstance(in, options));
    } catch (UnsatisfiedLinkError | IllegalStateException e) {
      return abort("the DJL tokenizers jar has no native library for this machine: " + e);
    }
  }

  /// The ids of `text`, special-token text parsed.
  public int[] encode(String text) {
    return Arrays.stream(tokenizer.encode(text).getIds()).mapToInt(Math::toIntExact).toArray();
  }

  String decode(int[] ids, boolean skipSpecialTokens) {
    return tokenizer.decode(Arrays.stream(ids).asLongStream().toArray(), skipSpecialTokens);
  }

  /// Asserts that both give the same ids for every text, special-token text parsed.
  void agreesWith(Tokenizer ours, List<String> texts, String about) {
    for (String text : texts) {
      int[] expected = encode(text);
      assertThat(ours.encode(text, Tokenizer.Specials.PARSE))
          .as("%s: ids of \"%s\"", about, text.length() < 200 ? text : text.substring(0, 200))
          .isEqualTo(expected);
    }
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
