package dev.yushan.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.http.ServerConfig.Tls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// HTTPS with a certificate made by `keytool` here.
@Timeout(120)
class TlsTest {
  private static final char[] PASSWORD = "changeit".toCharArray();

  @TempDir private Path directory;

  private KeyStore selfSigned() throws Exception {
    Path store = directory.resolve("store.p12");
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
            "-genkeypair",
            "-alias",
            "a",
            "-keyalg",
            "EC",
            "-dname",
            "CN=localhost",
            "-ext",
            "san=dns:localhost,ip:127.0.0.1",
            "-storetype",
            "PKCS12",
            "-keystore",
            store.toString(),
            "-storepass",
            new String(PASSWORD));
    Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(keytool.getInputStream().readAllBytes());
    assertThat(keytool.waitFor()).as(said).isZero();
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (var in = Files.newInputStream(store)) {
      keys.load(in, PASSWORD);
    }
    return keys;
  }

  private Path pem(String type, byte[] der) throws IOException {
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    return Files.writeString(
        directory.resolve(type.replace(' ', '-') + ".pem"),
        "-----BEGIN %s-----\n%s\n-----END %s-----\n".formatted(type, body, type));
  }

  private static ServerConfig with(ServerConfig c, Tls tls) {
    return c.toBuilder().tls(Optional.of(tls)).requestIdHeaders(false).logRequests(true).build();
  }

  @Test
  void itSpeaksTlsAndStreamsOverIt() throws Exception {
    KeyStore keys = selfSigned();
    Certificate certificate = keys.getCertificate("a");
    Tls tls =
        new Tls(
            pem("PRIVATE KEY", keys.getKey("a", PASSWORD).getEncoded()),
            pem("CERTIFICATE", certificate.getEncoded()));
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("a", certificate);
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    try (ServiceFixture fixture =
            ServiceFixture.start(c -> with(c, tls), ServiceFixture.Extras.NONE);
        HttpClient client = HttpClient.newBuilder().sslContext(context).build()) {
      HttpResponse<String> answer =
          client.send(
              HttpRequest.newBuilder(
                      URI.create("https://localhost:" + fixture.port() + "/v1/completions"))
                  .header("Content-Type", "application/json")
                  .POST(
                      HttpRequest.BodyPublishers.ofString(
                          "{\"prompt\":\"abc\",\"max_tokens\":5,\"stream\":true}"))
                  .build(),
              BodyHandlers.ofString());
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(ServiceFixture.events(answer.body())).isNotEmpty();
      assertThatThrownBy(() -> fixture.get("/health")).isInstanceOf(UncheckedIOException.class);
    }
  }

  @Test
  void filesThatWillNotDoAreReportedAtOnce() {
    Tls missing = new Tls(directory.resolve("no.key"), directory.resolve("no.crt"));
    assertThatThrownBy(
            () -> ServiceFixture.start(c -> with(c, missing), ServiceFixture.Extras.NONE))
        .hasMessageContaining("no.key")
        .hasMessageContaining("check --ssl-keyfile and --ssl-certfile");
  }
}
