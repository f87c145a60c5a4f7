package dev.yushan.backend;

import dev.yushan.tensor.Tensor;

/// The op set: all arithmetic that training and serving do, each forward with its backward.
///
/// What holds for every op:
///
/// - Outputs are arguments. An op allocates nothing that outlives the call, keeps no state and does
///   not look at values on the host, so that a backend may queue it, record it and replay it.
/// - Every value that can change between replays is a tensor; a Java scalar is a constant of the
///   model.
/// - Matrices are row-major and contiguous, but may be column views (`ld`) where an op says so.
///   Shapes are written `[rows, columns]`.
/// - Rows past a tensor's live count ([Tensor#counted]) are neither read nor need to be written.
/// - An output overlaps an input only where the op says so.
/// - Gradients of parameters are added to what is there; gradients of activations replace it,
///   unless a `beta` says otherwise.
/// - Arithmetic is F32 whatever the storage type. NaN and infinity propagate.
/// - The bits of a result depend on the operands alone: not on threads, nor on the other rows.
///
/// Shapes, types, lifetimes and overlap are checked by [CheckedKernels], which stands in front of
/// every backend, so an implementation may rely on them.
///
/// Symbols: T tokens, S sequences, V vocabulary, H query heads, G key/value heads, D head
/// dimension, I intermediate size.
public interface Kernels {
  /// Whether an operand of [#matmul] is used as stored or transposed: BLAS's `N` and `T`.
  enum Op {
    N,
    T
  }

  // ---- rows by index ---------------------------------------------------------------------------

  /// `out[i] = table[ids[i]]`: the embedding, and any choice of rows.
  ///
  /// @param table `[V, columns]`, any real type, quantised ones included
  /// @param ids I32 `[T]`, each the number of a live row of `table`
  /// @param out F32 `[T, columns]`
  void gather(Tensor table, Tensor ids, Tensor out);

  /// `table[ids[i]] += rows[i]`, for equal ids in ascending `i`: the backward of [#gather].
  ///
  /// @param rows F32 `[T, columns]`
  /// @param ids I32 `[T]`
  /// @param table F32 `[V, columns]`
  void scatterAdd(Tensor rows, Tensor ids, Tensor table);

  /// `table[ids[i]] = rows[i]`, skipping negative ids: how keys and values enter their pages. The
  /// ids that are not negative are distinct.
  ///
  /// @param rows F32 `[T, columns]`, may be a column view
  /// @param ids I32 `[T]`
  /// @param table `[V, columns]`, F32, F16 or BF16
  void scatter(Tensor rows, Tensor ids, Tensor table);

  // ---- linear algebra --------------------------------------------------------------------------

  /// `c = alpha · op(a) · op(b) + beta · c`. With `beta` 0, `c` is not read.
  ///
  /// Every element is a sum of k-blocks of constant length, each one FMA chain in ascending k, so
  /// it does not depend on how many rows or columns are computed beside it.
  ///
  /// Where `a` and `b` are both quantised, `op(a) · op(b)` of a block of 32 is exact but for one
  /// rounding: a sum of integers times both scales.
  ///
  /// Where the scale of a block is no finite number, nor is any element of `c` that the block
  /// belongs to: infinite or NaN, as it comes from where the scale is multiplied. The others are
  /// what they would be.
  ///
  /// Live rows: those of `c` (and `a`) bound M; where `a` is transposed its live rows, which are
  /// `b`'s, bound K.
  ///
  /// @param a F32 `[M, K]`, or `[K, M]` with `opA` = T; may be a column view, as may `c`, and `b`
  ///   unless it is quantised. With `opA` = N and a `b` of Q4_0, also Q8_0
  ///   ([Feature#QUANTISED_ROWS])
  /// @param b `[K, N]`, or `[N, K]` with `opB` = T; F32, F16, BF16, or with `opB` = T quantised
  /// @param c F32 `[M, N]`
  void matmul(Op opA, Op opB, float alpha, Tensor a, Tensor b, float beta, Tensor c);

  // ---- the Llama block -------------------------------------------------------------------------

  /// Root mean square normalisation (Zhang and Sennrich 2019) of each row, or where a row is n
  /// heads of C elements, of each head by itself: `out = x · r · weight` with `r = 1/√(mean(x²) +
  /// eps)`.
  ///
  /// @param x F32 `[T, n · C]`, may be a column view
  /// @param weight F32 `[C]`, the same for all heads
  /// @param out like `x`, may be `x`
  /// @param inverseRms F32 `[T, n]`, or `[T]` where n is 1; takes `r` for the backward
  void rmsNorm(Tensor x, Tensor weight, float eps, Tensor out, Tensor inverseRms);

  /// Gradients of [#rmsNorm]: `dX = beta · dX + …`, `dWeight += …`.
  ///
  /// @param dOut like `x`
  /// @param dX like `x`, may be `dOut` where `beta` is 0
  void rmsNormBackward(
      Tensor dOut,
      Tensor x,
      Tensor weight,
      Tensor inverseRms,
      float beta,
      Tensor dX,
      Tensor dWeight);

