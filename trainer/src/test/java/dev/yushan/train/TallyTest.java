package dev.yushan.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.backend.Traffic;
import dev.yushan.data.Document;
import dev.yushan.data.MicroBatch;
import dev.yushan.model.TokenBatch;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TallyTest {
  private static final Path LAWS = Path.of("laws.jsonl");
  private static final Path NEWS = Path.of("news.jsonl");
  private static final SourceNames SOURCES =
      new SourceNames(List.of("laws", "news"), Map.of(LAWS, "laws", NEWS, "news"));
  private static final int NONE = TokenBatch.NO_TARGET;

  private static Document document(Path file, int length) {
    return new Document(file, "line 1", 0, length);
  }

  private static MicroBatch batch(int[] starts, int[] targets, Document... documents) {
    int[] zeros = new int[targets.length];
    return new MicroBatch(
        new int[] {0}, new TokenBatch.Rows(zeros, zeros, starts, targets), List.of(documents));
  }

  private static StepReport step(long number, long tokens, double seconds) {
    return new StepReport(number, 1, 1e-3, 1, tokens, Optional.empty(), seconds, Traffic.NONE);
  }

  @Test
  void aLossForEachSource() {
    Tally tally = new Tally(SOURCES);
    tally.computed(
        batch(
            new int[] {0, 3, 5},
            new int[] {1, 1, NONE, 1, NONE},
            document(LAWS, 3),
            document(NEWS, 2)),
        new float[] {1, 2, 0, 8, 0});
    tally.computed(
        batch(new int[] {0, 2}, new int[] {1, NONE}, document(LAWS, 2)), new float[] {6, 0});
    tally.stepped(step(1, 7, 1), Progress.START);
    ObjectNode logged = tally.takeLogged();
    assertThat(logged.get("loss_laws").asDouble()).isEqualTo(3);
    assertThat(logged.get("loss_news").asDouble()).isEqualTo(8);
    assertThat(tally.pairs()).isEqualTo(6 + 3 + 3);
    assertThat(tally.takeLogged().has("loss_laws")).isFalse();
  }

  /// In a block of a stream the first token of a document is predicted from the one before it.
  @Test
  void aTargetBelongsToItsOwnDocument() {
    Tally tally = new Tally(SOURCES);
    tally.computed(
        batch(new int[] {0, 5}, new int[] {1, 1, 1, 1, NONE}, document(LAWS, 2), document(NEWS, 3)),
        new float[] {1, 10, 20, 30, 0});
    tally.stepped(step(1, 5, 1), Progress.START);
    ObjectNode logged = tally.takeLogged();
    assertThat(logged.get("loss_laws").asDouble()).isEqualTo(1);
    assertThat(logged.get("loss_news").asDouble()).isEqualTo(20);
  }

  @Test
  void targetsThatLabelsTakeOutCountForNothing() {
    Tally tally = new Tally(SOURCES);
    tally.computed(
        batch(new int[] {0, 3}, new int[] {NONE, 1, NONE}, document(NEWS, 3)),
        new float[] {0, 4, 0});
    tally.stepped(step(1, 3, 1), Progress.START);
    ObjectNode logged = tally.takeLogged();
    assertThat(logged.get("loss_news").asDouble()).isEqualTo(4);
    assertThat(logged.has("loss_laws")).isFalse();
  }

  @Test
  void theSpeedIsThatOfTheSteps() {
    Tally tally = new Tally(SOURCES);
    tally.stepped(step(1, 100, 0.5), Progress.START);
    tally.stepped(step(2, 300, 1.5), Progress.START);
    assertThat(tally.takeLogged().get("tokens_per_second").asDouble()).isEqualTo(200);
    tally.stepped(step(3, 50, 1), Progress.START);
    assertThat(tally.takeLogged().get("tokens_per_second").asDouble()).isEqualTo(50);
    assertThat(tally.stepSeconds()).isEqualTo(3);
  }

  /// The run that goes on computes it again.
  @Test
  void aStepThatWasNotTakenCountsForNothing() {
    Tally tally = new Tally(SOURCES);
    tally.computed(
        batch(new int[] {0, 2}, new int[] {1, NONE}, document(LAWS, 2)), new float[] {6, 0});
    assertThat(tally.toJson()).isEqualTo(new Tally(SOURCES).toJson());
  }

  @Test
  void aResumedTallyGoesOn() {
    Tally tally = new Tally(SOURCES);
    tally.computed(
        batch(new int[] {0, 2}, new int[] {1, NONE}, document(LAWS, 2)), new float[] {6, 0});
    tally.stepped(step(1, 2, 0.25), Progress.START);
    JsonNode saved = tally.toJson();
    Tally resumed = new Tally(SOURCES);
    resumed.resume(saved);
    assertThat(resumed.toJson()).isEqualTo(saved);
    assertThat(resumed.takeLogged()).isEqualTo(tally.takeLogged());
  }
}
