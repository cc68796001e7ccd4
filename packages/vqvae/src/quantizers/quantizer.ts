// The interface that quantizers share. Changing the kind changes nothing in what uses one.
import type { Generator, NdArray } from '@tessera/core';
import type { Tensor } from '@tessera/engine';
import type { QuantizerConfig } from '../config.ts';

/** The arrays of a quantizer by name; `codebook` [K, D] is always there. */
export interface QuantizerState {
  readonly codebook: NdArray<'float32'>;
  readonly [name: string]: NdArray<'float32'>;
}

/** The state inside a program. */
export interface TracedQuantizerState {
  readonly codebook: Tensor;
  readonly [name: string]: Tensor;
}

/** What quantizing gives, all of it with the codebook as it was before the update of that step. */
export interface Quantization {
  /** The nearest code of each vector, int32 [N]. */
  readonly tokens: Tensor;
  /** Exactly those codes [N, D]; the gradient goes to the vectors as if nothing had happened (straight-through). */
  readonly quantized: Tensor;
  /** `mean((sg[z] - e)^2)`, a scalar: moves the codebook alone. */
  readonly codebookLoss: Tensor;
  /** `mean((z - sg[e])^2)`, a scalar, not yet times beta: moves the encoder alone. */
  readonly commitmentLoss: Tensor;
  /** What to add to the reconstruction loss: codebook loss (where the codebook learns by gradient) and beta times the commitment loss. */
  readonly loss: Tensor;
}

/** A way to turn vectors into codes. */
export interface Quantizer {
  readonly config: QuantizerConfig;
  /** Whether the codebook learns by gradient, so that the optimiser has to know it. */
  readonly trainable: boolean;
  init(generator: Generator): QuantizerState;
  /** Quantizes `z` [N, D]. Plain ops: to be called inside a program. */
  quantize(state: TracedQuantizerState, z: Tensor): Quantization;
  /** Records the change of the state that one training step makes beside the optimiser's. */
  update(state: TracedQuantizerState, z: Tensor, tokens: Tensor): void;
  /** Puts `vectors` [rows.length, D] in the place of codes, with statistics as if they had just been used once. Changes `state` itself. */
  replace(state: Readonly<Record<string, NdArray>>, rows: readonly number[], vectors: Float32Array): void;
}
