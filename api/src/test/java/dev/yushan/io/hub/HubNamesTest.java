package dev.yushan.io.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Addresses, patterns and variables.
class HubNamesTest {
  @ParameterizedTest
  @CsvSource({
    "hf://datasets/org/name, DATASET, main, ''",
    "hf://datasets/org/name/a/b.txt, DATASET, main, a/b.txt",
    "hf://datasets/org/name@v1/**/*.txt, DATASET, v1, **/*.txt",
    "hf://datasets/org/name@refs/convert/parquet/d/0.parquet, DATASET, refs/convert/parquet,"
        + " d/0.parquet",
    "hf://datasets/org/name@a%2Fb/x@1.txt, DATASET, a/b, x@1.txt",
    "hf://models/org/name, MODEL, main, ''",
    "hf://org/name@refs/pr/3, MODEL, refs/pr/3, ''"
  })
  void addresses(String address, RepoType type, String revision, String path) {
    assertThat(HubRepo.parse(address))
        .isEqualTo(new HubRepo.Address(new HubRepo(type, "org/name", revision), path));
  }

  @ParameterizedTest
  @ValueSource(strings = {"hf://", "hf://datasets/name", "hf://org/na..me", "hf://org/name@../x"})
  void whatIsNoAddress(String address) {
    assertThatThrownBy(() -> HubRepo.parse(address)).isInstanceOf(HubException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "*.json, a/b.json, true",
    "a/*, a/b/c.txt, true",
    "a/, a/b/c.txt, true",
    "a, a/b, false",
    "?.txt, ab.txt, false",
    "[ab].txt, b.txt, true",
    "[!ab].txt, b.txt, false",
    "[!ab].txt, c.txt, true",
    "[^a].txt, ^.txt, true",
    "[x, [x, true",
    "a.c, abc, false",
    "A.txt, a.txt, false"
  })
  void patternsAreThoseOfPython(String pattern, String path, boolean matches) {
    assertThat(new Patterns(List.of(pattern), List.of()).of(List.of(path)))
        .hasSize(matches ? 1 : 0);
    assertThat(new Patterns(List.of(), List.of(pattern)).of(List.of(path)))
        .hasSize(matches ? 0 : 1);
  }

  @Test
  void theEnvironmentSaysHow(@TempDir Path temp) throws IOException {
    HubSettings usual = HubSettings.of(Map.of("HOME", temp.toString()));
    assertThat(usual.endpoint()).isEqualTo(URI.create("https://huggingface.co"));
    assertThat(usual.token()).isEmpty();
    assertThat(usual.offline()).isFalse();
    assertThat(usual.answerTimeout()).isEqualTo(Duration.ofSeconds(10));
    Files.writeString(temp.resolve("token"), "hf_file\n");
    Map<String, String> home = Map.of("HF_HOME", temp.toString());
    assertThat(HubSettings.of(home).token()).contains("hf_file");
    assertThat(HubSettings.of(home).cache()).isEqualTo(temp.resolve("hub"));
    assertThat(HubSettings.of(Map.of("HF_TOKEN_PATH", temp + "/token")).token())
        .contains("hf_file");
    assertThat(HubSettings.of(Map.of("HUGGING_FACE_HUB_TOKEN", "b")).token()).contains("b");
    assertThat(HubSettings.of(Map.of("HF_TOKEN", " a ", "HUGGING_FACE_HUB_TOKEN", "b")).token())
        .contains("a");
    HubSettings set =
        HubSettings.of(
            Map.of(
                "HF_ENDPOINT", "https://mirror.tw/hub/",
                "HF_HUB_OFFLINE", "yes",
                "HF_HUB_DOWNLOAD_TIMEOUT", "30",
                "HF_HUB_ETAG_TIMEOUT", "x",
                "HF_HUB_DISABLE_PROGRESS_BARS", "1"));
    assertThat(set.endpoint()).hasToString("https://mirror.tw/hub");
    assertThat(set.offline()).isTrue();
    assertThat(set.progressBars()).isFalse();
    assertThat(set.silenceTimeout()).isEqualTo(Duration.ofSeconds(30));
    assertThat(set.answerTimeout()).isEqualTo(Duration.ofSeconds(10));
    assertThatThrownBy(() -> HubSettings.of(Map.of("HF_ENDPOINT", "mirror.tw")))
        .hasMessageContaining("HF_ENDPOINT: mirror.tw is no address");
  }
}
