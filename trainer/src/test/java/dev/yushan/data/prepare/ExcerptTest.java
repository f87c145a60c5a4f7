package dev.yushan.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/// Examples that a report shows.
class ExcerptTest {
  @Test
  void personalDataIsBlackenedAndNothingElse() {
    CorpusRecord document =
        new CorpusRecord("web", "1", "王先生A123456789,電話0912-345-678,2024年,第12條,a@example.com。");
    String black = "王先生●●●●●●●●●●,電話●●●●-●●●-●●●,2024年,第12條,●@●●●●●●●.●●●。";
    assertThat(Excerpt.of(document).path("text").asText()).isEqualTo(black);
    assertThat(Excerpt.ofRemoved(document, "電話0912-345-678").toString())
        .contains(black, "電話●●●●-●●●-●●●")
        .doesNotContain("A123456789", "0912", "example");
    assertThat(Excerpt.ofChange(document, document.text() + "完").toString())
        .doesNotContain("A123456789", "0912", "example");
  }

  /// One that is cut by the end of the excerpt too.
  @Test
  void dataAtTheEdgeIsBlackened() {
    for (int before = 140; before < 165; before++) {
      CorpusRecord document = new CorpusRecord("web", "1", "山".repeat(before) + " 0912-345-678 完");
      assertThat(Excerpt.of(document).path("text").asText()).doesNotContainPattern("\\d");
    }
  }
}
