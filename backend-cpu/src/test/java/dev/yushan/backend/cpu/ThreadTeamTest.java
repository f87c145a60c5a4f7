package dev.yushan.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ThreadTeamTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void runsEveryTaskOnce(int threads) {
    try (ThreadTeam team = new ThreadTeam(threads)) {
      for (int round = 0; round < 500; round++) {
        int tasks = round % 23;
        AtomicIntegerArray runs = new AtomicIntegerArray(23);
        team.run(tasks, runs::incrementAndGet);
        for (int i = 0; i < 23; i++) {
          assertThat(runs.get(i)).isEqualTo(i < tasks ? 1 : 0);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 7, 1000, 1L << 40})
  void rangesCoverEverythingOnce(long length) {
    try (ThreadTeam team = new ThreadTeam(3)) {
      AtomicLong covered = new AtomicLong();
      AtomicLong ends = new AtomicLong();
      team.ranges(
          length,
          3,
          (from, to) -> {
            covered.addAndGet(to - from);
            ends.addAndGet(to);
            ends.addAndGet(-from);
          });
      assertThat(covered).hasValue(length);
      assertThat(ends).hasValue(length);
    }
  }

  @Test
  void wakesUpAfterAPause() throws InterruptedException {
    try (ThreadTeam team = new ThreadTeam(4)) {
      for (int round = 0; round < 5; round++) {
        Thread.sleep(5);
        AtomicLong sum = new AtomicLong();
        team.run(100, sum::addAndGet);
        assertThat(sum).hasValue(4950);
      }
    }
  }

  @Test
  void aFailureReachesTheCallerAndTheTeamGoesOn() {
    try (ThreadTeam team = new ThreadTeam(2)) {
      assertThatThrownBy(
              () ->
                  team.run(
                      10,
                      i -> {
                        if (i == 7) {
                          throw new IllegalStateException("task 7");
                        }
                      }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("task 7");
      AtomicLong sum = new AtomicLong();
      team.run(4, sum::addAndGet);
      assertThat(sum).hasValue(6);
    }
  }

  @Test
  void aCallInsideATaskRunsThere() {
    try (ThreadTeam team = new ThreadTeam(2)) {
      AtomicLong sum = new AtomicLong();
      team.run(4, i -> team.run(3, j -> sum.addAndGet(10 * i + j)));
      assertThat(sum).hasValue(3 * 60 + 4 * 3);
    }
  }
}
