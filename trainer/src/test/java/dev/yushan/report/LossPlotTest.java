package dev.yushan.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LossPlotTest {
  @TempDir Path directory;

  private static ArrayNode history() {
    Random random = new Random(1);
    ArrayNode history = new ObjectMapper().createArrayNode();
    for (int step = 10; step <= 2000; step += 10) {
      double loss = 2.5 + 8 / Math.sqrt(step) + 0.15 * random.nextGaussian();
      history.addObject().put("step", step).put("loss", loss);
      if (step % 200 == 0) {
        ObjectNode held = history.addObject().put("step", step);
        held.put("eval_laws_loss", 2.7 + 8 / Math.sqrt(step));
        held.put("eval_news_loss", 3.1 + 8 / Math.sqrt(step) + 0.05 * random.nextGaussian());
        held.put("eval_news_loss_hf", 100);
      }
    }
    return history;
  }

  /// What the history calls `eval_news_loss_hf` is no curve of its own.
  @ParameterizedTest
  @CsvSource({LossPlot.TRAINING + ", 1", LossPlot.EVALUATION + ", 2"})
  void aPictureWithALineForEachLoss(String file, int lines) throws IOException {
    LossPlot.draw(history(), directory);
    BufferedImage image = ImageIO.read(directory.resolve(file).toFile());
    assertThat(image.getWidth()).isEqualTo(1200);
    int[] pixels = image.getRGB(0, 0, 1200, 720, null, 0, 1200);
    List<Integer> colours = Arrays.stream(LossPlot.COLOURS).map(Color::getRGB).toList();
    for (int colour : colours.subList(0, lines)) {
      assertThat(Arrays.stream(pixels).filter(rgb -> rgb == colour).count()).isGreaterThan(500);
    }
    assertThat(Arrays.stream(pixels).boxed())
        .doesNotContainAnyElementsOf(colours.subList(lines, colours.size()));
  }

  @Test
  void nothingWithoutEntries() {
    LossPlot.draw(new ObjectMapper().createArrayNode(), directory);
    assertThat(directory.resolve(LossPlot.TRAINING)).doesNotExist();
    ArrayNode history = new ObjectMapper().createArrayNode();
    history.addObject().put("step", 1).put("loss", 2.0);
    LossPlot.draw(history, directory);
    assertThat(directory.resolve(LossPlot.TRAINING)).isNotEmptyFile();
    assertThat(directory.resolve(LossPlot.EVALUATION)).doesNotExist();
  }

  @Test
  void smoothingFollowsTheMean() {
    assertThat(LossPlot.smoothed(List.of(4.0, 4.0, 4.0))).containsExactly(4.0, 4.0, 4.0);
    List<Double> steps = Stream.iterate(0.0, v -> v + 1).limit(100).toList();
    List<Double> smooth = LossPlot.smoothed(steps);
    for (int i = 0; i < steps.size(); i++) {
      assertThat(smooth.get(i)).isCloseTo(steps.get(i), offset(1e-9));
    }
    assertThat(LossPlot.smoothed(List.of(0.0, 3.0, 0.0))).containsExactly(1.0, 1.0, 1.0);
    // noise at the end does not pull the end of the line to itself
    List<Double> noisy = new ArrayList<>(Collections.nCopies(200, 2.0));
    noisy.set(199, 3.0);
    assertThat(LossPlot.smoothed(noisy).getLast()).isCloseTo(2, offset(0.4));
  }
}
