// Rollouts of environments that only makeVec can load, with a loader that builds them in this thread: their chunks are those of inProcessRollouts.

import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { CancelledError, ConfigError, EnvironmentError } from '@tessera/core';
import { make, registerLoader, SyncVectorEnv } from 'gymnasium-js';
import type { VectorEnv, VectorStepResult } from 'gymnasium-js';
import type { Chunk } from '../src/chunk.ts';
import { chunkSteps } from '../src/chunk.ts';
import { inProcessRollouts } from '../src/in-process-rollouts.ts';
import { rolloutSource } from '../src/rollout-source.ts';
import { VectorRollouts } from '../src/vector-rollouts.ts';
import { collect, errorOf, hashChunks, meter } from './fixtures/rollouts.ts';

let steps = 0;
const open = new Set<VectorEnv>();

// Asynchronous like a bridge, and counted.
class Bridge extends SyncVectorEnv {
  override async step(actions: ArrayLike<number>): Promise<VectorStepResult> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    steps++;
    return super.step(actions);
  }
  override async close(): Promise<void> {
    open.delete(this);
    return super.close();
  }
}

registerLoader('here', async (id, { numEnvs = 1, autoresetMode, timeLimitMs, ...kwargs }) => {
  expect([autoresetMode, typeof timeLimitMs]).toEqual(['Disabled', 'number']);
  const build = () => make(id, kwargs) as never;
  const envs: VectorEnv = new Bridge(
    Array.from({ length: numEnvs }, () => build),
    { autoresetMode: autoresetMode! },
  );
  open.add(envs);
  return envs;
});

const bridgedMeter = (kwargs: object, options: object) => {
  const direct = meter(kwargs, options as never);
  return { ...direct, env: { ...direct.env, id: `here:${direct.env.id}` } };
};

const ownChunks = (chunks: readonly Chunk[], envIndex: number): Chunk[] =>
  chunks
    .filter(({ metadata }) => metadata.envIndex === envIndex)
    .map((chunk) => ({ ...chunk, metadata: { ...chunk.metadata, envId: '' } }));

describe('the chunks', () => {
  test.prop(
    [
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 200 }),
      fc.integer({ min: 0, max: 2 ** 31 }),
      fc.double({ min: 0, max: 0.5, noNaN: true }),
      fc.integer({ min: 1, max: 12 }),
    ],
    { numRuns: 40 },
  )(
    'of each environment are those of inProcessRollouts',
    async (numEnvs, chunkLength, wanted, seed, endProbability, maxChunksAlive) => {
      const options = { numEnvs, chunkLength, seed, steps: wanted, maxChunksAlive };
      const chunks = await collect(rolloutSource(bridgedMeter({ endProbability }, options)));
      expect(chunks.reduce((sum, chunk) => sum + chunkSteps(chunk), 0)).toBe(wanted);
      const expected = await collect(
        inProcessRollouts(meter({ endProbability }, { ...options, steps: 3 * wanted + 100 })),
      );
      for (let i = 0; i < numEnvs; i++) {
        const [got, long] = [ownChunks(chunks, i), ownChunks(expected, i)];
        // The last chunk of all was cut to fit.
        const whole = got.slice(0, -1);
        expect(hashChunks(whole)).toBe(hashChunks(long.slice(0, whole.length)));
      }
      expect(open.size).toBe(0);
    },
  );

  test('come again in the next iteration', async () => {
    const source = rolloutSource(bridgedMeter({ endProbability: 0.1 }, { numEnvs: 2, steps: 50, seed: 1 }));
    expect(hashChunks(await collect(source))).toBe(hashChunks(await collect(source)));
  });
});

test('the environments go on while a chunk is held, and no further than there is room', async () => {
  steps = 0;
  const source = rolloutSource(bridgedMeter({}, { numEnvs: 2, chunkLength: 4, maxChunksAlive: 4, seed: 0 }));
  const iterator = source[Symbol.asyncIterator]();
  await iterator.next();
  const afterOne = steps;
  await new Promise((resolve) => setTimeout(resolve, 100));
  // The second chunk of this step waits: no room for a third.
  expect([afterOne, steps]).toEqual([4, 4]);
  await iterator.next();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(steps).toBe(8);
  await iterator.return!();
  expect(open.size).toBe(0);
});

test('an end by the signal, before, between and during steps', async () => {
  const aborted = AbortSignal.abort();
  const never = rolloutSource(bridgedMeter({}, { seed: 0, signal: aborted }));
  expect(await errorOf(collect(never))).toBeInstanceOf(CancelledError);
  const controller = new AbortController();
  const source = rolloutSource(bridgedMeter({}, { seed: 0, signal: controller.signal, chunkLength: 2 }));
  const iterator = source[Symbol.asyncIterator]();
  await iterator.next();
  const late = errorOf(Promise.all([iterator.next(), iterator.next(), iterator.next()]));
  controller.abort();
  expect(await late).toBeInstanceOf(CancelledError);
  expect(open.size).toBe(0);
});

test('what the environments throw', async () => {
  const source = rolloutSource(bridgedMeter({ failure: 'throw', failStep: 3 }, { numEnvs: 2, seed: 0 }));
  expect(await errorOf(collect(source))).toBeInstanceOf(EnvironmentError);
  expect(open.size).toBe(0);
  const bad = rolloutSource(bridgedMeter({ failure: 'reward', failStep: 1 }, { seed: 0 }));
  expect(await errorOf(collect(bad))).toBeInstanceOf(EnvironmentError);
  const vectors = await errorOf(VectorRollouts.create({ env: { id: 'here:Meter-v0' }, seed: 0 }));
  expect(vectors).toBeInstanceOf(ConfigError);
  expect((vectors as Error).message).toContain('expected an environment of this process');
});
