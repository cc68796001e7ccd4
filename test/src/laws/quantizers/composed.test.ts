// Laws 35 to 37: quantizers made of others, one after the other or side by side.
import { describe, expect } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Quantizer, QuantizerConfig, QuantizerState } from '@tessera/vqvae';
import { floats } from './floats.ts';
import { distance, engines, regretBounds, row } from './samples.ts';
import { decode, quantizerOf, rowsOf, run, slopes, vectors } from './run.ts';
import type { Run } from './run.ts';
import { runs } from './runs.ts';

/** A state of spread codes instead of the narrow ones that training starts from before it seeds. */
function spreadState(quantizer: Quantizer, seed: number, scale = 1): QuantizerState {
  const state = quantizer.init(npRandom(seed));
  const entries = Object.entries(state).map(([name, array], i) => {
    if (!/(codebook|sums)$/.test(name)) return [name, array] as const;
    // Sums are those of the codes, whose counts start at 1.
    const { data, shape } = floats(array.shape, seed + (name.endsWith('sums') ? i - 2 : i));
    return [
      name,
      ndarray(
        'float32',
        shape,
        data.map((x) => x * scale),
      ),
    ] as const;
  });
  return Object.fromEntries(entries);
}

const recipes = fc.record({
  stage: fc.constantFrom('vq' as const, 'ema' as const),
  stages: fc.integer({ min: 2, max: 4 }),
  vocabulary: fc.constantFrom(2, 3, 8),
  seed: fc.noShrink(fc.nat(1e6)),
});

const columns = ({ shape, data }: NdArray<'int32'>, from: number, to: number) =>
  ndarray(
    'int32',
    [shape[0]!, to - from],
    Int32Array.from(data.filter((_, i) => i % shape[1]! >= from && i % shape[1]! < to)),
  );

/** The code of one stage for each vector, zeros where the stage sat out. */
function codesOfStage(state: QuantizerState, tokens: NdArray<'int32'>, stage: number): number[][] {
  const codebook = state[`${stage}/codebook`]!;
  return rowsOf(tokens, () => true).map((all) =>
    all[stage] === -1 ? Array<number>(codebook.shape[1]!).fill(0) : [...row(codebook, all[stage]!)],
  );
}

