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
    assertThat(in(folder)).isEqualTo(new Caches(1280 << 10, 36 << 20));
  }

  @Test
  void takesTheUsualSizeOfWhatIsNotShown() throws IOException {
    cache("index0", "2", "Instruction", "64K");
    cache("index1", "2", "Data", "256K");
    cache("index2", "3", "Unified", "much");
    assertThat(in(folder)).isEqualTo(new Caches(256 << 10, Caches.USUAL.third()));
    assertThat(in(folder.resolve("none"))).isEqualTo(Caches.USUAL);
    Files.createDirectory(folder.resolve("index9"));
    assertThat(in(folder)).isEqualTo(Caches.USUAL);
  }

  @Test
  void takesTheSecondLevelFromWhatIsSaidOfTheProcessors() throws IOException {
    String amd = "processor\t: %d%nvendor_id\t: AuthenticAMD%ncache size\t: %s%nflags\t: fpu%n%n";
    Path processors = folder.resolve("cpuinfo");
    Files.writeString(processors, amd.formatted(0, "1024 KB") + amd.formatted(1, "1024 KB"));
    Path none = folder.resolve("none");
    assertThat(Caches.in(none, processors)).isEqualTo(new Caches(1 << 20, Caches.USUAL.third()));

    // of the last level, however many share it
    Files.writeString(processors, "vendor_id\t: GenuineIntel\ncache size\t: 36608 KB\n");
    assertThat(Caches.in(none, processors)).isEqualTo(Caches.USUAL);
    Files.writeString(processors, amd.formatted(0, "0 KB"));
    assertThat(Caches.in(none, processors)).isEqualTo(Caches.USUAL);

    cache("index2", "2", "Unified", "256K");
    Files.writeString(processors, amd.formatted(0, "1024 KB"));
    assertThat(Caches.in(folder, processors).second()).isEqualTo(256 << 10);
  }

  private static Caches in(Path folder) {
    return Caches.in(folder, folder.resolve("no cpuinfo"));
  }
}
