package dev.yushan.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class LanesTest {
  private static final Lanes.Place PLACE = new Lanes.Place(1, 2, 3, 4, 5, 6);

  private final Lanes lanes = new Lanes();

  private void tell() {
    lanes.told(PLACE);
  }

  private static void fail(String message) {
    throw new IllegalStateException(message);
  }

  @Test
  void nothingIsKnownBeforeAGraphHasTold() {
    assertThatThrownBy(lanes::place).hasMessage("no graph has told where lanes are");
    tell();
    assertThat(lanes.place()).isEqualTo(PLACE);
  }

  @Test
  void aFailureOfATaskIsThrownOnceAndKeepsThatOfItsGraph() {
    assertThatThrownBy(() -> lanes.during(this::tell, () -> fail("task"))).hasMessage("task");
    assertThatThrownBy(
            () ->
                lanes.during(
                    () -> {
                      tell();
                      fail("graph");
                    },
                    () -> fail("task")))
        .hasMessage("graph")
        .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1));
    lanes.during(this::tell, () -> {});
    tell();
  }
}