describe.each(engines)('residual on %s', (_, engine) => {
  test.prop([recipes, vectors(3)], runs)(
    '35: a sum of nearest codes of what was left over',
    ({ seed, ...recipe }, z) => {
      const { stages } = recipe;
      const quantizer = quantizerOf({ kind: 'residual', codeDim: 3, ...recipe });
      const state = spreadState(quantizer, seed);
      const { tokens, quantized, decoded, losses } = run(engine, quantizer, { z, state });
      expect(tokens.shape).toEqual([z.shape[0], stages]);
      expect(decoded).toEqual(quantized);
      let residual = rowsOf(z, () => true).map((x) => Float32Array.from(x));
      let sums = residual.map((x) => x.map(() => 0));
      let squares = 0;
      const [pull, sizes] = [new Float64Array(z.data.length), new Float64Array(z.data.length)];
      for (let stage = 0; stage < stages; stage++) {
        const codebook = state[`${stage}/codebook`]!;
        const left = ndarray('float32', z.shape, Float32Array.from(residual.flatMap((x) => [...x])));
        const codes = codesOfStage(state, tokens, stage);
        for (const [i, bound] of regretBounds({ z: left, codebook }).entries()) {
          const all = Array.from({ length: codebook.shape[0]! }, (_unused, k) =>
            distance(residual[i]!, row(codebook, k)),
          );
          expect(distance(residual[i]!, codes[i]!)).toBeLessThanOrEqual(Math.min(...all) + bound);
          squares += distance(residual[i]!, codes[i]!) / (z.data.length || 1);
          for (const [d, x] of residual[i]!.entries()) {
            pull[3 * i + d]! += x - codes[i]![d]!;
            sizes[3 * i + d]! += Math.abs(x - codes[i]![d]!);
          }
        }
        residual = residual.map((x, i) => x.map((value, d) => value - codes[i]![d]!));
        sums = sums.map((x, i) => x.map((value, d) => value + codes[i]![d]!));
        // The first tokens alone are the code so far.
        const prefix = decode(engine, quantizer, { tokens: columns(tokens, 0, stage + 1), state });
        expect(rowsOf(prefix, () => true)).toEqual(sums.map((x) => [...x]));
      }
      expect(rowsOf(quantized, () => true)).toEqual(sums.map((x) => [...x]));
      for (const name of ['codebook', 'commitment']) {
        expect(Math.abs(losses[name]! - squares)).toBeLessThanOrEqual(1e-4 * squares + 1e-30);
      }
      // Every stage asks the encoder to come nearer to its code.
      const slope = slopes(engine, quantizer, { z, state, of: 'loss' })['z']!;
      for (const [i, x] of pull.entries()) {
        const factor = (2 * quantizer.config.commitment) / z.data.length;
        expect(Math.abs(slope.data[i]! - factor * x)).toBeLessThanOrEqual(1e-5 * factor * sizes[i]! + 1e-30);
      }
      // It telescopes: what is left is the vector minus its code, up to the rounding of both.
      for (const [i, x] of rowsOf(z, () => true).entries()) {
        for (const [d, value] of x.entries()) {
          const size = Math.abs(value) + 4 * stages;
          expect(Math.abs(value - sums[i]![d]! - residual[i]![d]!)).toBeLessThanOrEqual(1e-6 * size);
        }
      }
    },
  );

  // Codes -1/2 and 1/2, then halves of them: the signs of what is left are the binary digits of the number.
  test.prop([fc.integer({ min: 2, max: 12 }), fc.noShrink(fc.nat(1e6))], runs)(
    '35: with codes of halved steps the tokens are the binary digits',
    (stages, seed) => {
      const quantizer = quantizerOf({ kind: 'residual', stage: 'vq', stages, vocabulary: 2, codeDim: 1 });
      const state = Object.fromEntries(
        Array.from({ length: stages }, (_unused, s) => [
          `${s}/codebook`,
          ndarray('float32', [2, 1], Float32Array.of(-(2 ** -(s + 1)), 2 ** -(s + 1))),
        ]),
      );
      const generator = npRandom(seed);
      // Odd multiples of half of the last step, so that nothing ties.
      const steps = Array.from({ length: 20 }, () => generator.integers(2 ** stages));
      const z = ndarray(
        'float32',
        [20, 1],
        Float32Array.from(steps, (step) => (2 * step + 1) / 2 ** stages - 1 + 2 ** -(stages + 3)),
      );
      const { tokens, quantized } = run(engine, quantizer, { z, state });
      expect(rowsOf(tokens, () => true).map((bits) => parseInt(bits.join(''), 2))).toEqual(steps);
      expect([...quantized.data]).toEqual(steps.map((step) => (2 * step + 1) / 2 ** stages - 1));
    },
  );

  test.prop([recipes, vectors(4), fc.constantFrom(1, 30)], runs)(
    '35: with a zero code no stage makes a vector worse, and it stays the zero code',
    ({ seed, ...recipe }, z, scale) => {
      const { stages } = recipe;
      const quantizer = quantizerOf({ kind: 'residual', codeDim: 4, zeroCode: true, ...recipe });
      const state = spreadState(quantizer, seed, scale);
      const { tokens, update, decoded, quantized } = run(engine, quantizer, { z, state });
      expect(decoded).toEqual(quantized);
      let before = rowsOf(z, () => true);
      for (let stage = 0; stage < stages; stage++) {
        const left = ndarray('float32', z.shape, Float32Array.from(before.flat()));
        const codebook = state[`${stage}/codebook`]!;
        const bounds = regretBounds({ z: left, codebook });
        const codes = codesOfStage(state, tokens, stage).map((code, i) =>
          rowsOf(tokens, () => true)[i]![stage] === 0 ? code.map(() => 0) : code,
        );
        const after = before.map((x, i) => x.map((value, d) => Math.fround(value - codes[i]![d]!)));
        for (const [i, x] of after.entries()) {
          const zero = Array<number>(4).fill(0);
          expect(distance(x, zero)).toBeLessThanOrEqual(distance(before[i]!, zero) * (1 + 1e-6) + bounds[i]!);
        }
        before = after;
        const changed = update[`${stage}/codebook`];
        if (changed !== undefined) expect([...row(changed, 0)].map((x) => x + 0)).toEqual([0, 0, 0, 0]);
      }
      const zeros = ndarray('int32', [2, stages]);
      expect([...decode(engine, quantizer, { tokens: zeros, state }).data].every((x) => x + 0 === 0)).toBe(true);
    },
  );

  test('35: restarts and seeding leave the zero code alone', () => {
    const quantizer = quantizerOf({ kind: 'residual', codeDim: 2, vocabulary: 3, stages: 2, zeroCode: true });
    const state = quantizer.init(npRandom(0));
    quantizer.codebooks![1]!.replace(state, [0, 2], Float32Array.of(5, 6, 7, 8));
    expect([...state['1/codebook']!.data].filter((_unused, i) => i !== 2 && i !== 3)).toEqual([0, 0, 7, 8]);
  });

  test.prop([recipes, fc.noShrink(fc.nat(1e6))], runs)(
    '36: dropout keeps the first stages, and those that sit out change nothing',
    ({ seed, ...recipe }, keySeed) => {
      const { stages, vocabulary } = recipe;
      const quantizer = quantizerOf({ kind: 'residual', codeDim: 3, quantizeDropout: true, ...recipe });
      expect(quantizer.random).toBe(true);
      const state = spreadState(quantizer, seed);
      const z = floats([6, 3], seed);
      const key = [keySeed, 7] as const;
      const whole = run(engine, quantizer, { z, state });
      const out = run(engine, quantizer, { z, state, key });
      const depth = rowsOf(out.tokens, () => true)[0]!.filter((token) => token >= 0).length;
      expect(depth).toBeGreaterThanOrEqual(1);
      expect(columns(out.tokens, 0, depth)).toEqual(columns(whole.tokens, 0, depth));
      expect([...columns(out.tokens, depth, stages).data].every((token) => token === -1)).toBe(true);
      const prefix = decode(engine, quantizer, { tokens: columns(whole.tokens, 0, depth), state });
      expect(out.quantized).toEqual(prefix);
      expect(out.decoded).toEqual(prefix);
      const counts = rowsOf(out.statistics['counts']!, () => true);
      for (let stage = 0; stage < stages; stage++) {
        expect(counts[stage]!.reduce((a, b) => a + b, 0)).toBe(stage < depth ? 6 : 0);
        expect(counts[stage]).toHaveLength(vocabulary);
        if (stage < depth) continue;
        for (const name of ['codebook', 'counts', 'sums']) {
          const changed = out.update[`${stage}/${name}`];
          if (changed !== undefined) expect(changed).toEqual(state[`${stage}/${name}`]);
        }
      }
      expect(run(engine, quantizer, { z, state, key }).tokens).toEqual(out.tokens);
      expect(run(engines[0]![1], quantizer, { z, state, key }).tokens).toEqual(out.tokens);
    },
  );

  test('36: every depth from one to all stages comes equally often', () => {
    const stages = 4;
    const quantizer = quantizerOf({ kind: 'residual', codeDim: 1, vocabulary: 2, stages, quantizeDropout: true });
    const z = floats([1, 1], 1);
    const depths = Array<number>(stages + 1).fill(0);
    const draws = 400;
    for (let seed = 0; seed < draws; seed++) {
      const { tokens } = run(engine, quantizer, { z, key: [seed, 1] });
      depths[tokens.data.filter((token) => token >= 0).length]!++;
    }
    expect(depths[0]).toBe(0);
    for (const count of depths.slice(1))
      expect(Math.abs(count - draws / stages)).toBeLessThan(5 * Math.sqrt(draws / stages));
  });
});

