// Where codes start, how moving averages move them, and how unused ones start again.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, ndarray, npRandom } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { assign, f32 } from '@tessera/engine';
import type { Engine } from '@tessera/engine';
import { createQuantizer, drawProportional, kMeansPlusPlus, vectorsFarFromCodes, vqvaeConfig } from '../src/index.ts';
import type { QuantizerConfig, VQVAE } from '../src/index.ts';
import { cpu, engines, latents, noise, squares, tiny, tokenizer } from './toy.ts';

const seeds = fc.noShrink(fc.nat(1e6));

function normal(count: number, seed: number): Float32Array {
  const generator = npRandom(seed);
  return Float32Array.from({ length: count }, () => generator.normal());
}

const rowsOf = (data: Float32Array, width: number) =>
  Array.from({ length: data.length / width }, (_, i) => [...data.subarray(i * width, (i + 1) * width)]);

describe('k-means++', () => {
  test.prop([fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 40 }), seeds])(
    'codes are rows of the data, different ones while there are any',
    (rows, width, count, seed) => {
      const data = normal(rows * width, seed);
      const codes = rowsOf(kMeansPlusPlus(npRandom(seed), { data, width }, count), width).map(String);
      const known = new Set(rowsOf(data, width).map(String));
      expect(codes.length).toBe(count);
      for (const code of codes) expect(known.has(code)).toBe(true);
      expect(new Set(codes).size).toBe(Math.min(count, known.size));
    },
  );

  test.prop([fc.integer({ min: 1, max: 9 }), seeds])('copies of one row give that row', (count, seed) => {
    const codes = kMeansPlusPlus(npRandom(seed), { data: new Float32Array(12).fill(0.5), width: 3 }, count);
    expect([...codes]).toEqual(Array(3 * count).fill(0.5));
  });

  test('the second code is drawn in proportion to the squared distance from the first', () => {
    const data = Float32Array.of(0, 1, 3);
    const hits: Record<string, number> = {};
    const draws = 6000;
    for (let seed = 0; seed < draws; seed++) {
      const pair = [...kMeansPlusPlus(npRandom(seed), { data, width: 1 }, 2)].join();
      hits[pair] = (hits[pair] ?? 0) + 1;
    }
    const shares = { '0,1': 1 / 10, '0,3': 9 / 10, '1,0': 1 / 5, '1,3': 4 / 5, '3,0': 9 / 13, '3,1': 4 / 13 };
    expect(Object.keys(hits).toSorted()).toEqual(Object.keys(shares).toSorted());
    for (const [pair, share] of Object.entries(shares)) {
      const expected = (draws * share) / 3;
      expect(Math.abs(hits[pair]! - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
  });

  test('of no rows', () => {
    expect(() =>
      kMeansPlusPlus(npRandom(0), { data: new Float32Array(0), width: 3 }, 2),
    ).toThrowErrorMatchingInlineSnapshot(`[ConfigError: kMeansPlusPlus: expected at least one vector, got none.]`);
  });

  test('drawProportional: the ends of the range never reach a weight of 0', () => {
    const at = (x: number) => drawProportional({ random: () => x } as Generator, [0, 0.1, 0.2, 0.7, 0]);
    expect(at(0)).toBe(1);
    expect(at(1 - 2 ** -53)).toBe(3);
    expect(at(1)).toBe(3);
  });

  test('drawProportional: shares as the weights, never a weight of 0, uniform when all are', () => {
    const draw = (weights: number[]) => {
      const hits = weights.map(() => 0);
      const generator = npRandom(3);
      for (let i = 0; i < 8000; i++) hits[drawProportional(generator, weights)]!++;
      return hits;
    };
    for (const weights of [
      [1, 0, 3, 4],
      [0, 1e-30, 0],
      [5, 1e30, 1e30],
      [0, 0, 0, 0],
    ]) {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (const [i, hits] of draw(weights).entries()) {
        const expected = 8000 * (total === 0 ? 1 / weights.length : weights[i]! / total);
        expect(Math.abs(hits - expected)).toBeLessThanOrEqual(5 * Math.sqrt(expected));
      }
    }
  });
});

/** Averages of `steps` batches of 6 vectors, with the batches and the codes that they chose. */
function average(
  engine: Engine,
  {
    vocabulary,
    codeDim,
    seed,
    steps,
    farCode = false,
    ...settings
  }: Partial<QuantizerConfig> & { vocabulary: number; codeDim: number; seed: number; steps: number; farCode?: boolean },
) {
  const quantizer = createQuantizer(
    vqvaeConfig({ quantizer: { kind: 'ema', vocabulary, codeDim, ...settings } }).quantizer,
  );
  const start = quantizer.init(npRandom(seed));
  const codes = normal(vocabulary * codeDim, seed + 1);
  if (farCode) codes.fill(50, 0, codeDim); // where no vector ever comes
  quantizer.codebooks![0]!.replace(start, [...codes.keys()].slice(0, vocabulary), codes);
  const state = engine.state(start);
  const program = state.program('update', { z: f32(6, codeDim) }, ({ z }, traced) => {
    const { tokens, statistics } = quantizer.quantize(traced, z);
    for (const [name, value] of Object.entries(quantizer.update(traced, statistics))) assign(traced[name]!, value);
    return { tokens };
  });
  const read = (name: string) => (state.readOne(name) as NdArray<'float32'>).data;
  const snapshot = () => ({ codebook: read('codebook'), counts: read('counts'), sums: read('sums') });
  const history = [snapshot()];
  const batches = Array.from({ length: steps }, (_, step) => {
    const z = normal(6 * codeDim, seed + 100 + step);
    const { tokens } = program.run({ z: ndarray('float32', [6, codeDim], z) });
    history.push(snapshot());
    return { z, tokens: tokens.data as Int32Array };
  });
  program.dispose();
  state.dispose();
  return { history, batches };
}

const total = (values: ArrayLike<number>) => Array.from(values).reduce((sum, x) => sum + x, 0);

describe.each(engines)('moving averages on %s', (_, engine) => {
  const recipes = fc.record({
    vocabulary: fc.constantFrom(2, 3, 8),
    codeDim: fc.constantFrom(1, 2, 5),
    seed: seeds,
    decay: fc.constantFrom(0, 0.5, 0.99),
    epsilon: fc.constantFrom(0, 1e-5, 0.1),
  });

  test.prop([recipes], { numRuns: 8 })('21: a hundred steps are the closed form', (recipe) => {
    const { vocabulary, codeDim, decay, epsilon } = recipe;
    const { history, batches } = average(engine, { ...recipe, steps: 100 });
    const counts = Float64Array.from(history[0]!.counts, (x) => x * decay ** 100);
    const sums = Float64Array.from(history[0]!.sums, (x) => x * decay ** 100);
    const sizes = sums.map(Math.abs);
    for (const [step, { z, tokens }] of batches.entries()) {
      const weight = (1 - decay) * decay ** (99 - step);
      for (const [i, code] of tokens.entries()) {
        counts[code]! += weight;
        for (let d = 0; d < codeDim; d++) {
          sums[code * codeDim + d]! += weight * z[i * codeDim + d]!;
          sizes[code * codeDim + d]! += weight * Math.abs(z[i * codeDim + d]!);
        }
      }
    }
    const last = history.at(-1)!;
    const all = total(counts);
    for (let k = 0; k < vocabulary; k++) {
      expect(Math.abs(last.counts[k]! - counts[k]!)).toBeLessThanOrEqual(1e-5 * counts[k]! + 1e-30);
      const smooth = ((counts[k]! + epsilon) / (all + vocabulary * epsilon)) * all;
      for (let i = k * codeDim; i < (k + 1) * codeDim; i++) {
        expect(Math.abs(last.sums[i]! - sums[i]!)).toBeLessThanOrEqual(1e-5 * sizes[i]! + 1e-30);
        // A count of 0 leaves its code where it was last.
        const slack = smooth > 1e-20 ? (3e-5 * sizes[i]!) / smooth : Infinity;
        const expected = smooth > 1e-20 ? sums[i]! / smooth : 0;
        expect(Math.abs(last.codebook[i]! - expected)).toBeLessThanOrEqual(slack);
      }
    }
  });

  test.prop([recipes], { numRuns: 8 })('22: hits and vectors are conserved', (recipe) => {
    const { decay } = recipe;
    const { history, batches } = average(engine, { ...recipe, steps: 10 });
    for (const [step, { z }] of batches.entries()) {
      const [before, after] = [history[step]!, history[step + 1]!];
      expect(total(after.counts)).toBeCloseTo(decay * total(before.counts) + (1 - decay) * 6, 4);
      expect(total(after.sums)).toBeCloseTo(decay * total(before.sums) + (1 - decay) * total(z), 4);
    }
  });

  test.prop([recipes], { numRuns: 15 })(
    '23 and 24: codes without hits stay, the others move towards theirs',
    (recipe) => {
      const { vocabulary, codeDim } = recipe;
      const { history, batches } = average(engine, { ...recipe, epsilon: 0, steps: 20 });
      for (const [step, { z, tokens }] of batches.entries()) {
        const [before, after] = [history[step]!.codebook, history[step + 1]!.codebook];
        for (let k = 0; k < vocabulary; k++) {
          for (let d = 0; d < codeDim; d++) {
            const old = before[k * codeDim + d]!;
            const hull = [old, ...[...tokens.keys()].filter((i) => tokens[i] === k).map((i) => z[i * codeDim + d]!)];
            const slack = 2e-6 * Math.max(...hull.map(Math.abs));
            const now = after[k * codeDim + d]!;
            expect(now).toBeGreaterThanOrEqual(Math.min(...hull) - slack);
            expect(now).toBeLessThanOrEqual(Math.max(...hull) + slack);
          }
        }
      }
    },
  );

  test('23: a code that nothing chooses for ever stays, also when its count has become 0', () => {
    for (const decay of [0, 0.5]) {
      const recipe = { vocabulary: 4, codeDim: 1, seed: 3, decay, epsilon: 0, farCode: true };
      const { history, batches } = average(engine, { ...recipe, steps: 200 });
      expect(batches.every(({ tokens }) => !tokens.includes(0))).toBe(true);
      const last = history.at(-1)!;
      expect(last.counts[0]).toBe(0);
      expect(last.codebook[0]! / 50).toBeCloseTo(1, 4);
      expect(last.codebook.every(Number.isFinite)).toBe(true);
    }
  });

  test('27: the first batch is quantized with the codes as they were', () => {
    const { history, batches } = average(engine, { vocabulary: 3, codeDim: 2, seed: 1, steps: 1 });
    const codes = rowsOf(history[0]!.codebook, 2);
    const nearest = rowsOf(batches[0]!.z, 2).map(([x, y]) => {
      const distances = codes.map(([a, b]) => (x! - a!) ** 2 + (y! - b!) ** 2);
      return distances.indexOf(Math.min(...distances));
    });
    expect([...batches[0]!.tokens]).toEqual(nearest);
  });
});

describe('vectors for idle codes', () => {
  test.prop([fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 25 }), seeds])(
    'are rows that no code serves well, and different ones',
    (rows, width, count, seed) => {
      const data = normal(rows * width, seed);
      const codes = normal(rows * width, seed + 1);
      const tolerance = 1;
      const chosen = vectorsFarFromCodes(npRandom(seed), { data, width }, { codes, count, tolerance });
      const far = (a: number[], b: number[]) => a.reduce((sum, x, d) => sum + (x - b[d]!) ** 2, 0) > tolerance;
      const [vectors, served, fresh] = [data, codes, chosen].map((array) => rowsOf(array, width));
      const badly = vectors!.filter((vector, i) => far(vector, served![i]!));
      for (const [i, vector] of fresh!.entries()) {
        expect(badly).toContainEqual(vector);
        for (const earlier of fresh!.slice(0, i)) expect(far(vector, earlier)).toBe(true);
      }
      // It stops early only when the new codes serve the rest.
      if (fresh!.length < count) {
        for (const vector of badly) expect(fresh!.some((code) => !far(vector, code))).toBe(true);
      }
      expect(fresh!.length).toBeLessThanOrEqual(count);
    },
  );
});

