// The interface that quantizers share. Changing the kind changes nothing in what uses one.
import type { Generator, NdArray } from '@tessera/core';
import type { Tensor } from '@tessera/engine';
import type { QuantizerConfig } from '../config.ts';

/** The arrays of a quantizer by name; which ones there are is the kind's business. */
export type QuantizerState = Readonly<Record<string, NdArray<'float32'>>>;

/** The state inside a program. */
export type TracedQuantizerState = Readonly<Record<string, Tensor>>;

/** What quantizing gives, all of it with the state as it was before the update of that step. */
export interface Quantization {
  /** int32 [N] where a vector has one token, else [N, Q]; -1 for masked vectors. */
  readonly tokens: Tensor;
  /** Exactly what `decode` makes of the tokens, [N, D], zeros where masked; the gradient goes to the vectors by the chosen estimator. */
  readonly quantized: Tensor;
  /** Scalars by name, before any weight: `codebook` `mean((sg[z] - e)^2)`, `commitment` `mean((z - sg[e])^2)`, `entropy`, ... as far as the kind has them. */
  readonly losses: Readonly<Record<string, Tensor>>;
  /** What to add to the reconstruction loss, a scalar: the weighted sum of those losses that the kind trains on. */
  readonly loss: Tensor;
  /** Sums over the vectors of this batch that are not masked; no gradient passes. */
  readonly statistics: QuantizationStatistics;
}

/** What `update` needs to know of a batch. Those of several batches may be added up. */
export interface QuantizationStatistics {
  /** Uses of each code: [K], or [Q, K] where a vector has Q tokens, K the largest vocabulary of them. */
  readonly counts: Tensor;
  readonly [name: string]: Tensor;
}

/** How to quantize. */
export interface QuantizeOptions {
  /** float32 [N] of 0 and 1. A vector with 0 is as if it were not there, whatever its numbers; default all 1. */
  readonly mask?: Tensor | undefined;
  /** A key of `randomUniform`, int32 [2]: draws what is random in training. Without it nothing is. */
  readonly random?: Tensor | undefined;
}

/** A table of codes that vectors are looked up in, whose codes can be put in other places: at the start, and when nothing chooses them. */
export interface Codebook {
  /** The array of the state that holds the codes, [vocabulary, width]. */
  readonly name: string;
  readonly vocabulary: number;
  readonly width: number;
  /** What of `z` [N, D] is looked up in this table, [N, width], and the codes that were chosen for it, [N, width]. */
  lookUp(state: TracedQuantizerState, z: Tensor): { readonly vectors: Tensor; readonly codes: Tensor };
  /** Puts `vectors` [rows.length, width] in the place of codes, with statistics as if `counts` vectors (default 1 each) had just chosen them. Changes `state` itself. */
  replace(state: QuantizerState, rows: readonly number[], vectors: Float32Array, counts?: ArrayLike<number>): void;
}

/** A way to turn vectors into codes. */
export interface Quantizer {
  readonly config: QuantizerConfig;
  /** The vocabulary of each token of a vector; one entry for most kinds. */
  readonly slots: readonly number[];
  /** The arrays of the state that the optimiser trains; there may be none. */
  readonly trainable: readonly string[];
  /** Whether training draws random numbers, so that it has to hand in a key. */
  readonly random?: boolean;
  /** The tables whose codes can be seeded and restarted, one for each row of `counts`, in their order; left out where there are none. */
  readonly codebooks?: readonly Codebook[];
  /** What of `z` [N, D] is compared with which codes, [N, d] and [K, d]: token k is chosen where code k is the nearest. Left out where that is not how a token is chosen. */
  readonly compare?: (state: TracedQuantizerState, z: Tensor) => { readonly vectors: Tensor; readonly table: Tensor };
  init(generator: Generator): QuantizerState;
  /** Quantizes `z` [N, D]. Pure: plain ops, to be called inside a program. */
  quantize(state: TracedQuantizerState, z: Tensor, options?: QuantizeOptions): Quantization;
  /** The entries of the state that one training step changes beside the optimiser's, for the caller to assign. Pure; without vectors in the batch nothing changes. */
  update(state: TracedQuantizerState, statistics: QuantizationStatistics): TracedQuantizerState;
  /** The codes [N, D] of tokens, int32 [N] or [N, Q]. */
  decode(state: TracedQuantizerState, tokens: Tensor): Tensor;
}
