package dev.yushan.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.UnixOperatingSystemMXBean;
import dev.yushan.engine.EngineConfig;
import dev.yushan.engine.EngineStats;
import dev.yushan.http.ServiceFixture.Extras;
import dev.yushan.tensor.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Clients that go away at any moment: afterwards the engine has all its pages, and the process the
/// memory that it had.
@Timeout(120)
class AbandonedTest {
  /// Room for little more than one request of full length.
  private static final EngineConfig SMALL =
      new EngineConfig(ServiceFixture.CONTEXT, 8, 64, 1 << 20, DType.F32, true, 100);

  /// At the same time, so that those that leave share passes with those that stay.
  private static final int CLIENTS = 6;

  private static ServiceFixture fixture;

  @BeforeAll
  static void start() {
    fixture = ServiceFixture.loading(config -> config, SMALL, Extras.NONE);
    fixture.service.ready().join();
  }

  @AfterAll
  static void stop() {
    fixture.close();
  }

  private static String request(int prompt, boolean stream) {
    return ConnectionsTest.post(
        ("{\"prompt\":[5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,%d],\"max_tokens\":6,"
                + "\"ignore_eos\":true,\"temperature\":0,\"stream\":%s,\"request_id\":\"same\"}")
            .formatted(prompt % 7, stream),
        "Connection: close\r\n");
  }

  /// Reads so many bytes of an answer, and leaves; now and then without a good-bye.
  private static byte[] leaveAfter(String request, int bytes, boolean reset) {
    try (Socket socket = ConnectionsTest.open(fixture, 0)) {
      if (reset) {
        socket.setSoLinger(true, 0);
      }
      ConnectionsTest.send(socket, request);
      return socket.getInputStream().readNBytes(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void awaitIdle() {
    EngineStats stats = fixture.engine[0].stats();
    while (stats.running() + stats.waiting() > 0 || !fixture.get("/load").body().contains(":0")) {
      Thread.onSpinWait();
      stats = fixture.engine[0].stats();
    }
  }

  @Test
  void aStreamMayBeLeftAtEveryByteOfIt() throws Exception {
    String whole =
        new String(leaveAfter(request(0, true), Integer.MAX_VALUE, false), StandardCharsets.UTF_8);
    assertThat(whole).contains("data: [DONE]");
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<Integer> positions = new ArrayList<>(IntStream.range(0, whole.length()).boxed().toList());
    Collections.shuffle(positions, random);
    try (ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
      List<Future<byte[]>> read = new ArrayList<>();
      for (int position : positions) {
        int prompt = random.nextInt(7);
        boolean reset = random.nextBoolean();
        read.add(clients.submit(() -> leaveAfter(request(prompt, true), position, reset)));
      }
      for (int i = 0; i < positions.size(); i++) {
        assertThat(read.get(i).get())
            .as("seed %d, client %d", seed, i)
            .hasSizeLessThanOrEqualTo(positions.get(i));
      }
    }
    awaitIdle();
    assertThat(fixture.engine[0].stats().kvUsage()).as("seed %d: pages held", seed).isZero();
    // what the cache has kept is right, and there is room for one that needs nearly all of it
    String again =
        new String(leaveAfter(request(0, true), Integer.MAX_VALUE, false), StandardCharsets.UTF_8);
    assertThat(text(again)).as("seed %d", seed).isEqualTo(text(whole));
    assertThat(
            fixture
                .ok(
                    "/v1/completions",
                    "{'prompt':[1],'max_tokens':%d,'ignore_eos':true}"
                        .formatted(ServiceFixture.CONTEXT - 1))
                .at("/usage/completion_tokens")
                .asInt())
        .isEqualTo(ServiceFixture.CONTEXT - 1);
  }

  private static String text(String answer) {
    return answer
        .lines()
        .filter(line -> line.startsWith("data: {"))
        .map(line -> ServiceFixture.json(line.substring(6)).at("/choices/0/text").asText())
        .collect(Collectors.joining());
  }

  @Test
  void manyRequestsLeaveNothingBehind() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    requests(random, 300);
    long heap = heap();
    long descriptors = descriptors();
    int count = 1200;
    requests(random, count);
    assertThat((heap() - heap) / count)
        .as("seed %d: bytes on the heap for each request", seed)
        .isLessThan(600);
    assertThat(descriptors()).as("seed %d", seed).isLessThanOrEqualTo(descriptors + 5);
    assertThat(fixture.engine[0].stats().kvUsage()).as("seed %d: pages held", seed).isZero();
  }

  /// Some whole, some refused, some left at any place.
  private static void requests(Random random, int count) throws Exception {
    try (ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
      List<Future<byte[]>> read = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        int kind = random.nextInt(4);
        String request =
            kind == 0
                ? ConnectionsTest.post("{\"prompt\":" + "[".repeat(random.nextInt(50)))
                : request(random.nextInt(7), random.nextBoolean());
        int bytes = kind == 1 ? Integer.MAX_VALUE : random.nextInt(300);
        boolean reset = kind != 1 && random.nextBoolean();
        read.add(clients.submit(() -> leaveAfter(request, kind == 0 ? 1 : bytes, reset)));
      }
      for (Future<byte[]> answer : read) {
        answer.get();
      }
    }
    awaitIdle();
  }

  /// Bytes in use when all garbage is gone.
  private static long heap() throws InterruptedException {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 4; i++) {
      System.gc();
      Thread.sleep(50);
      least = Math.min(least, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    }
    return least;
  }

  private static long descriptors() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system
        ? system.getOpenFileDescriptorCount()
        : 0;
  }
}
