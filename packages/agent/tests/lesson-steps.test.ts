// Which steps the world model learns from, and how much each of them counts.
import { describe, expect } from 'vitest';
import { test } from '@fast-check/vitest';
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { StepReference } from '@tessera/rollouts';
import type { Transitions, WorldModelKind } from '../src/index.ts';
import { copyOf, runOn, saved } from './training-toy.ts';
import type { RunOptions } from './training-toy.ts';
import { cpu, errorOf, transitionsOf, worldModelOn } from './toy.ts';

const floatsOf = (...values: number[]): NdArray<'float32'> =>
  ndarray('float32', [values.length], Float32Array.from(values));

/** One row of transitions. */
function rowOf(batch: Transitions, row: number): Transitions {
  const cut = <A extends NdArray>(array: A): A => {
    const size = array.data.length / array.shape[0]!;
    return { ...array, shape: [1, ...array.shape.slice(1)], data: array.data.slice(row * size, (row + 1) * size) };
  };
  return {
    tokens: cut(batch.tokens),
    actions: cut(batch.actions),
    nextTokens: cut(batch.nextTokens),
    rewards: cut(batch.rewards),
    terminated: cut(batch.terminated),
  };
}

describe('weights of rows', () => {
  test.each(['parallel', 'maskgit', 'causal'] as const satisfies readonly WorldModelKind[])(
    'that are alike change nothing, kind %s',
    (kind) => {
      const [plain, weighted] = [0, 0].map(() => worldModelOn(cpu, { kind, reward: 'two-hot', context: 2 }));
      const batch = transitionsOf(plain!, 3, 1);
      for (let update = 0; update < 2; update++) {
        const expected = plain!.trainStep(batch);
        const { metrics, losses } = weighted!.trainWeighted(batch, floatsOf(1, 1, 1));
        for (const [name, value] of Object.entries(expected))
          expect([name, (metrics as never)[name]]).toEqual([name, expect.closeTo(value, 4)]);
        expect(losses.reduce((sum, loss) => sum + loss, 0) / 3).toBeCloseTo(expected.loss, 4);
      }
    },
  );

  test.each(['parallel', 'causal'] as const)('make the mean, and the losses say whose they are, kind %s', (kind) => {
    const models = Array.from({ length: 3 }, () => worldModelOn(cpu, { kind }));
    const batch = transitionsOf(models[0]!, 2, 5);
    const both = models[0]!.trainWeighted(batch, floatsOf(0, 2));
    const [first, second] = [rowOf(batch, 0), rowOf(batch, 1)].map((row, i) => models[i + 1]!.trainStep(row));
    expect([...both.losses]).toEqual([expect.closeTo(first!.loss, 4), expect.closeTo(second!.loss, 4)]);
    expect(both.metrics.loss).toBeCloseTo(second!.loss, 4);
    expect(both.metrics.gradientNorm).toBeCloseTo(second!.gradientNorm, 4);
    expect(first!.gradientNorm).not.toBeCloseTo(second!.gradientNorm, 3);
  });

  test('are one for each row', async () => {
    const worldModel = worldModelOn(cpu);
    const message = await errorOf(() => worldModel.trainWeighted(transitionsOf(worldModel, 3, 1), floatsOf(1, 1)));
    expect(message).toBe('ShapeError: WorldModel.trainWeighted: expected weights of shape [3], got [2].');
  });
});

const prioritised: RunOptions = { steps: 40, training: { sampling: { kind: 'prioritised', minimum: 0.5 } } };

describe('a run', () => {
  test('that prefers steps learned badly keeps the loss of each, and learns less from those drawn often', async () => {
    const run = await runOn(cpu, { ...prioritised, worldModel: { batchSize: 8 } });
    const { worldModel } = run.agent;
    const lessons: { weights: Float32Array; losses: Float32Array; before: Float32Array; after: Float32Array }[] = [];
    const priorities = () => saved(run).tensors['lessons.priorities']!.data as Float32Array;
    const train = worldModel.trainWeighted.bind(worldModel);
    let latest: { weights: Float32Array; losses: Float32Array } | undefined;
    worldModel.trainWeighted = (batch, weights, how) => {
      const result = train(batch, weights, how);
      latest = { weights: weights.data, losses: result.losses };
      return result;
    };
    let rounds = 0;
    while (!run.trainer.done && rounds < 2) {
      const before = run.replay.steps === 0 ? new Float32Array() : priorities();
      const { kind, roundDone } = await run.trainer.next();
      const after = priorities();
      expect(after.length).toBe(run.replay.steps);
      // The first round may have left by now; what came with this one is as high as can be.
      const highest = rounds === 0 ? 1 : Math.max(...before);
      expect(after.at(-1)).toBe(kind === 'collect' ? highest : after.at(-1));
      if (kind === 'world model') lessons.push({ ...latest!, before, after });
      if (roundDone) rounds++;
    }
    for (const { weights, losses, before, after } of lessons) {
      const told = new Set(losses.map((loss) => Math.fround(loss + 0.5)));
      const changed = [...after.entries()].filter(([place, priority]) => priority !== before[place]);
      expect(changed.length).toBeGreaterThan(0);
      for (const [, priority] of changed) expect(told.has(priority)).toBe(true);
      expect(Math.max(...weights)).toBe(1);
    }
    expect(lessons.some(({ weights }) => Math.min(...weights) < 1)).toBe(true);
  });

  test('that prefers new steps asks for them', async () => {
    const run = await runOn(cpu, {
      steps: 32,
      training: { sampling: { kind: 'recent', halfLife: 7, uniformShare: 0.5 } },
    });
    const asked: unknown[] = [];
    const sample = run.replay.sampleSteps.bind(run.replay);
    run.replay.sampleSteps = (generator, count, options): StepReference[] => {
      if (options?.recency !== undefined) asked.push(options);
      return sample(generator, count, options);
    };
    while (!run.trainer.done) await run.trainer.next();
    // Three updates in the first round and two in the second, and nothing else.
    expect(asked).toEqual(
      Array.from({ length: 5 }, () => ({ context: 2, recency: { halfLife: 7, uniformShare: 0.5 } })),
    );
  });

  test('goes on from a state of its own kind alone', async () => {
    const run = await runOn(cpu, prioritised);
    await run.trainer.next();
    const state = saved(run);
    const { 'lessons.priorities': priorities, ...without } = state.tensors;
    const messages: string[] = [];
    for (const [options, tensors] of [
      [{ ...prioritised, training: {} }, state.tensors],
      [prioritised, without],
      [prioritised, { ...without, 'lessons.priorities': ndarray('float32', [3]) }],
    ] as const) {
      const store = await copyOf(run.store);
      messages.push(await errorOf(() => runOn(cpu, options, { state: { ...state, tensors }, store })));
    }
    expect(priorities!.shape).toEqual([16]);
    expect(messages.join('\n')).toMatchInlineSnapshot(`
      "FormatError: AgentTrainer.loadState: expected the state of training.sampling.kind 'uniform', got one with priorities.
      FormatError: AgentTrainer.loadState: expected the state of training.sampling.kind 'prioritised', got one with no priorities.
      FormatError: StepPriorities.loadState: expected the priorities of 16 steps, float32 [16], got float32 [3]."
    `);
  });
});
