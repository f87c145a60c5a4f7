package dev.yushan.io.hub;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A hub on this machine: the routes, headers and errors of huggingface.co as `huggingface_hub`
/// knows them. Large files are on a second server, under another name, as theirs are.
///
/// What shall go wrong with a path is put in line by [#fail]; each answer takes the next.
public final class FakeHub implements AutoCloseable {
  /// The token that opens what is gated.
  public static final String TOKEN = "hf_good";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int PAGE = 3;
  private static final Pattern API =
      Pattern.compile("/api/(models|datasets)/([^/]+/[^/]+)/(revision|tree)/([^?]+)");
  private static final Pattern RESOLVE =
      Pattern.compile("/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)");

  /// A request that came.
  ///
  /// @param server `hub` or `cdn`
  /// @param authorization empty if none was sent
  /// @param range likewise
  public record Request(
      String server, String method, String path, String authorization, String range) {}

  /// What goes wrong.
  public sealed interface Fault {
    /// The connection ends after so many bytes.
    record BreakOff(int after) implements Fault {}

    /// Nothing more comes after so many bytes, until the server is closed.
    record Silence(int after) implements Fault {}

    /// A byte is another one.
    record WrongBytes() implements Fault {}

    /// All of the file comes, though a part was asked for.
    record NoRanges() implements Fault {}

    /// An answer without the file.
    record Status(int status, Map<String, String> headers) implements Fault {}

    /// Something happens after so many bytes, and the rest comes.
    record Meanwhile(int after, Runnable action) implements Fault {}
  }

  private record Content(byte[] bytes, boolean large) {
    String gitSum() {
      byte[] text =
          large
              ? "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n"
                  .formatted(sum("SHA-256", bytes), bytes.length)
                  .getBytes(StandardCharsets.UTF_8)
              : bytes;
      byte[] head = ("blob " + text.length + "\0").getBytes(StandardCharsets.UTF_8);
      return sum("SHA-1", head, text);
    }

    String tag() {
      return large ? sum("SHA-256", bytes) : gitSum();
    }
  }

  /// A repository: its revisions, and the files of each commit.
  public static final class Repo {
    private final Map<String, String> revisions = new ConcurrentHashMap<>();
    private final Map<String, Map<String, Content>> commits = new ConcurrentHashMap<>();
    private Map<String, Content> files = new TreeMap<>();
    private volatile boolean gated;
    private volatile long claimedSize = -1;

    /// Adds a file to the next commit.
    public Repo file(String path, String text) {
      files.put(path, new Content(text.getBytes(StandardCharsets.UTF_8), false));
      return this;
    }

    /// Adds a large one.
    public Repo large(String path, byte[] bytes) {
      files.put(path, new Content(bytes, true));
      return this;
    }

    /// Makes a commit of the files so far, under the names of branches or tags.
    public String commit(String... names) {
      String commit = sum("SHA-1", (files.keySet() + "" + commits.size()).getBytes());
      commits.put(commit, new TreeMap<>(files));
      revisions.put(commit, commit);
      for (String name : names) {
        revisions.put(name, commit);
      }
      return commit;
    }

    /// Only who shows [#TOKEN] gets files.
    public Repo gated() {
      gated = true;
      return this;
    }

    /// Every file is said to be of this size.
    public Repo claimSize(long bytes) {
      claimedSize = bytes;
      return this;
    }
  }

  private final HttpServer hub = server();
  private final HttpServer cdn = server();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Map<String, Repo> repos = new ConcurrentHashMap<>();
  private final Map<String, Queue<Fault>> faults = new ConcurrentHashMap<>();
  private final List<Request> requests = new CopyOnWriteArrayList<>();

  public FakeHub() {
    hub.createContext("/", exchange -> serve("hub", exchange));
    cdn.createContext("/", exchange -> serve("cdn", exchange));
    for (HttpServer server : List.of(hub, cdn)) {
      server.setExecutor(threads);
      server.start();
    }
  }