  /// Rotary position embedding (Su et al. 2021) in Llama's half-split pairing: element `j` of a
  /// head turns with element `j + D/2`. `inverse` turns by −θ, which is the backward.
  ///
  /// @param x F32 `[T, heads · D]`, may be a column view
  /// @param positions I32 `[T]`, each below P
  /// @param cosSin F32 `[P, D]`: row p has D/2 cosines, then D/2 sines
  /// @param out like `x`, may be `x`
  void rope(Tensor x, Tensor positions, Tensor cosSin, boolean inverse, Tensor out);

  /// Causal attention within each sequence of a ragged batch, grouped-query, online softmax
  /// (Milakov and Gimelshein 2018; Dao et al. 2022): memory is linear in T.
  ///
  /// Keys are visited in blocks of constant length from the start of their sequence.
  ///
  /// @param sequences I32 `[S + 1]`, ascending: sequence `s` is the rows from `sequences[s]` to
  ///   `sequences[s + 1]`; empty ones are allowed
  /// @param out F32 `[T, H · D]`, may be a column view
  /// @param logSumExp F32 `[T, H]`, kept for the backward
  void attention(AttentionShape shape, Qkv in, Tensor sequences, Tensor out, Tensor logSumExp);

  /// Gradients of [#attention], from its output and log-sum-exp.
  ///
  /// @param dOut like `out`
  /// @param gradients like `in`
  void attentionBackward(
      AttentionShape shape,
      Tensor dOut,
      Qkv in,
      Tensor out,
      Tensor logSumExp,
      Tensor sequences,
      Qkv gradients);

  /// [#attention] whose keys and values lie in pages: a token at position p sees positions `0 … p`
  /// of its sequence. On F32 pages the bits equal those of the unpaged op.
  ///
  /// @param q F32 `[T, H · D]`, may be a column view
  /// @param sequences I32 `[S + 1]`, the rows of `q` of each sequence
  /// @param positions I32 `[T]`
  /// @param out F32 `[T, H · D]`, may be a column view
  void pagedAttention(
      AttentionShape shape,
      Tensor q,
      KvPages.Layer pages,
      Tensor sequences,
      Tensor positions,
      Tensor out);

  /// `out = gate · sigmoid(gate) · up` (Shazeer 2020).
  ///
  /// @param gate F32 `[T, I]`, may be a column view, as may `up` and `out`
  void swiGlu(Tensor gate, Tensor up, Tensor out);

  /// Gradients of [#swiGlu].
  ///
  /// @param dOut like `out`
  /// @param dGate like `gate`, as `dUp` like `up`
  void swiGluBackward(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp);

  /// `out = a + b`, all F32 of one shape; `out` may be `a` or `b`.
  void add(Tensor a, Tensor b, Tensor out);

  /// Log-softmax and negative log-likelihood of a few rows of logits, and their gradient in the
  /// same call: `logits` becomes `scale · (softmax(logits) − onehot(target))`.
  ///
  /// @param logits F32 `[R, V]`, in and out
  /// @param targets I32 `[R]`; −100 gives a loss and a gradient of zero
  /// @param scale F32 `[1]`: one over the number of targets of the optimizer step
  /// @param nll F32 `[R]`, natural log, not scaled
  void crossEntropy(Tensor logits, Tensor targets, Tensor scale, Tensor nll);

  // ---- element by element ----------------------------------------------------------------------

  /// `out[0] = Σ x²`, in one fixed order.
  ///
  /// @param x F32, any shape
  /// @param out F32 `[1]`
  void squaredNorm(Tensor x, Tensor out);

  /// `x = factor[0] · x`.
  void scale(Tensor x, Tensor factor);

  /// `y = ab[0] · x + ab[1] · y`, with `ab` F32 `[2]`.
  void axpby(Tensor ab, Tensor x, Tensor y);

  /// `out = a + weight · (b − a)`; `out` may be `a` or `b`.
  void lerp(Tensor a, Tensor b, float weight, Tensor out);

  /// `out = signum(x)`, zero for zero; `out` may be `x`.
  void sign(Tensor x, Tensor out);

  /// Every element of F32 `x` becomes `value`.
  void fill(Tensor x, float value);

  /// Copies between tensors of one shape, converting between real types: rounding to nearest even,
  /// or quantising in blocks by the GGUF rules.
  void copy(Tensor source, Tensor target);

  /// One AdamW step (Loshchilov and Hutter 2019) as PyTorch takes it, in one pass: `p -=
  /// lr·weightDecay·p`, `m += (1−β₁)(g−m)`, `v = β₂v + (1−β₂)g²`, `p -= lr/c₁ · m / (√v/√c₂ +
  /// eps)`, where g is the gradient times `step[3]`.
  ///
  /// @param parameter F32, as `gradient`, `m` and `v` of the same number of elements
  /// @param step F32 `[4]`: lr, c₁ = 1−β₁ᵗ, c₂ = 1−β₂ᵗ, gradient scale (the clip coefficient)
  void adamW(
      AdamWConstants constants, Tensor step, Tensor parameter, Tensor gradient, Tensor m, Tensor v);

  /// What stays the same through a run of [#adamW]. Doubles, since 1−β₂ is taken from the decimal
  /// number: with β₂ = 0.999 rounded to F32 first it would be off by 1.3e-5 of itself.
  record AdamWConstants(double beta1, double beta2, double eps, double weightDecay) {}
}
