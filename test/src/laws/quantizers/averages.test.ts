// Laws 21 to 26: how moving averages move codes, against sums in float64.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { npRandom } from '@tessera/core';
import type { Engine } from '@tessera/engine';
import { lloydRound } from '@tessera/vqvae';
import type { QuantizerConfig, QuantizerState } from '@tessera/vqvae';
import { pass, quantizerFor, rowsOf, stateFor } from './quantizing.ts';
import type { Floats, Pass } from './quantizing.ts';
import { runs } from './runs.ts';
import { distance, engines, regretBounds, row, sameNumbers, samples, take } from './samples.ts';
import type { Sample } from './samples.ts';

const settings = fc.record({
  decay: fc.constantFrom(0, 0.5, 0.99),
  epsilon: fc.constantFrom(0, 1e-5, 0.1),
  seed: fc.noShrink(fc.nat(1e6)),
});

const total = (values: ArrayLike<number>) => Array.from(values).reduce((sum, x) => sum + x, 0);
const u = 2 ** -24;

/** Steps of averages, each on a batch of `batches`, with the state before each and after the last. */
function steps(engine: Engine, sample: Sample, config: Partial<QuantizerConfig>, batches: readonly Floats[]) {
  const quantizer = quantizerFor(sample, { kind: 'ema', ...config });
  const states: QuantizerState[] = [stateFor(quantizer, sample)];
  const passes: Pass[] = [];
  for (const z of batches) {
    passes.push(pass(engine, quantizer, states.at(-1)!, { z }));
    states.push(passes.at(-1)!.next);
  }
  return { states, passes };
}

/** Batches out of the sample's vectors: any of them, in any order and number. */
function batchesOf({ z }: Sample, count: number, seed: number): Floats[] {
  const generator = npRandom(seed);
  const rows = z.shape[0]!;
  return Array.from({ length: count }, () =>
    take(z, rows === 0 ? [] : Array.from({ length: generator.integers(rows + 2) }, () => generator.integers(rows))),
  );
}