describe('seeding', () => {
  test.each(engines)('on %s the first step starts from vectors of its own batch', (_, engine) => {
    const vqvae = tokenizer(engine, tiny({ kind: 'vq' }));
    const frames = squares(16, 1);
    const known = new Set(rowsOf(latents(engine, vqvae, frames), 3).map(String));
    vqvae.seedCodebook(frames);
    const codes = rowsOf(vqvae.parameters().quantizer['codebook']!.data, 3).map(String);
    for (const code of codes) expect(known.has(code)).toBe(true);
    expect(new Set(codes).size).toBe(Math.min(8, known.size));
    expect(vqvae.trainStep(frames).usage).toBe(new Set(codes).size / 8);

    const twin = tokenizer(engine, tiny({ kind: 'vq' }));
    expect(twin.trainStep(frames)).toMatchObject({ usage: new Set(codes).size / 8 });
    expect(twin.state()).toEqual(vqvae.state());
  });

  test('is done once', () => {
    const vqvae = tokenizer(cpu);
    vqvae.seedCodebook(squares(16, 1));
    const { codebook } = vqvae.parameters().quantizer;
    vqvae.trainStep(squares(16, 2), { learningRate: 0 });
    expect(vqvae.parameters().quantizer['codebook']).toEqual(codebook);
  });
});

