// Active units and mutual information on posteriors whose values are known.
import { ShapeError, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { activeUnits, klPerUnit, mutualInformation, unitActivity } from '../src/index.ts';

/** Posteriors [rows, units] from functions of both. */
function posteriors(
  [rows, units]: readonly [number, number],
  mean: (row: number, unit: number) => number,
  deviation: (row: number, unit: number) => number,
): { mean: NdArray<'float32'>; deviation: NdArray<'float32'> } {
  const fill = (value: (row: number, unit: number) => number) =>
    ndarray(
      'float32',
      [rows, units],
      Float32Array.from({ length: rows * units }, (_, i) => value(Math.floor(i / units), i % units)),
    );
  return { mean: fill(mean), deviation: fill(deviation) };
}

const seeds = fc.noShrink(fc.nat(1e6));

test.prop([fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: 1, maxLength: 5 }), seeds], {
  numRuns: 30,
})('the activity of a unit is the variance of its means, and units above the threshold count', (sizes, seed) => {
  const generator = npRandom(seed);
  const rows = 50;
  const values = sizes.map((size) => Array.from({ length: rows }, () => size * generator.standardNormal() + 7));
  const p = posteriors(
    [rows, sizes.length],
    (row, unit) => values[unit]![row]!,
    () => 1,
  );
  const expected = values.map((list) => {
    const mean = list.reduce((sum, x) => sum + x, 0) / rows;
    return list.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (rows - 1);
  });
  for (const [unit, activity] of unitActivity(p).entries()) expect(activity).toBeCloseTo(expected[unit]!, 4);
  expect(activeUnits(p)).toBe(unitActivity(p).filter((activity) => activity > 0.01).length);
  expect(activeUnits(p, { threshold: 1e9 })).toBe(0);
});

test('a collapsed posterior has no KL, no activity and no information', () => {
  const p = posteriors(
    [40, 3],
    () => 0,
    () => 1,
  );
  expect([...klPerUnit(p)]).toEqual([0, 0, 0]);
  expect(activeUnits(p)).toBe(0);
  expect(mutualInformation(p, npRandom(0)).nats).toBeCloseTo(0, 9);
});

test('posteriors that never meet tell N frames apart: ln N', () => {
  const p = posteriors(
    [64, 2],
    (row) => 10 * row,
    () => 0.01,
  );
  const { nats, ceiling } = mutualInformation(p, npRandom(0));
  expect(ceiling).toBeCloseTo(Math.log(64), 12);
  expect(nats).toBeCloseTo(ceiling, 6);
});

test.prop([fc.constantFrom(2, 4, 8), seeds], { numRuns: 10 })('frames in m groups carry ln m', (groups, seed) => {
  const p = posteriors(
    [64, 1],
    (row) => 100 * (row % groups),
    () => 1,
  );
  expect(mutualInformation(p, npRandom(seed)).nats).toBeCloseTo(Math.log(groups), 6);
});

test.prop([seeds], { numRuns: 2 })('a Gaussian channel carries 1/2 ln(1 + signal / noise)', (seed) => {
  const generator = npRandom(seed);
  const [rows, signal, deviation] = [1000, 3, 0.7];
  const means = Array.from({ length: rows }, () => Math.sqrt(signal) * generator.standardNormal());
  const p = posteriors(
    [rows, 1],
    (row) => means[row]!,
    () => deviation,
  );
  const expected = 0.5 * Math.log(1 + signal / deviation ** 2);
  expect(Math.abs(mutualInformation(p, generator).nats / expected - 1)).toBeLessThan(0.1);
});

test('means and deviations of two shapes, and of nothing, are errors', () => {
  const { mean } = posteriors(
    [2, 3],
    () => 0,
    () => 1,
  );
  expect(() => klPerUnit({ mean, deviation: ndarray('float32', [3, 2]) })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: klPerUnit: expected means and deviations of one shape [N, ...] with N >= 1, got [2, 3] and [3, 2].]`,
  );
  const none = ndarray('float32', [0, 3]);
  expect(() => activeUnits({ mean: none, deviation: none })).toThrow(ShapeError);
});
