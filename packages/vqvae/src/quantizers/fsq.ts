// Finite scalar quantization (Mentzer et al. 2023, arXiv 2309.15505): each number of a vector is bounded and rounded to one of a few levels of its own. The codes are
// a fixed grid, so nothing is learned, nothing can collapse, and no loss is needed.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  add,
  checkFinite,
  constant,
  div,
  gather,
  greater,
  mul,
  reshape,
  straightThrough,
  sub,
  sum,
  tanh,
  toInt,
  zeros,
} from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import type { QuantizerConfig } from '../config.ts';
import { masked, maskedTokens } from './masks.ts';
import type { Quantizer } from './quantizer.ts';
import { tokenCounts } from './statistics.ts';

// How much wider than the outermost level the bound is. With the paper's (1 - eps) and atanh two levels would give NaN; with its tan, 0 would not be 0.
const epsilon = 1e-3;

/** `b(z) = tanh(z + shift) h - o` with `h = (L - 1)(1 + eps) / 2`, `o` a half for even L and 0 for odd, and `b(0) = 0`. */
function boundOf(levels: number): { readonly half: number; readonly offset: number; readonly shift: number } {
  const half = ((levels - 1) * (1 + epsilon)) / 2;
  const offset = levels % 2 === 0 ? 0.5 : 0;
  return { half, offset, shift: Math.atanh(offset / half) };
}

/**
 * Where a number changes its level: the `L - 1` values of z, ascending, at which `b(z)` lies half-way between two whole numbers.
 *
 * Comparing z with them is rounding `b(z)`, only exact: tanh ends in another last digit on every backend, and their roundings of a half differ, too.
 */
export function fsqThresholds(levels: number): Float32Array {
  const { half, offset, shift } = boundOf(levels);
  return Float32Array.from(
    { length: levels - 1 },
    (_, i) => Math.atanh((i + 0.5 - Math.floor(levels / 2) + offset) / half) - shift,
  );
}

/** All codes [K, D], `(digit - floor(L/2)) / floor(L/2)` for each number; the first one's digit counts 1, the second one's L_1, and so on. */
export function fsqCodes(levels: readonly number[]): NdArray<'float32'> {
  const vocabulary = levels.reduce((product, count) => product * count, 1);
  const codes = ndarray('float32', [vocabulary, levels.length]);
  for (let token = 0; token < vocabulary; token++) {
    let rest = token;
    for (const [d, count] of levels.entries()) {
      const half = Math.floor(count / 2);
      codes.data[token * levels.length + d] = ((rest % count) - half) / half;
      rest = Math.floor(rest / count);
    }
  }
  return codes;
}

/** Rounds `b(z) / floor(L/2)` to its levels; the gradient is that of `b`. */
export function createFsq(config: QuantizerConfig): Quantizer {
  const levels = config.levels!;
  const row = (value: (levels: number, d: number) => number) =>
    ndarray('float32', [levels.length], Float32Array.from(levels, value));
  const shifts = row((count) => boundOf(count).shift);
  const halves = row((count) => boundOf(count).half);
  const offsets = row((count) => boundOf(count).offset);
  const steps = row((count) => Math.floor(count / 2));
  const places = row((_, d) => levels.slice(0, d).reduce((a, b) => a * b, 1));
  const codes = fsqCodes(levels);
  const vocabulary = codes.shape[0]!;
  const most = Math.max(...levels) - 1;
  // Dimensions of fewer levels are filled up with thresholds that nothing passes.
  const thresholds = ndarray('float32', [levels.length, most]);
  for (const [d, count] of levels.entries()) {
    thresholds.data.fill(largest, d * most, (d + 1) * most);
    // At a threshold the level nearer to 0 wins, so that odd L are odd functions: below 0 `z >= t` is `z > t'` of the next number below t.
    thresholds.data.set(
      fsqThresholds(count).map((t) => (t < 0 ? nextBelow(t) : t)),
      d * most,
    );
  }
  const decode = (tokens: Tensor) => gather(constant(codes), tokens);
  const scaled = (z: Tensor) =>
    div(sub(mul(tanh(add(z, constant(shifts))), constant(halves)), constant(offsets)), constant(steps));
  return {
    config,
    slots: [vocabulary],
    trainable: [],
    compare: (_, z) => ({ vectors: scaled(z), table: constant(codes) }),
    init: () => ({}),
    quantize(_, vectors, { mask } = {}) {
      const z = checkFinite(masked(vectors, mask), 'vectors to quantize');
      const [rows, width] = z.shape as [number, number];
      const passed = greater(reshape(z, [rows, width, 1]), constant(thresholds)); // [N, D, most]
      const digits = sum(passed, { axes: [-1] }); // [N, D]
      const tokens = toInt(sum(mul(digits, constant(places)), { axes: [-1] }));
      return {
        tokens: maskedTokens(tokens, mask),
        quantized: masked(straightThrough(scaled(z), decode(tokens)), mask),
        losses: {},
        loss: zeros({ shape: [] }),
        statistics: { counts: tokenCounts(tokens, vocabulary, mask) },
      };
    },
    update: () => ({}),
    decode: (_, tokens) => decode(tokens),
  };
}

// The largest float32, which no finite number passes.
const largest = 2 ** 128 - 2 ** 104;

// The float32 next below a negative one.
function nextBelow(x: number): number {
  const bits = new Int32Array(Float32Array.of(x).buffer);
  bits[0]!++;
  return new Float32Array(bits.buffer)[0]!;
}