describe.each(engines)('%s', (_, engine) => {
  test.prop([samples({ minCodes: 2 }), settings, fc.constantFrom(1, 2, 12)], runs)(
    '21 and 22: counts, sums and codes are their closed form, and nothing is lost',
    (sample, { seed, ...config }, count) => {
      const { decay, epsilon } = config;
      const [vocabulary, width] = sample.codebook.shape as [number, number];
      const { states, passes } = steps(engine, sample, config, batchesOf(sample, count, seed));
      const [counts, sums] = [new Float64Array(vocabulary).fill(1), Float64Array.from(sample.codebook.data)];
      const sizes = sums.map(Math.abs);
      for (const [step, { tokens, counts: hits }] of passes.entries()) {
        const z = batchesOf(sample, count, seed)[step]!;
        expect(total(hits.data)).toBe(z.shape[0]);
        if (z.shape[0] === 0) continue; // nothing is forgotten without vectors
        for (const array of [counts, sums, sizes]) array.forEach((x, i) => (array[i] = decay * x));
        for (const [i, code] of tokens.data.entries()) {
          counts[code]! += 1 - decay;
          for (let d = 0; d < width; d++) {
            sums[code * width + d]! += (1 - decay) * row(z, i)[d]!;
            sizes[code * width + d]! += (1 - decay) * Math.abs(row(z, i)[d]!);
          }
        }
      }
      const last = states.at(-1)!;
      const all = total(counts);
      const smooth = Array.from(counts, (n) => ((n + epsilon) / (all + vocabulary * epsilon)) * all);
      expect(Math.abs(total(smooth) - all)).toBeLessThanOrEqual(1e-6 * all);
      for (let k = 0; k < vocabulary; k++) {
        expect(Math.abs(last['counts']!.data[k]! - counts[k]!)).toBeLessThanOrEqual(1e-5 * counts[k]! + 1e-30);
        for (let i = k * width; i < (k + 1) * width; i++) {
          expect(Math.abs(last['sums']!.data[i]! - sums[i]!)).toBeLessThanOrEqual(1e-5 * sizes[i]! + 1e-30);
          if (smooth[k]! < 1e-20) continue; // a count of 0 leaves its code where it was last
          const error = Math.abs(last['codebook']!.data[i]! - sums[i]! / smooth[k]!);
          expect(error).toBeLessThanOrEqual((3e-5 * sizes[i]!) / smooth[k]! + 1e-30);
        }
      }
    },
  );

  test.prop([samples({ minCodes: 2 }), settings], runs)(
    '23 and 24: codes without hits stay, the others stay between where they were and what chose them',
    (sample, { seed, decay, epsilon }) => {
      const batches = batchesOf(sample, 3, seed);
      const [vocabulary, width] = sample.codebook.shape as [number, number];
      const { states, passes } = steps(engine, sample, { decay, epsilon }, batches);
      for (const [step, { tokens }] of passes.entries()) {
        const [before, after] = [states[step]!, states[step + 1]!];
        const [n, all] = [after['counts']!.data, total(after['counts']!.data)];
        for (let k = 0; k < vocabulary; k++) {
          const chosen = [...tokens.data.keys()].filter((i) => tokens.data[i] === k);
          // What Laplace smoothing takes of a code: N~ = N (1 + eps / N) / (1 + K eps / all).
          const shrink = epsilon === 0 ? 0 : Math.min(1, epsilon / n[k]!) + (vocabulary * epsilon) / all;
          for (let d = 0; d < width; d++) {
            const old = before['codebook']!.data[k * width + d]!;
            // Averages remember vectors, which smoothing has since pulled codes away from.
            const kept =
              before['counts']!.data[k]! > 1e-30
                ? before['sums']!.data[k * width + d]! / before['counts']!.data[k]!
                : old;
            const hull = [old, kept, ...chosen.map((i) => row(batches[step]!, i)[d]!)];
            const slack = (16 * u + shrink) * Math.max(...hull.map(Math.abs));
            const now = after['codebook']!.data[k * width + d]!;
            expect(now).toBeGreaterThanOrEqual(Math.min(...hull) - slack);
            expect(now).toBeLessThanOrEqual(Math.max(...hull) + slack);
          }
        }
      }
    },
  );

  test.prop([samples({ minCodes: 2, minRows: 1 }), settings], runs)(
    '23: so it is from the first step on, with averages as they are made',
    (sample, { seed, decay, epsilon }) => {
      const quantizer = quantizerFor(sample, { kind: 'ema', decay, epsilon });
      const start = quantizer.init(npRandom(seed));
      const { tokens, next } = pass(engine, quantizer, start, sample);
      const vocabulary = quantizer.slots[0]!;
      // A count starts at 1 and has faded to `decay`.
      const all = decay * vocabulary + (1 - decay) * sample.z.shape[0]!;
      const shrink = epsilon === 0 ? 0 : Math.min(1, epsilon / decay) + (vocabulary * epsilon) / all;
      for (let k = 0; k < vocabulary; k++) {
        if (tokens.data.includes(k)) continue;
        for (const [d, old] of row(start['codebook']!, k).entries()) {
          expect(Math.abs(row(next['codebook']!, k)[d]! - old)).toBeLessThanOrEqual((16 * u + shrink) * Math.abs(old));
        }
      }
    },
  );

  test.prop([samples({ minCodes: 2, minRows: 1 }), fc.constantFrom(0.5, 0.9), fc.integer({ min: 1, max: 6 })], runs)(
    '25: on one batch whose choice stays, a code comes as much nearer to its mean as its old count has faded',
    (sample, decay, count) => {
      const { z, codebook } = sample;
      const width = codebook.shape[1]!;
      const { states, passes } = steps(engine, sample, { decay, epsilon: 0 }, Array<Floats>(count).fill(z));
      const chosen = passes[0]!.tokens.data;
      fc.pre(passes.every(({ tokens }) => String(tokens.data) === String(chosen)));
      for (const k of new Set(chosen)) {
        const members = [...chosen.keys()].filter((i) => chosen[i] === k).map((i) => row(z, i));
        const left = decay ** count / states.at(-1)!['counts']!.data[k]!;
        for (let d = 0; d < width; d++) {
          const mean = total(members.map((x) => x[d]!)) / members.length;
          const [start, end] = [codebook, states.at(-1)!['codebook']!].map((codes) => row(codes, k)[d]! - mean);
          const size = Math.max(Math.abs(row(codebook, k)[d]!), ...members.map((x) => Math.abs(x[d]!)));
          expect(Math.abs(end! - left * start!)).toBeLessThanOrEqual(64 * u * size);
        }
      }
    },
  );

  /** Squared errors of vectors against the codes that they chose, and what rounding may have added to them. */
  function errorsOf(z: Floats, codes: Floats, tokens: ArrayLike<number>): { error: number; rounding: number } {
    let [error, rounding] = [0, total(regretBounds({ z, codebook: codes }))];
    for (let i = 0; i < z.shape[0]!; i++) {
      const squared = distance(row(z, i), row(codes, tokens[i]!));
      const shift = (z.shape[0]! + 4) * u * Math.hypot(...row(z, i));
      error += squared;
      rounding += 2 * Math.sqrt(squared) * shift + shift ** 2;
    }
    return { error, rounding };
  }

  test.prop([samples({ minCodes: 2 })], runs)(
    '26: without memory a step is one of k-means: the error of a batch never grows, and empty clusters stay',
    (sample) => {
      const { z } = sample;
      const { states, passes } = steps(engine, sample, { decay: 0, epsilon: 0 }, [z, z, z]);
      for (const [step, { tokens }] of passes.entries()) {
        const [before, after] = [states[step]!['codebook']!, states[step + 1]!['codebook']!];
        for (let k = 0; k < before.shape[0]!; k++) {
          if (!tokens.data.includes(k)) expect(sameNumbers(row(after, k), row(before, k))).toBe(true);
        }
        if (step === 0) continue;
        const last = errorsOf(z, states[step - 1]!['codebook']!, passes[step - 1]!.tokens.data);
        const now = errorsOf(z, before, tokens.data);
        expect(now.error).toBeLessThanOrEqual(last.error * (1 + 1e-6) + last.rounding + now.rounding);
      }
    },
  );
});

test.prop([samples({ minRows: 1 })], runs)('26: so does a round of k-means for starting codes', ({ z, codebook }) => {
  const width = z.shape[1]!;
  const least = (codes: ArrayLike<number>) => {
    const table = rowsOf(width, codes);
    return total(
      Array.from({ length: z.shape[0]! }, (_, i) =>
        Math.min(...Array.from({ length: table.shape[0]! }, (__, k) => distance(row(z, i), row(table, k)))),
      ),
    );
  };
  const { codes, counts } = lloydRound({ data: z.data, width }, codebook.data);
  const size = Math.max(...z.data.map(Math.abs));
  expect(least(codes)).toBeLessThanOrEqual(
    least(codebook.data) * (1 + 1e-6) +
      8 * u * size * Math.sqrt(z.data.length * least(codebook.data)) +
      z.data.length * (4 * u * size) ** 2,
  );
  expect(total(counts)).toBeGreaterThanOrEqual(z.shape[0]!);
  expect(Math.min(...Array.from(counts))).toBeGreaterThanOrEqual(1);
});
