package dev.yushan.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

/// The budget on a machine on which a pass takes `base` and as much again for each token.
class StepBudgetTest {
  private static final long BASE = 40_000_000;
  private static final long TOKEN = 600_000;

  /// What it is after many passes of `texts`, with prompts beside them in two of three.
  private static int learned(StepBudget budget, int texts, long base, long token) {
    for (int step = 0; step < 200; step++) {
      int tokens = texts + (step % 3 == 0 ? 0 : budget.tokens(texts, 1));
      budget.took(tokens, base + tokens * token);
    }
    return budget.tokens(texts, 1);
  }

  private static double stretch(int texts, int prompt) {
    return (BASE + (texts + prompt) * TOKEN) / (double) (BASE + texts * TOKEN);
  }

  @Test
  void aStepWithPromptsTakesAsMuchLongerAsItMay() {
    int tokens = learned(new StepBudget(512), 4, BASE, TOKEN);
    assertThat(stretch(4, tokens)).isBetween(StepBudget.STRETCH - 0.05, StepBudget.STRETCH);
  }

  /// Passes without prompts need not come again before it knows how long they would take now.
  @Test
  void whatItLearnedOfFewTextsHoldsForMany() {
    StepBudget budget = new StepBudget(512);
    learned(budget, 1, BASE, TOKEN);
    assertThat(stretch(30, budget.tokens(30, 1)))
        .isBetween(StepBudget.STRETCH - 0.05, StepBudget.STRETCH);
  }

  @Test
  void fewTextsDoNotHoldUpManyPrompts() {
    StepBudget budget = new StepBudget(4096);
    learned(budget, 4, BASE, TOKEN);
    assertThat(budget.tokens(4, 4)).isEqualTo(budget.tokens(4, 1));
    for (int step = 0; step < 10; step++) {
      int tokens = 4 + budget.tokens(4, 12);
      budget.took(tokens, BASE + tokens * TOKEN);
    }
    assertThat(stretch(4, budget.tokens(4, 12)))
        .isBetween(3 * StepBudget.STRETCH - 0.05, 3 * StepBudget.STRETCH);
  }

  @Test
  void itFollowsAMachineThatBecomesSlower() {
    StepBudget budget = new StepBudget(512);
    int before = learned(budget, 4, BASE, TOKEN);
    int after = learned(budget, 4, BASE, 4 * TOKEN);
    assertThat(stretch(4, before)).isGreaterThan(StepBudget.STRETCH - 0.1);
    double alone = BASE + 4 * 4 * TOKEN;
    assertThat((alone + after * 4 * TOKEN) / alone)
        .isBetween(StepBudget.STRETCH - 0.1, StepBudget.STRETCH);
  }

  /// Texts alone, pass after pass, do not make it forget what a token of a prompt takes.
  @Test
  void itRemembersThroughPassesOfOneSize() {
    StepBudget budget = new StepBudget(512);
    int before = learned(budget, 4, BASE, 4 * TOKEN);
    for (int step = 0; step < 10_000; step++) {
      budget.took(4, BASE + 16 * TOKEN + (step % 2 == 0 ? 1_000_000 : -1_000_000));
    }
    assertThat(budget.tokens(4, 1)).isBetween(before - 2, before + 2);
  }

  /// Texts that end one after the other, on a machine that is busy with other things too.
  @Test
  void noiseDoesNotMakePromptsCheap() {
    long seed = new Random().nextLong();
    System.out.println("StepBudgetTest.noiseDoesNotMakePromptsCheap seed " + seed);
    Random random = new Random(seed);
    StepBudget budget = new StepBudget(512);
    int before = learned(budget, 8, BASE, TOKEN);
    for (int step = 0; step < 200; step++) {
      int texts = 8 - step % 5;
      budget.took(texts, BASE + texts * TOKEN + random.nextInt(10_000_000));
    }
    assertThat(budget.tokens(8, 1)).isLessThan(3 * before);
  }

  /// Who comes, or goes, waits for the end of a pass.
  @Test
  void aPassOfPromptsAloneTakesNoLongerThanTwoSeconds() {
    StepBudget budget = new StepBudget(4096);
    assertThat(budget.most()).isEqualTo(4096);
    learned(budget, 4, BASE, 10 * TOKEN);
    assertThat(BASE + budget.most() * 10L * TOKEN)
        .isBetween(StepBudget.LONGEST * 95 / 100, StepBudget.LONGEST);
    learned(budget, 4, BASE, 1000 * TOKEN);
    assertThat(budget.most()).isEqualTo(64);
  }

  @Test
  void itGrowsStepByStep() {
    StepBudget budget = new StepBudget(4096);
    learned(budget, 4, BASE, 1_000);
    for (int step = 0; step < 100; step++) {
      budget.took(4, BASE);
    }
    assertThat(budget.tokens(4, 1)).isEqualTo(64);
    budget.took(68, BASE);
    assertThat(budget.tokens(4, 1)).isEqualTo(136);
  }

  @Test
  void itIsNeverNothingAndNeverMoreThanAPassTakes() {
    assertThat(learned(new StepBudget(512), 1, 1_000, TOKEN)).isEqualTo(8);
    assertThat(learned(new StepBudget(4), 1, 1_000, TOKEN)).isEqualTo(4);
    assertThat(learned(new StepBudget(512), 4, BASE, 1_000)).isEqualTo(512);
    assertThat(new StepBudget(512).tokens(1, 1)).isEqualTo(32);
  }
}
