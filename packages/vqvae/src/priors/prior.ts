// What a distribution over a tokenizer's tokens can do: learn, tell how likely tokens are, and draw new ones. With a prior over its codes a VQ-VAE is a generative
// model (van den Oord et al. 2017, arXiv 1711.00937, section 3.3).
import type { Generator, NdArray } from '@tessera/core';
import type { NamedArrays } from '@tessera/engine';
import type { TokenizerSpec, TrainStepOptions } from '../tokenizer.ts';
import type { PriorConfig } from './config.ts';

/** What a prior is about: a tokenizer's `spec` says it. */
export type PriorSpec = Pick<TokenizerSpec, 'tokenShape' | 'vocabulary'>;

/** What tokens are conditioned on. */
export interface Conditions {
  /** A class for each row, int32 [B] in [0, classes); to be given if and only if the prior has classes. */
  readonly labels?: NdArray;
}

/** What one training step reports, of the parameters before it. */
export interface PriorMetrics {
  /** Nats per token: what training lowers. */
  readonly loss: number;
  /** Global norm of the gradients before clipping. */
  readonly gradientNorm: number;
}

/** How likely tokens are. */
export interface Likelihood {
  /** `-ln p` of each row, in nats, the sum over its tokens. */
  readonly rows: Float64Array;
  /** The mean over all tokens, in nats. */
  readonly natsPerToken: number;
  /** The mean of `rows` over `dimensions ln 2`. */
  readonly bitsPerDimension: number;
}

/** How tokens are weighed. */
export interface LikelihoodOptions extends Conditions {
  /** Numbers that a row of tokens stands for, those of a frame, H * W * C, for instance; default its tokens. */
  readonly dimensions?: number;
}

/** How tokens are drawn. */
export interface SampleOptions extends Conditions {
  /** Logits are divided by it; default 1, the model's own distribution. Small ones draw the likeliest token. */
  readonly temperature?: number;
}

/** A learned distribution over tokens, int32 [B, ...tokenShape]: `p(z) = prod_i p(z_i | z_1 ... z_(i-1))` in row-major order. */
export interface Prior {
  readonly config: PriorConfig;
  readonly spec: PriorSpec;
  /**
   * One update by Adam towards the likelihood of a batch.
   *
   * Throws ShapeError, DTypeError or ConfigError for tokens and labels that do not fit, NonFiniteError when the loss is no number; the state is then as before.
   */
  trainStep(tokens: NdArray, options?: Conditions & TrainStepOptions): PriorMetrics;
  /** Throws as `trainStep`, and ConfigError for dimensions that are not above 0. */
  nll(tokens: NdArray, options?: LikelihoodOptions): Likelihood;
  /** New tokens, int32 [count, ...tokenShape]; the generator is asked for a number for each. Throws ConfigError for a count or temperature that is not above 0. */
  sample(count: number, generator: Generator, options?: SampleOptions): NdArray<'int32'>;
  /** Copies of everything that training needs to go on: parameters, optimiser, counter. */
  state(): NamedArrays;
  /** Takes over a state; throws before anything has changed when an array is missing, unknown or of another shape. */
  loadState(state: NamedArrays): void;
  dispose(): void;
}
