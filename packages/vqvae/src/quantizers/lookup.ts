// What quantizers with one codebook share: the space in which vectors and codes are compared, the lookup there, and the way back.
import {
  add,
  div,
  gather,
  less,
  max,
  abs,
  maximum,
  mul,
  nearestCode,
  rsqrt,
  square,
  stopGradient,
  sum,
} from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import type { Generator } from '@tessera/core';
import { dense, initDense, uniform } from '@tessera/nn';
import type { QuantizerConfig } from '../config.ts';
import { passGradient } from './gradient-estimators.ts';
import { codebookLoss, commitmentLoss } from './losses.ts';
import { masked, maskedTokens } from './masks.ts';
import type {
  Codebook,
  Quantization,
  QuantizeOptions,
  Quantizer,
  QuantizerState,
  TracedQuantizerState,
} from './quantizer.ts';
import { tokenCounts, tokenSums } from './statistics.ts';

/** What `createLookup` makes. */
export interface Lookup {
  /** Numbers in a code, d: those of a vector, or fewer under a projection. */
  readonly width: number;
  /** The arrays of the projection that the optimiser trains, if there is one. */
  readonly trainable: readonly string[];
  /** The codebook [K, d], uniform in 1 / K as in the original code until it is seeded, and the projection. */
  init(generator: Generator): QuantizerState;
  /** Everything of a quantization but what the kind trains on; `sums` [K, d] beside the counts where they are wanted. */
  quantize(
    state: TracedQuantizerState,
    z: Tensor,
    options: QuantizeOptions & { readonly sums?: boolean },
  ): Omit<Quantization, 'loss' | 'losses'> & { readonly losses: Record<'codebook' | 'commitment', Tensor> };
  readonly lookUp: Codebook['lookUp'];
  readonly compare: NonNullable<Quantizer['compare']>;
  decode(state: TracedQuantizerState, tokens: Tensor): Tensor;
}

/** The lookup that `distance` (Euclidean, or cosine: both sides at length 1) and `projection` (linear maps into d numbers and back) describe. */
export function createLookup({ vocabulary, codeDim, distance, projection, gradient }: QuantizerConfig): Lookup {
  const width = projection === 0 ? codeDim : projection;
  const toSpace = (x: Tensor) => (distance === 'cosine' ? unit(x) : x);
  const tableOf = ({ codebook }: TracedQuantizerState) => toSpace(codebook!); // [K, d]
  const enter = ({ inKernel, inBias }: TracedQuantizerState, z: Tensor) =>
    toSpace(projection === 0 ? z : dense({ kernel: inKernel!, bias: inBias! }, z)); // [N, d]
  const leave = ({ outKernel, outBias }: TracedQuantizerState, codes: Tensor) =>
    projection === 0 ? codes : dense({ kernel: outKernel!, bias: outBias! }, codes); // [N, D]
  return {
    width,
    trainable: projection === 0 ? [] : ['inKernel', 'inBias', 'outKernel', 'outBias'],
    init(generator) {
      const codebook = uniform(generator, [vocabulary, width], 1 / vocabulary);
      if (projection === 0) return { codebook };
      // Half the variance of He's kernel: nothing that bends follows.
      const into = initDense(generator, { inputs: codeDim, outputs: width, gain: Math.SQRT1_2 });
      const back = initDense(generator, { inputs: width, outputs: codeDim, gain: Math.SQRT1_2 });
      return { codebook, inKernel: into.kernel, inBias: into.bias, outKernel: back.kernel, outBias: back.bias };
    },
    quantize(state, z, { mask, sums = false }) {
      const table = tableOf(state);
      const vectors = enter(state, masked(z, mask));
      const nearest = nearestCode(vectors, table);
      const codes = gather(table, nearest); // [N, d]
      return {
        tokens: maskedTokens(nearest, mask),
        quantized: masked(leave(state, passGradient(gradient, vectors, codes)), mask),
        losses: { codebook: codebookLoss(vectors, codes, mask), commitment: commitmentLoss(vectors, codes, mask) },
        statistics: {
          counts: tokenCounts(nearest, vocabulary, mask),
          ...(sums && { sums: tokenSums(vectors, nearest, vocabulary, mask) }),
        },
      };
    },
    lookUp(state, z) {
      const table = tableOf(state);
      const vectors = enter(state, z);
      return { vectors, codes: gather(table, nearestCode(vectors, table)) };
    },
    compare: (state, z) => ({ vectors: enter(state, z), table: tableOf(state) }),
    decode: (state, tokens) => leave(state, gather(tableOf(state), tokens)),
  };
}

/** Rows of `x` [N, D] at length 1; rows of zeros (all numbers below 1e-36) stay about zero. The gradient at such rows is that of a multiplication by at most 2. */
export function unit(x: Tensor): Tensor {
  // Divided by its largest number first, a row of any scale has squares that neither overflow nor vanish. As the length does not matter, nor does that gradient.
  const largest = stopGradient(max(abs(x), { axes: [1], keepDims: true })); // [N, 1]
  const scaled = div(x, add(largest, less(largest, 1e-36)));
  return mul(scaled, rsqrt(maximum(sum(square(scaled), { axes: [1], keepDims: true }), 0.5)));
}
