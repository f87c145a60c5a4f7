package dev.yushan.io.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.yushan.io.hub.FakeHub.Fault;
import dev.yushan.process.ChildJvm;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Downloads in processes of their own: killed, two at once, on a full disk.
@Timeout(120)
class HubProcessTest {
  private static final ChildJvm JVM = new ChildJvm(List.of("-Xmx64m", "-XX:TieredStopAtLevel=1"));

  private static final byte[] WEIGHTS = new byte[3_000_000];

  static {
    new Random(7).nextBytes(WEIGHTS);
  }

  @TempDir private Path temp;
  private final FakeHub hub = new FakeHub();
  private final List<Child> children = new ArrayList<>();

  /// A process that downloads when it is told to.
  private record Child(Process process, BufferedReader out) {
    void tell() throws IOException {
      process.outputWriter().write("\n");
      process.outputWriter().flush();
    }

    String answer() throws IOException {
      return out.readLine();
    }
  }

  @AfterEach
  void close() {
    children.forEach(child -> child.process().destroyForcibly());
    hub.close();
  }

  private Child child(Path cache, List<String> before) throws IOException {
    List<String> command = new ArrayList<>(before);
    command.addAll(JVM.running(HubProcess.class).command());
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    builder.environment().keySet().removeIf(name -> name.startsWith("HF_"));
    builder
        .environment()
        .putAll(Map.of("HF_ENDPOINT", hub.endpoint().toString(), "HF_HUB_CACHE", cache.toString()));
    Process process = builder.start();
    Child child =
        new Child(
            process,
            new BufferedReader(
                new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)));
    children.add(child);
    return child;
  }

  private static void kill(Process process) {
    process.destroyForcibly();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aKilledDownloadGoesOnWhereItWas() throws IOException {
    hub.repo("models/org/name").large("model.safetensors", WEIGHTS).commit("main");
    AtomicReference<Child> first = new AtomicReference<>();
    Path cache = temp;
    hub.fail(
        "model.safetensors",
        new Fault.Meanwhile(
            2_000_000,
            () -> {
              awaitBytes(cache, 1_000_000);
              kill(first.get().process());
            }));
    first.set(child(cache, List.of()));
    first.get().tell();
    assertThat(first.get().answer()).isNull();
    assertThat(cache.resolve("models--org--name/refs")).doesNotExist();

    Child second = child(cache, List.of());
    second.tell();
    Path snapshot = Path.of(second.answer());
    assertThat(snapshot.resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    assertThat(hub.downloads().getLast().range()).matches("bytes=[12]\\d{6}-");
  }

  private static void awaitBytes(Path cache, long bytes) {
    long there = 0;
    while (there < bytes) {
      try (Stream<Path> files = Files.walk(cache)) {
        there =
            files
                .filter(file -> file.toString().endsWith(".yushan.incomplete"))
                .mapToLong(file -> file.toFile().length())
                .sum();
        Thread.sleep(5);
      } catch (IOException | InterruptedException | UncheckedIOException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @Test
  void ofTwoProcessesOneWaits() throws IOException {
    hub.repo("models/org/name").large("model.safetensors", WEIGHTS).commit("main");
    List<Child> both = List.of(child(temp, List.of()), child(temp, List.of()));
    AtomicReference<Integer> askedBefore = new AtomicReference<>();
    // the second one has come to the lock when it has asked for the list of files
    hub.fail(
        "model.safetensors",
        new Fault.Meanwhile(
            1_000_000,
            () -> {
              try {
                both.get(1).tell();
                while (lists() < 1 || hub.requests().size() < 4) {
                  Thread.sleep(5);
                }
                askedBefore.set(hub.requests().size());
                Thread.sleep(300);
              } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
              }
            }));
    both.get(0).tell();
    String first = both.get(0).answer();
    assertThat(both.get(1).answer()).isEqualTo(first);
    assertThat(Path.of(first).resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    assertThat(askedBefore.get()).isNotNull();
    assertThat(hub.downloads()).as("to the hub and to the cdn").hasSize(2);
  }

  private long lists() {
    return hub.requests().stream().filter(request -> request.path().contains("/tree/")).count();
  }

  @Test
  void aDiskThatBecomesFullLosesNothing() throws IOException {
    List<String> inNamespace = List.of("unshare", "--mount", "sh", "-c");
    Path disk = Files.createDirectory(temp.resolve("disk"));
    String mount = "mount -t tmpfs -o size=8m tmpfs " + disk + " && exec \"$@\"";
    assumeTrue(canMount(inNamespace, disk), "no small disk can be mounted here");
    hub.repo("models/org/name").large("model.safetensors", WEIGHTS).commit("main");
    List<String> before = new ArrayList<>(inNamespace);
    before.addAll(List.of(mount, "sh"));
    Child child = child(disk, before);
    // the disk as that process sees it
    Path seen = Path.of("/proc/" + child.process().pid() + "/root" + disk);
    Path filler = seen.resolve("filler");
    hub.fail("model.safetensors", new Fault.Meanwhile(1_500_000, () -> fill(filler)));
    child.tell();
    assertThat(child.answer())
        .startsWith("DISK: ")
        .contains("is full; what has come is kept: free some space and start again");
    Files.delete(filler);
    child.tell();
    Path snapshot = Path.of(child.answer());
    assertThat(snapshot.startsWith(disk)).isTrue();
    Path weights = seen.resolve(disk.relativize(snapshot)).resolve("model.safetensors");
    assertThat(weights).hasBinaryContent(WEIGHTS);
    assertThat(hub.downloads().getLast().range()).matches("bytes=[1-9]\\d*-");
  }

  private static boolean canMount(List<String> inNamespace, Path disk) {
    List<String> command = new ArrayList<>(inNamespace);
    command.add("mount -t tmpfs -o size=1m tmpfs " + disk);
    try {
      Process process = new ProcessBuilder(command).start();
      return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException | InterruptedException e) {
      return false;
    }
  }

  private static void fill(Path file) {
    byte[] block = new byte[4096];
    try (var out = Files.newOutputStream(file)) {
      for (int i = 0; i < 4096; i++) {
        out.write(block);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left");
    }
  }
}
