import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { Generators } from '@tessera/core';
import { chunkSteps } from '../src/chunk.ts';
import { inProcessRollouts } from '../src/in-process-rollouts.ts';
import type { BatchPolicy } from '../src/policy.ts';
import { VectorRollouts } from '../src/vector-rollouts.ts';
import { collect, hashChunks, meter } from './fixtures/rollouts.ts';

/** What a rollout source does by itself: each environment's actions from a generator of its own. */
function randomPolicy(seed: number, actions: { readonly count: number; readonly first: number }): BatchPolicy {
  const generators = new Generators(seed);
  return {
    version: 0,
    act: (_frames, envIndices) =>
      envIndices.map((envIndex) => actions.first + generators.get(`policy/${envIndex}`).integers(actions.count)),
  };
}

describe('VectorRollouts', () => {
  test.prop([fc.nat({ max: 9 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 60 })], { numRuns: 30 })(
    'gives the bits of inProcessRollouts',
    async (seed, chunkLength, steps) => {
      const { env } = meter({ endProbability: 0.2 });
      const rollouts = await VectorRollouts.create({ env, seed, chunkLength });
      const chunks = await rollouts.collect(randomPolicy(seed, rollouts.actions), steps);
      rollouts.close();
      expect(chunks.reduce((sum, chunk) => sum + chunkSteps(chunk), 0)).toBe(steps);
      const expected = await collect(inProcessRollouts({ env, seed, chunkLength, steps }));
      expect(hashChunks(chunks)).toBe(hashChunks(expected));
    },
  );
});
