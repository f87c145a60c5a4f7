package dev.yushan.autograd;

/// What a block of a model keeps of its forward pass until its backward pass. What it does not keep
/// is computed again when the gradient comes back, with the same bits.
public enum Keep {
  /// The results of products and of attention; norms and activation functions, which cost little,
  /// are computed again (selective activation checkpointing, Korthikanti et al. 2022).
  PRODUCTS,

  /// The same, rounded to BF16: half the memory. Queries, keys and values are rounded before
  /// attention reads them, everything else once the block has run.
  PRODUCTS_BF16,

  /// The input of the block alone (Chen et al. 2016): one more forward for memory that hardly grows
  /// with depth.
  INPUTS
}
