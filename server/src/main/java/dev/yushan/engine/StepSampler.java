package dev.yushan.engine;

import dev.yushan.engine.Completion.Reason;
import dev.yushan.engine.Scheduler.Slice;
import dev.yushan.engine.Scheduler.Step;
import dev.yushan.generate.NoTokenLeftException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// What comes of a forward pass: scores of prompts, and a next token for each request that has all
/// of its tokens computed.
final class StepSampler {
  private final ModelRunner runner;
  private final Jobs jobs;
  private float[][] rows = {};
  private long modelNanos;
  private long tokens;

  StepSampler(ModelRunner runner, Jobs jobs) {
    this.runner = runner;
    this.jobs = jobs;
  }

  /// Nanoseconds that the model took for logits, from the start.
  long modelNanos() {
    return modelNanos;
  }

  /// Counts from the start again.
  void forget() {
    modelNanos = 0;
    tokens = 0;
  }

  /// Tokens that were chosen, from the start.
  long tokens() {
    return tokens;
  }

  /// Scores prompts and chooses tokens, after [ModelRunner#run] of the same step.
  void sample(Step step) {
    scorePrompts(step);
    List<Job> speaking = new ArrayList<>();
    int[] last = new int[step.slices().size()];
    int end = 0;
    for (Slice slice : step.slices()) {
      end += slice.count();
      Job job = jobs.of(slice.sequence());
      if (slice.isLast() && jobs.goesOn(job, () -> job.promptDone(System.nanoTime()))) {
        last[speaking.size()] = end - 1;
        speaking.add(job);
      }
    }
    if (!speaking.isEmpty()) {
      choose(speaking, Arrays.copyOf(last, speaking.size()));
    }
  }

  /// @param ids rows of the pass, one for each job
  private void choose(List<Job> speaking, int[] ids) {
    float[][] logits = logits(ids);
    Object[] chosen = new Object[ids.length];
    IntStream.range(0, ids.length)
        .parallel()
        .forEach(i -> chosen[i] = choose(speaking.get(i), logits[i]));
    for (int i = 0; i < ids.length; i++) {
      Job job = speaking.get(i);
      if (chosen[i] instanceof TokenScore token) {
        tokens++;
        jobs.goesOn(job, () -> job.add(token, System.nanoTime()));
      } else {
        RuntimeException failure = (RuntimeException) chosen[i];
        Reason reason = failure instanceof NoTokenLeftException ? Reason.UNMET : Reason.FAILED;
        jobs.end(job, reason, Optional.of(String.valueOf(failure.getMessage())));
      }
    }
  }

  private static Object choose(Job job, float[] logits) {
    try {
      return job.choose(logits);
    } catch (RuntimeException e) {
      return e; // whatever it is, it ends one request alone
    }
  }

  private void scorePrompts(Step step) {
    int at = 0;
    for (Slice slice : step.slices()) {
      Job job = jobs.of(slice.sequence());
      int end = Math.min(slice.from() + slice.count(), slice.sequence().promptLength() - 1);
      for (int from = slice.from();
          job.wantsPromptScores() && from < end;
          from += runner.maxRows()) {
        int rowsFrom = at + from - slice.from();
        int count = Math.min(runner.maxRows(), end - from);
        score(job, from, logits(IntStream.range(rowsFrom, rowsFrom + count).toArray()), count);
      }
      at += slice.count();
    }
  }

  private static void score(Job job, int from, float[][] logits, int count) {
    int[] tokens = job.sequence().tokens();
    int top = job.request().promptLogprobs().orElse(0);
    List<TokenScore> scores =
        IntStream.range(0, count)
            .parallel()
            .mapToObj(i -> TokenScore.of(logits[i], tokens[from + i + 1], top))
            .toList();
    scores.forEach(job::addPromptScore);
  }

  private float[][] logits(int[] ids) {
    long start = System.nanoTime();
    runner.head(ids);
    while (rows.length < ids.length) {
      float[] row = new float[runner.vocabSize()];
      rows = Arrays.copyOf(rows, rows.length + 1);
      rows[rows.length - 1] = row;
    }
    for (int i = 0; i < ids.length; i++) {
      runner.logits(i, rows[i]);
    }
    modelNanos += System.nanoTime() - start;
    return rows;
  }
}
