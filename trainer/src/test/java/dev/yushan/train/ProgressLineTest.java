package dev.yushan.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.backend.Traffic;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ProgressLineTest {
  private static final StepPlan PLAN = new StepPlan(100_000, 1, 100_000);

  private static String shown(boolean terminal, int width) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ProgressLine line = new ProgressLine(new PrintStream(bytes, true, UTF_8), terminal, width);
    StepReport last =
        new StepReport(100_000, 2.5, 1e-3, 0.75, 1024, Optional.empty(), 1, Traffic.NONE);
    Progress progress = Progress.START.after(last, 10);
    line.started(PLAN, Progress.START);
    line.stepped(last, progress);
    line.logged(last, 2.5, progress);
    line.finished(progress);
    return bytes.toString(UTF_8);
  }

  @Test
  void aTerminalLineIsDrawnOverAndNeverWiderThanTheTerminal() {
    String text = shown(true, 60);
    assertThat(text).startsWith("\r\033[Kstep 100000/100000  loss 2.5000  ETA 0:00:00");
    assertThat(text.replaceAll("\r\033\\[K", "").stripTrailing())
        .hasSizeLessThan(60)
        .endsWith("  ETA 0:00:00"); // and no half of the next number
    assertThat(shown(true, 8)).startsWith("\r\033[Kstep 10");
  }

  @Test
  void aLogFileHasWholeLines() {
    assertThat(shown(false, 60).lines())
        .singleElement()
        .asString()
        .startsWith("step 100000/100000  loss 2.5000")
        .endsWith("epoch 1.00");
  }
}
