// Lookup-free quantization (Yu et al. 2023, arXiv 2310.05737) and its binary spherical form (Zhao et al. 2024, arXiv 2406.07548): the signs of a vector's numbers are
// its code. An entropy loss asks each vector to be sure of its signs, and all of them together to use every code.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  abs,
  add,
  checkFinite,
  concat,
  constant,
  div,
  gather,
  greater,
  log,
  maximum,
  mul,
  neg,
  reshape,
  sigmoid,
  slice,
  softplus,
  sqrt,
  square,
  straightThrough,
  sub,
  sum,
  toInt,
} from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import type { QuantizerConfig } from '../config.ts';
import { commitmentLoss } from './losses.ts';
import { masked, maskedTokens, meanRows } from './masks.ts';
import type { Quantizer } from './quantizer.ts';
import { tokenCounts } from './statistics.ts';

/** All codes [2^bits, bits]: `scale` where a bit of the token is 1, `-scale` where it is 0, the highest bit first. */
export function lfqCodes(bits: number, scale: number): NdArray<'float32'> {
  const codes = ndarray('float32', [2 ** bits, bits]);
  for (let i = 0; i < codes.data.length; i++) {
    const [token, d] = [Math.floor(i / bits), i % bits];
    codes.data[i] = (token >> (bits - 1 - d)) & 1 ? scale : -scale;
  }
  return codes;
}

/** `H` of each vector and of the average vector, in nats. */
export interface Entropies {
  /** The mean over vectors of `H(p(. | z))`, a scalar. */
  readonly perVector: Tensor;
  /** `H` of the mean over vectors of `p(. | z)`, a scalar, added up over groups of bits. */
  readonly ofMean: Tensor;
}

/** How to count entropies. */
export interface EntropyOptions {
  /** The size of a code's numbers. */
  readonly scale: number;
  readonly temperature: number;
  /** Bits whose codes are counted jointly. */
  readonly group: number;
  /** Vectors that count, [N]. */
  readonly mask?: Tensor | undefined;
}

/**
 * Entropies of the soft assignment `p(c | z) = softmax_c(2 z.c / temperature)` over all 2^d codes `c` in {-scale, scale}^d, without a table of them.
 *
 * A softmax over signs is a product: bit j is on with `sigmoid(4 scale z_j / temperature)`, so `H(p)` is the sum of the entropies of the bits. The mean of such products
 * is none: its entropy is counted over the 2^g codes of each group of `group` bits and the groups are added up, which is exact for d <= group and an upper bound beyond.
 */
export function lfqEntropies(z: Tensor, { scale, temperature, group, mask }: EntropyOptions): Entropies {
  const [rows, bits] = z.shape as [number, number];
  const logits = mul(z, (4 * scale) / temperature);
  const size = abs(logits);
  // h(sigmoid(a)) = softplus(-|a|) + |a| sigmoid(-|a|): a sum of positive numbers, which does not cancel where a bit is sure.
  const entropy = add(softplus(neg(size)), mul(size, sigmoid(neg(size))));
  const [off, on] = [sigmoid(neg(logits)), sigmoid(logits)];
  let ofMean: Tensor | undefined;
  for (let first = 0; first < bits; first += group) {
    let joint: Tensor | undefined; // [N, 2^bits so far]
    for (let bit = first; bit < Math.min(first + group, bits); bit++) {
      const pair = concat([off, on].map((p) => slice(p, [0, bit], [rows, 1]))); // [N, 2]
      const wide = 2 ** (bit - first);
      joint =
        joint === undefined
          ? pair
          : reshape(mul(reshape(joint, [rows, wide, 1]), reshape(pair, [rows, 1, 2])), [rows, 2 * wide]);
    }
    const average = meanRows(joint!, mask);
    const part = neg(sum(mul(average, log(maximum(average, 1e-30)))));
    ofMean = ofMean === undefined ? part : add(ofMean, part);
  }
  return { perVector: meanRows(sum(entropy, { axes: [-1] }), mask), ofMean: ofMean! };
}

/**
 * The code is `scale` where a number is above 0 and `-scale` elsewhere: `scale` 1, or for the spherical form `1 / sqrt(d)`, so that codes have length 1 as the vectors
 * have, which are divided by their length first.
 */
export function createLfq(config: QuantizerConfig): Quantizer {
  const { spherical, commitment, entropyWeight, diversity, entropyBits } = config;
  const [bits, temperature] = [config.bits!, config.temperature!];
  const scale = spherical ? 1 / Math.sqrt(bits) : 1;
  const codes = lfqCodes(bits, scale);
  const vocabulary = 2 ** bits;
  const places = ndarray(
    'float32',
    [bits],
    Float32Array.from({ length: bits }, (_, d) => 2 ** (bits - 1 - d)),
  );
  const decode = (tokens: Tensor) => gather(constant(codes), tokens);
  const placed = (z: Tensor) => (spherical ? onSphere(z) : z);
  return {
    config,
    slots: [vocabulary],
    trainable: [],
    compare: (_, z) => ({ vectors: placed(z), table: constant(codes) }),
    init: () => ({}),
    quantize(_, vectors, { mask } = {}) {
      const finite = checkFinite(masked(vectors, mask), 'vectors to quantize');
      const z = placed(finite);
      const tokens = toInt(sum(mul(greater(finite, 0), constant(places)), { axes: [-1] }));
      const nearest = decode(tokens);
      const { perVector, ofMean } = lfqEntropies(z, { scale, temperature, group: entropyBits, mask });
      const losses = { commitment: commitmentLoss(z, nearest, mask), entropy: sub(perVector, mul(ofMean, diversity)) };
      return {
        tokens: maskedTokens(tokens, mask),
        quantized: masked(straightThrough(z, nearest), mask),
        losses,
        loss: add(mul(losses.commitment, commitment), mul(losses.entropy, entropyWeight)),
        statistics: { counts: tokenCounts(tokens, vocabulary, mask) },
      };
    },
    update: () => ({}),
    decode: (_, tokens) => decode(tokens),
  };
}

// Vectors of length 1; those near 0 stay near 0, with a gradient that is finite.
function onSphere(z: Tensor): Tensor {
  return div(z, sqrt(add(sum(square(z), { axes: [-1], keepDims: true }), 1e-12)));
}
