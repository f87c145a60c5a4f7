package dev.yushan.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/// Every op has the same bits whatever the width of the vectors.
class VectorWidthTest {
  @Test
  void sameBitsAtEveryWidth() throws IOException {
    int widest = FloatVector.SPECIES_PREFERRED.vectorBitSize();
    List<Integer> widths =
        IntStream.of(128, 256, 512).filter(bits -> bits <= widest).boxed().toList();
    Assumptions.assumeTrue(
        widths.size() > 1, "this machine has vectors of one width only: " + widest + " bits");
    List<Process> runs = new ArrayList<>();
    for (int width : widths) {
      runs.add(start(width));
    }
    List<List<String>> outputs = new ArrayList<>();
    for (int i = 0; i < runs.size(); i++) {
      List<String> lines = linesOf(runs.get(i).getInputStream());
      assertThat(lines).first().isEqualTo("width " + widths.get(i));
      assertThat(lines).last().isEqualTo("done");
      outputs.add(lines.subList(1, lines.size()));
    }
    assertThat(outputs).allSatisfy(lines -> assertThat(lines).isEqualTo(outputs.getFirst()));
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
