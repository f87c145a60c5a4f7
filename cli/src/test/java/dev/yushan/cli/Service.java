package dev.yushan.cli;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// `yushan serve` as a process of its own.
record Service(Process process, Path log, int port) implements AutoCloseable {
  private static final Pattern PORT = Pattern.compile("listening on [^:]+:(\\d+)");

  /// Starts it and waits until it is ready.
  ///
  /// @param log takes all that it prints
  static Service start(ProcessBuilder builder, Path log) throws IOException, InterruptedException {
    Process process = builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    for (int i = 0; i < 2000 && process.isAlive(); i++) {
      Matcher port = PORT.matcher(Files.readString(log));
      if (port.find() && Files.readString(log).contains("ready:")) {
        return new Service(process, log, Integer.parseInt(port.group(1)));
      }
      Thread.sleep(50);
    }
    process.destroyForcibly();
    throw new AssertionError(Files.readString(log));
  }

  URI uri(String path) {
    return URI.create("http://localhost:" + port + path);
  }

  /// A request for a completion.
  HttpRequest.Builder post(String json) {
    return HttpRequest.newBuilder(uri("/v1/completions"))
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(json));
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
