package dev.yushan.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;

class TokenLedgerTest {
  private static final ReadCounts READ = new ReadCounts(10, 1, 2, 5, 2, 100, 5, 5, 40, 3);
  private static final ExcessCounts EXCESS = new ExcessCounts(1, 50, 2, 5, 60, 4, 40);
  private static final PackCounts PACKED =
      new PackCounts(Packing.BEST_FIT, 64, 2, 9, 100, 0, 9, 11, 80);

  @Test
  void addsUp() {
    TokenLedger ledger = new TokenLedger(READ, EXCESS, PACKED);
    assertThat(ledger.check()).isSameAs(ledger);
    assertThat(ledger.droppedDocumentShare()).isEqualTo(1 / 7.0);
    assertThat(ledger.droppedTokenShare()).isEqualTo(50 / 150.0);
  }

  @Test
  void aMissingTokenOrDocumentIsFound() {
    assertThatThrownBy(
            () ->
                new TokenLedger(new ReadCounts(10, 1, 2, 5, 2, 99, 5, 5, 40, 3), EXCESS, PACKED)
                    .check())
        .hasMessageContaining("tokens = dropped + split + kept, but 149 ≠ 150")
        .hasMessageContaining("EOS added");
    assertThatThrownBy(
            () ->
                new TokenLedger(new ReadCounts(11, 1, 2, 5, 2, 100, 5, 5, 40, 3), EXCESS, PACKED)
                    .check())
        .hasMessageContaining("records read = bad + empty + documents");
    assertThatThrownBy(
            () -> new TokenLedger(READ, new ExcessCounts(1, 50, 2, 5, 60, 5, 40), PACKED).check())
        .hasMessageContaining("documents = dropped + split + kept");
    assertThatThrownBy(
            () -> new TokenLedger(READ, new ExcessCounts(1, 50, 2, 6, 60, 4, 40), PACKED).check())
        .hasMessageContaining("documents packed = kept + pieces");
    assertThatThrownBy(
            () ->
                new TokenLedger(
                        READ, EXCESS, new PackCounts(Packing.NONE, 64, 2, 9, 101, 0, 9, 11, 81))
                    .check())
        .hasMessageContaining("tokens packed = kept + split");
    assertThatThrownBy(
            () ->
                new TokenLedger(
                        READ, EXCESS, new PackCounts(Packing.NONE, 64, 2, 9, 100, 0, 9, 11, 81))
                    .check())
        .hasMessageContaining("targets + last tokens + ignored labels");
  }

  @Test
  void isATableAndJson() {
    TokenLedger ledger = new TokenLedger(READ, EXCESS, PACKED);
    assertThat(ledger.toString())
        .contains("records read                              10\n")
        .contains("documents                                  7                 150\n")
        .contains("packed (best_fit)")
        .contains("2 rows of up to 64 tokens, 78.13 % filled");
    JsonNode json = ledger.toJson();
    assertThat(json.at("/read/text_tokens").asLong()).isEqualTo(100);
    assertThat(json.at("/excess/dropped_documents").asLong()).isEqualTo(1);
    assertThat(json.at("/packed/packing").asText()).isEqualTo("best_fit");
    assertThat(json.at("/packed/targets").asLong()).isEqualTo(80);
  }
}
