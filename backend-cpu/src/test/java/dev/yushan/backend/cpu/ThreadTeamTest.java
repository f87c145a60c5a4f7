package dev.yushan.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ThreadTeamTest {
  @ParameterizedTest
  @Timeout(60)
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

  /// All tasks wait until each has a thread: then no thread can take a second one, and each must
  /// have begun with its own.
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5})
  void eachThreadBeginsWithItsOwnShare(int threads) {
    try (ThreadTeam team = new ThreadTeam(threads)) {
      for (int round = 0; round < 50; round++) {
        CountDownLatch begun = new CountDownLatch(threads);
        String[] names = new String[threads];
        team.run(
            threads,
            i -> {
              names[i] = Thread.currentThread().getName();
              begun.countDown();
              awaited(begun);
            });
        String[] own =
            IntStream.range(0, threads)
                .mapToObj(i -> i == 0 ? Thread.currentThread().getName() : "yushan-cpu-" + i)
                .toArray(String[]::new);
        assertThat(names).isEqualTo(own);
      }
    }
  }

  /// The first task ends only when all others are done, its own share among them.
  @Test
  @Timeout(60)
  void whoIsDoneHelpsTheOthers() {
    try (ThreadTeam team = new ThreadTeam(2)) {
      CountDownLatch others = new CountDownLatch(9);
      AtomicLong sum = new AtomicLong();
      team.run(
          10,
          i -> {
            sum.addAndGet(i);
            if (i == 0) {
              awaited(others);
            } else {
              others.countDown();
            }
          });
      assertThat(sum).hasValue(45);
    }
  }

  private static void awaited(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest
  @CsvSource({"0,3", "1,3", "2,4", "23,5", "2147483647,64"})
  void sharesCoverAllTasks(int tasks, int threads) {
    assertThat(ThreadTeam.first(tasks, 0, threads)).isZero();
    assertThat(ThreadTeam.first(tasks, threads, threads)).isEqualTo(tasks);
    for (int thread = 0; thread < threads; thread++) {
      int share =
          ThreadTeam.first(tasks, thread + 1, threads) - ThreadTeam.first(tasks, thread, threads);
      assertThat(share).isBetween(tasks / threads, tasks / threads + 1);
    }
    // the caller is the one that is surely awake
    assertThat(ThreadTeam.first(tasks, 1, threads)).isEqualTo(Math.ceilDiv(tasks, threads));
  }

  /// Of seven tasks the first of each share wait for each other, so that each thread has begun with
  /// its own: where tasks are dealt, with the longest ones.
  @Test
  void longTasksAreDealtToAll() {
    try (ThreadTeam team = new ThreadTeam(3)) {
      assertThat(begunTogether(team, true)).containsExactly(0, 1, 2);
      assertThat(begunTogether(team, false)).containsExactly(0, 3, 5);
    }
  }

  /// The tasks that threads begin with, each of seven tasks being run once.
  private static List<Integer> begunTogether(ThreadTeam team, boolean dealt) {
    CountDownLatch begun = new CountDownLatch(team.threads());
    List<Integer> first = Collections.synchronizedList(new ArrayList<>());
    List<Integer> all = Collections.synchronizedList(new ArrayList<>());
    IntConsumer task =
        i -> {
          all.add(i);
          if (begun.getCount() > 0) {
            first.add(i);
            begun.countDown();
            awaited(begun);
          }
        };
    if (dealt) {
      team.deal(7, task);
    } else {
      team.run(7, task);
    }
    assertThat(all).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6);
    return first.stream().sorted().toList();
  }

  @Test
  @Timeout(60)
  void callsFromTwoThreadsDoNotMix() throws InterruptedException {
    try (ThreadTeam team = new ThreadTeam(2)) {
      AtomicLong sum = new AtomicLong();
      Runnable calls =
          () -> {
            for (int round = 0; round < 2000; round++) {
              team.run(7, sum::addAndGet);
            }
          };
      Thread other = new Thread(calls);
      other.start();
      calls.run();
      other.join();
      assertThat(sum).hasValue(2L * 2000 * 21);
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
