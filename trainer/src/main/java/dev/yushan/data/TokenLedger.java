package dev.yushan.data;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;

/// Where every document and every token went, from the files to the targets of the loss.
///
/// Each part is counted where it happens, not derived from the others; [#check] compares them.
public record TokenLedger(
    ReadCounts read, SelectionCounts selected, ExcessCounts excess, PackCounts packed) {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  /// Throws unless everything adds up to the document and the token.
  ///
  /// @return this ledger
  public TokenLedger check() {
    equal(
        "records read = bad + empty + documents",
        read.records(),
        read.bad() + read.empty() + read.documents());
    equal(
        "documents + repeated = not selected + dropped + split + kept",
        read.documents() + selected.repeatedDocuments(),
        selected.documents()
            + excess.droppedDocuments()
            + excess.splitDocuments()
            + excess.keptDocuments());
    equal(
        "tokens + repeated = not selected + dropped + split + kept",
        read.tokens() + selected.repeatedTokens(),
        selected.tokens() + excess.droppedTokens() + excess.splitTokens() + excess.keptTokens());
    equal("documents packed = kept + pieces", packed.documents(), excess.outDocuments());
    equal(
        "tokens packed = kept + split",
        packed.tokens() - packed.paddingTokens(),
        excess.outTokens());
    equal(
        "tokens packed = targets + last tokens + ignored labels",
        packed.tokens(),
        packed.targets() + packed.lastTokens() + packed.ignoredLabels());
    return this;
  }

  private void equal(String rule, long left, long right) {
    if (left != right) {
      throw new IllegalStateException(
          "the token ledger does not add up: %s, but %d ≠ %d: a defect, please report it with%n%s"
              .formatted(rule, left, right, this));
    }
  }

  /// The same as a JSON object with keys `read`, `selected`, `excess`, `packed` and names in snake
  /// case.
  public ObjectNode toJson() {
    ObjectNode json = MAPPER.valueToTree(this);
    ((ObjectNode) json.get("packed")).put("packing", Choice.word(packed.packing()));
    return json;
  }

  /// The share of selected documents that the length limit left out, in 0 … 1.
  public double droppedDocumentShare() {
    return share(
        excess.droppedDocuments(),
        read.documents() + selected.repeatedDocuments() - selected.documents());
  }

  /// The share of their tokens that the length limit left out, in 0 … 1.
  public double droppedTokenShare() {
    return share(
        excess.droppedTokens(), read.tokens() + selected.repeatedTokens() - selected.tokens());
  }

  private static double share(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }

  /// A table for people: a line a fate, documents and tokens in columns.
  @Override
  public String toString() {
    StringBuilder table = new StringBuilder();
    line(table, "", "documents", "tokens");
    line(table, "records read", read.records(), -1);
    line(table, "  bad", read.bad(), -1);
    line(table, "  empty", read.empty(), -1);
    line(table, "  texts", read.texts(), read.textTokens());
    line(table, "    BOS added", -1, read.bosTokens());
    line(table, "    EOS added", -1, read.eosTokens());
    line(table, "  input_ids", read.given(), read.givenTokens());
    line(table, "documents", read.documents(), read.tokens());
    line(table, "  beyond max_samples", selected.beyondDocuments(), selected.beyondTokens());
    line(table, "  other part of val_size", selected.otherDocuments(), selected.otherTokens());
    if (selected.undrawnDocuments() > 0 || selected.repeatedDocuments() > 0) {
      line(table, "  not drawn (epochs)", selected.undrawnDocuments(), selected.undrawnTokens());
      line(table, "  repeated (epochs)", selected.repeatedDocuments(), selected.repeatedTokens());
    }
    line(table, "  dropped: too long", excess.droppedDocuments(), excess.droppedTokens());
    line(table, "  split: too long", excess.splitDocuments(), excess.splitTokens());
    line(table, "    into pieces", excess.splitPieces(), -1);
    line(table, "  kept whole", excess.keptDocuments(), excess.keptTokens());
    line(
        table,
        "packed (" + Choice.word(packed.packing()) + ")",
        packed.documents(),
        packed.tokens());
    line(table, "  padding", -1, packed.paddingTokens());
    line(table, "  last, nothing to predict", -1, packed.lastTokens());
    line(table, "  labels of -100", -1, packed.ignoredLabels());
    line(table, "  targets", -1, packed.targets());
    double filled =
        packed.sequenceLen() == 0 || packed.packing() == Packing.NONE
            ? 1
            : share(packed.tokens(), packed.rows() * packed.sequenceLen());
    table.append(
        String.format(
            Locale.ROOT,
            "%,d rows of up to %,d tokens, %.2f %% filled; too long: %.2f %% of documents, %.2f %%"
                + " of tokens dropped; special-token text: %,d places",
            packed.rows(),
            packed.sequenceLen(),
            100 * filled,
            100 * droppedDocumentShare(),
            100 * droppedTokenShare(),
            read.specialTexts()));
    return table.toString();
  }

  private static void line(StringBuilder table, String what, long documents, long tokens) {
    line(table, what, number(documents), number(tokens));
  }

  private static String number(long n) {
    return n < 0 ? "" : String.format(Locale.ROOT, "%,d", n);
  }

  private static void line(StringBuilder table, String what, String documents, String tokens) {
    String line = String.format(Locale.ROOT, "%-28s%16s%20s", what, documents, tokens);
    table.append(line.stripTrailing()).append('\n');
  }
}
