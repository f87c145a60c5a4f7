package dev.yushan.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BodyRoomTest {
  private static final long BYTES = 1 << 20;
  private static final long LARGE = 200_000;

  private final BodyRoom room = new BodyRoom(BYTES);

  @Test
  void smallBodiesFindRoomBesideLargeOnes() {
    int bodies = 0;
    while (room.grow(0, LARGE)) {
      bodies++;
    }
    assertThat(bodies).isBetween(2, (int) (BYTES / LARGE));
    assertThat(room.grow(0, 60_000)).isTrue();
  }

  @Test
  void whatIsRefusedTakesNothingAndWhatIsFreedIsThereAgain() {
    long half = BYTES / 2;
    assertThat(room.grow(0, half)).isTrue();
    assertThat(room.grow(half, BYTES)).isFalse();
    assertThat(room.grow(half, BYTES)).isFalse();
    room.free(half);
    assertThat(room.grow(0, half)).isTrue();
  }

  @Test
  void aBodyTakesWhatItIsLongHoweverItGrows() {
    long read = 0;
    for (long part : new long[] {1, 65_535, 1, 70_000}) {
      assertThat(room.grow(read, read + part)).isTrue();
      read += part;
    }
    room.free(read);
    int whole = 0;
    while (room.grow(0, 1 << 16)) {
      whole++;
    }
    assertThat(whole).isEqualTo((int) (BYTES / 2 >> 16));
  }
}
