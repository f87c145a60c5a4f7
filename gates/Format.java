import com.google.googlejavaformat.java.Main;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// Checks or applies google-java-format on every Java source of the checkout.
///
/// A program of its own because the formatter reads the language of the JVM it runs in, and Maven
/// may run on an older one.
///
/// Usage: `java -cp google-java-format-all-deps.jar gates/Format.java check|apply REPORT ROOT`,
/// where the file `REPORT` exists afterwards if, and only if, the check found something
final class Format {
  private Format() {}

  public static void main(String[] args) throws Exception {
    boolean apply = args[0].equals("apply");
    Path report = Path.of(args[1]);
    Path root = Path.of(args[2]).toRealPath();
    List<String> sources = sources(root);
    if (sources.isEmpty()) {
      throw new IllegalStateException("no Java source found under " + root);
    }
    List<String> arguments = new ArrayList<>(sources);
    arguments.addFirst(apply ? "--replace" : "--dry-run");

    StringWriter changed = new StringWriter();
    PrintWriter errors = new PrintWriter(System.err, true);
    int exit =
        new Main(new PrintWriter(changed), errors, InputStream.nullInputStream())
            .format(arguments.toArray(String[]::new));
    errors.flush();
    Files.deleteIfExists(report);
    if (exit == 0 && changed.toString().isEmpty()) {
      System.out.printf("%d Java files formatted%n", sources.size());
      return;
    }
    changed
        .toString()
        .lines()
        .forEach(file -> System.err.println("not formatted: " + root.relativize(Path.of(file))));
    Files.createDirectories(report.getParent());
    Files.writeString(report, changed.toString());
  }

  private static List<String> sources(Path root) throws IOException {
    List<String> sources = new ArrayList<>();
    try (Stream<Path> modules = Files.list(root)) {
      for (Path module : modules.filter(Files::isDirectory).sorted().toList()) {
        addJava(module.endsWith("gates") ? module : module.resolve("src"), sources);
      }
    }
    return sources;
  }

  private static void addJava(Path directory, List<String> sources) throws IOException {
    if (!Files.isDirectory(directory)) {
      return;
    }
    try (Stream<Path> files = Files.walk(directory)) {
      files.filter(f -> f.toString().endsWith(".java")).sorted().forEach(f -> sources.add("" + f));
    }
  }
}
