package dev.yushan.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.engine.Scheduler.Slice;
import dev.yushan.engine.Scheduler.Step;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The scheduler without a model: what a step would compute is noted page by page, so that a wrong
/// page is seen as if it were a wrong key.
class SchedulerTest {
  private static final int PAGE = 16;

  /// What the pages hold: of each slot the whole text up to its token, as a hash.
  private static final class Memory {
    private final long[] slots;

    Memory(int pages) {
      slots = new long[pages * PAGE];
    }

    void compute(Step step) {
      for (Scheduler.Copy copy : step.copies()) {
        System.arraycopy(slots, copy.from() * PAGE, slots, copy.to() * PAGE, PAGE);
      }
      for (Slice slice : step.slices()) {
        Sequence sequence = slice.sequence();
        for (int p = slice.from(); p < slice.from() + slice.count(); p++) {
          slots[slot(sequence, p)] = text(sequence.tokens(), p);
        }
      }
      // what attention would read
      for (Slice slice : step.slices()) {
        for (int p = 0; p < slice.from() + slice.count(); p++) {
          assertThat(slots[slot(slice.sequence(), p)])
              .isEqualTo(text(slice.sequence().tokens(), p));
        }
      }
    }

    private static int slot(Sequence sequence, int position) {
      return sequence.page(position / PAGE) * PAGE + position % PAGE;
    }

    private static long text(int[] tokens, int position) {
      long hash = 1;
      for (int i = 0; i <= position; i++) {
        hash = hash * 1_000_003 + tokens[i];
      }
      return hash;
    }
  }

  private static int[] tokens(int from, int count) {
    return IntStream.range(from, from + count).toArray();
  }

  private static Step run(Scheduler scheduler, Memory memory, int most, int prefill) {
    Step step = scheduler.next(most, prefill);
    memory.compute(step);
    scheduler.done(step);
    scheduler.check();
    return step;
  }

  @Test
  void generatedTokensComeBeforePromptsAndThoseInTheirOrder() {
    PagePool pool = new PagePool(100, true);
    Scheduler scheduler = new Scheduler(pool, 8);
    Memory memory = new Memory(100);
    Sequence first = new Sequence(tokens(0, 10), 0, 0, false);
    Sequence second = new Sequence(tokens(100, 50), 0, 1, false);
    Sequence urgent = new Sequence(tokens(200, 50), -1, 2, false);
    scheduler.add(first);
    assertThat(run(scheduler, memory, 64, 20).slices())
        .containsExactly(new Slice(first, 0, 10, true));
    first.add(7);
    scheduler.add(second);
    scheduler.add(urgent);
    assertThat(run(scheduler, memory, 64, 20).slices())
        .containsExactly(new Slice(first, 10, 1, true), new Slice(urgent, 0, 20, false));
    first.add(7);
    assertThat(run(scheduler, memory, 64, 40).slices())
        .containsExactly(
            new Slice(first, 11, 1, true),
            new Slice(urgent, 20, 30, true),
            new Slice(second, 0, 10, false));
  }

  @Test
  void whatBeginsAlikeIsNotComputedTwice() {
    PagePool pool = new PagePool(100, true);
    Scheduler scheduler = new Scheduler(pool, 8);
    Memory memory = new Memory(100);
    Sequence first = new Sequence(tokens(0, 40), 0, 0, false);
    Sequence same = new Sequence(tokens(0, 40), 0, 1, false);
    int[] other = tokens(0, 40);
    Arrays.fill(other, 35, 40, 9);
    Sequence alike = new Sequence(other, 0, 2, false);
    scheduler.add(first);
    scheduler.add(same);
    // the second waits for the pages that the first computes
    assertThat(run(scheduler, memory, 20, 20).slices()).hasSize(1);
    run(scheduler, memory, 20, 20);
    first.add(1);
    scheduler.add(alike);
    Step step = run(scheduler, memory, 64, 64);
    assertThat(step.slices())
        .containsExactly(
            new Slice(first, 40, 1, true),
            new Slice(same, 32, 8, true),
            new Slice(alike, 32, 8, true));
    scheduler.remove(first);
    scheduler.remove(same);
    scheduler.remove(alike);
    Sequence again = new Sequence(tokens(0, 49), 0, 3, false);
    Sequence longer = new Sequence(tokens(0, 49), 0, 4, false);
    scheduler.add(again);
    run(scheduler, memory, 64, 64);
    assertThat(again.cached()).isEqualTo(32);
    scheduler.remove(again);
    // of the page from 32 on, which is full now, all but the last token is copied
    int[] cut = Arrays.copyOf(tokens(0, 49), 48);
    Sequence whole = new Sequence(cut, 0, 5, false);
    scheduler.add(whole);
    step = run(scheduler, memory, 64, 64);
    assertThat(step.copies()).hasSize(1);
    assertThat(step.slices()).containsExactly(new Slice(whole, 47, 1, true));
    scheduler.add(longer);
    assertThat(run(scheduler, memory, 64, 64).slices()).contains(new Slice(longer, 48, 1, true));
  }

