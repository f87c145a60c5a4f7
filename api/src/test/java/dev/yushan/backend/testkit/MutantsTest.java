package dev.yushan.backend.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.yushan.backend.Backend;
import dev.yushan.backend.Kernels;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// The kit is tested by backends that are wrong: the checks of the op must find each of them.
class MutantsTest {
  @TestFactory
  Stream<DynamicTest> isFound() {
    return Mutants.all().stream()
        .map(mutant -> DynamicTest.dynamicTest(mutant.toString(), () -> find(mutant)));
  }

  private static void find(Mutant mutant) {
    for (Check check : Check.of(mutant.op())) {
      try (Backend backend = mutant.of(ReferenceBackend.float32());
          Trial trial = new Trial(backend, 1950)) {
        check.body().accept(trial);
      } catch (AssertionError found) {
        return;
      }
    }
    fail("no check finds %s", mutant);
  }

  @Test
  void everyOpHasChecksAndAtLeastFourMutants() {
    for (Method op : Kernels.class.getMethods()) {
      String name = op.getName();
      assertThat(Check.of(name)).as("checks of %s", name).isNotEmpty();
      assertThat(Mutants.all().stream().filter(m -> m.op().equals(name)).count())
          .as("mutants of %s", name)
          .isGreaterThanOrEqualTo(4);
    }
    assertThat(Mutants.all().stream().map(Mutant::op).distinct())
        .allMatch(
            op -> Arrays.stream(Kernels.class.getMethods()).anyMatch(m -> m.getName().equals(op)));
  }
}
