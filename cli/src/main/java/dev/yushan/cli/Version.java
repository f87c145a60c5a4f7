package dev.yushan.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import jdk.incubator.vector.VectorShape;
import picocli.CommandLine.IVersionProvider;

/// What `--version` prints: the version, the commit where the build knew it, and what it runs on.
public final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    Properties build = build();
    String commit = build.getProperty("commit");
    return new String[] {
      "yushan "
          + build.getProperty("version")
          + (commit.equals("unknown") ? "" : " (" + commit + ")"),
      "Java %s (%s), %s, %s %s"
          .formatted(
              Runtime.version(),
              System.getProperty("java.vendor"),
              vectors(),
              System.getProperty("os.name"),
              System.getProperty("os.arch")),
      "%d processors, heap up to %d MiB"
          .formatted(
              Runtime.getRuntime().availableProcessors(), Runtime.getRuntime().maxMemory() >> 20)
    };
  }

  private static Properties build() {
    Properties build = new Properties();
    try (InputStream in = Version.class.getResourceAsStream("build.properties")) {
      build.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return build;
  }

  private static String vectors() {
    try {
      return VectorShape.preferredShape().vectorBitSize() + "-bit vectors";
    } catch (NoClassDefFoundError e) {
      return "no Vector API (start Java with --add-modules jdk.incubator.vector)";
    }
  }
}
