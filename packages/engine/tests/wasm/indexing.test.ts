import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { NonFinitePosition } from '../../src/wasm/kernels.ts';
import { expectClose, kernelsOn, noise, TestMemory } from './test-memory.ts';

const memory = new TestMemory();
const kernels = await kernelsOn(memory);

const sizes = fc.record({
  n: fc.integer({ min: 0, max: 20 }),
  k: fc.integer({ min: 1, max: 20 }),
  d: fc.integer({ min: 1, max: 13 }),
  seed: fc.nat(1000),
});

function indices(n: number, k: number, seed: number): number[] {
  return Array.from(noise(n, seed), (x) => Math.floor(((x + 1) / 2) * k));
}

describe('gatherRows', () => {
  test.prop([sizes])('copies the rows', ({ n, k, d, seed }) => {
    memory.reset();
    const table = noise(k * d, seed);
    const ids = indices(n, k, seed + 1);
    const y = memory.allocate(n * d * 4);
    expect(kernels.gatherRows(memory.float32(table), memory.int32(ids), y, n, k, d)).toBe(-1);
    expectClose(
      memory.readFloat32(y, n * d),
      ids.flatMap((id) => [...table.subarray(id * d, (id + 1) * d)]),
      0,
    );
    memory.expectGuardsIntact();
  });

  test('names the first index outside and fills its row with NaN', () => {
    memory.reset();
    const y = memory.allocate(24);
    expect(kernels.gatherRows(memory.float32([1, 2, 3, 4]), memory.int32([1, 2, -1]), y, 3, 2, 2)).toBe(1);
    expectClose(memory.readFloat32(y, 6), [3, 4, Number.NaN, Number.NaN, Number.NaN, Number.NaN], 0);
  });
});

describe('segmentSum', () => {
  test.prop([sizes, fc.boolean()])('adds the rows of each id and counts them', ({ n, k, d, seed }, counted) => {
    memory.reset();
    const values = noise(n * d, seed);
    const ids = indices(n, k, seed + 1);
    const y = memory.allocate(k * d * 4);
    const counts = counted ? memory.allocate(k * 4) : 0;
    expect(kernels.segmentSum(memory.float32(values), memory.int32(ids), y, counts, n, k, d)).toBe(-1);
    const expected = new Float64Array(k * d);
    const expectedCounts = new Float64Array(k);
    ids.forEach((id, i) => {
      expectedCounts[id] = (expectedCounts[id] as number) + 1;
      for (let j = 0; j < d; j++)
        expected[id * d + j] = (expected[id * d + j] as number) + (values[i * d + j] as number);
    });
    expectClose(memory.readFloat32(y, k * d), expected, 1e-6, () => n);
    if (counted) expectClose(memory.readFloat32(counts, k), expectedCounts, 0);
    memory.expectGuardsIntact();
  });

  test('skips ids outside, says where the first is, and scatterAddRows adds to what is there', () => {
    memory.reset();
    const x = memory.float32([1, 2, 3, 4, 5]);
    const ids = memory.int32([0, -1, 2, 1, 0]);
    const y = memory.float32([9, 9]);
    expect(kernels.segmentSum(x, ids, y, 0, 5, 2, 1)).toBe(1);
    expectClose(memory.readFloat32(y, 2), [6, 4], 0);
    expect(kernels.scatterAddRows(x, ids, y, 0, 5, 2, 1)).toBe(1);
    expectClose(memory.readFloat32(y, 2), [12, 8], 0);
    memory.expectGuardsIntact();
  });
});

