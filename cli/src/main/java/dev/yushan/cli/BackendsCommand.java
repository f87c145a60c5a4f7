package dev.yushan.cli;

import dev.yushan.backend.BackendProvider;
import dev.yushan.backend.Backends;
import dev.yushan.plugin.Availability.Available;
import dev.yushan.plugin.Availability.Unavailable;
import dev.yushan.plugin.Plugin;
import dev.yushan.plugin.Plugins.Row;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.jar.JarFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `yushan backends`: what can compute here, and why the rest cannot.
@Command(
    name = "backends",
    description = "List the backends found, which is used by default, and why others cannot be.",
    footer = {
      "%nThe usable backend with the highest priority is the default (*); --backend names another.",
      "A backend in a jar of its own is found in the directory plugins/."
    })
final class BackendsCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(BackendsCommand.class);

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    List<Row<BackendProvider>> rows = Backends.all().rows();
    if (rows.isEmpty()) {
      out.println("No backend found: put the jar of one into plugins/, or install Yushan whole.");
      return 1;
    }
    Columns table = new Columns("", "NAME", "AVAILABLE", "PRIORITY", "DETAIL", "JAR");
    boolean chosen = false;
    List<String> remedies = new ArrayList<>();
    for (Row<BackendProvider> row : rows) {
      boolean usable = row.availability().usable();
      String detail =
          switch (row.availability()) {
            case Available(String found) -> found;
            case Unavailable(String reason, String remedy) -> {
              remedies.add("%s: %s.%n  Remedy: %s.".formatted(row.name(), reason, remedy));
              yield "see below";
            }
          };
      table.add(
          usable && !chosen ? "*" : "",
          row.name(),
          usable ? "yes" : "no",
          row.plugin().map(Plugin::priority).map(String::valueOf).orElse("-"),
          detail.isEmpty() ? "-" : detail,
          row.origin());
      chosen |= usable;
    }
    table.print(out);
    remedies.addAll(unreadable(System.getProperty("java.class.path")));
    remedies.forEach(remedy -> out.printf("%n%s%n", remedy));
    return 0;
  }

  /// The jars that the JVM passed over without a word.
  static List<String> unreadable(String classPath) {
    List<String> found = new ArrayList<>();
    for (String entry : classPath.split(File.pathSeparator)) {
      if (entry.endsWith(".jar") && Files.isRegularFile(Path.of(entry))) {
        try (JarFile jar = new JarFile(entry)) {
          LOG.debug("{} can be read", jar.getName());
        } catch (IOException e) {
          found.add(
              "%s: is no jar that can be read: %s.%n  Remedy: replace it or remove it."
                  .formatted(entry, Failures.message(e)));
        }
      }
    }
    return found;
  }
}