  @Test
  void aScoredPromptIsComputedWhole() {
    Scheduler scheduler = new Scheduler(new PagePool(20, true), 8);
    Memory memory = new Memory(20);
    scheduler.add(new Sequence(tokens(0, 40), 0, 0, false));
    run(scheduler, memory, 64, 64);
    Sequence scored = new Sequence(tokens(0, 40), 0, 1, true);
    scheduler.add(scored);
    assertThat(run(scheduler, memory, 64, 64).slices()).contains(new Slice(scored, 0, 40, true));
  }

  @Test
  void pagesAreTakenOnceAndGivenBackOnce() {
    PagePool pool = new PagePool(2, true);
    int page = pool.take();
    pool.take();
    assertThatThrownBy(pool::take).hasMessage("all 2 pages are held");
    pool.release(page);
    assertThatThrownBy(() -> pool.release(page)).hasMessageContaining("given back twice");
  }

  /// Thousands of steps over sequences that come, share beginnings, generate, make room and go at
  /// random: no page is lost, none holds what it should not, and every text ends.
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void nothingIsLostHoweverSequencesComeAndGo(boolean keep) {
    long seed = new Random().nextLong();
    System.out.println("SchedulerTest.nothingIsLost seed " + seed);
    Random random = new Random(seed);
    int pages = 24;
    PagePool pool = new PagePool(pages, keep);
    Scheduler scheduler = new Scheduler(pool, 6);
    Memory memory = new Memory(pages);
    Map<Sequence, Integer> limits = new HashMap<>();
    int arrivals = 0;
    int ended = 0;
    int cancelled = 0;
    for (int step = 0; step < 6000; step++) {
      if (arrivals < 1500 && random.nextInt(3) == 0) {
        Sequence sequence = arrival(random, arrivals++);
        limits.put(sequence, sequence.length() + 1 + random.nextInt(100));
        scheduler.add(sequence);
      }
      if (random.nextInt(40) == 0 && !limits.isEmpty()) {
        Sequence victim = new ArrayList<>(limits.keySet()).get(random.nextInt(limits.size()));
        scheduler.remove(victim);
        limits.remove(victim);
        cancelled++;
      }
      Step next = scheduler.next(8 + random.nextInt(60), 1 + random.nextInt(40));
      assertThat(next.slices().isEmpty()).isEqualTo(scheduler.isIdle());
      if (random.nextInt(200) == 0) {
        next.slices().forEach(slice -> limits.remove(slice.sequence()));
        cancelled += next.slices().size();
        scheduler.failed(next);
        scheduler.check();
        continue;
      }
      memory.compute(next);
      scheduler.done(next);
      for (Slice slice : next.slices()) {
        Sequence sequence = slice.sequence();
        if (slice.isLast()) {
          sequence.add(random.nextInt(3));
          if (sequence.length() >= limits.get(sequence)) {
            scheduler.remove(sequence);
            limits.remove(sequence);
            ended++;
          }
        }
      }
      scheduler.check();
    }
    assertThat(scheduler.preemptions()).as("seed %d", seed).isPositive();
    for (int step = 0; step < 100_000 && !scheduler.isIdle(); step++) {
      Step next = run(scheduler, memory, 64, 64);
      for (Slice slice : next.slices()) {
        if (slice.isLast() && limits.remove(slice.sequence()) != null) {
          scheduler.remove(slice.sequence());
          ended++;
        }
      }
    }
    assertThat(scheduler.isIdle()).isTrue();
    assertThat(ended + cancelled).isEqualTo(arrivals);
    assertThat(pool.available()).isEqualTo(pages);
    pool.clear();
    pool.check(new int[pages]);
  }

  /// Of few tokens, so that many begin alike.
  private static Sequence arrival(Random random, int number) {
    int[] prompt = new int[1 + random.nextInt(random.nextBoolean() ? 200 : 20)];
    int changes = random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      prompt[random.nextInt(prompt.length)] = random.nextInt(3);
    }
    List<Integer> priorities = List.of(0, 0, 0, 1, -1);
    int priority = priorities.get(random.nextInt(priorities.size()));
    return new Sequence(prompt, priority, number, random.nextInt(10) == 0);
  }
}