  private static HttpServer server() {
    try {
      return HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public URI endpoint() {
    return URI.create("http://localhost:" + hub.getAddress().getPort());
  }

  /// @param name `models/org/name` or `datasets/org/name`
  public Repo repo(String name) {
    return repos.computeIfAbsent(name, absent -> new Repo());
  }

  /// Lets the next answers about a path go wrong: one of a file, or of the API.
  public void fail(String path, Fault... all) {
    faults.computeIfAbsent(path, p -> new ConcurrentLinkedQueue<>()).addAll(List.of(all));
  }

  public List<Request> requests() {
    return List.copyOf(requests);
  }

  /// Requests for the bytes of files.
  public List<Request> downloads() {
    return requests.stream()
        .filter(r -> r.method().equals("GET") && !r.path().startsWith("/api/"))
        .toList();
  }

  @Override
  public void close() {
    threads.shutdownNow();
    hub.stop(0);
    cdn.stop(0);
  }

  private void serve(String server, HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getRawPath();
      requests.add(
          new Request(
              server,
              exchange.getRequestMethod(),
              path,
              header(exchange, "Authorization"),
              header(exchange, "Range")));
      Matcher api = API.matcher(path);
      Matcher resolve = RESOLVE.matcher(path);
      if (server.equals("cdn")) {
        String[] parts = path.substring(1).split("/", 5);
        Repo repo = repos.get(parts[0] + "/" + parts[1] + "/" + parts[2]);
        send(exchange, decoded(parts[4]), repo.commits.get(parts[3]).get(decoded(parts[4])));
      } else if (api.matches()) {
        api(exchange, api);
      } else if (resolve.matches()) {
        String type = resolve.group(1) == null ? "models/" : "datasets/";
        resolve(exchange, type + resolve.group(2), resolve);
      } else {
        error(exchange, 404, "RepoNotFound", "Repository not found");
      }
    }
  }

  private void api(HttpExchange exchange, Matcher api) throws IOException {
    Repo repo = repos.get(api.group(1) + "/" + api.group(2));
    if (failed(exchange, api.group(3))) {
      return;
    }
    if (repo == null) {
      // as the hub hides which private ones there are
      error(exchange, 401, "RepoNotFound", "Repository not found");
      return;
    }
    String commit = repo.revisions.get(decoded(api.group(4)));
    if (commit == null) {
      error(exchange, 404, "RevisionNotFound", "Invalid rev id: " + api.group(4));
    } else if (api.group(3).equals("revision")) {
      ObjectNode info = JSON.createObjectNode().put("id", api.group(2)).put("sha", commit);
      info.put("modelId", api.group(2)).put("private", false);
      info.putArray("tags");
      info.put("downloads", 0).put("likes", 0);
      info.putArray("siblings");
      answer(exchange, info.toString());
    } else {
      tree(exchange, repo, commit);
    }
  }

  private void tree(HttpExchange exchange, Repo repo, String commit) throws IOException {
    String query = exchange.getRequestURI().getQuery();
    Matcher cursor = Pattern.compile("cursor=(\\d+)").matcher(String.valueOf(query));
    int from = cursor.find() ? Integer.parseInt(cursor.group(1)) : 0;
    List<Map.Entry<String, Content>> all = List.copyOf(repo.commits.get(commit).entrySet());
    ArrayNode page = JSON.createArrayNode();
    page.addObject().put("type", "directory").put("path", "data").put("oid", "d".repeat(40));
    for (Map.Entry<String, Content> entry : all.subList(from, Math.min(all.size(), from + PAGE))) {
      Content content = entry.getValue();
      long size = repo.claimedSize >= 0 ? repo.claimedSize : content.bytes().length;
      ObjectNode file = page.addObject().put("type", "file").put("path", entry.getKey());
      file.put("oid", content.gitSum()).put("size", size);
      if (content.large()) {
        file.putObject("lfs").put("oid", content.tag()).put("size", size).put("pointerSize", 134);
      }
    }
    if (from + PAGE < all.size()) {
      exchange
          .getResponseHeaders()
          .set(
              "Link",
              "<%s%s?recursive=true&cursor=%d>; rel=\"next\""
                  .formatted(endpoint(), exchange.getRequestURI().getRawPath(), from + PAGE));
    }
    answer(exchange, page.toString());
  }

  private void resolve(HttpExchange exchange, String name, Matcher parts) throws IOException {
    Repo repo = repos.get(name);
    String commit = repo == null ? null : repo.revisions.get(decoded(parts.group(3)));
    String path = decoded(parts.group(4));
    if (repo == null) {
      error(exchange, 401, "RepoNotFound", "Repository not found");
    } else if (commit == null) {
      error(exchange, 404, "RevisionNotFound", "Invalid rev id: " + parts.group(3));
    } else if (repo.gated && !header(exchange, "Authorization").equals("Bearer " + TOKEN)) {
      int status = header(exchange, "Authorization").isEmpty() ? 401 : 403;
      error(exchange, status, "GatedRepo", "Access to this repository is restricted");
    } else if (!repo.commits.get(commit).containsKey(path)) {
      exchange.getResponseHeaders().set("X-Repo-Commit", commit);
      error(exchange, 404, "EntryNotFound", "Entry not found");
    } else {
      Content content = repo.commits.get(commit).get(path);
      Headers headers = exchange.getResponseHeaders();
      headers.set("X-Repo-Commit", commit);
      headers.set("ETag", "\"" + content.gitSum() + "\"");
      if (content.large()) {
        headers.set("X-Linked-Etag", "\"" + content.tag() + "\"");
        headers.set("X-Linked-Size", String.valueOf(content.bytes().length));
        String to =
            "http://127.0.0.1:%d/%s/%s/%s"
                .formatted(cdn.getAddress().getPort(), name, commit, parts.group(4));
        headers.set("Location", to);
        exchange.sendResponseHeaders(302, -1);
      } else {
        send(exchange, path, content);
      }
    }
  }

  private boolean failed(HttpExchange exchange, String path) throws IOException {
    Queue<Fault> line = faults.get(path);
    if (line != null && line.peek() instanceof Fault.Status(int status, var headers)) {
      line.remove();
      headers.forEach((name, value) -> exchange.getResponseHeaders().set(name, value));
      exchange.sendResponseHeaders(status, -1);
      return true;
    }
    return false;
  }

  private void send(HttpExchange exchange, String path, Content content) throws IOException {
    byte[] bytes = content.bytes().clone();
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", String.valueOf(bytes.length));
      exchange.sendResponseHeaders(200, -1);
      return;
    }
    if (failed(exchange, path)) {
      return;
    }
    Queue<Fault> line = faults.get(path);
    Fault fault = line == null ? null : line.poll();
    if (fault instanceof Fault.WrongBytes) {
      bytes[bytes.length / 2] ^= 1;
    }
    Matcher range = Pattern.compile("bytes=(\\d+)-").matcher(header(exchange, "Range"));
    int from =
        range.matches() && !(fault instanceof Fault.NoRanges)
            ? Integer.parseInt(range.group(1))
            : 0;
    if (from > 0) {
      exchange
          .getResponseHeaders()
          .set("Content-Range", "bytes %d-%d/%d".formatted(from, bytes.length - 1, bytes.length));
    }
    exchange.sendResponseHeaders(
        from > 0 ? 206 : 200, bytes.length == from ? -1 : bytes.length - from);
    OutputStream out = exchange.getResponseBody();
    int to =
        switch (fault) {
          case Fault.BreakOff(int after) -> after;
          case Fault.Silence(int after) -> after;
          case Fault.Meanwhile(int after, Runnable action) -> after;
          case null, default -> bytes.length;
        };
    out.write(bytes, from, Math.min(to, bytes.length) - from);
    out.flush();
    if (fault instanceof Fault.Silence) {
      sleep();
    }
    if (fault instanceof Fault.Meanwhile(int after, Runnable action)) {
      action.run();
      out.write(bytes, after, bytes.length - after);
    }
  }

  /// Until the server is closed.
  private static void sleep() {
    try {
      Thread.sleep(60_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void answer(HttpExchange exchange, String json) throws IOException {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(200, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private static void error(HttpExchange exchange, int status, String code, String message)
      throws IOException {
    exchange.getResponseHeaders().set("X-Error-Code", code);
    exchange.getResponseHeaders().set("X-Error-Message", message);
    exchange.sendResponseHeaders(status, -1);
  }

  private static String header(HttpExchange exchange, String name) {
    return Optional.ofNullable(exchange.getRequestHeaders().getFirst(name)).orElse("");
  }

  private static String decoded(String text) {
    return URI.create("/" + text).getPath().substring(1);
  }

  /// As the hub and the cache name files.
  static String sum(String algorithm, byte[]... parts) {
    try {
      MessageDigest digest = MessageDigest.getInstance(algorithm);
      for (byte[] part : parts) {
        digest.update(part);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
