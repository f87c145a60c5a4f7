package dev.yushan.io.hub;

import dev.yushan.io.HfCache;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// How to reach the hub, and where to keep what comes from it.
///
/// @param endpoint the hub (`HF_ENDPOINT`)
/// @param cache where downloads are kept (`HF_HUB_CACHE`, `HF_HOME`, …: see [HfCache#of])
/// @param token to show to the hub, and to nobody else (`HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`, or
///   the file `HF_TOKEN_PATH`, by default `token` below `HF_HOME`)
/// @param offline only the cache is looked at (`HF_HUB_OFFLINE`)
/// @param symlinks whether files of a snapshot may be links (`HF_HUB_DISABLE_SYMLINKS`)
/// @param progressBars whether bars may be drawn (`HF_HUB_DISABLE_PROGRESS_BARS`)
/// @param answerTimeout for an answer to begin (`HF_HUB_ETAG_TIMEOUT`, seconds)
/// @param silenceTimeout for the next bytes of a file (`HF_HUB_DOWNLOAD_TIMEOUT`, seconds)
/// @param retries how often in a row something is tried again before it is given up
/// @param retryDelay before the first of these; doubled each time
/// @param connections files that are downloaded at a time
public record HubSettings(
    URI endpoint,
    Path cache,
    Optional<String> token,
    boolean offline,
    boolean symlinks,
    boolean progressBars,
    Duration answerTimeout,
    Duration silenceTimeout,
    int retries,
    Duration retryDelay,
    int connections) {
  private static final String HUB = "https://huggingface.co";

  public HubSettings {
    if (!List.of("http", "https").contains(String.valueOf(endpoint.getScheme()))
        || endpoint.getHost() == null) {
      throw new HubException(
          HubException.Reason.NAME,
          "HF_ENDPOINT: %s is no address; write for example %s".formatted(endpoint, HUB));
    }
    if (connections < 1) {
      throw new HubException(
          HubException.Reason.NAME,
          "%d files at a time are too few; set 1 or more".formatted(connections));
    }
  }

  /// Those of this process's environment.
  public static HubSettings ofEnvironment() {
    return of(System.getenv());
  }

  /// Those that the variables of an environment say.
  public static HubSettings of(Map<String, String> environment) {
    return new HubSettings(
        endpoint(environment.getOrDefault("HF_ENDPOINT", "")),
        HfCache.of(environment).root(),
        token(environment),
        isTrue(environment, "HF_HUB_OFFLINE") || isTrue(environment, "TRANSFORMERS_OFFLINE"),
        !isTrue(environment, "HF_HUB_DISABLE_SYMLINKS"),
        !isTrue(environment, "HF_HUB_DISABLE_PROGRESS_BARS"),
        seconds(environment, "HF_HUB_ETAG_TIMEOUT"),
        seconds(environment, "HF_HUB_DOWNLOAD_TIMEOUT"),
        5,
        Duration.ofSeconds(1),
        8);
  }

  private static URI endpoint(String value) {
    try {
      return URI.create(value.isBlank() ? HUB : value.strip().replaceFirst("/+$", ""));
    } catch (IllegalArgumentException e) {
      throw new HubException(
          HubException.Reason.NAME,
          "HF_ENDPOINT: %s is no address; write for example %s".formatted(value, HUB),
          e);
    }
  }

  private static Optional<String> token(Map<String, String> environment) {
    if (isTrue(environment, "HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
      return Optional.empty();
    }
    for (String name : List.of("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")) {
      String value = environment.getOrDefault(name, "").strip();
      if (!value.isEmpty()) {
        return Optional.of(value);
      }
    }
    Path file =
        HfCache.path(environment, "HF_TOKEN_PATH")
            .orElseGet(() -> HfCache.home(environment).resolve("token"));
    try {
      return Files.isRegularFile(file)
          ? Optional.of(Files.readString(file).strip()).filter(text -> !text.isEmpty())
          : Optional.empty();
    } catch (IOException e) {
      throw new HubException(
          HubException.Reason.DISK,
          "%s: the token in it cannot be read; make it readable, or set HF_TOKEN".formatted(file),
          e);
    }
  }

  /// As `huggingface_hub` reads a switch.
  private static boolean isTrue(Map<String, String> environment, String name) {
    String value = environment.getOrDefault(name, "").strip().toUpperCase(Locale.ROOT);
    return List.of("1", "ON", "YES", "TRUE").contains(value);
  }

  /// 10 seconds if nothing that can be used is set, as there.
  private static Duration seconds(Map<String, String> environment, String name) {
    String value = environment.getOrDefault(name, "").strip();
    return Duration.ofSeconds(value.matches("[1-9]\\d{0,5}") ? Long.parseLong(value) : 10);
  }
}
