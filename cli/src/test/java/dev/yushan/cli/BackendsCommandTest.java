package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BackendsCommandTest {
  @TempDir private Path directory;

  @Test
  void listsWhatIsFound() {
    Cli run = Cli.run("backends");
    assertThat(run.exit()).isZero();
    assertThat(run.out().lines().findFirst().orElseThrow())
        .containsSubsequence("NAME", "AVAILABLE", "PRIORITY", "DETAIL", "JAR");
    assertThat(run.out().lines())
        .anyMatch(line -> line.matches("\\*? *reference +yes +-1 .*test-classes.*"))
        .filteredOn(line -> line.startsWith("*"))
        .hasSize(1);
  }

  @Test
  void aJarThatCannotBeReadIsNamed() throws IOException {
    Path broken = Files.writeString(directory.resolve("broken.jar"), "no archive");
    String classPath = broken + File.pathSeparator + directory + File.pathSeparator + "gone.jar";
    assertThat(BackendsCommand.unreadable(classPath))
        .singleElement()
        .asString()
        .contains(broken + ": is no jar that can be read", "Remedy: replace it");
  }

  @Test
  void aBrokenOneIsARowWithAReasonAndARemedy() throws IOException {
    Path services = Files.createDirectories(directory.resolve("META-INF/services"));
    Files.writeString(
        services.resolve("dev.yushan.backend.BackendProvider"), "org.example.NotThere\n");
    ClassLoader real = Thread.currentThread().getContextClassLoader();
    try (var loader = new URLClassLoader(new URL[] {directory.toUri().toURL()}, real)) {
      Thread.currentThread().setContextClassLoader(loader);
      Cli run = Cli.run("backends");
      assertThat(run.exit()).isZero();
      assertThat(run.out())
          .contains("see below", "org.example.NotThere", "Remedy: remove " + directory);
      assertThat(run.out()).containsPattern("reference +yes");
    } finally {
      Thread.currentThread().setContextClassLoader(real);
    }
  }
}
