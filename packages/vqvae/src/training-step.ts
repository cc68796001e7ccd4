// What every training step of a VQ-VAE has at its end: the quantizer's own update, and what the step reports.
import type { NdArray } from '@tessera/core';
import { assign, checkFinite } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import type { AdamState } from '@tessera/nn';
import type { Forward, VqvaeParameters } from './model.ts';
import type { Quantizer } from './quantizers/quantizer.ts';

/** What of a VQ-VAE lives on the backend. */
export interface VqvaeState {
  readonly parameters: VqvaeParameters;
  readonly adam: AdamState;
}

/** The results of a step; the quantizer's losses are there by their names. */
export type StepResults<T> = Readonly<Record<'loss' | 'reconstruction' | 'gradientNorm' | 'counts', T>> &
  Readonly<Record<string, T>>;

/** What the optimiser trains, of arrays or of tensors alike. */
export function trainedPart<P extends VqvaeParameters | Traced<VqvaeParameters>>(
  { trainable }: Quantizer,
  { encoder, decoder, quantizer }: P,
): object {
  if (trainable.length === 0) return { encoder, decoder };
  return { encoder, decoder, quantizer: Object.fromEntries(trainable.map((name) => [name, quantizer[name]])) };
}

/** Makes the quantizer's update when the program has run, and names the results. */
export function finishStep(
  quantizer: Quantizer,
  parameters: Traced<VqvaeParameters>,
  { losses, statistics, gradientNorm }: Pick<Forward, 'losses' | 'statistics'> & { readonly gradientNorm: Tensor },
): StepResults<Tensor> {
  const { total, ...parts } = losses;
  for (const [name, value] of Object.entries(quantizer.update(parameters.quantizer, statistics))) {
    assign(parameters.quantizer[name]!, value);
  }
  return {
    ...parts,
    loss: total,
    gradientNorm: checkFinite(gradientNorm, 'the norm of the gradients'),
    counts: statistics.counts,
  };
}

/** The number in an array; 0 for a loss that the kind does not have. */
export function valueOf(array: NdArray | undefined): number {
  return array === undefined ? 0 : (array.data[0] as number);
}
