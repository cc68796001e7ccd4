// The front door of @tessera/engine, safe for browsers. TensorFlow is behind `@tessera/engine/node`.

// Engines, states, programs
export { checkBackendChoice, checkPrecision, createEngine } from './create-engine.ts';
export type { Precision } from './tensorflow/graph-context.ts';
export type { BackendChoice, EngineOptions } from './create-engine.ts';
export { Engine } from './engine.ts';
export type { BackendName } from './engine.ts';
export { Program } from './program.ts';
export type { InputSpecs, ProgramInputs, ProgramOutputs } from './program.ts';
export { BatchedProgram } from './batched-program.ts';
export { State } from './state.ts';
export { read } from './execute/eager.ts';
export { Tensor, f32, i32 } from './record/tensor.ts';
export type { Spec, TensorDType } from './record/tensor.ts';
export { flatten } from './record/tree.ts';
export type { NamedArrays, Traced } from './record/tree.ts';

// Gradients and changes of state
export { gradients } from './record/gradients.ts';
export { adamUpdate, assign, assignSlice } from './effects.ts';
export type { AdamUpdate } from './effects.ts';
export { stopGradient, straightThrough } from './ops/stop-gradient.ts';

// Ops
export { add, div, equal, greater, greaterEqual, less, maximum, minimum, mul, sub } from './ops/arithmetic.ts';
export { elu, gelu, relu } from './ops/activations.ts';
export { constant, fill, zeros } from './ops/constant.ts';
export { checkFinite } from './ops/check-finite.ts';
export { conv2d, conv2dTranspose } from './ops/conv.ts';
export type { ConvOptions } from './ops/conv.ts';
export { gather, segmentSum, toFloat } from './ops/gather.ts';
export { layerNorm } from './ops/layer-norm.ts';
export { biasAdd, matMul } from './ops/matmul.ts';
export type { MatMulOptions } from './ops/matmul.ts';
export { nearestCode } from './ops/nearest-code.ts';
export { argMax, max, mean, sum } from './ops/reduce.ts';
export type { ReduceOptions } from './ops/reduce.ts';
export { attention, causalAttention } from './ops/attention.ts';
export type { AttentionOptions } from './ops/attention.ts';
export { categorical } from './ops/categorical.ts';
export { decodeAttention } from './ops/decode-attention.ts';
export { randomUniform } from './ops/random-uniform.ts';
export { broadcastTo, concat, pad, reshape, slice, split, transpose } from './ops/shape.ts';
export { logSoftmax, softmax, softmaxCrossEntropy } from './ops/softmax.ts';
export { where } from './ops/where.ts';
export { toInt } from './ops/to-int.ts';
export { abs, exp, log, neg, rsqrt, sigmoid, sign, softplus, sqrt, square, tanh } from './ops/unary.ts';
