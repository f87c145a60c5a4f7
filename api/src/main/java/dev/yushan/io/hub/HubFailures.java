package dev.yushan.io.hub;

import dev.yushan.io.hub.HubException.Reason;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;

/// What to say about an answer that is no success.
final class HubFailures {
  private HubFailures() {}

  static HubException of(HubRepo repo, HttpResponse<?> answer, HubSettings settings) {
    String code = answer.headers().firstValue("X-Error-Code").orElse("");
    String said = answer.headers().firstValue("X-Error-Message").orElse("");
    String page = "%s/%s%s".formatted(settings.endpoint(), repo.type().path(), repo.id());
    boolean token = settings.token().isPresent();
    int status = answer.statusCode();
    return switch (code) {
      case "GatedRepo" -> gated(repo, page, token);
      case "RevisionNotFound" ->
          new HubException(
              Reason.NO_REVISION,
              "%s has no revision %s; %s/tree/main shows its branches and tags"
                  .formatted(repo, repo.revision(), page));
      case "EntryNotFound" ->
          new HubException(
              Reason.NOT_FOUND, "%s: %s is not there any more; try again".formatted(repo, said));
      case "RepoNotFound" -> missing(repo, settings, token);
      default -> byStatus(repo, answer, settings, status, said.isEmpty() ? "" : " (" + said + ")");
    };
  }

  private static HubException byStatus(
      HubRepo repo, HttpResponse<?> answer, HubSettings settings, int status, String said) {
    boolean token = settings.token().isPresent();
    if (status == 401 && token) {
      return new HubException(
          Reason.DENIED,
          "%s: the token is not valid%s; make a new one at %s/settings/tokens and set HF_TOKEN to it"
              .formatted(repo, said, settings.endpoint()));
    }
    if (status == 401 || status == 404) {
      return missing(repo, settings, token);
    }
    if (status == 403) {
      return new HubException(
          Reason.DENIED,
          "%s: access is refused%s; does the token in HF_TOKEN have the permission to read it?"
              .formatted(repo, said));
    }
    if (status == 429) {
      String wait =
          Patience.asked(answer).map(time -> ", in " + minutes(time)).orElse(", in some minutes");
      return new HubException(
          Reason.UNREACHABLE,
          "%s: the hub answers too many requests (429)%s; go on later%s%s"
              .formatted(
                  repo,
                  said,
                  wait,
                  token ? "" : ", or set HF_TOKEN: with a token more is allowed"));
    }
    return new HubException(
        Reason.UNREACHABLE,
        "%s: %s answers %d%s; try again later"
            .formatted(repo, answer.uri().getAuthority(), status, said));
  }

  private static String minutes(Duration time) {
    return time.toSeconds() < 120 ? time.toSeconds() + " s" : time.toMinutes() + " min";
  }

  private static HubException gated(HubRepo repo, String page, boolean token) {
    return new HubException(
        Reason.DENIED,
        token
            ? "%s is gated, and the account of the token has no access: accept its conditions at %s with this account, wait until access is granted, and see that the token may read gated repositories"
                .formatted(repo, page)
            : "%s is gated: log in and accept its conditions at %s, then set HF_TOKEN to a token of that account"
                .formatted(repo, page));
  }

  private static HubException missing(HubRepo repo, HubSettings settings, boolean token) {
    RepoType other = repo.type() == RepoType.MODEL ? RepoType.DATASET : RepoType.MODEL;
    return new HubException(
        Reason.NOT_FOUND,
        "there is no %s at %s; correct the name, or is it a %s? If it is private, %s"
            .formatted(
                repo,
                settings.endpoint(),
                other.word(),
                token ? "the token in HF_TOKEN has no access to it" : "set HF_TOKEN to a token"));
  }

  /// What answered is something else: a login page of a network, a proxy, a wrong `HF_ENDPOINT`.
  static String noHub(URI uri) {
    return "%s does not answer as a hub does; is HF_ENDPOINT right, or does a proxy or a login page of the network stand between?"
        .formatted(uri);
  }

  static HubException noAnswer(URI uri, IOException e) {
    return new HubException(
        Reason.UNREACHABLE,
        "%s cannot be reached: %s; is there a network, and HF_ENDPOINT right? With HF_HUB_OFFLINE=1 only the cache is looked at"
            .formatted(uri.getAuthority(), reason(e)),
        e);
  }

  /// Of network trouble, whose exceptions often have no words.
  static String reason(IOException e) {
    return switch (e) {
      case HttpConnectTimeoutException t -> "no connection in time";
      case HttpTimeoutException t -> "no answer in time";
      case ConnectException c ->
          c.getCause() instanceof ConnectException
                  && c.getCause().getCause() instanceof UnresolvedAddressException
              ? "its name is unknown"
              : c.getMessage() == null ? "the connection is refused" : c.getMessage();
      case UnknownHostException u -> "its name is unknown";
      default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    };
  }
}
