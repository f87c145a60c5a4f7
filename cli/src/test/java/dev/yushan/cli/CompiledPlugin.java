package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.ToolProvider;

/// A plugin that a test compiles, as its user would, with every warning an error.
///
/// @param classes what a jar of it would hold
record CompiledPlugin(Path classes) {
  static CompiledPlugin of(List<Path> sources, Path classes) throws IOException {
    Files.createDirectories(classes);
    List<String> arguments =
        new ArrayList<>(List.of("--release", "25", "-Xlint:all", "-Werror", "-proc:none"));
    arguments.addAll(List.of("-cp", System.getProperty("java.class.path"), "-d", "" + classes));
    sources.forEach(source -> arguments.add(source.toString()));
    int exit =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, arguments.toArray(String[]::new));
    assertThat(exit).as("javac, see above").isZero();
    return new CompiledPlugin(classes);
  }

  /// One of `docs/examples`, a Maven project of its own, with its tests.
  static CompiledPlugin ofExample(String name, Path classes) throws IOException {
    Path main = Path.of("").toAbsolutePath().getParent().resolve("docs/examples/" + name);
    List<Path> sources = new ArrayList<>(files(main.resolve("src/main/java")));
    sources.addAll(files(main.resolve("src/test/java")));
    CompiledPlugin plugin = of(sources, classes);
    Path resources = main.resolve("src/main/resources");
    for (Path file : files(resources)) {
      Path copy = classes.resolve(resources.relativize(file).toString());
      Files.createDirectories(copy.getParent());
      Files.copy(file, copy);
    }
    return plugin;
  }

  static List<Path> files(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> all = Files.walk(directory)) {
      return all.filter(Files::isRegularFile).toList();
    }
  }

  /// Runs a command with the plugin on the class path.
  Cli run(Object... arguments) throws IOException {
    try (InUse _ = use()) {
      return Cli.run(arguments);
    }
  }

  /// Puts the plugin on the class path of this thread, until it is closed.
  InUse use() throws IOException {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    URLClassLoader loader = new URLClassLoader(new URL[] {classes.toUri().toURL()}, before);
    thread.setContextClassLoader(loader);
    return new InUse(loader, before);
  }

  /// A plugin on the class path.
  record InUse(URLClassLoader loader, ClassLoader before) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      Thread.currentThread().setContextClassLoader(before);
      loader.close();
    }
  }
}
