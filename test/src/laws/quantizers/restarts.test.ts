// Law 28: codes that start, and codes that start again, are vectors of the batch with complete statistics; the others are left alone.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { Generators, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { constant, read } from '@tessera/engine';
import type { Engine } from '@tessera/engine';
import { CodeLife } from '@tessera/vqvae';
import type { Quantizer, QuantizerState } from '@tessera/vqvae';
import { floats } from './floats.ts';
import { bits, pass, quantizerFor, stateFor } from './quantizing.ts';
import type { Floats } from './quantizing.ts';
import { runs } from './runs.ts';
import { engines, row, samples, sameNumbers } from './samples.ts';

const seeds = fc.noShrink(fc.nat(1e6));
const kinds = fc.constantFrom('vq' as const, 'ema' as const);

/** The life of a state's codes, with what was written. */
function lifeOf(engine: Engine, quantizer: Quantizer, start: QuantizerState, seed: number) {
  const life = { state: start, rows: [] as number[] };
  const codes = new CodeLife({
    settings: quantizer.config,
    codebooks: quantizer.codebooks!,
    generators: new Generators(seed),
    lookUp: (index, batch) =>
      engine.eager(() => {
        const traced = Object.fromEntries(Object.entries(life.state).map(([name, array]) => [name, constant(array)]));
        const { vectors, codes: found } = quantizer.codebooks![index]!.lookUp(traced, constant(batch));
        return { vectors: read(vectors), codes: read(found) };
      }),
    read: () =>
      Object.fromEntries(
        Object.entries(life.state).map(([name, array]) => [name, { ...array, data: array.data.slice() } as Floats]),
      ),
    write: (state, { rows }) => {
      life.state = state;
      life.rows = [...rows];
    },
  });
  return { life, codes };
}

const among = ({ shape }: Floats, vectors: Floats, code: Float32Array) =>
  Array.from({ length: shape[0]! }, (_, i) => row(vectors, i)).some((vector) => sameNumbers(vector, code));

/** `e = m / N` of each code where averages are kept. */
function expectStatistics({ codebook, counts, sums }: QuantizerState): void {
  if (counts === undefined) return;
  for (const [i, m] of sums!.data.entries()) {
    const n = counts.data[Math.floor(i / codebook!.shape[1]!)]!;
    expect(Math.abs(m - codebook!.data[i]! * n)).toBeLessThanOrEqual(2 ** -22 * Math.abs(m) + 2 ** -140);
  }
}

