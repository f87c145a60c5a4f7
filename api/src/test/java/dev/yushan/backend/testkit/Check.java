package dev.yushan.backend.testkit;

import dev.yushan.backend.Backend;
import dev.yushan.backend.Feature;
import dev.yushan.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// One thing that must hold for an op, as a unit that the conformance tests run on a backend and
/// the mutant test on wrong ones.
///
/// @param op the method of `Kernels`
/// @param name what must hold
/// @param needs what the backend may lack any of, in which case it must refuse
/// @param body throws [AssertionError] where it does not hold
public record Check(String op, String name, List<Feature> needs, Consumer<Trial> body) {
  static Check of(String op, String name, Consumer<Trial> body) {
    return new Check(op, name, List.of(), body);
  }

  static Check of(String op, String name, Feature needs, Consumer<Trial> body) {
    return new Check(op, name, List.of(needs), body);
  }

  /// The same check of elements of a type.
  Check with(DType dtype) {
    List<Feature> all = new ArrayList<>(needs);
    switch (dtype) {
      case F16, BF16 -> all.add(Feature.HALF_WEIGHTS);
      case Q8_0, Q4_0 -> all.add(Feature.QUANTISED_WEIGHTS);
      case F32, I32 -> {}
    }
    return new Check(op, name, List.copyOf(all), body);
  }

  /// Whether a backend says that it can do what is checked.
  boolean isFor(Backend backend) {
    return needs.stream().allMatch(backend::supports);
  }

  /// All checks.
  public static List<Check> all() {
    return Stream.of(
            MatmulChecks.all(),
            FrozenChecks.all(),
            QuantisedChecks.all(),
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