/** The entries of part `index`, under its own names. */
const part = <T>(entries: Readonly<Record<string, T>>, index: number) =>
  Object.fromEntries(
    Object.entries(entries).flatMap(([name, value]) =>
      name.startsWith(`${index}/`) ? [[name.slice(2), value] as const] : [],
    ),
  );

describe.each(engines)('37 on %s', (_, engine) => {
  test.prop([recipes, fc.integer({ min: 2, max: 3 }), vectors(6), fc.boolean()], runs)(
    'groups are independent quantizers of slices',
    ({ stage, stages, vocabulary, seed }, groups, z, residual) => {
      const shared: Partial<QuantizerConfig> = { vocabulary, ...(residual && { stages }) };
      const width = 6 / groups;
      const quantizer = quantizerOf({
        kind: residual ? 'grouped-residual' : 'product',
        ...shared,
        stage,
        groups,
        codeDim: 6,
      });
      const alone = quantizerOf({
        kind: residual ? 'residual' : stage,
        ...shared,
        codeDim: width,
        ...(residual && { stage }),
      });
      const state = spreadState(quantizer, seed);
      const whole = run(engine, quantizer, { z, state });
      const outs: Run[] = [];
      for (let group = 0; group < groups; group++) {
        const slice = ndarray(
          'float32',
          [z.shape[0]!, width],
          z.data.filter((_unused, i) => Math.floor((i % 6) / width) === group),
        );
        outs.push(run(engine, alone, { z: slice, state: part(state, group) }));
      }
      const count = alone.slots.length;
      const rows = z.shape[0]!;
      for (const [group, out] of outs.entries()) {
        expect(columns(whole.tokens, group * count, (group + 1) * count).data).toEqual(out.tokens.data);
        for (let i = 0; i < rows; i++) {
          expect(row(whole.quantized, i).slice(group * width, (group + 1) * width)).toEqual(row(out.quantized, i));
        }
        expect(part(whole.update, group)).toEqual(out.update);
        expect(
          rowsOf(whole.statistics['counts']!, () => true)
            .slice(group * count, (group + 1) * count)
            .flat(),
        ).toEqual([...out.statistics['counts']!.data]);
      }
      expect(whole.decoded).toEqual(whole.quantized);
      const mean = (pick: (out: Run) => number) => outs.reduce((total, out) => total + pick(out), 0) / groups;
      for (const name of ['codebook', 'commitment']) {
        const expected = mean(({ losses }) => losses[name]!);
        expect(Math.abs(whole.losses[name]! - expected)).toBeLessThanOrEqual(1e-5 * expected + 1e-30);
      }
      const expected = mean(({ loss }) => loss);
      expect(Math.abs(whole.loss - expected)).toBeLessThanOrEqual(1e-5 * expected + 1e-30);
    },
  );
});
