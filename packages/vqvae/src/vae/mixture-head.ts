// Latent vectors as elements of a sequence: the second stage of a two-stage VAE (Dai and Wipf 2019, arXiv 1903.05789) is a `SequencePrior` with this head over the latents
// of the first. Each vector is a mixture of diagonal Gaussians, a density as flexible as a softmax is for tokens.
import { ConfigError } from '@tessera/core';
import type { Generator } from '@tessera/core';
import {
  add,
  exp,
  logSoftmax,
  maximum,
  mean,
  minimum,
  mul,
  neg,
  reshape,
  slice,
  square,
  sub,
  sum,
} from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import { dense, initDense } from '@tessera/nn';
import type { Linear } from '@tessera/nn';
import type { SequenceHead } from './sequence-prior.ts';

// ln s of a component: what float32 and a clean gradient allow.
const [smallest, largest] = [-5, 3];

/** Vectors of `dimensions` numbers under a mixture of so many `components`; throws ConfigError unless both are whole numbers of at least 1. */
export function mixtureHead({
  dimensions,
  components = 8,
}: {
  readonly dimensions: number;
  readonly components?: number;
}): SequenceHead<Linear> {
  for (const [name, value] of Object.entries({ dimensions, components })) {
    if (!Number.isInteger(value) || value < 1)
      throw new ConfigError(`mixtureHead: expected ${name} to be a whole number >= 1, got ${value}.`);
  }
  const block = components * dimensions;
  return {
    element: { dtype: 'float32', shape: [dimensions] },
    outputs: components + 2 * block,
    init: (generator, width) => initDense(generator, { inputs: dimensions, outputs: width }),
    embed: (parameters, x) => dense(parameters, x),
    nll(predictions, x) {
      const [rows, length] = predictions.shape as [number, number];
      const part = (from: number, size: number) => slice(predictions, [0, 0, from], [rows, length, size]);
      const grid = (y: Tensor) => reshape(y, [rows, length, components, dimensions]);
      const means = grid(part(components, block));
      const logDeviations = minimum(maximum(grid(part(components + block, block)), smallest), largest);
      const scaled = mul(sub(reshape(x, [rows, length, 1, dimensions]), means), exp(neg(logDeviations)));
      const densities = neg(sum(add(mul(square(scaled), 0.5), logDeviations), { axes: [3] })); // [N, T, components]
      const joint = add(logSoftmax(part(0, components)), densities);
      // ln sum e^x is x - logSoftmax(x), whichever component is looked at.
      const logSum = mean(sub(joint, logSoftmax(joint)), { axes: [2] });
      return sub((dimensions / 2) * Math.log(2 * Math.PI), logSum);
    },
    draw(prediction, target, generator: Generator) {
      const component = drawLogit(prediction.subarray(0, components), generator);
      for (let d = 0; d < dimensions; d++) {
        const at = components + component * dimensions + d;
        const logDeviation = Math.min(largest, Math.max(smallest, prediction[at + block]!));
        target[d] = prediction[at]! + Math.exp(logDeviation) * generator.standardNormal();
      }
    },
  };
}

/** An index with probability `softmax(logits)`; one draw of the generator. */
export function drawLogit(logits: Float32Array, generator: Generator): number {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = logits.map((logit) => Math.exp(logit - most));
  let left = generator.random() * weights.reduce((total, weight) => total + weight, 0);
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i]!;
    if (left < 0) return i;
  }
  // Rounding left a crumb: the likeliest stands in.
  return logits.indexOf(most);
}
