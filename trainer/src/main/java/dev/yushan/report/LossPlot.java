package dev.yushan.report;

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

/// Draws the loss of a run as LLaMA-Factory names the pictures: `training_loss.png`, and with
/// held-out data `training_eval_loss.png`, a curve for each dataset. Each curve as it was logged
/// and smoothed.
public final class LossPlot {
  /// The picture of the training loss.
  static final String TRAINING = "training_loss.png";

  /// The picture of the losses on held-out data.
  static final String EVALUATION = "training_eval_loss.png";

  /// The picture of several runs.
  static final String BESIDE = "beside_loss.png";

  private static final Logger LOG = LoggerFactory.getLogger(LossPlot.class);

  /// A colour that is read well on white, for each curve; what was logged is drawn in a pale one.
  static final Color[] COLOURS = {
    new Color(0x1f4e79),
    new Color(0xc0392b),
    new Color(0x2e8b57),
    new Color(0xe08e0b),
    new Color(0x7d3c98),
    new Color(0x117a8b)
  };

  /// With fewer points there is nothing to smooth.
  private static final int SMOOTHED_FROM = 8;

  private LossPlot() {}

  /// Draws the history of a run, entries as in `trainer_state.json`; nothing without an entry. A
  /// machine that cannot draw, for want of fonts or libraries, gets a warning: the model matters
  /// more.
  public static void draw(JsonNode history, Path outputDir) {
    List<Curve> training = List.of(new Curve("loss", history, "loss"));
    List<Curve> heldOut =
        RunDirectory.evaluationKeys(history).stream()
            .map(key -> new Curve(key, history, key))
            .toList();
    guarded(
        () -> {
          if (!draw("Training loss", training, outputDir.resolve(TRAINING))) {
            LOG.warn("no curve is drawn: no loss was logged; lower logging_steps");
          }
          draw("Loss on held-out data", heldOut, outputDir.resolve(EVALUATION));
        });
  }

  /// Draws the training losses of several runs into one picture, [#BESIDE] of the first.
  public static void drawBeside(List<RunDirectory> runs) {
    List<Curve> curves =
        runs.stream().map(run -> new Curve(run.path().toString(), run.history(), "loss")).toList();
    guarded(() -> draw("Training loss", curves, runs.getFirst().path().resolve(BESIDE)));
  }

  private static void guarded(Runnable drawing) {
    if (System.getProperty("java.awt.headless") == null) {
      System.setProperty("java.awt.headless", "true");
    }
    try {
      drawing.run();
    } catch (AWTError | LinkageError | RuntimeException e) {
      LOG.warn("the loss is not drawn: {}; trainer_state.json has its numbers", e.toString());
    }
  }

  /// @param key of the entries of the history
  private record Curve(String name, JsonNode history, String key) {}

  /// Returns whether there was anything to draw.
  private static boolean draw(String title, List<Curve> curves, Path file) {
    XYChart chart =
        new XYChartBuilder().width(1200).height(720).xAxisTitle("step").yAxisTitle("loss").build();
    chart.setTitle(title);
    style(chart);
    boolean any = false;
    for (int i = 0; i < curves.size(); i++) {
      any |= curve(chart, curves.get(i), COLOURS[i % COLOURS.length]);
    }
    if (any) {
      write(chart, file);
    }
    return any;
  }

  private static boolean curve(XYChart chart, Curve curve, Color colour) {
    List<Double> steps = new ArrayList<>();
    List<Double> losses = new ArrayList<>();
    collect(curve, steps, losses);
    if (steps.isEmpty()) {
      return false;
    }
    boolean smooth = losses.size() >= SMOOTHED_FROM;
    XYSeries raw = line(chart, curve.name(), steps, losses, smooth ? pale(colour) : colour, 1.5f);
    if (steps.size() <= 60) {
      raw.setMarker(SeriesMarkers.CIRCLE);
      raw.setMarkerColor(smooth ? pale(colour) : colour);
    }
    if (smooth) {
      line(chart, curve.name() + ", smoothed", steps, smoothed(losses), colour, 3f);
    }
    return true;
  }

  private static Color pale(Color colour) {
    return new Color(
        255 - (255 - colour.getRed()) * 2 / 5,
        255 - (255 - colour.getGreen()) * 2 / 5,
        255 - (255 - colour.getBlue()) * 2 / 5);
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
    chart.getStyler().setXAxisMin(0.0);
    chart.getStyler().setChartPadding(20);
  }

  private static void collect(Curve curve, List<Double> steps, List<Double> values) {
    for (JsonNode entry : curve.history()) {
      double value = entry.path(curve.key()).asDouble(Double.NaN);
      if (Double.isFinite(value)) {
        steps.add(entry.get("step").asDouble());
        values.add(value);
      }
    }
  }

  /// The value of the line through about a twentieth of the run around each entry, by least
  /// squares. Within the run that is the mean; at its ends the line is neither early nor late.
  static List<Double> smoothed(List<Double> values) {
    int width = Math.min(values.size(), 2 * Math.max(1, values.size() / 40) + 1);
    double centre = (width - 1) / 2.0;
    double squares = width * ((double) width * width - 1) / 12;
    List<Double> smooth = new ArrayList<>();
    for (int i = 0; i < values.size(); i++) {
      int from = Math.clamp(i - width / 2, 0, values.size() - width);
      double sum = 0;
      double tilt = 0;
      for (int k = 0; k < width; k++) {
        sum += values.get(from + k);
        tilt += (k - centre) * values.get(from + k);
      }
      smooth.add(sum / width + (i - from - centre) * tilt / squares);
    }
    return smooth;
  }

  private static void write(XYChart chart, Path file) {
    try {
      ByteArrayOutputStream png = new ByteArrayOutputStream();
      ImageIO.write(BitmapEncoder.getBufferedImage(chart), "png", png);
      DurableFiles.write(file, png.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(
          file + " cannot be drawn: free some space, or make its directory writable", e);
    }
  }
}
