package dev.yushan.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task5;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/// The device code that ops are made of, and how many threads a group of each has. All take the
/// same arguments: parameters, then the three lanes of device memory.
enum Kernel {
  OWNER(RowKernels::kOwner, 64),
  ZERO_FLOATS(RowKernels::kZeroFloats, 256),
  ZERO_SHORTS(RowKernels::kZeroShorts, 256),
  ZERO_INTS(RowKernels::kZeroInts, 256),
  ZERO_TAIL(RowKernels::kZeroTail, 256),
  ADD(ElementKernels::kAdd, 256),
  SCALE(ElementKernels::kScale, 256),
  AXPBY(ElementKernels::kAxpby, 256),
  LERP(ElementKernels::kLerp, 256),
  SIGN(ElementKernels::kSign, 256),
  FILL(ElementKernels::kFill, 256),
  COPY_FLOATS(ElementKernels::kCopyFloats, 256),
  COPY_SHORTS(ElementKernels::kCopyShorts, 256),
  COPY_INTS(ElementKernels::kCopyInts, 256),
  UNPACK(ElementKernels::kUnpack, 256),
  PACK(ElementKernels::kPack, 256),
  QUANTISE_8(ElementKernels::kQuantise8, 64),
  QUANTISE_4(ElementKernels::kQuantise4, 64),
  ADAM_W(ElementKernels::kAdamW, 256),
  SWI_GLU(ElementKernels::kSwiGlu, 256),
  SWI_GLU_BACKWARD(ElementKernels::kSwiGluBackward, 256),
  ROPE(ElementKernels::kRope, 256),
  GATHER(RowKernels::kGather, 256),
  SCATTER(RowKernels::kScatter, 256),
  SCATTER_ADD(RowKernels::kScatterAdd, 64),
  RMS_NORM(NormKernels::kRmsNorm, NormKernels.GROUP),
  RMS_NORM_BACKWARD(NormKernels::kRmsNormBackward, NormKernels.GROUP),
  RMS_NORM_WEIGHT(NormKernels::kRmsNormWeight, NormKernels.GROUP),
  SQUARES(NormKernels::kSquares, NormKernels.GROUP),
  SUM_SQUARES(NormKernels::kSumSquares, NormKernels.GROUP),
  CROSS_ENTROPY(NormKernels::kCrossEntropy, NormKernels.GROUP),
  MATMUL(MatmulTiles::kMatmul, MatmulKernels.GROUP),
  SOME_ROWS(MatmulRows::kSomeRows, MatmulKernels.GROUP),
  FEW_ROWS(MatmulRows::kFewRows, MatmulKernels.GROUP),
  ATTENTION(AttentionKernels::kAttention, AttentionKernels.GROUP),
  ATTENTION_TILES(AttentionTiles::kAttentionTiles, AttentionTiles.GROUP),
  ATTENTION_GRADIENTS(AttentionGradients::kAttentionGradients, AttentionTiles.GROUP),
  CHAINS(LimitKernels::kChains, LimitKernels.GROUP),
  READ(LimitKernels::kRead, LimitKernels.GROUP),
  SPLIT(ElementKernels::kSplit, 256),
  /// No code of ours: a call of [CuBlas], where that is wanted.
  CUBLAS((c, p, f, h, w) -> {}, 1);

  /// The code of a kernel.
  interface Code extends Task5<KernelContext, IntArray, FloatArray, ShortArray, IntArray> {}

  final Code code;
  final int group;

  Kernel(Code code, int group) {
    this.code = code;
    this.group = group;
  }
}
