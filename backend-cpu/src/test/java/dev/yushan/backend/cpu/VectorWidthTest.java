package dev.yushan.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
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
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--add-modules",
            "jdk.incubator.vector",
            "-Xmx1g",
            "-D" + Lanes.PROPERTY + "=" + width,
            "-cp",
            System.getProperty("java.class.path"),
            Digests.class.getName())
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private static List<String> linesOf(InputStream output) throws IOException {
    try (output) {
      return new String(output.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }
}
