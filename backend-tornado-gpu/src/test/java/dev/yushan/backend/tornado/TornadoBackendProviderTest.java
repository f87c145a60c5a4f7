package dev.yushan.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.yushan.backend.BackendException;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.process.ChildJvm;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/// The provider where the JVM was started without TornadoVM.
class TornadoBackendProviderTest {
  /// Asks the provider in a JVM of its own.
  static final class Asks {
    private Asks() {}

    public static void main(String[] args) {
      TornadoBackendProvider provider = new TornadoBackendProvider();
      System.out.println(provider.probe());
      try {
        provider.open(BackendOptions.defaults()).close();
        System.out.println("opened");
      } catch (BackendException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  @Test
  void isFoundUsableOrNot() {
    assertThat(Backends.all().rows())
        .filteredOn(row -> row.name().equals("tornado"))
        .singleElement()
        .satisfies(
            row -> assertThat(row.plugin()).containsInstanceOf(TornadoBackendProvider.class));
  }

  /// So that a build without an SDK says what it did not test.
  @Test
  void theBackendItselfIsTestedToo() {
    assumeTrue(
        System.getenv("TORNADOVM_HOME") != null,
        "no SDK of TornadoVM (TORNADOVM_HOME): the GPU backend was not tested");
    assertThat(new TornadoBackendProvider().probe().usable()).isTrue();
  }

  @Test
  void withoutTornadoVmItSaysWhatToDo() throws IOException {
    Process process = ChildJvm.PLAIN.running(Asks.class).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(output.lines().toList())
        .satisfiesExactly(
            probed -> assertThat(probed).startsWith("Unavailable").contains("TornadoVM not found"),
            refused ->
                assertThat(refused)
                    .contains("TornadoVM not found", "set TORNADOVM_HOME", "use-a-gpu.md"));
  }
}
