package dev.yushan.io.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.yushan.io.hub.FakeHub.Fault;
import dev.yushan.io.hub.FakeHub.Request;
import dev.yushan.io.hub.HubException.Reason;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Downloads from a hub on this machine.
class HubTest {
  private static final Patterns ALL = new Patterns(List.of(), List.of());
  private static final HubRepo MAIN = new HubRepo(RepoType.MODEL, "org/name", "main");
  private static final byte[] WEIGHTS = bytes(300_000, 1);

  @TempDir private Path temp;
  private final FakeHub hub = new FakeHub();

  private static byte[] bytes(int count, long seed) {
    byte[] bytes = new byte[count];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  @AfterEach
  void close() {
    hub.close();
  }

  private HubSettings settings(String token, boolean offline) {
    return new HubSettings(
        hub.endpoint(),
        temp,
        Optional.of(token).filter(text -> !text.isEmpty()),
        offline,
        true,
        false,
        Duration.ofSeconds(10),
        Duration.ofMillis(500),
        3,
        Duration.ofMillis(1),
        4);
  }

  private Hub online() {
    return new Hub(settings("", false), HubProgress.silent());
  }

  private Hub offline() {
    return new Hub(settings("", true), HubProgress.silent());
  }

  private String model() {
    return hub.repo("models/org/name")
        .file("config.json", "{}")
        .file("a dir/文 件+#%.txt", "text")
        .file("empty", "")
        .large("model.safetensors", WEIGHTS)
        .large("copy/model.safetensors", WEIGHTS)
        .commit("main", "feature/x");
  }

  private static String reasonOf(Throwable e) {
    return ((HubException) e).reason() + " " + e.getMessage();
  }

  @Test
  void theCacheHasTheLayoutOfHuggingFace() throws IOException {
    String commit = model();
    Path snapshot = online().download(MAIN, ALL);
    Path repository = temp.resolve("models--org--name");
    assertThat(snapshot).isEqualTo(repository.resolve("snapshots").resolve(commit));
    assertThat(repository.resolve("refs/main")).hasContent(commit);
    assertThat(snapshot.resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    assertThat(snapshot.resolve("a dir/文 件+#%.txt")).hasContent("text");
    assertThat(Files.readSymbolicLink(snapshot.resolve("copy/model.safetensors")))
        .isEqualTo(Path.of("../../../blobs", FakeHub.sum("SHA-256", WEIGHTS)));
    assertThat(Files.readSymbolicLink(snapshot.resolve("config.json")))
        // git hash-object of a file with "{}"
        .isEqualTo(Path.of("../../blobs/9e26dfeeb6e641a33dae4961196235bdb965b21b"));
    assertThat(names(repository.resolve("blobs"))).hasSize(4).allMatch(n -> n.matches("[0-9a-f]+"));
    assertThat(hub.downloads()).extracting(Request::server).containsOnlyOnce("cdn");
    assertThat(repository.resolve("trees").resolve(commit + ".json")).exists();
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void whatIsThereIsNotFetchedAgain() {
    String first = model();
    Path before = online().download(MAIN, ALL);
    int downloads = hub.downloads().size();
    assertThat(online().download(MAIN, ALL)).isEqualTo(before);
    assertThat(hub.downloads()).hasSize(downloads);
    // a commit never changes: not even asked for
    int requests = hub.requests().size();
    assertThat(online().download(new HubRepo(RepoType.MODEL, "org/name", first), ALL))
        .isEqualTo(before);
    assertThat(hub.requests()).hasSize(requests);
    // a new commit shares what is the same
    hub.repo("models/org/name").file("config.json", "{\"a\": 1}").commit("main");
    Path after = online().download(MAIN, ALL);
    assertThat(after).isNotEqualTo(before);
    assertThat(after.resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    assertThat(hub.downloads()).hasSize(downloads + 1);
    assertThat(before.resolve("config.json")).hasContent("{}");
  }

  @Test
  void branchesWithASlashAndDatasets() {
    String commit = model();
    assertThat(online().download(new HubRepo(RepoType.MODEL, "org/name", "feature/x"), ALL))
        .endsWith(Path.of(commit));
    assertThat(temp.resolve("models--org--name/refs/feature/x")).hasContent(commit);
    hub.repo("datasets/org/texts").file("data/a.txt", "text").commit("main");
    Path texts = online().download(new HubRepo(RepoType.DATASET, "org/texts", "main"), ALL);
    assertThat(texts.getParent().getParent()).endsWith(Path.of("datasets--org--texts"));
    assertThat(texts.resolve("data/a.txt")).hasContent("text");
  }

  @Test
  void ofAModelOnlyWhatIsReadHere() {
    hub.repo("models/org/name")
        .file("config.json", "{}")
        .file("tokenizer.json", "{}")
        .file("model.safetensors.index.json", "{}")
        .large("model-00001-of-00002.safetensors", bytes(10, 2))
        .large("pytorch_model.bin", bytes(10, 3))
        .large("original/consolidated.00.pth", bytes(10, 4))
        .commit("main");
    Path model = online().model("org/name", "main", ModelFiles.ALL);
    assertThat(model.resolve("model-00001-of-00002.safetensors")).exists();
    assertThat(model.resolve("pytorch_model.bin")).doesNotExist();
    assertThat(model.resolve("original")).doesNotExist();
    assertThat(ModelFiles.TOKENIZER.of(List.of("model.safetensors", "tokenizer.json")))
        .containsExactly("tokenizer.json");
    // the whole in one file: the shards are not looked at
    assertThat(
            ModelFiles.ALL.of(
                List.of(
                    "model-00001-of-00002.safetensors",
                    "model.safetensors",
                    "model.safetensors.index.json")))
        .containsExactly("model.safetensors");
    assertThat(online().model(temp.toString(), "main", ModelFiles.ALL)).isEqualTo(temp);
  }

  @Test
  void theTokenIsForTheHubAlone() {
    model();
    new Hub(settings(FakeHub.TOKEN, false), HubProgress.silent()).download(MAIN, ALL);
    assertThat(hub.requests())
        .filteredOn(request -> request.server().equals("hub"))
        .extracting(Request::authorization)
        .containsOnly("Bearer " + FakeHub.TOKEN);
    assertThat(hub.requests())
        .filteredOn(request -> request.server().equals("cdn"))
        .extracting(Request::authorization)
        .containsOnly("");
  }

  @Test
  void aRedirectWithoutEncryptionIsNotFollowed() throws IOException {
    URI from = URI.create("https://hub/a/b");
    assertThat(Redirects.next(from, "/c?x=%2F&y=a b|c"))
        .hasToString("https://hub/c?x=%2F&y=a%20b%7Cc");
    assertThat(Redirects.next(from, "https://cdn/x")).hasToString("https://cdn/x");
    assertThatThrownBy(() -> Redirects.next(from, "http://hub/c"))
        .hasMessageContaining("without encryption");
    assertThatThrownBy(() -> Redirects.next(from, "file:///etc/passwd"))
        .hasMessageContaining("no web address");
    assertThat(Redirects.sameOrigin(from, URI.create("https://HUB:443/x"))).isTrue();
    assertThat(Redirects.sameOrigin(from, URI.create("http://hub/x"))).isFalse();
    assertThat(Redirects.sameOrigin(from, URI.create("https://hub.evil/x"))).isFalse();
    assertThat(Redirects.sameOrigin(from, URI.create("https://hub:444/x"))).isFalse();
  }

  @Test
  void aBrokenConnectionIsTakenUpWhereItBroke() {
    model();
    hub.fail("model.safetensors", new Fault.BreakOff(100_000), new Fault.Silence(200_000));
    hub.fail("copy/model.safetensors", new Fault.BreakOff(100_000), new Fault.Silence(200_000));
    AtomicLong come = new AtomicLong();
    HubProgress count =
        new HubProgress() {
          @Override
          public void advanced(long bytes) {
            come.addAndGet(bytes);
          }
        };
    Path model = new Hub(settings("", false), count).download(MAIN, ALL);
    assertThat(model.resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    List<String> ranges =
        hub.downloads().stream()
            .filter(request -> request.server().equals("cdn"))
            .map(Request::range)
            .toList();
    // Of the bytes under way when a connection breaks some may be lost; the count says that none
    // comes
    // twice.
    assertThat(ranges).hasSize(3).first().isEqualTo("");
    assertThat(ranges.get(1)).matches("bytes=[1-9]\\d{0,4}-|bytes=100000-");
    assertThat(ranges.get(2)).isEqualTo("bytes=200000-");
    assertThat(come).hasValue(WEIGHTS.length + "{}".length() + "text".length());
  }

  @Test
  void aServerThatFallsSilentAgainAndAgainIsNamedAsThat() {
    model();
    Fault silence = new Fault.Silence(0);
    hub.fail("model.safetensors", silence, silence, silence, silence);
    hub.fail("copy/model.safetensors", silence, silence, silence, silence);
    assertThatThrownBy(() -> online().download(MAIN, ALL))
        .extracting(HubTest::reasonOf)
        .asString()
        .contains("UNREACHABLE", "again and again: nothing came for", "is kept");
  }

  @Test
  void aServerThatKnowsNoPartsIsListenedToFromTheBeginning() {
    model();
    hub.fail("copy/model.safetensors", new Fault.BreakOff(100_000), new Fault.NoRanges());
    assertThat(online().download(MAIN, ALL).resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
  }

  @Test
  void aPartThatTheServerDoesNotHaveIsGivenUp() throws IOException {
    model();
    Path blobs = Files.createDirectories(temp.resolve("models--org--name/blobs"));
    Path partial = blobs.resolve(FakeHub.sum("SHA-256", WEIGHTS) + ".yushan.incomplete");
    Files.write(partial, bytes(1000, 9));
    hub.fail("copy/model.safetensors", new Fault.Status(416, Map.of()));
    assertThat(online().download(MAIN, ALL).resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    assertThat(partial).doesNotExist();
    assertThat(hub.downloads()).extracting(Request::range).contains("bytes=1000-", "");
  }

  @Test
  void wrongBytesAreFetchedOnceMoreAndNeverKept() throws IOException {
    model();
    hub.fail("config.json", new Fault.WrongBytes());
    hub.fail("copy/model.safetensors", new Fault.WrongBytes());
    Path snapshot = online().download(MAIN, ALL);
    assertThat(snapshot.resolve("config.json")).hasContent("{}");
    assertThat(snapshot.resolve("model.safetensors")).hasBinaryContent(WEIGHTS);

    hub.repo("models/org/name").file("config.json", "{\"b\": 2}").commit("main");
    hub.fail("config.json", new Fault.WrongBytes(), new Fault.WrongBytes());
    assertThatThrownBy(() -> online().download(MAIN, ALL))
        .extracting(HubTest::reasonOf)
        .asString()
        .contains("WRONG_BYTES", "config.json", "twice", "proxy");
    assertThat(names(temp.resolve("models--org--name/blobs"))).hasSize(4);
    // main is still what was whole
    assertThat(offline().download(MAIN, ALL)).isEqualTo(snapshot);
  }

  @Test
  void aPartThatIsWrongIsFoundOutWhenItIsWhole() throws IOException {
    model();
    Path blobs = Files.createDirectories(temp.resolve("models--org--name/blobs"));
    Files.write(
        blobs.resolve(FakeHub.sum("SHA-256", WEIGHTS) + ".yushan.incomplete"), bytes(1000, 9));
    assertThat(online().download(MAIN, ALL).resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
  }

  @Test
  void whoAsksToWaitIsWaitedFor() {
    model();
    hub.fail("revision", new Fault.Status(429, Map.of("Retry-After", "0")));
    hub.fail("tree", new Fault.Status(429, Map.of("RateLimit", "\"api\";r=0;t=0")));
    hub.fail("config.json", new Fault.Status(503, Map.of()), new Fault.Status(500, Map.of()));
    assertThat(online().download(MAIN, ALL).resolve("config.json")).hasContent("{}");

    hub.repo("models/org/name").file("config.json", "{\"b\": 2}").commit("main");
    hub.fail("config.json", new Fault.Status(429, Map.of("Retry-After", "7200")));
    assertThatThrownBy(() -> online().download(MAIN, ALL))
        .extracting(HubTest::reasonOf)
        .asString()
        .contains("UNREACHABLE", "too many requests", "in 120 min", "set HF_TOKEN");
  }

  @Test
  void gatedAndPrivateAndMissing() {
    model();
    hub.repo("models/org/name").gated();
    String page = hub.endpoint() + "/org/name";
    assertThatThrownBy(() -> online().download(MAIN, ALL))
        .extracting(HubTest::reasonOf)
        .asString()
        .contains("DENIED", "accept its conditions at " + page, "set HF_TOKEN");
    assertThatThrownBy(
            () -> new Hub(settings("hf_other", false), HubProgress.silent()).download(MAIN, ALL))
        .extracting(HubTest::reasonOf)
        .asString()
        .contains("DENIED", "the account of the token has no access", page);
    new Hub(settings(FakeHub.TOKEN, false), HubProgress.silent()).download(MAIN, ALL);
    assertThatThrownBy(
            () -> online().download(new HubRepo(RepoType.MODEL, "org/other", "main"), ALL))
        .extracting(HubTest::reasonOf)
        .asString()
        .contains("NOT_FOUND", "there is no model org/other", "is it a dataset?", "set HF_TOKEN");
    assertThatThrownBy(() -> online().download(new HubRepo(RepoType.MODEL, "org/name", "v9"), ALL))
        .extracting(HubTest::reasonOf)
        .asString()
        .contains("NO_REVISION", "has no revision v9");
    assertThatThrownBy(() -> online().download(MAIN, new Patterns(List.of("*.gguf"), List.of())))
        .extracting(HubTest::reasonOf)
        .asString()
        .contains("NOT_FOUND", "config.json");
  }

  @Test
  void withoutANetworkTheCacheServesIfItIsWhole() throws IOException {
    model();
    Patterns config = new Patterns(List.of("config.json"), List.of());
    Path snapshot = online().download(MAIN, config);
    hub.close();
    assertThat(online().download(MAIN, config)).isEqualTo(snapshot);
    assertThatThrownBy(() -> online().download(MAIN, ALL))
        .extracting(HubTest::reasonOf)
        .asString()
        .contains("UNREACHABLE", "localhost", "is there a network");
    assertThat(offline().download(MAIN, config)).isEqualTo(snapshot);
    assertThatThrownBy(() -> offline().download(MAIN, ALL))
        .extracting(HubTest::reasonOf)
        .asString()
        .contains("OFFLINE", "lacks a dir/文 件+#%.txt, copy/model.safetensors", "HF_HUB_OFFLINE");
    assertThatThrownBy(() -> offline().model("org/other", "main", ModelFiles.ALL))
        .extracting(HubTest::reasonOf)
        .asString()
        .contains("OFFLINE", "yushan download org/other", "HF_HUB_OFFLINE");
  }

  @Test
  void pathsThatLeadOutAreRefused() {
    for (String path : List.of("../up", "a/../../up", "/etc/passwd", "a\\..\\b", "a//b", "C:x")) {
      assertThatThrownBy(() -> new RepoFile(path, 1, "0".repeat(40), Optional.empty()))
          .as(path)
          .isInstanceOf(HubException.class);
    }
    hub.repo("models/org/name").file("../../../evil", "x").file("config.json", "{}").commit("main");
    HubException refused =
        catchThrowableOfType(HubException.class, () -> online().download(MAIN, ALL));
    assertThat(refused.reason()).isEqualTo(Reason.NAME);
    assertThat(refused).hasMessageContaining("'../../../evil'");
    assertThat(hub.downloads()).isEmpty();
    assertThat(temp).isEmptyDirectory();
  }

  @Test
  void aDiskThatIsTooSmallIsFoundBefore() {
    hub.repo("models/org/name").file("config.json", "{}").claimSize(1L << 60).commit("main");
    assertThatThrownBy(() -> online().download(MAIN, ALL))
        .extracting(HubTest::reasonOf)
        .asString()
        .contains("DISK", "takes", "free some space", "HF_HUB_CACHE");
    assertThat(hub.downloads()).isEmpty();
  }

  @Test
  void withoutLinksFilesAreCopied() {
    model();
    HubSettings s = settings("", false);
    HubSettings copies =
        new HubSettings(
            s.endpoint(),
            s.cache(),
            s.token(),
            false,
            false,
            false,
            s.answerTimeout(),
            s.silenceTimeout(),
            s.retries(),
            s.retryDelay(),
            s.connections());
    Path snapshot = new Hub(copies, HubProgress.silent()).download(MAIN, ALL);
    assertThat(snapshot.resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    assertThat(Files.isSymbolicLink(snapshot.resolve("model.safetensors"))).isFalse();
  }

  @Test
  void damagedAndMissingFilesOfTheCacheAreMended() throws IOException {
    model();
    Path snapshot = online().download(MAIN, ALL);
    Files.write(snapshot.resolve("model.safetensors").toRealPath(), new byte[] {1});
    Files.delete(snapshot.resolve("config.json").toRealPath());
    assertThat(online().download(MAIN, ALL).resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    assertThat(snapshot.resolve("config.json")).hasContent("{}");
  }
}
