package dev.yushan.io.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.io.HfCache;
import dev.yushan.io.hub.HubException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Asks the hub. Redirects are followed by hand, since the token is for the hub alone: from the
/// first address elsewhere on it is not sent.
///
/// The routes are those of `huggingface_hub`: `/api/models/<id>/revision/<revision>` names the
/// commit, `/api/models/<id>/tree/<commit>` lists the files, `/<id>/resolve/<commit>/<path>` has
/// their bytes.
final class HubClient implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int REDIRECTS = 10;
  private static final Pattern NEXT = Pattern.compile("<([^>]+)>\\s*;\\s*rel=\"?next\"?");

  private final HubSettings settings;
  private final HttpClient http;

  HubClient(HubSettings settings) {
    this.settings = settings;
    this.http =
        HttpClient.newBuilder()
            .followRedirects(HttpClient.Redirect.NEVER)
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(settings.answerTimeout())
            .build();
  }

  @Override
  public void close() {
    http.shutdownNow();
  }

  /// The commit that a revision is now.
  String commit(HubRepo repo, int retries) {
    URI uri = api(repo, "revision/" + encoded(repo.revision()));
    String sha = json(repo, uri, retries).body().path("sha").asText();
    if (!HfCache.isCommit(sha)) {
      throw new HubException(Reason.UNREACHABLE, HubFailures.noHub(uri));
    }
    return sha;
  }

  /// All files of a commit.
  RepoTree tree(HubRepo repo, String commit, int retries) {
    List<RepoFile> files = new ArrayList<>();
    Optional<URI> page = Optional.of(api(repo, "tree/" + commit + "?recursive=true&expand=false"));
    while (page.isPresent()) {
      Page answer = json(repo, page.get(), retries);
      if (!answer.body().isArray()) {
        throw new HubException(Reason.UNREACHABLE, HubFailures.noHub(page.get()));
      }
      answer.body().forEach(entry -> RepoTree.entry(entry).ifPresent(files::add));
      page = answer.next();
    }
    return new RepoTree(commit, files);
  }

  /// The bytes of a file from a position on. The caller closes the body.
  ///
  /// @throws IOException if there is no answer
  HttpResponse<InputStream> bytes(HubRepo repo, String commit, RepoFile file, long from)
      throws IOException {
    String path =
        Arrays.stream(file.path().split("/"))
            .map(HubClient::encoded)
            .collect(Collectors.joining("/"));
    URI uri =
        URI.create(
            "%s/%s%s/resolve/%s/%s"
                .formatted(settings.endpoint(), repo.type().path(), repo.id(), commit, path));
    return send(uri, from);
  }

  private URI api(HubRepo repo, String rest) {
    return URI.create(
        "%s/api/%ss/%s/%s".formatted(settings.endpoint(), repo.type().word(), repo.id(), rest));
  }

  /// As a segment of an address.
  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private record Page(JsonNode body, Optional<URI> next) {}

  private Page json(HubRepo repo, URI uri, int retries) {
    Patience patience = new Patience(retries, settings.retryDelay());
    while (true) {
      Duration wait;
      try {
        HttpResponse<InputStream> answer = send(uri, 0);
        try (InputStream body = new SilenceGuard(answer.body(), settings.silenceTimeout())) {
          if (answer.statusCode() == 200) {
            Optional<URI> next = next(uri, answer);
            return new Page(JSON.readTree(body.readAllBytes()), next);
          }
        }
        wait =
            patience.afterAnswer(answer).orElseThrow(() -> HubFailures.of(repo, answer, settings));
      } catch (JsonProcessingException e) {
        throw new HubException(Reason.UNREACHABLE, HubFailures.noHub(uri), e);
      } catch (IOException e) {
        // where there is no network, or no such server, a second later there is none either
        boolean none = e instanceof ConnectException || e instanceof HttpConnectTimeoutException;
        wait =
            Optional.of(patience)
                .filter(p -> !none)
                .flatMap(Patience::afterFailure)
                .orElseThrow(() -> HubFailures.noAnswer(uri, e));
      }
      Patience.sleep(wait);
    }
  }

  private Optional<URI> next(URI uri, HttpResponse<?> answer) throws IOException {
    Matcher link = NEXT.matcher(answer.headers().firstValue("Link").orElse(""));
    if (!link.find()) {
      return Optional.empty();
    }
    URI next = Redirects.next(uri, link.group(1));
    if (!Redirects.sameOrigin(settings.endpoint(), next)) {
      throw new IOException("%s continues at another server, %s".formatted(uri, next));
    }
    return Optional.of(next);
  }

  private HttpResponse<InputStream> send(URI uri, long from) throws IOException {
    URI at = uri;
    boolean home = true;
    for (int hop = 0; hop <= REDIRECTS; hop++) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(at)
              .timeout(settings.answerTimeout())
              .header("User-Agent", "yushan")
              // the size and the checksum are those of the file, not of a compressed one
              .header("Accept-Encoding", "identity");
      if (home) {
        settings.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
      }
      if (from > 0) {
        request.header("Range", "bytes=%d-".formatted(from));
      }
      HttpResponse<InputStream> answer = send(request.build());
      Optional<String> location = answer.headers().firstValue("Location");
      if (answer.statusCode() / 100 != 3 || location.isEmpty()) {
        return answer;
      }
      answer.body().close();
      at = Redirects.next(at, location.get());
      home = home && Redirects.sameOrigin(settings.endpoint(), at);
    }
    throw new IOException("%s sends from address to address without end".formatted(uri));
  }

  private HttpResponse<InputStream> send(HttpRequest request) throws IOException {
    try {
      return http.send(request, BodyHandlers.ofInputStream());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new HubException(Reason.UNREACHABLE, "the download was interrupted; start it again", e);
    }
  }
}