/** A tokenizer whose batches of one dark frame leave codes idle, up to the step before they are restarted. */
function idling(engine: Engine, kind: 'vq' | 'ema', restartAfter: number): { vqvae: VQVAE; dark: NdArray<'float32'> } {
  const vqvae = tokenizer(engine, tiny({ kind, restartAfter }), { seed: 2 });
  vqvae.seedCodebook(squares(32, 1));
  vqvae.trainStep(squares(32, 1));
  const dark = ndarray('float32', [1, 8, 8, 1]);
  for (let i = 0; i < 4; i++) expect(vqvae.trainStep(dark).restarted).toBe(0);
  return { vqvae, dark };
}

describe.each(
  engines.flatMap(([name, engine]) => (['vq', 'ema'] as const).map((kind) => [name, kind, engine] as const)),
)('restarts on %s, kind %s', (_, kind, engine) => {
  test('28: idle codes become vectors of the batch, with fresh statistics; the others are left alone', () => {
    const { vqvae } = idling(engine, kind, 5);
    const twin = idling(engine, kind, 0).vqvae; // the same without restarts
    const idle = (vqvae.state()['counters.idle'] as NdArray<'int32'>).data;
    const frames = noise(32, 3);
    const hit = new Set(vqvae.encode(frames).data);
    const due = [...idle.keys()].filter((k) => idle[k] === 4 && !hit.has(k));
    expect(due.length).toBeGreaterThan(0);

    const { restarted } = vqvae.trainStep(frames);
    twin.trainStep(frames);
    // As many as there are vectors that no code serves well.
    expect(restarted).toBeGreaterThan(0);
    expect(restarted).toBeLessThanOrEqual(due.length);
    const fresh = due.slice(0, restarted);

    const known = rowsOf(latents(engine, vqvae, frames), 3).map(String);
    const [after, without] = [vqvae.state(), twin.state()];
    const rows = (state: typeof after, name: string) => rowsOf((state[name] as NdArray<'float32'>).data, 3);
    const codes = rows(after, 'parameters.quantizer.codebook');
    const revived = fresh.map((k) => String(codes[k]));
    for (const code of revived) expect(known).toContain(code);
    expect(new Set(revived).size).toBe(restarted);
    const perCode =
      kind === 'vq'
        ? ['adam.first.quantizer/codebook', 'adam.second.quantizer/codebook']
        : ['parameters.quantizer.sums'];
    for (const k of fresh) {
      for (const name of perCode) expect(rows(after, name)[k]).toEqual(kind === 'vq' ? [0, 0, 0] : codes[k]);
      expect(after['parameters.quantizer.counts']?.data[k]).toBe(kind === 'ema' ? 1 : undefined);
      expect(after['counters.idle']!.data[k]).toBe(0);
    }
    for (const k of [...idle.keys()].filter((code) => !fresh.includes(code))) {
      for (const name of ['parameters.quantizer.codebook', ...perCode]) {
        expect(rows(after, name)[k]).toEqual(rows(without, name)[k]);
      }
    }
    // Everything else took the same step.
    const untouched = Object.keys(after).filter((name) => !name.includes('quantizer') && name !== 'counters.idle');
    for (const name of untouched) expect(after[name]).toEqual(without[name]);
  });

  test('28: a revived code that nothing chooses stays where it is', () => {
    const { vqvae, dark } = idling(engine, kind, 5);
    vqvae.trainStep(noise(32, 3));
    const before = vqvae.state();
    const idle = (before['counters.idle'] as NdArray<'int32'>).data;
    const hit = new Set(vqvae.encode(dark).data);
    const revived = [...idle.keys()].filter((k) => idle[k] === 0 && !hit.has(k));
    vqvae.trainStep(dark);
    const name = 'parameters.quantizer.codebook';
    const [old, now] = [before, vqvae.state()].map((state) => rowsOf((state[name] as NdArray<'float32'>).data, 3));
    let still = 0;
    for (const k of revived) {
      const drift = Math.max(...now![k]!.map((x, d) => Math.abs(x - old![k]![d]!) / Math.abs(x)));
      // Averages round, and Laplace smoothing shrinks by a few epsilon.
      if (drift <= (kind === 'vq' ? 0 : 1e-4)) still++;
    }
    // Codes that were hit before go on with their momentum under Adam; revived ones have none.
    const wasRevived = (k: number) =>
      kind === 'ema' ||
      rowsOf((before['adam.first.quantizer/codebook'] as NdArray<'float32'>).data, 3)[k]!.every((m) => m === 0);
    expect(revived.filter(wasRevived).length).toBeGreaterThan(0);
    expect(still).toBeGreaterThanOrEqual(revived.filter(wasRevived).length);
  });

  test('0 means never, and after restartUntil updates there are none', () => {
    const { vqvae, dark } = idling(engine, kind, 0);
    for (let i = 0; i < 5; i++) expect(vqvae.trainStep(dark).restarted).toBe(0);
    for (const restartUntil of [1, 2]) {
      const short = tokenizer(engine, tiny({ kind, restartAfter: 1, restartUntil }));
      short.trainStep(dark);
      // The codes are all of the dark frame, so bright ones are served by none.
      expect(short.trainStep(squares(16, 1)).restarted > 0).toBe(restartUntil === 2);
    }
  });
});

test('a quantizer refuses what it cannot count', () => {
  expect(() => createQuantizer({ ...vqvaeConfig().quantizer, vocabulary: 2.5 })).toThrow(ConfigError);
});
