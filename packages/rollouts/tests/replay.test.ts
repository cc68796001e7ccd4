import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { Generators, npRandom } from '@tessera/core';
import { Replay } from '../src/replay.ts';
import { memoryShards } from '../src/shard-store.ts';
import { stepWindow } from '../src/step-window.ts';
import { VectorRollouts } from '../src/vector-rollouts.ts';
import { meter } from './fixtures/rollouts.ts';

describe('Replay', () => {
  test('smoke', async () => {
    const store = memoryShards();
    const rollouts = await VectorRollouts.create({ ...meter({ endProbability: 0.1 }), numEnvs: 3, chunkLength: 5 });
    const replay = await Replay.create(store, { maxBytes: 1e5, cacheBytes: 300 });
    const g = new Generators(0).get('p');
    for (let i = 0; i < 20; i++) {
      await replay.append(await rollouts.collect({ version: i, act: (_f, e) => e.map(() => g.integers(5) - 1) }, 50));
      for (const reference of replay.sampleSteps(npRandom(i), 10, { context: 4 })) {
        const window = stepWindow(reference, 4);
        for (const [row, { chunk, frame }] of window.frames.entries()) {
          const frames = await replay.frames(chunk);
          if (row > 0 && window.actions[row - 1] !== undefined && row <= 4) {
            const executed = frames.data[frame * 24 + 8]! - 1;
            if (frame > 0 || chunk.metadata.firstStep > 0) expect(executed).toBe(window.actions[row - 1]);
          }
        }
      }
    }
    const again = await Replay.resume(store, replay.getState(), { maxBytes: 1e5 });
    expect(again.getState()).toEqual(replay.getState());
    expect(again.bytes).toBe(replay.bytes);
  });
});
