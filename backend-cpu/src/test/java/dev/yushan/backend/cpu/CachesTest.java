package dev.yushan.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CachesTest {
  @TempDir Path folder;

  private void cache(String name, String level, String type, String size) throws IOException {
    Path cache = Files.createDirectory(folder.resolve(name));
    Files.writeString(cache.resolve("level"), level + "\n");
    Files.writeString(cache.resolve("type"), type + "\n");
    Files.writeString(cache.resolve("size"), size + "\n");
  }

  @Test
  void readsWhatLinuxShows() throws IOException {
    cache("index0", "1", "Data", "32K");
    cache("index1", "1", "Instruction", "32K");
    cache("index2", "2", "Unified", "1280K");
    cache("index3", "3", "Unified", "36M");
    Files.writeString(folder.resolve("uevent"), "");
    assertThat(Caches.in(folder)).isEqualTo(new Caches(1280 << 10, 36 << 20));
  }

  @Test
  void takesTheUsualSizeOfWhatIsNotShown() throws IOException {
    cache("index0", "2", "Instruction", "64K");
    cache("index1", "2", "Data", "256K");
    cache("index2", "3", "Unified", "much");
    assertThat(Caches.in(folder)).isEqualTo(new Caches(256 << 10, Caches.USUAL.third()));
    assertThat(Caches.in(folder.resolve("none"))).isEqualTo(Caches.USUAL);
    Files.createDirectory(folder.resolve("index9"));
    assertThat(Caches.in(folder)).isEqualTo(Caches.USUAL);
  }
}
