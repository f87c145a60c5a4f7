package dev.yushan.report;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// Opens pages in a real browser without a window.
record Chromium(Path program, Path scratch) {
  private static final List<String> NAMES =
      List.of("chromium", "chromium-browser", "google-chrome-stable", "google-chrome");

  /// The browser on the path; without one the test is skipped.
  static Chromium require(Path scratch) {
    Optional<Path> program =
        NAMES.stream()
            .flatMap(
                name ->
                    Arrays.stream(System.getenv("PATH").split(":"))
                        .map(directory -> Path.of(directory, name)))
            .filter(Files::isExecutable)
            .findFirst();
    assumeTrue(
        program.isPresent(), "no browser on the PATH (" + NAMES + "): apt-get install chromium");
    return new Chromium(program.get(), scratch);
  }

  /// The document as it is after the scripts of the page have run.
  String dom(String url) throws IOException, InterruptedException {
    return run(List.of("--virtual-time-budget=5000", "--dump-dom", url));
  }

  /// A picture of the page.
  Path screenshot(String url, int width, int height) throws IOException, InterruptedException {
    Path file = scratch.resolve("screenshot.png");
    run(
        List.of(
            "--virtual-time-budget=5000",
            "--hide-scrollbars",
            "--window-size=" + width + "," + height,
            "--screenshot=" + file,
            url));
    return file;
  }

  private String run(List<String> arguments) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                program.toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--user-data-dir=" + scratch.resolve("profile")));
    command.addAll(arguments);
    Path out = scratch.resolve("out.html");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (!process.waitFor(180, TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor();
      throw new IOException(String.join(" ", command) + " did not end");
    }
    return Files.readString(out, StandardCharsets.UTF_8);
  }
}
