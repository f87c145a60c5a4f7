package dev.yushan.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.process.ChildJvm;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/// Every op has the same bits whatever the width of the vectors.
class VectorWidthTest {
  @Test
  void sameBitsAtEveryWidth() throws IOException {
    int here = Lanes.F32.vectorBitSize();
    List<Integer> narrower = IntStream.of(128, 256).filter(bits -> bits < here).boxed().toList();
    Assumptions.assumeFalse(
        narrower.isEmpty(), "this machine has vectors of one width only: " + here + " bits");
    List<Process> runs = new ArrayList<>();
    for (int width : narrower) {
      runs.add(start(width));
    }
    List<String> wanted = Digests.all();
    for (int i = 0; i < runs.size(); i++) {
      List<String> lines = linesOf(runs.get(i).getInputStream());
      assertThat(lines).first().isEqualTo("width " + narrower.get(i));
      assertThat(lines.subList(1, lines.size())).isEqualTo(wanted);
    }
  }

  private static Process start(int width) throws IOException {
    return ChildJvm.COMPUTING
        .with("-D" + Lanes.PROPERTY + "=" + width)
        .running(Digests.class)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private static List<String> linesOf(InputStream output) throws IOException {
    try (output) {
      return new String(output.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }
}
