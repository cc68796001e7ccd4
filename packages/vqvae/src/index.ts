// The front door of @tessera/vqvae, safe for browsers. Saving and loading are behind `@tessera/vqvae/node`.

// Tokenizers
export { VQVAE } from './vqvae.ts';
export type { QuantizationError, VqvaeCreateOptions } from './vqvae.ts';
export { VideoVQVAE } from './video/video-vqvae.ts';
export { NearestTokenizer } from './nearest/nearest-tokenizer.ts';
export { isStreaming, isTrainable } from './tokenizer.ts';
export type {
  DifferentiableTokenizer,
  StreamingTokenizer,
  Tokenizer,
  TokenizerMetrics,
  TokenizerSpec,
  TrainStepOptions,
  TrainableTokenizer,
} from './tokenizer.ts';
export { createTokenizer, tokenizerChoiceSchema } from './create-tokenizer.ts';
export type { BuiltInTokenizer, TokenizerChoice, TokenizerChoiceOptions } from './create-tokenizer.ts';
export { codeTable } from './code-table.ts';
export { checkFrames, checkTokens, toBytes, toUnit } from './frames.ts';

// Settings
export { checkSettings } from './check-settings.ts';
export { strideCount, vqvaeConfig, vqvaeSchema } from './config.ts';
export { videoVqvaeConfig, videoVqvaeSchema } from './video/config.ts';
export type { VideoVqvaeConfig, VideoVqvaeOptions } from './video/config.ts';
export { videoVqvaePresets, vqvaePresets } from './presets.ts';
export type { VideoVqvaePreset, VqvaePreset } from './presets.ts';
export { nearestConfig, nearestSchema } from './nearest/config.ts';
export type { NearestConfig, NearestOptions } from './nearest/config.ts';
export type { QuantizerConfig, ReconstructionConfig, VqganConfig, VqvaeConfig, VqvaeOptions } from './config.ts';

// The model as plain functions
export { decodeCodes, encodeFrames, initAutoencoder } from './networks/networks.ts';
export type { AutoencoderConfig, Decoder, Encoder } from './networks/networks.ts';
export { forward, initVqvae, reconstructionLoss, toFrames } from './model.ts';
export type { Forward, TokenizerLosses, VqvaeParameters } from './model.ts';

// Priors over tokens
export { createPrior } from './priors/create-prior.ts';
export { priorSchema } from './priors/config.ts';
export type { PixelcnnConfig, PriorConfig, PriorOptions, TransformerConfig } from './priors/config.ts';
export type {
  Conditions,
  Likelihood,
  LikelihoodOptions,
  Prior,
  PriorMetrics,
  PriorSpec,
  SampleOptions,
} from './priors/prior.ts';

// Quantizers
export { createQuantizer } from './quantizers/create-quantizer.ts';
export { codebookLoss, commitmentLoss } from './quantizers/losses.ts';
export type { Quantization, Quantizer, QuantizerState, TracedQuantizerState } from './quantizers/quantizer.ts';
export { drawProportional, kMeansPlusPlus, vectorsFarFromCodes } from './quantizers/seeding.ts';
export type { Vectors } from './quantizers/seeding.ts';

// Metrics
export { evaluateTokenizer, patchCounts, reconstructionQuality } from './evaluation.ts';
export type { ReconstructionQuality, TokenizerEvaluation } from './evaluation.ts';
export { codeUsage, countCodes, tokenChurn, usageCeilings } from './usage.ts';
export type { CodeUsage } from './usage.ts';
