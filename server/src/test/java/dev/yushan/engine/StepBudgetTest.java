package dev.yushan.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/// The budget on a machine on which a step of running texts takes `decode` and each token of a
/// prompt adds `token`.
class StepBudgetTest {
  private static final long DECODE = 40_000_000;

  private static int learned(StepBudget budget, long decode, long token) {
    for (int step = 0; step < 200; step++) {
      int prompt = step % 3 == 0 ? 0 : budget.tokens();
      budget.took(4, prompt, decode + prompt * token);
    }
    return budget.tokens();
  }

  @Test
  void aStepWithPromptsTakesAsMuchLongerAsItMay() {
    StepBudget budget = new StepBudget(512);
    long token = 600_000;
    int tokens = learned(budget, DECODE, token);
    double stretch = (DECODE + tokens * token) / (double) DECODE;
    assertThat(stretch).isBetween(StepBudget.STRETCH - 0.05, StepBudget.STRETCH);
  }

  @Test
  void itFollowsAMachineThatBecomesSlower() {
    StepBudget budget = new StepBudget(512);
    int before = learned(budget, DECODE, 600_000);
    int after = learned(budget, DECODE, 2_400_000);
    assertThat(after).isBetween(before / 4 - 2, before / 4 + 2);
  }

  @Test
  void itIsNeverNothingAndNeverMoreThanAPassTakes() {
    assertThat(learned(new StepBudget(512), 1_000, 600_000)).isEqualTo(8);
    assertThat(learned(new StepBudget(4), 1_000, 600_000)).isEqualTo(4);
    assertThat(learned(new StepBudget(512), DECODE, 1_000)).isEqualTo(512);
    assertThat(new StepBudget(512).tokens()).isEqualTo(32);
  }
}
