package dev.yushan.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/// Decides what the next forward pass computes. It counts tokens and pages, and knows neither
/// tensors nor time.
///
/// Sequences that generate come first, one token each; then prompts in their order, as much of them
/// as the budget allows; then new ones. First come, first served within a priority. When pages run
/// out, the sequence that is last in this order gives all of its back, and is computed again later:
/// what is still in the tree it finds.
final class Scheduler {
  private static final Comparator<Sequence> ORDER = (a, b) -> a == b ? 0 : a.isBefore(b) ? -1 : 1;

  /// Some tokens of a sequence.
  ///
  /// @param from the first of them
  /// @param isLast whether nothing is left of it afterwards, so that the next token can be chosen
  record Slice(Sequence sequence, int from, int count, boolean isLast) {}

  /// A page whose content goes to another before anything is computed.
  record Copy(int from, int to) {}

  /// A forward pass.
  record Step(List<Slice> slices, List<Copy> copies) {
    int tokens() {
      return slices.stream().mapToInt(Slice::count).sum();
    }

    /// Sequences that generate.
    int decodes() {
      return (int)
          slices.stream()
              .filter(
                  slice -> slice.count() == 1 && slice.from() >= slice.sequence().promptLength())
              .count();
    }
  }

  private final PagePool pool;
  private final int maxSequences;
  private final TreeSet<Sequence> running = new TreeSet<>(ORDER);
  private final TreeSet<Sequence> waiting = new TreeSet<>(ORDER);
  private long preemptions;

  Scheduler(PagePool pool, int maxSequences) {
    this.pool = pool;
    this.maxSequences = maxSequences;
  }

  void add(Sequence sequence) {
    waiting.add(sequence);
  }

  /// Takes a sequence out, wherever it is.
  void remove(Sequence sequence) {
    if (running.remove(sequence)) {
      sequence.release(pool);
    } else {
      waiting.remove(sequence);
    }
  }

  boolean isIdle() {
    return running.isEmpty() && waiting.isEmpty();
  }

  int running() {
    return running.size();
  }

  int waiting() {
    return waiting.size();
  }

  /// Sequences that generate.
  int decoding() {
    return (int) running.stream().filter(Scheduler::isDecoding).count();
  }

  /// Sequences whose prompts are being computed, or could be.
  int prompts() {
    return running.size() - decoding() + Math.min(waiting.size(), maxSequences - running.size());
  }

  long preemptions() {
    return preemptions;
  }

  private static boolean isDecoding(Sequence sequence) {
    return sequence.left() == 1 && sequence.length() > sequence.promptLength();
  }

  /// The next forward pass, for which the pages are taken. After it [#done] is called.
  ///
  /// @param most tokens of it, at least as many as there may be sequences
  /// @param prefill tokens of it that may be of prompts, if there are others
  Step next(int most, int prefill) {
    List<Slice> slices = new ArrayList<>();
    long preempted = preemptions;
    int left = most;
    for (Sequence sequence : List.copyOf(running)) {
      if (isDecoding(sequence) && running.contains(sequence)) {
        left -= slice(sequence, 1, slices);
      }
    }
    int prompts = Math.min(left, slices.isEmpty() ? most : prefill);
    for (Sequence sequence : List.copyOf(running)) {
      if (prompts > 0 && !isDecoding(sequence) && running.contains(sequence)) {
        prompts -= slice(sequence, prompts, slices);
      }
    }
    // who had to make room is not let in by the same step
    List<Copy> copies = preemptions > preempted ? List.of() : admit(prompts, slices);
    return new Step(slices, copies);
  }

  private List<Copy> admit(int prompts, List<Slice> slices) {
    List<Copy> copies = new ArrayList<>();
    int left = prompts;
    for (Sequence sequence : List.copyOf(waiting)) {
      if (left == 0 || running.size() == maxSequences) {
        break;
      }
      int found = sequence.found(pool);
      if (running.stream().anyMatch(other -> isComputing(other, sequence, found))) {
        continue; // soon the tree has it
      }
      if (!hasRoom(sequence)) {
        break;
      }
      waiting.remove(sequence);
      running.add(sequence);
      int source = sequence.begin(pool);
      if (source >= 0) {
        copies.add(new Copy(source, sequence.pages().getLast()));
      }
      left -= slice(sequence, left, slices);
    }
    return copies;
  }

  /// Whether `other` is about to compute more pages of `sequence` than were found.
  private boolean isComputing(Sequence other, Sequence sequence, int found) {
    int common = pool.keepsPages() ? sequence.commonPages(other) : 0;
    return common > found && other.computed() < common;
  }

  /// Whether all of a sequence can be computed, with a page left for each that runs.
  private boolean hasRoom(Sequence sequence) {
    return running.isEmpty() || pool.available() >= sequence.pagesWanted(pool) + running.size();
  }

  /// Adds up to `most` tokens of a sequence to the pass.
  ///
  /// @return how many; 0 if it had to give up its own pages
  private int slice(Sequence sequence, int most, List<Slice> slices) {
    int count = Math.min(most, sequence.left());
    int pages = sequence.pagesFor(count);
    while (pool.available() < pages) {
      Sequence last = running.last();
      preempt(last, slices);
      if (last == sequence) {
        return 0;
      }
    }
    sequence.take(pool, pages);
    slices.add(new Slice(sequence, sequence.computed(), count, count == sequence.left()));
    return count;
  }

  private void preempt(Sequence sequence, List<Slice> slices) {
    preemptions++;
    slices.removeIf(slice -> slice.sequence() == sequence);
    running.remove(sequence);
    sequence.release(pool);
    sequence.preempted();
    waiting.add(sequence);
  }

  /// Notes that a pass was computed.
  void done(Step step) {
    step.copies().forEach(copy -> pool.release(copy.from()));
    step.slices().forEach(slice -> slice.sequence().advance(pool, slice.count()));
  }

  /// Notes that a pass failed: what it was of is taken out.
  void failed(Step step) {
    step.copies().forEach(copy -> pool.release(copy.from()));
    step.slices().forEach(slice -> remove(slice.sequence()));
  }

  /// Whether the books are in order, for tests.
  void check() {
    int[] held = new int[pool.pages()];
    running.forEach(sequence -> sequence.pages().forEach(page -> held[page]++));
    waiting.forEach(sequence -> sequence.pages().forEach(page -> held[page]++));
    pool.check(held);
  }
}
