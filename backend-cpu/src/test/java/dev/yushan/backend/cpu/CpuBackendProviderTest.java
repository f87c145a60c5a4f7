package dev.yushan.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.backend.BackendException;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.plugin.Availability;
import dev.yushan.process.ChildJvm;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CpuBackendProviderTest {
  /// Opens the backend in a JVM of its own and prints why it could not.
  static final class Opens {
    private Opens() {}

    public static void main(String[] args) {
      try {
        Backends.open(Optional.of("cpu"), BackendOptions.defaults()).close();
        System.out.println("opened");
      } catch (RuntimeException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  @Test
  void isFoundByName() {
    assertThat(Backends.all().named("cpu")).isInstanceOf(CpuBackendProvider.class);
  }

  @Test
  void aJvmWithoutTheVectorApiIsToldWhatToDo() throws IOException {
    Process process = ChildJvm.PLAIN.running(Opens.class).start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertThat(output).contains("--add-modules jdk.incubator.vector").doesNotContain("opened");
  }

  @Test
  void anOldJdkIsRefused() {
    Availability old = CpuBackendProvider.probe(Runtime.Version.parse("25.0.2+7"), true);
    assertThat(old)
        .isInstanceOfSatisfying(
            Availability.Unavailable.class,
            unavailable -> assertThat(unavailable.remedy()).contains("25.0.3"));
    assertThat(CpuBackendProvider.probe(Runtime.Version.parse("25.0.3+9-LTS"), true).usable())
        .isTrue();
    assertThat(CpuBackendProvider.probe(Runtime.Version.parse("26"), true).usable()).isTrue();
  }

  @Test
  void fourThousandThreadsAreRefused() {
    assertThatThrownBy(
            () -> new CpuBackendProvider().open(BackendOptions.defaults().withThreads(4000)))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("4000 threads are more than the cpu backend takes");
  }

  @Test
  void cudaIsRefused() {
    BackendOptions options =
        new BackendOptions(1, Optional.empty(), Map.of(BackendOptions.EXPERIMENTAL_CUDA, "true"));
    assertThatThrownBy(() -> new CpuBackendProvider().open(options))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("the cpu backend has no CUDA");
  }

  @Test
  void aMemoryLimitIsKept() {
    BackendOptions options =
        new BackendOptions(1, Optional.empty(), Map.of("memory_bytes", "1000000"));
    try (var backend = new CpuBackendProvider().open(options)) {
      backend.allocate(600_000).close();
      backend.allocate(600_000);
      assertThat(backend.availableBytes()).isEqualTo(400_000);
      assertThatThrownBy(() -> backend.allocate(600_000))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("400,000 are available");
    }
  }
}
