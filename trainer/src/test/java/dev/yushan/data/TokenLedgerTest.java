package dev.yushan.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;

class TokenLedgerTest {
  private static final ReadCounts READ = new ReadCounts(13, 1, 2, 8, 2, 124, 8, 8, 40, 3);
  private static final SelectionCounts SELECTED = new SelectionCounts(2, 20, 1, 10, 0, 0, 0, 0);
  private static final ExcessCounts EXCESS = new ExcessCounts(1, 50, 2, 5, 60, 4, 40);
  private static final PackCounts PACKED =
      new PackCounts(Packing.BEST_FIT, 64, 2, 9, 100, 0, 9, 11, 80);

  @Test
  void addsUp() {
    TokenLedger ledger = new TokenLedger(READ, SELECTED, EXCESS, PACKED);
    assertThat(ledger.check()).isSameAs(ledger);
    assertThat(ledger.droppedDocumentShare()).isEqualTo(1 / 7.0);
    assertThat(ledger.droppedTokenShare()).isEqualTo(50 / 150.0);
  }

  @Test
  void aMissingTokenOrDocumentIsFound() {
    assertThatThrownBy(
            () ->
                new TokenLedger(
                        new ReadCounts(13, 1, 2, 8, 2, 123, 8, 8, 40, 3), SELECTED, EXCESS, PACKED)
                    .check())
        .hasMessageContaining(
            "tokens + repeated = not selected + dropped + split + kept, but 179 ≠ 180")
        .hasMessageContaining("EOS added");
    assertThatThrownBy(
            () ->
                new TokenLedger(
                        new ReadCounts(14, 1, 2, 8, 2, 124, 8, 8, 40, 3), SELECTED, EXCESS, PACKED)
                    .check())
        .hasMessageContaining("records read = bad + empty + documents");
    assertThatThrownBy(
            () ->
                new TokenLedger(READ, new SelectionCounts(2, 20, 0, 10, 0, 0, 0, 0), EXCESS, PACKED)
                    .check())
        .hasMessageContaining(
            "documents + repeated = not selected + dropped + split + kept, but 10 ≠ 9");
    assertThatThrownBy(
            () ->
                new TokenLedger(READ, SELECTED, new ExcessCounts(1, 50, 2, 5, 60, 5, 40), PACKED)
                    .check())
        .hasMessageContaining("documents + repeated = not selected + dropped + split + kept");
    assertThatThrownBy(
            () ->
                new TokenLedger(READ, SELECTED, new ExcessCounts(1, 50, 2, 6, 60, 4, 40), PACKED)
                    .check())
        .hasMessageContaining("documents packed = kept + pieces");
    assertThatThrownBy(
            () ->
                new TokenLedger(
                        READ,
                        SELECTED,
                        EXCESS,
                        new PackCounts(Packing.NONE, 64, 2, 9, 101, 0, 9, 11, 81))
                    .check())
        .hasMessageContaining("tokens packed = kept + split");
    assertThatThrownBy(
            () ->
                new TokenLedger(
                        READ,
                        SELECTED,
                        EXCESS,
                        new PackCounts(Packing.NONE, 64, 2, 9, 100, 0, 9, 11, 81))
                    .check())
        .hasMessageContaining("targets + last tokens + ignored labels");
  }

  @Test
  void isATableAndJson() {
    TokenLedger ledger = new TokenLedger(READ, SELECTED, EXCESS, PACKED);
    assertThat(ledger.toString())
        .contains("records read                              13\n")
        .contains("documents                                 10                 180\n")
        .contains("  beyond max_samples                       2                  20\n")
        .contains("  other part of val_size                   1                  10\n")
        .contains("packed (best_fit)")
        .contains("2 rows of up to 64 tokens, 78.13 % filled");
    JsonNode json = ledger.toJson();
    assertThat(json.at("/read/text_tokens").asLong()).isEqualTo(124);
    assertThat(json.at("/selected/other_tokens").asLong()).isEqualTo(10);
    assertThat(json.at("/excess/dropped_documents").asLong()).isEqualTo(1);
    assertThat(json.at("/packed/packing").asText()).isEqualTo("best_fit");
    assertThat(json.at("/packed/targets").asLong()).isEqualTo(80);
  }
}
