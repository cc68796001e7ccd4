// The exports of the kernel module; ../src/wasm/kernels.ts gives them types and options.
export { batchMatMul, gemmScratchBytes } from './gemm';
export {
  exp,
  log,
  tanh,
  sigmoid,
  erf,
  gelu,
  softplus,
  sqrt,
  rsqrt,
  relu,
  elu,
  reluGrad,
  tanhGrad,
  sigmoidGrad,
  eluGrad,
  geluGrad,
  softplusGrad,
  scale,
  addScaled,
} from './elementwise';
export {
  greater,
  greaterEqual,
  less,
  lessEqual,
  equal,
  notEqual,
  equalInt,
  notEqualInt,
  select,
  bytesToFloat,
} from './compare';
export { sum, sumOfSquares, squaredDifferenceSum, dot, maximum } from './reduce';
export {
  softmax,
  softmaxGrad,
  logSoftmax,
  logSoftmaxGrad,
  softmaxCrossEntropy,
  softmaxCrossEntropyGrad,
  rowSum,
  rowMean,
  rowMax,
  biasAdd,
  colSum,
} from './rows';
export { layerNorm, layerNormGrad } from './layer-norm';
export { im2col, col2im, fillZero } from './conv';
export { gatherRows, scatterAddRows } from './indexing';
export { nearestCode, nearestCodeScratchBytes, firstNonFinite } from './nearest';
export { transposeStrided, copyStrided } from './transpose';
export { adam } from './optimiser';
export { decodeAttention } from './decode';
export { uniform } from './random';
