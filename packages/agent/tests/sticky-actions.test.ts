// Sticky actions: learned from what an environment says that it executed, and repeated in imagination as often.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import { StickyActions } from '../src/index.ts';
import { agentOn, cpu } from './toy.ts';

const actionCount = 4;

/** Steps of an environment that repeats the action before with `probability`. */
function stickySteps(steps: number, { probability, seed }: { probability: number; seed: number }) {
  const generator = npRandom(seed);
  const actions = Int32Array.from({ length: steps }, () => generator.integers(actionCount));
  const executedActions = actions.slice();
  for (let step = 1; step < steps; step++) {
    if (generator.random() < probability) executedActions[step] = executedActions[step - 1]!;
  }
  return { actions, executedActions };
}

/** Windows of `context` frames, of which each row has executed `before` last. */
const windowOf = (rows: number, context: number, before: number) => ({
  tokens: ndarray('int32', [rows, context, 1]),
  actions: ndarray('int32', [rows, context], new Int32Array(rows * context).fill(before)),
});

describe('sticky actions', () => {
  test.prop([fc.constantFrom(0, 0.1, 0.5, 1), fc.nat()], { numRuns: 20 })(
    'are learned from chunks, and imagined as often',
    (probability, seed) => {
      const sticky = new StickyActions(actionCount);
      for (let chunk = 0; chunk < 100; chunk++) sticky.observe(stickySteps(64, { probability, seed: seed + chunk }));
      expect(Math.abs(sticky.probability - probability)).toBeLessThan(0.05);
      const rows = 4000;
      const window = windowOf(rows, 2, 3);
      sticky.execute(window, new Int32Array(rows).fill(1), npRandom(seed));
      const executed = [...window.actions.data].filter((_, i) => i % 2 === 1);
      expect(executed.every((action) => action === 1 || action === 3)).toBe(true);
      const share = executed.filter((action) => action === 3).length / rows;
      expect(Math.abs(share - probability)).toBeLessThan(0.08);
    },
  );

  test('are counted where they show: not in the first step, nor where the same was chosen again', () => {
    const sticky = new StickyActions(actionCount);
    sticky.observe({ actions: Int32Array.of(1, 1, 2, 3, 0), executedActions: Int32Array.of(2, 1, 1, 3, 3) });
    // Before steps 1 to 4 were executed 2, 1, 1 and 3, each time another action than was chosen; steps 2 and 4 repeated it.
    expect(sticky.counts).toEqual({ repeated: 2, possible: 4 });
    sticky.observe({ actions: Int32Array.of(1, 1), executedActions: Int32Array.of(1, 1) });
    expect(sticky.counts).toEqual({ repeated: 2, possible: 4 });
  });

  test('draw nothing where the environment has none', () => {
    const sticky = new StickyActions(actionCount);
    sticky.observe(stickySteps(50, { probability: 0, seed: 0 }));
    const generator = npRandom(1);
    const window = windowOf(3, 2, 0);
    sticky.execute(window, Int32Array.of(1, 2, 3), generator);
    expect([...window.actions.data]).toEqual([0, 1, 0, 2, 0, 3]);
    expect(generator.random()).toBe(npRandom(1).random());
  });

  test('repeat nothing at the start of an episode, nor without a frame before', () => {
    const sticky = new StickyActions(actionCount);
    sticky.observe(stickySteps(50, { probability: 1, seed: 0 }));
    for (const window of [windowOf(2, 3, actionCount), windowOf(2, 1, 2)]) {
      sticky.execute(window, Int32Array.of(1, 3), npRandom(0));
      const context = window.actions.shape[1]!;
      expect([window.actions.data[context - 1], window.actions.data[2 * context - 1]]).toEqual([1, 3]);
    }
  });

  test('of several generators come row by row', () => {
    const sticky = new StickyActions(actionCount);
    sticky.observe(stickySteps(500, { probability: 0.5, seed: 0 }));
    const rows = 40;
    const together = windowOf(rows, 2, 3);
    sticky.execute(
      together,
      new Int32Array(rows).fill(1),
      Array.from({ length: rows }, (_, row) => npRandom(row)),
    );
    for (let row = 0; row < rows; row++) {
      const alone = windowOf(1, 2, 3);
      sticky.execute(alone, Int32Array.of(1), npRandom(row));
      expect(together.actions.data[2 * row + 1]).toBe(alone.actions.data[1]);
    }
  });

  test('are saved with the world model', () => {
    const [one, other] = [agentOn(cpu).worldModel, agentOn(cpu).worldModel];
    one.sticky.observe(stickySteps(500, { probability: 0.3, seed: 0 }));
    other.loadState(one.state());
    expect(other.sticky.counts).toEqual(one.sticky.counts);
    expect(one.sticky.counts.repeated).toBeGreaterThan(0);
  });
});
