// Workers that train one model together: the steps of one engine on whole batches, and nothing changed by a step that fails.
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { afterEach, describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { createEngine } from '../../src/index.ts';
import { DataParallel } from '../../src/node.ts';
import { createStep } from './linear-step.ts';

const module = new URL('./linear-step.ts', import.meta.url);
const engine = await createEngine({ backend: 'wasm' });

function batchOf(seed: number, rows: number): { x: NdArray; y: NdArray } {
  const generator = npRandom(seed);
  const array = (width: number) => {
    const out = ndarray('float32', [rows, width]);
    for (let i = 0; i < out.data.length; i++) out.data[i] = generator.normal();
    return out;
  };
  return { x: array(3), y: array(2) };
}

const crews: DataParallel[] = [];
const crewOf = async (workers: number, options = {}) => {
  const crew = await DataParallel.create({ module, workers, options });
  crews.push(crew);
  return crew;
};
afterEach(async () => {
  for (const crew of crews.splice(0)) await crew.dispose();
});

describe('data parallelism', () => {
  test.prop([fc.nat(1000), fc.constantFrom(1, 2, 3), fc.integer({ min: 3, max: 11 })], { numRuns: 3 })(
    'makes the steps of one engine, however rows are cut',
    async (seed, workers, rows) => {
      const crew = await crewOf(workers);
      const alone = createStep(engine, {});
      for (let t = 0; t < 3; t++) {
        const batch = batchOf(seed + t, rows);
        const metrics = await crew.step(batch);
        const { gradients, metrics: expected } = alone.gradients(batch);
        alone.apply(gradients);
        expect(metrics['loss']).toBeCloseTo(expected!['loss']!, 4);
      }
      const [state, expected] = [await crew.state(), alone.state()];
      for (const [i, value] of state['w']!.data.entries()) expect(value).toBeCloseTo(Number(expected['w']!.data[i]), 4);
    },
  );

  test('a step that fails in one worker changes none, and the next one works', { timeout: 30_000 }, async () => {
    const crew = await crewOf(2);
    const before = await crew.state();
    const bad = batchOf(0, 4);
    bad.x.data[11] = NaN;
    await expect(crew.step(bad)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[WorkerError: DataParallel: worker 1: RangeError: x has NaN in it. No replica has changed.]`,
    );
    expect(await crew.state()).toEqual(before);
    await crew.step(batchOf(1, 4));
    expect(await crew.state()).not.toEqual(before);
  });

  test('a worker that dies ends all, and says so', { timeout: 30_000 }, async () => {
    const crew = await crewOf(2, { broken: 'exit' });
    const batch = batchOf(0, 4);
    batch.x.data[0] = 7;
    await expect(crew.step(batch)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[WorkerError: worker 'data parallel 0': ended with exit code 3 before its work was done, without an error of its own.]`,
    );
    await expect(crew.step(batchOf(0, 4))).rejects.toThrow(/exit code 3/);
  });

  test('what cannot start, and batches that do not fit', { timeout: 30_000 }, async () => {
    await expect(crewOf(0)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: DataParallel: expected a whole number of workers > 0, got 0.]`,
    );
    await expect(crewOf(2, { broken: 'start' })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[WorkerError: DataParallel: worker 0: Error: no such data.]`,
    );
    const elsewhere = DataParallel.create({ module: new URL('./none.ts', import.meta.url), workers: 1 });
    await expect(elsewhere).rejects.toThrow(/none\.ts/);
    const crew = await crewOf(2, { broken: 'names' });
    await expect(crew.step(batchOf(0, 1))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: DataParallel.step: expected at least a row for each of 2 workers, got 1. Use larger batches or fewer workers.]`,
    );
    await expect(crew.step({ ...batchOf(0, 4), y: batchOf(0, 3).y })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: DataParallel.step: expected 4 rows in every array, as in 'x', got 3 in 'y'.]`,
    );
    await expect(crew.step({})).rejects.toThrow(/whose first axis are rows/);
    await expect(crew.step(batchOf(0, 4))).rejects.toThrow(/expected one by the name 'w', got none/);
    const first = crew.step(batchOf(0, 4)).catch(() => undefined);
    await expect(crew.step(batchOf(0, 4))).rejects.toThrow(/the step before is not done/);
    await first;
    await crew.dispose();
    await expect(crew.step(batchOf(0, 4))).rejects.toThrow(/used after dispose/);
  });
});
