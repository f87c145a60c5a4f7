package dev.yushan.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.backend.Traffic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingLogTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path root;

  private static StepReport step(long number, Traffic traffic) {
    return new StepReport(number, 2, 1e-3, 1, 10, Optional.empty(), 1, traffic);
  }

  /// Where a device has memory of its own an entry says what the step moved; elsewhere nothing.
  @Test
  void anEntrySaysWhatTheStepMoved() throws IOException {
    RunFixture fixture = RunFixture.in(root);
    Path output = Files.createDirectories(fixture.output("log"));
    Tally tally = new Tally(new SourceNames(List.of(), Map.of()));
    TrainingLog log = new TrainingLog(output, fixture.config(output, Map.of()), tally);
    log.started(new StepPlan(2, 1, 2), Progress.START);
    log.logged(step(1, Traffic.NONE), 2, Progress.START);
    log.logged(step(2, new Traffic(70, 900, 80, 17_920)), 2, Progress.START);
    assertThat(log.history().get(0).has("device_sent_bytes")).isFalse();
    for (JsonNode entry :
        List.of(
            log.history().get(1),
            JSON.readTree(Files.readAllLines(output.resolve(TrainingLog.JSONL)).get(1)))) {
      assertThat(entry.get("device_sent_bytes").asLong()).isEqualTo(900);
      assertThat(entry.get("device_fetched_bytes").asLong()).isEqualTo(80);
      assertThat(entry.get("device_launches").asLong()).isEqualTo(70);
    }
  }
}
