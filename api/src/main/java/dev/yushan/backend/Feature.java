package dev.yushan.backend;

/// What a backend may leave out. It says so by [Backend#supports], and the conformance kit tests
/// both answers: what is claimed must work, what is not must be refused.
///
/// More may come without a new API version. So nobody claims all there is: a backend names the
/// features that it has, and those who wrap another one ask it.
public enum Feature {
  /// The ops named `…Backward`, `scatterAdd` and `adamW`.
  TRAINING,
  /// `pagedAttention` and `scatter`.
  PAGED_ATTENTION,
  /// F16 and BF16 tables and weights.
  HALF_WEIGHTS,
  /// Q8_0 and Q4_0 tables and weights.
  QUANTISED_WEIGHTS,
  /// Products of rows of Q8_0 with weights of Q4_0.
  QUANTISED_ROWS,
  /// Products whose bits do not depend on the rows and columns that are computed beside them. No
  /// op, so there is nothing to refuse.
  STABLE_PRODUCTS
}
