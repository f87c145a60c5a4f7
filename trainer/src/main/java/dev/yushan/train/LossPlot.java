package dev.yushan.train;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.io.DurableFiles;
import java.awt.AWTError;
import java.awt.Color;
import java.awt.Font;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Draws `training_loss.png`: the loss of each log entry, the same smoothed, and the loss on
/// held-out data.
final class LossPlot {
  static final String FILE = "training_loss.png";

  private static final Logger LOG = LoggerFactory.getLogger(LossPlot.class);
  private static final Color RAW = new Color(0x9ecae1);
  private static final Color SMOOTH = new Color(0x1f4e79);
  private static final Color[] HELD_OUT = {
    new Color(0xc0392b), new Color(0x2e8b57), new Color(0xe08e0b), new Color(0x7d3c98)
  };

  private LossPlot() {}

  /// Draws the history of a run; nothing if it has no log entry. A machine that cannot draw, for
  /// want of fonts or libraries, gets a warning: the model matters more.
  static void draw(JsonNode history, Path outputDir) {
    if (System.getProperty("java.awt.headless") == null) {
      System.setProperty("java.awt.headless", "true");
    }
    try {
      drawChart(history, outputDir);
    } catch (AWTError | LinkageError | RuntimeException e) {
      LOG.warn("{} is not drawn: {}; trainer_state.json has its numbers", FILE, e.toString());
    }
  }

  private static void drawChart(JsonNode history, Path outputDir) {
    List<Double> steps = new ArrayList<>();
    List<Double> losses = new ArrayList<>();
    collect(history, "loss", steps, losses);
    if (steps.isEmpty()) {
      return;
    }
    XYChart chart =
        new XYChartBuilder().width(1200).height(720).xAxisTitle("step").yAxisTitle("loss").build();
    chart.setTitle("Training loss");
    style(chart);
    line(chart, "loss", steps, losses, RAW, 1.5f);
    line(chart, "smoothed", steps, smoothed(losses), SMOOTH, 3f);
    int next = 0;
    for (String key : evalKeys(history)) {
      List<Double> at = new ArrayList<>();
      List<Double> values = new ArrayList<>();
      collect(history, key, at, values);
      XYSeries series = line(chart, key, at, values, HELD_OUT[next % HELD_OUT.length], 2f);
      series.setMarker(SeriesMarkers.CIRCLE);
      series.setMarkerColor(HELD_OUT[next++ % HELD_OUT.length]);
    }
    write(chart, outputDir.resolve(FILE));
  }

  private static XYSeries line(
      XYChart chart, String name, List<Double> x, List<Double> y, Color color, float width) {
    XYSeries series = chart.addSeries(name, x, y);
    series.setMarker(SeriesMarkers.NONE);
    series.setLineColor(color);
    series.setLineWidth(width);
    return series;
  }

  private static void style(XYChart chart) {
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    chart.getStyler().setPlotBorderVisible(false);
    chart.getStyler().setPlotGridLinesColor(new Color(0xe5e5e5));
    chart.getStyler().setLegendPosition(LegendPosition.InsideNE);
    chart.getStyler().setLegendBorderColor(new Color(0xe5e5e5));
    chart.getStyler().setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 20));
    chart.getStyler().setAxisTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 16));
    chart.getStyler().setAxisTickLabelsFont(new Font(Font.SANS_SERIF, Font.PLAIN, 14));
    chart.getStyler().setLegendFont(new Font(Font.SANS_SERIF, Font.PLAIN, 14));
    chart.getStyler().setXAxisDecimalPattern("#");
    chart.getStyler().setXAxisTickMarkSpacingHint(120);
    chart.getStyler().setChartPadding(20);
  }

  private static List<String> evalKeys(JsonNode history) {
    List<String> keys = new ArrayList<>();
    for (JsonNode entry : history) {
      entry
          .fieldNames()
          .forEachRemaining(
              key -> {
                if (key.startsWith("eval") && key.endsWith("_loss") && !keys.contains(key)) {
                  keys.add(key);
                }
              });
    }
    return keys;
  }

  private static void collect(
      JsonNode history, String key, List<Double> steps, List<Double> values) {
    for (JsonNode entry : history) {
      if (entry.has(key) && Double.isFinite(entry.get(key).asDouble())) {
        steps.add(entry.get("step").asDouble());
        values.add(entry.get(key).asDouble());
      }
    }
  }

  /// The mean over about a twentieth of the run around each entry, less towards the ends, so that
  /// the line is neither early nor late.
  static List<Double> smoothed(List<Double> values) {
    int last = values.size() - 1;
    int reach = Math.max(1, values.size() / 40);
    List<Double> smooth = new ArrayList<>();
    for (int i = 0; i <= last; i++) {
      int half = Math.min(reach, Math.min(i, last - i));
      List<Double> around = values.subList(i - half, i + half + 1);
      smooth.add(around.stream().mapToDouble(Double::doubleValue).average().orElseThrow());
    }
    return smooth;
  }

  private static void write(XYChart chart, Path file) {
    try {
      ByteArrayOutputStream png = new ByteArrayOutputStream();
      ImageIO.write(BitmapEncoder.getBufferedImage(chart), "png", png);
      DurableFiles.write(file, png.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be drawn", e);
    }
  }
}
