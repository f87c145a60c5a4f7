package dev.yushan.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HfCacheTest {
  private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  @TempDir Path temp;

  private Path download(String model, String ref, String commit) throws IOException {
    Path repository = temp.resolve("models--" + model.replace("/", "--"));
    Path blob = Files.createDirectories(repository.resolve("blobs")).resolve("b10b");
    Files.writeString(blob, "{}");
    Path refFile = repository.resolve("refs").resolve(ref);
    Files.createDirectories(refFile.getParent());
    Files.writeString(refFile, commit);
    Path snapshot = Files.createDirectories(repository.resolve("snapshots").resolve(commit));
    Path link = snapshot.resolve("config.json");
    if (!Files.exists(link)) {
      Files.createSymbolicLink(link, Path.of("../../blobs/b10b"));
    }
    return snapshot;
  }

  @Test
  void resolvesBranchesTagsAndCommits() throws IOException {
    HfCache cache = new HfCache(temp);
    Path snapshot = download("lianghsun/Llama-3.2-Taiwan-3B", "main", COMMIT);
    download("lianghsun/Llama-3.2-Taiwan-3B", "refs/pr/1", COMMIT);
    String model = "lianghsun/Llama-3.2-Taiwan-3B";
    assertThat(cache.resolve(model)).isEqualTo(snapshot);
    assertThat(cache.resolve(model, "refs/pr/1")).isEqualTo(snapshot);
    assertThat(cache.resolve(model, COMMIT)).isEqualTo(snapshot);
    assertThat(cache.resolve(model).resolve("config.json")).hasContent("{}");
    Path bare = download("gpt2", "main", COMMIT);
    assertThat(cache.resolve("gpt2")).isEqualTo(bare);
  }

  @Test
  void theCacheMayBeNamedInARoundaboutWay() throws IOException {
    Path snapshot = download("org/name", "main", COMMIT);
    Path roundabout = temp.resolve("./models--org--name/..");
    assertThat(new HfCache(roundabout).resolve("org/name").toRealPath())
        .isEqualTo(snapshot.toRealPath());
  }

  @Test
  void aLocalDirectoryComesFirst() throws IOException {
    Path local = Files.createDirectory(temp.resolve("my-model"));
    assertThat(new HfCache(temp.resolve("none")).resolve(local.toString())).isEqualTo(local);
  }

  @Test
  void whatIsNotThereIsNamed() throws IOException {
    HfCache cache = new HfCache(temp);
    assertThatThrownBy(() -> cache.resolve("org/name"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("model org/name")
        .hasMessageContaining(temp.resolve("models--org--name").toString())
        .hasMessageContaining("yushan download org/name");
    download("org/name", "main", COMMIT);
    assertThatThrownBy(() -> cache.resolve("org/name", "v2"))
        .hasMessageContaining("revision v2")
        .hasMessageContaining("[main]")
        .hasMessageContaining(COMMIT);
    Path repository = temp.resolve("models--org--name");
    Files.writeString(repository.resolve("refs/v3"), COMMIT.replace('0', 'f'));
    assertThatThrownBy(() -> cache.resolve("org/name", "v3"))
        .hasMessageContaining(
            COMMIT.replace('0', 'f') + ", which " + repository.resolve("refs/v3"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a/b/c", "../up", "/abs/none", "a--b/c", "org/", "a b", "org/na..me"})
  void whatIsNoIdIsNotLookedFor(String model) {
    assertThatThrownBy(() -> new HfCache(temp).resolve(model))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no such directory, and no id of the form org/name");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "../../other", "/etc/passwd"})
  void aRevisionStaysInsideItsModel(String revision) throws IOException {
    download("org/name", "main", COMMIT);
    assertThatThrownBy(() -> new HfCache(temp).resolve("org/name", revision))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is no revision");
  }

  @Test
  void theEnvironmentSaysWhere() {
    Map<String, String> home = Map.of("HOME", "/home/yu");
    assertThat(HfCache.of(home).root()).isEqualTo(Path.of("/home/yu/.cache/huggingface/hub"));
    assertThat(root("XDG_CACHE_HOME", "/c")).isEqualTo(Path.of("/c/huggingface/hub"));
    assertThat(root("HF_HOME", "/hf")).isEqualTo(Path.of("/hf/hub"));
    assertThat(root("HF_HOME", "~/hf")).isEqualTo(Path.of("/home/yu/hf/hub"));
    assertThat(root("HF_HOME", "")).isEqualTo(Path.of("/home/yu/.cache/huggingface/hub"));
    assertThat(root("HUGGINGFACE_HUB_CACHE", "/old")).isEqualTo(Path.of("/old"));
    Map<String, String> both = Map.of("HOME", "/h", "HF_HOME", "/hf", "HF_HUB_CACHE", "/cache");
    assertThat(HfCache.of(both).root()).isEqualTo(Path.of("/cache"));
  }

  private static Path root(String variable, String value) {
    return HfCache.of(Map.of("HOME", "/home/yu", variable, value)).root();
  }
}
