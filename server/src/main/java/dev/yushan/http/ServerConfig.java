package dev.yushan.http;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/// How the service listens, whom it serves, and what it bears.
///
/// @param port 0 for any that is free
/// @param modelNames the names that requests may give the model; the first is that of answers
/// @param apiKeys of which a request must carry one; none leaves the service open
/// @param tls without it the service speaks plain HTTP
/// @param allowedOrigins of web pages that may call it; `*` for all
/// @param shutdownTimeout how long requests that were taken may go on once it is told to stop
/// @param requestTimeout after which a request is ended, whatever it has
/// @param requestIdHeaders whether each answer carries the `X-Request-Id` of its request, or a new
///   one
/// @param logRequests whether each request leaves a line in the log `dev.yushan.http.access`
public record ServerConfig(
    String host,
    int port,
    List<String> modelNames,
    List<String> apiKeys,
    Optional<Tls> tls,
    List<String> allowedOrigins,
    Duration shutdownTimeout,
    Optional<Duration> requestTimeout,
    boolean requestIdHeaders,
    boolean logRequests,
    Limits limits) {

  /// Files in PEM form.
  ///
  /// @param key PKCS #8
  /// @param certificate with those of the authorities between it and the root, if there are any
  public record Tls(Path key, Path certificate) {}

  /// What a client may do.
  ///
  /// @param bodyBytes of a request; more are answered with 413
  /// @param allBodyBytes of all requests together, while they are read and parsed; more are
  ///   answered with 503
  /// @param idleTimeout how long a connection may be without a whole request head
  /// @param bodyTimeout how long a body may take; then 408
  /// @param stallTimeout how long a client may leave a stream unread before it is dropped
  /// @param pendingTokens that wait for a client; with more it is dropped
  /// @param requestsPerKey at a time, for each API key (all clients together if there are none);
  ///   more are answered with 429
  /// @param choices of one request: prompts times `n`
  public record Limits(
      int bodyBytes,
      long allBodyBytes,
      Duration idleTimeout,
      Duration bodyTimeout,
      Duration stallTimeout,
      int pendingTokens,
      int requestsPerKey,
      int choices) {

    public Limits {
      requirePositive("the body limit", bodyBytes);
      requirePositive("the limit of all bodies", allBodyBytes);
      requirePositive("the limit of pending tokens", pendingTokens);
      requirePositive("--max-requests-per-key", requestsPerKey);
      requirePositive("the limit of choices", choices);
      requirePositive("the idle timeout in ms", idleTimeout.toMillis());
      requirePositive("the body timeout in ms", bodyTimeout.toMillis());
      requirePositive("the stall timeout in ms", stallTimeout.toMillis());
    }

    /// 32 MiB, all bodies an eighth of the heap, one at most half of that; 60, 60 and 30 seconds;
    /// 65,536 tokens; any number of requests; 1,024 choices.
    public static Limits defaults() {
      long all = Runtime.getRuntime().maxMemory() / 8;
      return new Limits(
          (int) Math.min(32 << 20, all / 2),
          all,
          Duration.ofSeconds(60),
          Duration.ofSeconds(60),
          Duration.ofSeconds(30),
          1 << 16,
          Integer.MAX_VALUE,
          1024);
    }

    /// The same but for the requests of a key.
    public Limits withRequestsPerKey(int most) {
      return new Limits(
          bodyBytes,
          allBodyBytes,
          idleTimeout,
          bodyTimeout,
          stallTimeout,
          pendingTokens,
          most,
          choices);
    }
  }

  /// As the header `Origin` has it: neither a path nor a slash at the end.
  private static final Pattern ORIGIN = Pattern.compile("\\*|null|[a-z][a-z0-9+.-]*://[^/\\s\"']+");

  /// What can come in a header and be compared: clients and proxies do what they like with the
  /// rest.
  private static final Pattern KEY = Pattern.compile("[!-~]([ -~]*[!-~])?");

  /// Checks the numbers, and that there is a name.
  public ServerConfig {
    modelNames = List.copyOf(modelNames);
    apiKeys = List.copyOf(apiKeys);
    allowedOrigins = List.copyOf(allowedOrigins);
    if (port < 0 || port > 65535) {
      throw new IllegalArgumentException("--port must be 0 to 65535, got " + port);
    }
    if (modelNames.isEmpty() || modelNames.contains("")) {
      throw new IllegalArgumentException(
          "--served-model-name must not be empty; give a name, or leave it out for the model's"
              + " own");
    }
    if (apiKeys.stream().anyMatch(String::isBlank)) {
      throw new IllegalArgumentException(
          "--api-key must not be empty; give a key, or leave it out to let everybody in");
    }
    if (!apiKeys.stream().allMatch(key -> KEY.matcher(key).matches())) {
      throw new IllegalArgumentException(
          "--api-key must be of printable ASCII, without blanks at its ends: no other comes through"
              + " a header");
    }
    for (String origin : allowedOrigins) {
      if (!ORIGIN.matcher(origin).matches()) {
        throw new IllegalArgumentException(
            "--allowed-origins: %s is no origin; give *, or scheme://host:port as browsers send it, several separated by commas, without brackets and quotes"
                .formatted(origin));
      }
    }
    if (requestTimeout.isPresent() && !requestTimeout.get().isPositive()) {
      throw new IllegalArgumentException(
          "--request-timeout must be above 0 seconds; leave it out for none");
    }
    if (shutdownTimeout.isNegative()) {
      throw new IllegalArgumentException("--shutdown-timeout must be 0 seconds or more");
    }
  }

  /// All interfaces, port 8000, no keys, no TLS, all origins: the defaults of vLLM.
  public static ServerConfig of(String modelName) {
    return new ServerConfig(
        "0.0.0.0",
        8000,
        List.of(modelName),
        List.of(),
        Optional.empty(),
        List.of("*"),
        Duration.ofSeconds(30),
        Optional.empty(),
        false,
        true,
        Limits.defaults());
  }

  /// Begins with these.
  public Builder toBuilder() {
    return new Builder(this);
  }

  /// Sets what differs. Values are checked by [#build()].
  public static final class Builder {
    private String host;
    private int port;
    private List<String> modelNames;
    private List<String> apiKeys;
    private Optional<Tls> tls;
    private List<String> allowedOrigins;
    private Duration shutdownTimeout;
    private Optional<Duration> requestTimeout;
    private boolean requestIdHeaders;
    private boolean logRequests;
    private Limits limits;

    private Builder(ServerConfig from) {
      host = from.host;
      port = from.port;
      modelNames = from.modelNames;
      apiKeys = from.apiKeys;
      tls = from.tls;
      allowedOrigins = from.allowedOrigins;
      shutdownTimeout = from.shutdownTimeout;
      requestTimeout = from.requestTimeout;
      requestIdHeaders = from.requestIdHeaders;
      logRequests = from.logRequests;
      limits = from.limits;
    }

    public Builder host(String value) {
      host = value;
      return this;
    }

    public Builder port(int value) {
      port = value;
      return this;
    }

    public Builder modelNames(List<String> value) {
      modelNames = value;
      return this;
    }

    public Builder apiKeys(List<String> value) {
      apiKeys = value;
      return this;
    }

    public Builder tls(Optional<Tls> value) {
      tls = value;
      return this;
    }

    public Builder allowedOrigins(List<String> value) {
      allowedOrigins = value;
      return this;
    }

    public Builder shutdownTimeout(Duration value) {
      shutdownTimeout = value;
      return this;
    }

    public Builder requestTimeout(Optional<Duration> value) {
      requestTimeout = value;
      return this;
    }

    public Builder requestIdHeaders(boolean value) {
      requestIdHeaders = value;
      return this;
    }

    public Builder logRequests(boolean value) {
      logRequests = value;
      return this;
    }

    public Builder limits(Limits value) {
      limits = value;
      return this;
    }

    /// The configuration.
    ///
    /// @throws IllegalArgumentException if a value will not do
    public ServerConfig build() {
      return new ServerConfig(
          host,
          port,
          modelNames,
          apiKeys,
          tls,
          allowedOrigins,
          shutdownTimeout,
          requestTimeout,
          requestIdHeaders,
          logRequests,
          limits);
    }
  }

  private static void requirePositive(String what, long value) {
    if (value < 1) {
      throw new IllegalArgumentException("%s must be 1 or more, got %d".formatted(what, value));
    }
  }
}
