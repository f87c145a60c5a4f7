package dev.yushan.plugin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PluginsTest {
  /// The kind of plugin that is looked up here.
  public interface Sample extends Plugin {
    @Override
    default int apiVersion() {
      return Plugin.API_VERSION;
    }
  }

  /// Usable.
  public static final class Good implements Sample {
    @Override
    public String name() {
      return "good";
    }
  }

  /// Another with the same name.
  public static final class Twin implements Sample {
    @Override
    public String name() {
      return "good";
    }
  }

  /// Not usable on this machine, though it would have come first.
  public static final class Absent implements Sample {
    @Override
    public String name() {
      return "absent";
    }

    @Override
    public int priority() {
      return 5;
    }

    @Override
    public Availability probe() {
      return new Availability.Unavailable("no such device", "plug one in");
    }
  }

  /// Built for interfaces that are no longer there.
  public static final class Old implements Sample {
    @Override
    public String name() {
      return "old";
    }

    @Override
    public int apiVersion() {
      return 0;
    }
  }

  /// Fails when it is made.
  public static final class Broken implements Sample {
    /// Fails.
    public Broken() {
      throw new IllegalStateException("a library is missing");
    }

    @Override
    public String name() {
      return "broken";
    }
  }

  @TempDir private Path dir;

  private Plugins<Sample> load(String... classes) throws IOException {
    Path services = Files.createDirectories(dir.resolve("META-INF/services"));
    Files.write(services.resolve(Sample.class.getName()), List.of(classes));
    URL[] path = {dir.toUri().toURL()};
    URLClassLoader loader = new URLClassLoader(path, Sample.class.getClassLoader());
    return Plugins.load(ServiceLoader.load(Sample.class, loader), "sample");
  }

  @Test
  void theUsableOneIsTakenAndTheOthersAreExplained() throws IOException {
    Plugins<Sample> plugins =
        load(
            Good.class.getName(),
            Broken.class.getName(),
            Absent.class.getName(),
            Old.class.getName(),
            "no.such.Provider");

    assertThat(plugins.best()).isInstanceOf(Good.class);
    assertThat(plugins.rows()).hasSize(5);
    assertThat(plugins.failures())
        .contains(
            "Broken of ",
            "a library is missing",
            "old of ",
            "built for plugin API 0, and API %d is that of ".formatted(Plugin.API_VERSION)
                + Plugin.class.getProtectionDomain().getCodeSource().getLocation().getPath())
        .doesNotContain("absent", "good");
    assertThat(plugins.rows().toString())
        .contains("a library is missing", "no.such.Provider", "built for plugin API 0");
    assertThatThrownBy(() -> plugins.named("absent"))
        .isInstanceOf(PluginException.class)
        .hasMessage("sample 'absent' cannot be used here: no such device; plug one in");
  }

  @Test
  void anUnknownNameAnswersWithTheKnownOnes() throws IOException {
    Plugins<Sample> plugins = load(Good.class.getName(), Absent.class.getName());
    assertThatThrownBy(() -> plugins.named("best"))
        .isInstanceOf(PluginException.class)
        .hasMessage("no sample is named 'best'; known: absent, good");
  }

  @Test
  void nothingUsableGivesEveryReason() throws IOException {
    Plugins<Sample> plugins = load(Absent.class.getName());
    assertThatThrownBy(plugins::best)
        .hasMessageContainingAll("no usable sample", "absent: no such device; plug one in");
  }

  @Test
  void twoWithOneNameAreAnError() {
    assertThatThrownBy(() -> load(Good.class.getName(), Twin.class.getName()))
        .isInstanceOf(PluginException.class)
        .hasMessageContaining("two samples are named 'good'");
  }
}
