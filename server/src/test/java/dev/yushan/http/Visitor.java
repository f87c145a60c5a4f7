package dev.yushan.http;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;

/// A browser without a window that goes from page to page: to start one takes longer than most
/// visits.
///
/// It stands at [#home] until it is sent somewhere; a page sends it back there when it is done.
final class Visitor implements AutoCloseable {
  private final SynchronousQueue<String> next = new SynchronousQueue<>();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Path profile;
  private final HttpServer server;
  private Process browser;

  Visitor(Path profile) throws IOException {
    this.profile = profile;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::sendOn);
    server.start();
  }

  /// The page to which the browser returns.
  String home() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/";
  }

  /// Sends the browser to a page; without a browser on the PATH the test is skipped.
  void visit(String url) throws IOException, InterruptedException {
    if (browser == null) {
      browser = start();
    }
    if (!next.offer(url, 90, TimeUnit.SECONDS)) {
      leave();
      throw new IOException("the browser did not come for " + url);
    }
  }

  /// Ends the browser, wherever it is; the next visit begins with a new one.
  void leave() {
    if (browser != null) {
      browser.destroy();
      browser.onExit().completeOnTimeout(null, 20, TimeUnit.SECONDS).join();
      browser.destroyForcibly();
      browser = null;
    }
  }

  @Override
  public void close() {
    leave();
    server.stop(0);
    threads.shutdownNow();
  }

  private void sendOn(HttpExchange exchange) throws IOException {
    try (exchange) {
      exchange.getResponseHeaders().set("Location", next.take());
      exchange.sendResponseHeaders(302, -1);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Process start() throws IOException {
    Optional<Path> program =
        Arrays.stream(System.getenv("PATH").split(":"))
            .map(directory -> Path.of(directory, "chromium"))
            .filter(Files::isExecutable)
            .findFirst();
    assumeTrue(program.isPresent(), "no chromium on the PATH: apt-get install chromium");
    ProcessBuilder start =
        new ProcessBuilder(
                program.get().toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-features=BackForwardCache", // a page that was left holds no connection
                "--no-first-run",
                "--user-data-dir=" + profile,
                home())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    start.environment().put("TMPDIR", profile.toString());
    return start.start();
  }
}