describe.each(engines)('%s', (_, engine) => {
  test.prop(
    [samples({ minCodes: 2, minRows: 1 }), kinds, fc.constantFrom('random' as const, 'error-weighted' as const), seeds],
    runs,
  )('28: restarted codes are vectors of the batch, statistics and all', (sample, kind, restart, seed) => {
    const { z } = sample;
    const quantizer = quantizerFor(sample, { kind, restart, restartAfter: 3, ...(kind === 'ema' && { epsilon: 0 }) });
    const start = stateFor(quantizer, sample);
    const { tokens, counts, next } = pass(engine, quantizer, start, { z });
    const { life, codes } = lifeOf(engine, quantizer, next, seed);
    codes.idle.fill(2); // one more update without a hit, and a code is due
    const restarted = codes.restart([counts.data], { updates: 3, batch: z });
    expect(life.rows).toHaveLength(restarted);
    const [before, after] = [next, life.state];
    const due = [...counts.data.keys()].filter((k) => counts.data[k] === 0);
    expect(life.rows).toEqual(due.slice(0, restarted));
    if (restart === 'random') expect(restarted).toBe(Math.min(due.length, z.shape[0]!));
    for (let k = 0; k < counts.data.length; k++) {
      const code = row(after['codebook']!, k);
      if (life.rows.includes(k)) {
        expect(among(z, z, code)).toBe(true);
        expect(codes.idle[k]).toBe(0);
      } else {
        expect(bits({ ...z, data: code })).toEqual(bits({ ...z, data: row(before['codebook']!, k) }));
        expect(codes.idle[k]).toBe(tokens.data.includes(k) ? 0 : 3);
      }
    }
    expectStatistics(after);
    // A further step in which nothing chooses them leaves them where they are.
    const far = { ...z, data: row(z, 0).slice(), shape: [1, z.shape[1]!] } as Floats;
    const later = pass(engine, quantizer, after, { z: far });
    for (const k of life.rows.filter((code) => code !== later.tokens.data[0])) {
      const [was, is] = [after, later.next].map((state) => row(state['codebook']!, k));
      for (const [d, x] of is!.entries())
        expect(Math.abs(x - was![d]!)).toBeLessThanOrEqual(2 ** -22 * Math.abs(was![d]!));
    }
  });

  test.prop([samples({ minCodes: 2, minRows: 1 }), kinds, seeds], runs)(
    '28: off, too early and too late there are none',
    (sample, kind, seed) => {
      const { z } = sample;
      for (const [settings, updates, idle] of [
        [{ restart: 'off' as const, restartAfter: 1 }, 1, 9],
        [{ restartAfter: 0 }, 1, 9],
        [{ restartAfter: 1, restartUntil: 5 }, 6, 9],
        [{ restartAfter: 3 }, 1, 1],
      ] as const) {
        const quantizer = quantizerFor(sample, { kind, ...settings });
        const { counts, next } = pass(engine, quantizer, stateFor(quantizer, sample), { z });
        const { life, codes } = lifeOf(engine, quantizer, next, seed);
        codes.idle.fill(idle);
        expect(codes.restart([counts.data], { updates, batch: z })).toBe(0);
        expect(life.state).toBe(next);
      }
    },
  );

  test.each([{ kind: 'product' }, { kind: 'residual', stages: 2 }] as const)(
    '28: every codebook of %o has ages of its own',
    (settings) => {
      const sample = { z: floats([6, 4], 1), codebook: floats([4, 4], 2) };
      const quantizer = quantizerFor(sample, { ...settings, restart: 'random', restartAfter: 3 });
      const { life, codes } = lifeOf(engine, quantizer, quantizer.init(npRandom(3)), 4);
      codes.idle.set([0, 0, 0, 0, 2, 2, 2, 2]);
      const hits = Float32Array.of(1, 0, 1, 1);
      expect(codes.restart([hits, hits], { updates: 3, batch: sample.z })).toBe(1);
      expect(life.rows).toEqual([1]);
      expect([...codes.idle]).toEqual([0, 1, 0, 0, 0, 0, 0, 0]);
    },
  );

  test.prop(
    [samples({ minCodes: 2, minRows: 1 }), kinds, fc.constantFrom('uniform', 'data', 'kmeans', 'kmeans++'), seeds],
    runs,
  )('28: starting codes are vectors of the batch or their means, statistics and all', (sample, kind, method, seed) => {
    const { z } = sample;
    const quantizer = quantizerFor(sample, { kind, initialisation: method as 'data' });
    const start = stateFor(quantizer, sample);
    const { life, codes } = lifeOf(engine, quantizer, start, seed);
    codes.seed(z as NdArray);
    const { codebook, counts } = life.state;
    expectStatistics(life.state);
    if (method === 'uniform') {
      expect(life.state).toBe(start);
    } else if (method === 'kmeans') {
      const [low, high] = [Math.min(...z.data), Math.max(...z.data)];
      expect(codebook!.data.every((x) => x >= low && x <= high)).toBe(true);
      expect((counts?.data ?? [1]).every((n) => n >= 1)).toBe(true);
    } else {
      for (let k = 0; k < codebook!.shape[0]!; k++) expect(among(z, z, row(codebook!, k))).toBe(true);
      const distinct = (array: Floats) =>
        new Set(Array.from({ length: array.shape[0]! }, (__, i) => String([...row(array, i)].map((x) => x + 0)))).size;
      // Copies take every row before any row twice; k-means++ takes every different row.
      if (method === 'kmeans++' || codebook!.shape[0]! >= z.shape[0]!) {
        expect(distinct(codebook!)).toBe(Math.min(distinct(z), codebook!.shape[0]!));
      }
    }
  });

  test.each([1, 2, 3])(
    '28: with %i vectors for 4 codes, means that no vector is nearest to stay on vectors',
    (rows) => {
      const sample = { z: floats([rows, 4], 1), codebook: floats([4, 4], 2) };
      const quantizer = quantizerFor(sample, { initialisation: 'kmeans' });
      const { life, codes } = lifeOf(engine, quantizer, stateFor(quantizer, sample), 3);
      codes.seed(sample.z);
      for (let k = 0; k < 4; k++) expect(among(sample.z, sample.z, row(life.state['codebook']!, k))).toBe(true);
    },
  );
});
