// A small world that a world model learns to the last token, and lessons in it.
import { ndarray, npRandom } from '@tessera/core';
import type { Transitions, WorldModel } from '../src/index.ts';

/** A walker between walls on `places` tokens: action 0 goes back, 1 stays, 2 goes on; a reward of its sign; the end at place 0. Seen with `context` frames. */
export function walks(
  places: number,
  rows: number,
  { seed, context = 1 }: { seed: number; context?: number },
): Transitions {
  const generator = npRandom(seed);
  const batch = {
    tokens: ndarray('int32', [rows, context, places]),
    actions: ndarray('int32', [rows, context]),
    nextTokens: ndarray('int32', [rows, places]),
    rewards: ndarray('float32', [rows]),
    terminated: ndarray('uint8', [rows]),
  };
  for (let row = 0; row < rows; row++) {
    let place = generator.integers(places);
    for (let age = 0; age < context; age++) {
      batch.tokens.data[(row * context + age) * places + place] = 1;
      const action = generator.integers(3);
      batch.actions.data[row * context + age] = action;
      place = Math.min(places - 1, Math.max(0, place + action - 1));
      batch.rewards.data[row] = 5 * (action - 1);
    }
    batch.nextTokens.data[row * places + place] = 1;
    batch.terminated.data[row] = place === 0 ? 1 : 0;
  }
  return batch;
}

/** So many updates. */
export function learn(worldModel: WorldModel, batch: (step: number) => Transitions, updates: number): void {
  for (let step = 0; step < updates; step++) worldModel.trainStep(batch(step), { progress: step / updates });
}
