package dev.yushan.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HtmlReportTest {
  private static final Pattern TICK = Pattern.compile("data-tick=\"(\\d+)\"");

  @TempDir Path root;
  @TempDir Path scratch;

  private Path directory;

  @BeforeEach
  void run() throws IOException {
    directory = Files.createDirectory(root.resolve("tw cpt"));
    TestRun.write(directory);
  }

  private String url() {
    return HtmlReport.write(RunDirectory.read(directory)).toUri().toString();
  }

  /// The part of a page after the script that made it.
  private static String made(String dom) {
    return dom.substring(dom.indexOf("<main"), dom.indexOf("</main>"));
  }

  @Test
  void nothingIsLoadedFromElsewhere() {
    String page = HtmlReport.page(RunDirectory.read(directory));
    assertThat(page)
        .contains("default-src 'none'")
        .doesNotContainPattern("(src|href)\\s*=")
        .doesNotContainPattern("@import|url\\(http|fetch\\(|XMLHttpRequest")
        .doesNotContain("{{");
    assertThat(page.split("</script>", -1)).hasSize(3);
  }

  @Test
  void aBrowserShowsTheRun() throws Exception {
    String dom = Chromium.require(scratch).dom(url());
    assertThat(dom).contains("data-ready=\"true\"").doesNotContain("data-error");
    String page = made(dom);
    assertThat(page)
        .contains(
            ">tw cpt</h1>",
            ">finished</span>",
            "Continued pre-training of meta-llama/Llama-3.2-1B, 1,235,814,400 parameters",
            "<div class=\"value\">2.0500</div>",
            "from 2.3000; perplexity 8.166",
            "<div class=\"value\">417</div>",
            "1:02:03",
            "1.23 PFLOP",
            "61.0 %",
            "2.00 GiB",
            "中華民國基於三民主義",
            "中華民國&lt;/script&gt;&lt;b&gt;",
            "1,499,000",
            "held out by val_size",
            "dropped: too long",
            "A &lt;fast&gt; processor",
            "runs/tw cpt",
            "cpt.yaml line 11");
    for (String chart :
        new String[] {
          "Training loss",
          "Loss on held-out data",
          "Training loss by source",
          "Learning rate",
          "Gradient norm, before clipping",
          "Tokens per second"
        }) {
      assertThat(page).contains("data-chart=\"" + chart + "\"");
    }
    assertThat(Pattern.compile("<path d=\"M[^\"]*\"").matcher(page).results().count())
        .isGreaterThanOrEqualTo(8);
    assertThat(page).doesNotContain("NaN", "undefined", "adam_epsilon", "max_samples");
  }

  @Test
  void aPartOfTheRunIsShownFromNearer() throws Exception {
    Chromium chromium = Chromium.require(scratch);
    assertThat(ticks(chromium.dom(url()))).contains(0, 40);
    assertThat(ticks(chromium.dom(url() + "#steps=10-20")))
        .contains(10, 20)
        .allMatch(t -> t >= 10 && t <= 20);
  }

  private static List<Integer> ticks(String dom) {
    return TICK.matcher(made(dom))
        .results()
        .map((MatchResult match) -> match.group(1))
        .map(Integer::valueOf)
        .distinct()
        .toList();
  }

  @Test
  void aRunThatGoesOnIsShownAsFarAsItHasCome() throws Exception {
    Chromium chromium = Chromium.require(scratch);
    Path log = directory.resolve("trainer_log.jsonl");
    Files.writeString(
        log, String.join("\n", Files.readAllLines(log).subList(0, 3)) + "\n{\"current_st");
    for (String file :
        new String[] {
          "all_results.json",
          "run.json",
          "samples.jsonl",
          "token_ledger.json",
          "training_config.yaml"
        }) {
      Files.delete(directory.resolve(file));
    }
    String dom = chromium.dom(url());
    assertThat(dom).contains("data-ready=\"true\"").doesNotContain("data-error");
    assertThat(made(dom)).contains(">at step 15 of 40</span>").doesNotContain("NaN", "undefined");
  }

  @Test
  void spikesAreMarkedOnTheCurvesAndListed() throws Exception {
    Chromium chromium = Chromium.require(scratch);
    assertThat(made(chromium.dom(url()))).doesNotContain("class=\"spike\"", ">Spikes<");

    Files.writeString(
        directory.resolve("trainer_log.jsonl"),
        """
        {"current_steps": 40, "total_steps": 40, "epoch": 0.3, "spike": "loss", "spike_step": 12, "spike_value": 9.5, "spike_mean": 2.25, "spike_z_score": 7.31, "spike_action": "warn"}
        {"current_steps": 40, "total_steps": 40, "epoch": 0.8, "spike": "gradient norm", "spike_step": 31, "spike_value": 44, "spike_mean": 0.7, "spike_z_score": 12.06, "spike_action": "skip"}
        """,
        StandardOpenOption.APPEND);
    String all = made(chromium.dom(url()));
    assertThat(marks(all, "Training loss")).containsExactly(SPIKES);
    assertThat(marks(all, "Gradient norm, before clipping")).containsExactly(SPIKES);
    assertThat(marks(all, "Learning rate")).isEmpty();
    assertThat(all.substring(all.indexOf("id=\"spikes\"")))
        .containsPattern(">12<.*>loss<.*>9\\.5.*>2\\.25.*>7\\.3<")
        .containsPattern(">31<.*>gradient norm<.*>44.*>0\\.7.*>12\\.1<.*left out");

    String near = made(chromium.dom(url() + "#steps=10-20"));
    assertThat(marks(near, "Training loss")).containsExactly(SPIKES[0]);
  }

  private static final String[] SPIKES = {
    "step 12: spike of the loss", "step 31: spike of the gradient norm"
  };

  /// What the marks in a chart say.
  private static List<String> marks(String page, String chart) {
    String after = page.substring(page.indexOf("data-chart=\"" + chart + "\""));
    String svg = after.substring(after.indexOf("<svg"), after.indexOf("</svg>"));
    return Pattern.compile("<line class=\"spike\"[^>]*><title>([^<]*)</title>")
        .matcher(svg)
        .results()
        .map(match -> match.group(1))
        .toList();
  }

  @Test
  void lightAndDarkAreDrawn() throws Exception {
    Chromium chromium = Chromium.require(scratch);
    assertThat(brightness(chromium.screenshot(url(), 1200, 900))).isGreaterThan(200);
    assertThat(brightness(chromium.screenshot(url() + "#dark", 1200, 900))).isBetween(1, 80);
  }

  /// The median of the green values.
  private static int brightness(Path picture) throws IOException {
    BufferedImage image = ImageIO.read(picture.toFile());
    int[] pixels =
        image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
    int[] green = Arrays.stream(pixels).map(rgb -> rgb >> 8 & 0xFF).sorted().toArray();
    return green[green.length / 2];
  }
}
