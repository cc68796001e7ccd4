// The front door of @tessera/nn: parameters are nested records of arrays, layers plain functions of them.

// Starting values
export { glorotUniform, heNormal, lecunNormal, normal, ones, orthogonal, uniform, zeros } from './initialisers.ts';
export type { FanIn } from './initialisers.ts';

// Layers
export {
  conv,
  convTranspose,
  dense,
  embedding,
  initConv,
  initConvTranspose,
  initDense,
  initEmbedding,
} from './linear.ts';
export type { ConvSizes, Linear, LinearSizes } from './linear.ts';
export { initStackConv, stackConv } from './stack-conv.ts';
export type { StackView } from './stack-conv.ts';
export { causalConv3d, causalConv3dTranspose, initCausalConv3d, initCausalConv3dTranspose } from './causal-conv3d.ts';
export type { Conv3dSizes, Conv3dStrides } from './causal-conv3d.ts';
export { maxPool } from './max-pool.ts';
export { upsample } from './upsample.ts';
export { causalMask, initMaskedConv, maskedConv } from './masked-conv.ts';
export type { CausalMask } from './masked-conv.ts';
export { groupNorm, initNorm, norm } from './norms.ts';
export type { Norm } from './norms.ts';
export { attention, block, initAttention, initBlock } from './transformer.ts';
export type { Attention, AttentionOptions, Block, BlockOptions } from './transformer.ts';

export { initLstm, lstmStep } from './lstm.ts';
export type { Lstm, LstmState } from './lstm.ts';

export { dropout, randomKey } from './dropout.ts';
export { randomNormal } from './random-normal.ts';

export { cachedAttention, initCache, prefixAttention, writeCache } from './key-value-cache.ts';
export type { CachePlace, CacheSizes, FreshTokens, KeyValueCache } from './key-value-cache.ts';

// Generation, token by token
export { causalLogits, initCausalTransformer, nextBlocks, nextLogits, prefixBlocks } from './causal-transformer.ts';
export type { CausalTransformer, CausalTransformerConfig, FreshLayers } from './causal-transformer.ts';
export { TokenGenerator } from './token-generator.ts';
export type { GenerateOptions } from './token-generator.ts';

// Training
export { adamStep, adamStepOfGroups, globalNorm, initAdam } from './adam.ts';
export type { AdamGroup, AdamOptions, AdamState } from './adam.ts';
export { learningRateAt } from './schedules.ts';
export type { ScheduleOptions } from './schedules.ts';