describe('nearestCode', () => {
  function nearest(z: Float32Array, codebook: Float32Array, d: number): Int32Array {
    memory.reset();
    const [n, k] = [z.length / d, codebook.length / d];
    const out = memory.allocate(n * 4);
    const options = { z: memory.float32(z), codebook: memory.float32(codebook), indices: out, n, k, d };
    const scratch = memory.allocate(kernels.nearestCodeScratchBytes(k, d));
    expect(kernels.nearestCode({ ...options, scratch })).toBeUndefined();
    memory.expectGuardsIntact();
    return memory.readInt32(out, n);
  }

  function distance(z: Float32Array, i: number, codebook: Float32Array, j: number, d: number): number {
    let total = 0;
    for (let c = 0; c < d; c++) total += ((z[i * d + c] as number) - (codebook[j * d + c] as number)) ** 2;
    return total;
  }

  /** Each chosen code is as near as the nearest, within the rounding of `|e|^2 / 2 - z.e` for centred numbers of this size. */
  function expectNearest(chosen: Int32Array, z: Float32Array, codebook: Float32Array, d: number, size: number): void {
    const k = codebook.length / d;
    expect(chosen.length).toBe(z.length / d);
    chosen.forEach((j, i) => {
      const all = Array.from({ length: k }, (_, q) => distance(z, i, codebook, q, d));
      const best = Math.min(...all);
      const got = all[j];
      if (got === undefined || !(got - best <= 1e-6 * (d + 4) * size * size)) {
        expect.fail(`row ${i}: code ${j} at ${got}, the nearest is ${all.indexOf(best)} at ${best}`);
      }
    });
  }

  test.prop([sizes, fc.constantFrom(1, 1e-8, 1e8)])('is the nearest code', ({ n, k, d, seed }, size) => {
    const z = noise(n * d, seed).map((x) => x * size);
    const codebook = noise(k * d, seed + 1).map((x) => x * size);
    expectNearest(nearest(z, codebook, d), z, codebook, d, size);
  });

  test.prop([
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 1, max: 9 }),
    fc.nat(1000),
  ])('a vector that is a code finds it, under any common offset', (n, k, d, seed) => {
    // numbers with few bits, so that the offset rounds nothing away
    const base = noise(k * d, seed).map((x, i) => Math.round(x * 64) / 64 + Math.floor(i / d) * 2);
    for (const offset of [0, 1000, -100_000]) {
      const codebook = base.map((x) => x + offset);
      const wanted = indices(n, k, seed + 1);
      const z = Float32Array.from(wanted.flatMap((j) => [...codebook.subarray(j * d, (j + 1) * d)]));
      expect([...nearest(z, codebook, d)]).toEqual(wanted);
    }
  });

  test.prop([sizes])('ties go to the lowest index', ({ n, k, d, seed }) => {
    const codes = noise(k * d, seed);
    const doubled = Float32Array.from([...codes, ...codes, ...codes]);
    expect(nearest(noise(n * d, seed + 1), doubled, d).every((j) => j < k)).toBe(true);
    expect([...nearest(new Float32Array(3 * d), new Float32Array(k * d), d)]).toEqual([0, 0, 0]);
  });

  test('numbers whose squares float32 cannot hold are compared in float64', () => {
    const far = new Float32Array([3e38, -3e38, 1e20, 0]);
    expect([...nearest(new Float32Array([2.9e38, 1e19, 6e19, -1, -3e38]), far, 1)]).toEqual([0, 3, 2, 3, 1]);
    const tiny = new Float32Array([1e-30, 2e-30, 4e-30, -1e-40]);
    expect([...nearest(new Float32Array([3.5e-30, 1.4e-30, 0, -1, 1]), tiny, 1)]).toEqual([2, 0, 3, 3, 2]);
    expect([...nearest(new Float32Array([1e30, -1e30]), new Float32Array([-1, 1]), 1)]).toEqual([1, 0]);
  });

  test.prop([
    fc.constantFrom(Number.NaN, Infinity, -Infinity),
    fc.constantFrom<'z' | 'codebook'>('z', 'codebook'),
    fc.nat(29),
    fc.constantFrom(1, 2, 3, 5, 6),
  ])('a number that is not finite is found and nothing is written', (bad, array, position, d) => {
    memory.reset();
    const arrays = { z: noise(30, 1), codebook: noise(30, 2) };
    arrays[array][position] = bad;
    const out = memory.int32(new Int32Array(30 / d).fill(-7));
    const found = kernels.nearestCode({
      z: memory.float32(arrays.z),
      codebook: memory.float32(arrays.codebook),
      indices: out,
      n: 30 / d,
      k: 30 / d,
      d,
      scratch: memory.allocate(kernels.nearestCodeScratchBytes(30 / d, d)),
    });
    expect(found).toEqual({ array, position } satisfies NonFinitePosition);
    expect(new Set(memory.readInt32(out, 30 / d))).toEqual(new Set([-7]));
  });
});
