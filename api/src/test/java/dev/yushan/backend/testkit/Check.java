package dev.yushan.backend.testkit;

import dev.yushan.backend.Feature;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// One thing that must hold for an op, as a unit that the conformance tests run on a backend and
/// the mutant test on wrong ones.
///
/// @param op the method of `Kernels`
/// @param name what must hold
/// @param needs what the backend may lack, in which case the check does not apply
/// @param body throws [AssertionError] where it does not hold
public record Check(String op, String name, Optional<Feature> needs, Consumer<Trial> body) {
  static Check of(String op, String name, Consumer<Trial> body) {
    return new Check(op, name, Optional.empty(), body);
  }

  static Check of(String op, String name, Feature needs, Consumer<Trial> body) {
    return new Check(op, name, Optional.of(needs), body);
  }

  /// All checks.
  public static List<Check> all() {
    return Stream.of(
            MatmulChecks.all(),
            FrozenChecks.all(),
            RowChecks.all(),
            BlockChecks.all(),
            AttentionChecks.all(),
            PagedAttentionChecks.all(),
            LossChecks.all(),
            ElementChecks.all())
        .flatMap(List::stream)
        .toList();
  }

  /// The checks of one op.
  public static List<Check> of(String op) {
    return all().stream().filter(check -> check.op.equals(op)).toList();
  }

  @Override
  public String toString() {
    return op + ": " + name;
  }
}
