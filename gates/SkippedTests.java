import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/// Closes a build with the number of tests run and skipped in all modules, and why they were.
///
/// Reads the reports that Surefire left under `ROOT/*/target` since the build began, so that those
/// of an earlier build do not count.
///
/// Usage: `java gates/SkippedTests.java ROOT BUILD-START`, the start as `2026-01-31T12:00:00Z`
final class SkippedTests {
  private int tests;
  private int skipped;
  private final Map<String, List<String>> testsByReason = new TreeMap<>();

  private SkippedTests() {}

  public static void main(String[] args) throws Exception {
    Instant start = Instant.parse(args[1]);
    SkippedTests summary = new SkippedTests();
    for (Path report : reports(Path.of(args[0]))) {
      if (!Files.getLastModifiedTime(report).toInstant().isBefore(start)) {
        summary.add(report);
      }
    }
    summary.print();
  }

  private static List<Path> reports(Path root) throws IOException {
    List<Path> reports = new ArrayList<>();
    try (Stream<Path> modules = Files.list(root)) {
      for (Path module : modules.sorted().toList()) {
        Path directory = module.resolve("target/surefire-reports");
        if (Files.isDirectory(directory)) {
          try (Stream<Path> files = Files.list(directory)) {
            files.filter(SkippedTests::isReport).sorted().forEach(reports::add);
          }
        }
      }
    }
    return reports;
  }

  private static boolean isReport(Path file) {
    String name = file.getFileName().toString();
    return name.startsWith("TEST-") && name.endsWith(".xml");
  }

  private void add(Path report) throws Exception {
    NodeList cases =
        DocumentBuilderFactory.newDefaultNSInstance()
            .newDocumentBuilder()
            .parse(report.toFile())
            .getElementsByTagName("testcase");
    for (int i = 0; i < cases.getLength(); i++) {
      Element test = (Element) cases.item(i);
      NodeList skips = test.getElementsByTagName("skipped");
      tests++;
      if (skips.getLength() > 0) {
        skipped++;
        testsByReason
            .computeIfAbsent(reason((Element) skips.item(0)), r -> new ArrayList<>())
            .add(name(test));
      }
    }
  }

  private static String reason(Element skip) {
    String message = skip.getAttribute("message");
    if (message.isEmpty()) {
      // a failed assumption: the stack trace of its exception
      message =
          skip.getTextContent()
              .lines()
              .takeWhile(line -> !line.startsWith("\tat "))
              .collect(Collectors.joining(" "))
              .replaceFirst("^[\\w.$]+(: |$)", "");
    }
    message = message.strip().replaceFirst("^(?i)assumption (failed|was not met due to): ", "");
    return message.isEmpty() ? "no reason given" : message;
  }

  private static String name(Element test) {
    String type = test.getAttribute("classname");
    return type.substring(type.lastIndexOf('.') + 1) + "." + test.getAttribute("name");
  }

  private void print() {
    System.out.printf("%d tests run, %d skipped%n", tests - skipped, skipped);
    testsByReason.forEach(
        (reason, names) -> {
          System.out.printf("  %d skipped: %s%n", names.size(), reason);
          names.stream().limit(3).forEach(name -> System.out.println("      " + name));
          if (names.size() > 3) {
            System.out.printf("      and %d more%n", names.size() - 3);
          }
        });
  }
}
