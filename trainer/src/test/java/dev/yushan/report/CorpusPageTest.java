package dev.yushan.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusPageTest {
  @TempDir Path directory;
  @TempDir Path scratch;

  private final ObjectNode report = TestCorpus.report(List.of("laws", "valid", "news"));

  /// What the scripts of a page made of it, in a browser.
  private String drawn(String page) throws IOException, InterruptedException {
    Path file = Files.writeString(directory.resolve("report.html"), page);
    String dom = Chromium.require(scratch).dom(file.toUri().toString());
    assertThat(dom).contains("data-ready=\"true\"").doesNotContain("data-error=", "data-broken=");
    String drawn = dom.substring(dom.indexOf("<main"), dom.indexOf("</main>"));
    assertThat(drawn).doesNotContain("NaN", "undefined", "[object", "Infinity");
    return drawn;
  }

  /// The first element with this attribute, up to the next one like it.
  private static String part(String drawn, String attribute) {
    int start = drawn.indexOf(attribute);
    assertThat(start).as(attribute).isNotNegative();
    String name = attribute.replaceFirst("=.*", "=");
    int next = drawn.indexOf(name, start + attribute.length());
    return drawn.substring(start, next < 0 ? drawn.length() : next);
  }

  @Test
  void nothingIsLoadedFromElsewhereAndTextsStayTexts() {
    String page = CorpusPage.page(report);
    assertThat(page)
        .contains("default-src 'none'")
        .doesNotContainPattern("@import|url\\(http|fetch\\(|XMLHttpRequest")
        .doesNotContain("{{", "<img");
    assertThat(page.split("</script>", -1)).hasSize(3);
  }

  @Test
  void thePageDependsOnTheCorpusAlone() {
    ObjectNode elsewhere = report.deepCopy();
    elsewhere.withObject("config").put("output_dir", "/other").put("threads", 1);
    assertThat(CorpusPage.page(elsewhere)).isEqualTo(CorpusPage.page(report));
    assertThat(report.at("/config/threads").asInt()).isEqualTo(7);
  }

  @Test
  void personalDataThatWasRedactedIsNotInThePage() throws Exception {
    assertThat(CorpusPage.page(report)).doesNotContain("0912345678").contains("電話[電話]。");
    assertThat(drawn(CorpusPage.page(report))).contains("電話[電話]。");
  }

  @Test
  void theNumbersAreThere() throws Exception {
    String drawn = drawn(CorpusPage.page(report));
    assertThat(drawn).contains(">Corpus: laws, valid, news</h1>");
    assertThat(part(drawn, "data-tile=\"Documents\"")).contains("30,000 → 21,003", "30 K → 21 K");
    assertThat(part(drawn, "data-tile=\"Cutoff\"")).contains("1,100", "longer ones: drop");
    assertThat(part(drawn, "data-tile=\"A pass of training\"")).contains("3,333,333 tokens");
    assertThat(part(drawn, "data-source=\"laws\"")).contains("trained on", "1,666,667", "50.0 %");
    assertThat(part(drawn, "data-source=\"valid\"")).contains("held out").doesNotContain("%");
    assertThat(part(drawn, "data-reason=\"near_duplicate\""))
        .contains("near duplicate", "2,997", "897,000", "10.0 %", "laws 999, valid 999, news 999");
    assertThat(part(drawn, "data-script=\"laws\"")).contains("9,000", "1,000", ">321<");
    assertThat(part(drawn, "data-note=\"phone\"")).contains("3,639", "redact");
    assertThat(part(drawn, "data-cluster="))
        .contains("5 documents", "0.813", "exact", "and 2 more");
    assertThat(drawn).contains("stage format", "/models/llama3").doesNotContain("output_dir");
  }

  @Test
  void aReasonIsNotBrokenLetterByLetterOnANarrowPage() throws Exception {
    String measure =
        """
        <style>main { max-width: 476px }</style><script>
        document.querySelectorAll('[data-reason] code').forEach(code =>
          { code.dataset.lines = code.getClientRects().length; });
        </script></body>\
        """;
    assertThat(drawn(CorpusPage.page(report).replace("</body>", measure)))
        .contains("data-lines=\"1\"")
        .doesNotContainPattern("data-lines=\"([02-9]|\\d\\d)");
  }

  @Test
  void aShareThatIsSmallIsNotNothing() throws Exception {
    ObjectNode gone = (ObjectNode) report.at("/sources/0/steps/4/removed/near_duplicate");
    report.at("/sources").forEach(s -> ((ObjectNode) s.at("/steps/4/removed")).removeAll());
    ((ObjectNode) report.at("/sources/0/steps/4/removed")).set("near_duplicate", gone);
    gone.put("documents", 1);
    assertThat(part(drawn(CorpusPage.page(report)), "data-reason=\"near_duplicate\""))
        .contains("&lt; 0.1 %")
        .doesNotContain("0.0 %");
  }

  @Test
  void theCutoffDividesTheHistogram() throws Exception {
    String laws = part(drawn(CorpusPage.page(report)), "data-lengths=\"laws\"");
    assertThat(laws)
        .contains("8,001 documents", "1,000 longer than the cutoff (12.5 %)", ">cutoff 1,100<");
    assertThat(laws).contains("1,024 to 1,217 tokens: 501 documents");
    Matcher bars = Pattern.compile("<rect class=\"(\\w+)\"[^>]*data-bin=\"(\\d+)\"").matcher(laws);
    assertThat(bars.results().map(bar -> bar.group(1) + " " + bar.group(2)))
        .containsExactly("kept 30", "kept 39", "kept 40", "long 40", "long 45");
  }

  @Test
  void theFunnelIsSwitched() throws Exception {
    String page = CorpusPage.page(report);
    String documents = part(drawn(page), "data-funnel=\"laws\"");
    assertThat(documents).contains("7,001 of 10,000 documents, 70.0 %", "9,876 changed");
    assertThat(part(documents, "data-step=\"dedup\"")).contains("8,001", "− 999 near duplicate");
    String characters = part(drawn(pressed(page, "characters")), "data-funnel=\"laws\"");
    assertThat(characters).contains("1,234,567 of 2,000,000 characters", "+ 321 by changes");
    assertThat(part(characters, "data-step=\"dedup\"")).contains("− 299,000 near duplicate");
    String tokens = drawn(pressed(page, "tokens"));
    assertThat(part(part(tokens, "data-funnel=\"\""), "data-step=\"script\""))
        .contains("2,700,000", "− 300,000 simplified");
    assertThat(tokens).contains("<button data-unit=\"tokens\" aria-pressed=\"true\">");
  }

  /// With a script that clicks on a switch once the page is there.
  private static String pressed(String page, String unit) {
    String click = "document.querySelector('[data-unit=%s]').click()".formatted(unit);
    return page.replace("</body>", "<script>" + click + "</script></body>");
  }

  @Test
  void changesAreMarkedAndWhatCannotBeSeenIsShown() throws Exception {
    String drawn = drawn(CorpusPage.page(report));
    String text =
        part(drawn, "data-change=\"format\"").replace("<wbr>", "").replaceAll("</?span[^>]*>", "");
    assertThat(text)
        .contains(
            "他用<ins>·</ins>Java<ins>·</ins>寫<del>U+200B</del>的<del>U+3000×2</del>程式<del>⇥</del>")
        .contains("條文&lt;/script&gt;&lt;script&gt;")
        .contains("&lt;img·src=x·onerror=");
    assertThat(part(drawn, "data-removed=\"simplified\"")).contains("&lt;b&gt;detail&lt;/b&gt;");
    assertThat(part(drawn, "data-cluster=")).contains("<ins>乙</ins>");
  }

  @Test
  void ofOneSourceNothingIsSummedUpAndOfThirtyNothingIsOpen() throws Exception {
    String one = drawn(CorpusPage.page(TestCorpus.report(List.of("laws"))));
    assertThat(one).contains("data-funnel=\"laws\" open").doesNotContain("All sources");
    List<String> names = IntStream.range(0, 30).mapToObj("source-%02d"::formatted).toList();
    String thirty = drawn(CorpusPage.page(TestCorpus.report(names)));
    assertThat(thirty)
        .contains(
            "A corpus of 30 sources", "All sources", "data-lengths=\"source-29\"", ">26 more<")
        .doesNotContainPattern("data-funnel=\"source-\\d+\" open");
  }

  @Test
  void whatThereIsNothingOfIsLeftOut() throws Exception {
    ObjectNode bare = TestCorpus.report(List.of("laws"));
    bare.remove("duplicates");
    ObjectNode source = (ObjectNode) bare.at("/sources/0");
    source.putObject("lengths");
    for (var step : source.path("steps")) {
      ((ObjectNode) step).put("changed", 0).putObject("removed");
      ((ObjectNode) step).putObject("notes");
    }
    String drawn = drawn(CorpusPage.page(bare));
    assertThat(drawn).contains("id=\"funnel\"", "id=\"config\"");
    for (String section :
        List.of(
            "reasons", "lengths", "script", "counted-pii", "changed", "removed", "duplicates")) {
      assertThat(drawn).doesNotContain("id=\"" + section + "\"");
    }
  }
}
