// The front door of @tessera/vqvae, safe for browsers. Saving and loading are behind `@tessera/vqvae/node`.

// Tokenizers
export { VQVAE } from './vqvae.ts';
export type { QuantizationError, VqvaeCreateOptions } from './vqvae.ts';
export { VideoVQVAE } from './video/video-vqvae.ts';
export { NearestTokenizer } from './nearest/nearest-tokenizer.ts';
export { isStreaming, isTrainable } from './tokenizer.ts';
export { isJoint } from './joint-training.ts';
export type { JointLesson, JointPartner, JointPass, JointTokenizer, JointTrainer } from './joint-training.ts';
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
export { placesOf } from './slots.ts';
export { checkFrames, checkTokens, toBytes, toUnit } from './frames.ts';

// Models for other runtimes
export { exportOnnx } from './onnx/export-onnx.ts';
export type { OnnxModels } from './onnx/export-onnx.ts';

// VAE
export { VAE } from './vae/vae.ts';
export type { VaeMetrics } from './vae/vae.ts';
export { vaeConfig, vaeSchema } from './vae/config.ts';
export type { VaeConfig, VaeOptions } from './vae/config.ts';
export { gaussianOf, reparametrise, standardNormalKl } from './vae/gaussian.ts';
export type { Gaussian } from './vae/gaussian.ts';
export { initVae, vaeForward } from './vae/model.ts';
export type { VaeForward, VaeParameters } from './vae/model.ts';
export { linearOracle } from './vae/linear-oracle.ts';
export type { LinearOracleOptions, LinearOracleResult } from './vae/linear-oracle.ts';
export { LinearVae, linearVaeOptimum } from './vae/linear-vae.ts';
export { activeUnits, klPerUnit, mutualInformation, unitActivity } from './vae/latent-statistics.ts';
export type { MutualInformation, Posteriors } from './vae/latent-statistics.ts';
export { drawLogit, mixtureHead } from './vae/mixture-head.ts';
export { SequencePrior } from './vae/sequence-prior.ts';
export type { SequenceHead, SequencePriorOptions } from './vae/sequence-prior.ts';

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
export { decodeTrunk, encodeTrunk, initTrunks } from './autoencoder.ts';
export type { DecoderTrunk, EncoderTrunk, TrunkConfig, TrunkWidths } from './autoencoder.ts';
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
export { CodeLife } from './code-life.ts';
export type { CodeLifeOptions } from './code-life.ts';
export { createQuantizer } from './quantizers/create-quantizer.ts';
export { fsqCodes } from './quantizers/fsq.ts';
export { gumbelChoice, klToUniform } from './quantizers/gumbel.ts';
export type { Choice } from './quantizers/gumbel.ts';
export { lfqCodes, lfqEntropies } from './quantizers/lfq.ts';
export type { Entropies, EntropyOptions } from './quantizers/lfq.ts';
export { quantizeAnyRank } from './quantizers/any-rank.ts';
export { passGradient } from './quantizers/gradient-estimators.ts';
export { codebookLoss, commitmentLoss } from './quantizers/losses.ts';
export { tokenCounts, tokenSums } from './quantizers/statistics.ts';
export type {
  Codebook,
  Quantization,
  QuantizationStatistics,
  QuantizeOptions,
  Quantizer,
  QuantizerState,
  TracedQuantizerState,
} from './quantizers/quantizer.ts';
export { drawProportional, kMeansPlusPlus, vectorsFarFromCodes } from './quantizers/seeding.ts';
export { anyVectors, lloydRound, startingCodes } from './quantizers/starting-codes.ts';
export type { StartingCodes } from './quantizers/starting-codes.ts';
export type { Vectors } from './quantizers/seeding.ts';

// Metrics
export { TokenizerEvaluator, evaluateTokenizer } from './evaluation.ts';
export type { RoundTrip, TokenizerEvaluation } from './evaluation.ts';
export { patchCounts } from './metrics/patches.ts';
export { reconstructionQuality } from './metrics/reconstruction.ts';
export type { ReconstructionQuality } from './metrics/reconstruction.ts';
export { batchCodeStatistics, datasetCodeStatistics } from './metrics/code-statistics.ts';
export type { BatchCodeStatistics, DatasetCodeStatistics } from './metrics/code-statistics.ts';
export { deltaPsnr, probeAccuracy } from './metrics/downstream.ts';
export type { ProbeAccuracy } from './metrics/downstream.ts';
export { frechetDistance, randomFeatures } from './metrics/frechet.ts';
export { foregroundPsnr } from './metrics/foreground.ts';
export { bitsPerDimension, gaussianNll, uniformCodeBound } from './metrics/likelihood.ts';
export { greyNoiseChurn } from './metrics/noise-churn.ts';
export { highFrequencyShare, laplacianVariance, radialSpectrum, sharpnessRatio } from './metrics/sharpness.ts';
export type { SharpnessRatio } from './metrics/sharpness.ts';
export { ssim } from './metrics/ssim.ts';
export { codeUsage, countCodes, tokenChurn, usageCeilings } from './usage.ts';
export type { CodeUsage } from './usage.ts';
