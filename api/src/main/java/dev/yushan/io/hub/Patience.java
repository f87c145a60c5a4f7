package dev.yushan.io.hub;

import dev.yushan.io.hub.HubException.Reason;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// How often something is tried again, and how long is waited before.
final class Patience {
  private static final Logger LOG = LoggerFactory.getLogger(Patience.class);

  /// Who asks for more is not waited for.
  private static final Duration LONGEST = Duration.ofMinutes(10);

  private static final Duration NOTICED = Duration.ofSeconds(2);

  /// The hub's own header: `"api";r=0;t=55`, seconds until the next window.
  private static final Pattern RESET = Pattern.compile("\\bt=(\\d{1,9})");

  private final int retries;
  private final Duration first;
  private int failures;

  Patience(int retries, Duration first) {
    this.retries = retries;
    this.first = first;
  }

  /// Something came: count from the beginning.
  void renew() {
    failures = 0;
  }

  /// How long to wait before the next try; nothing if there shall be none.
  Optional<Duration> afterFailure() {
    return ++failures > retries
        ? Optional.empty()
        : Optional.of(first.multipliedBy(1L << Math.min(failures - 1, 5)));
  }

  /// The same after an answer that is no success: only what may pass is tried again.
  Optional<Duration> afterAnswer(HttpResponse<?> answer) {
    int status = answer.statusCode();
    if (status != 408 && status != 429 && status < 500) {
      return Optional.empty();
    }
    Optional<Duration> asked = asked(answer);
    Optional<Duration> next =
        afterFailure()
            .filter(wait -> asked.isEmpty() || asked.get().compareTo(LONGEST) <= 0)
            .map(asked::orElse);
    next.filter(wait -> wait.compareTo(NOTICED) >= 0)
        .ifPresent(
            wait ->
                LOG.info(
                    "{} answers {}; trying again in {} s",
                    answer.uri().getAuthority(),
                    status,
                    wait.toSeconds()));
    return next;
  }

  /// How long the server asks to wait.
  static Optional<Duration> asked(HttpResponse<?> answer) {
    Optional<String> header = answer.headers().firstValue("Retry-After").map(String::strip);
    if (header.isPresent() && header.get().matches("\\d{1,9}")) {
      return Optional.of(Duration.ofSeconds(Long.parseLong(header.get())));
    }
    if (header.isPresent()) {
      try {
        Instant then =
            ZonedDateTime.parse(header.get(), DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
        Duration wait = Duration.between(Instant.now(), then);
        return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
      } catch (DateTimeParseException e) {
        return Optional.empty();
      }
    }
    Matcher reset = RESET.matcher(answer.headers().firstValue("RateLimit").orElse(""));
    return answer.statusCode() == 429 && reset.find()
        ? Optional.of(Duration.ofSeconds(Long.parseLong(reset.group(1))))
        : Optional.empty();
  }

  static void sleep(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new HubException(Reason.UNREACHABLE, "the download was interrupted; start it again", e);
    }
  }
}
