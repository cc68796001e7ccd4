// Open-loop dreams: a model that knows the walk is always right and listens to actions; one that does not listen, and one that forgets, show as what they are.
import { expect, describe, onTestFinished, vi } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import { memoryShards, Replay, VectorRollouts } from '@tessera/rollouts';
import { measureDreams, measureHeldOut, randomPolicy, TokenMemory } from '../src/index.ts';
import type { Agent, Starts, WorldModel } from '../src/index.ts';
import { dreamFrames } from '../src/evaluation/dreams.ts';
import { PixelTokenizer } from './pixel-tokenizer.ts';
import { agentOn, cpu } from './toy.ts';
import { readWalk, walk, walkActions } from './walk-env.ts';
import type { WalkKwargs } from './walk-env.ts';

const tokenizer = new PixelTokenizer();
const context = 2;

/** A world model of the walk, in which `step` says which action is believed to have been taken. */
function knowing(believed: (action: number, step: number) => number): WorldModel {
  return {
    config: { context },
    spec: { actionCount: walkActions.count },
    predict({ tokens, actions }: Starts) {
      const rows = tokens.shape[0]!;
      const next = ndarray('int32', [rows, 16]);
      for (let row = 0; row < rows; row++) {
        const last = (row + 1) * context - 1;
        const { step, episode, place } = readWalk(tokens.data.subarray(last * 16, (last + 1) * 16));
        const action = believed(actions.data[last]!, step);
        const to = (place + action - 1 + 4) % 4;
        next.data.set([(step + 1) % 16, action + 1, episode, to], row * 16);
        next.data[row * 16 + 4 + 3 * to] = 15;
      }
      return { tokens: next, rewards: new Float32Array(rows), ends: new Uint8Array(rows) };
    },
  } as unknown as WorldModel;
}

/** Random play of so many steps in two environments, in chunks of five, and dreams of it. */
async function dreamsOf(
  worldModel: WorldModel,
  {
    kwargs = {},
    steps = 80,
    seed = 0,
    count = 100,
  }: { kwargs?: WalkKwargs; steps?: number; seed?: number; count?: number } = {},
) {
  const rollouts = await VectorRollouts.create({ env: walk(kwargs), numEnvs: 2, seed, chunkLength: 5 });
  const replay = await Replay.create(memoryShards(), { maxBytes: 2 ** 24 });
  await replay.append(await rollouts.collect(randomPolicy(walkActions, { seed }), steps));
  rollouts.close();
  const memory = new TokenMemory({ replay, tokenizer, actions: walkActions, context });
  const chunks = [...replay.chunks()];
  const parts = { replay, memory, chunks, count, generator: npRandom(seed) };
  return { dreams: await measureDreams({ worldModel, tokenizer }, { ...parts, samples: 200 }), replay };
}

describe('a model that is right', () => {
  test.prop([fc.nat(), fc.integer({ min: 1, max: 9 }), fc.nat({ max: 20 })], { numRuns: 15 })(
    'dreams what really came, to the end of every episode, and no further',
    async (seed, length, spread) => {
      const { dreams, replay } = await dreamsOf(
        knowing((action) => action),
        { seed, kwargs: { length, spread } },
      );
      if (dreams === undefined) return;
      const { windows, openLoop } = dreams;
      expect(openLoop.tokens).toBe(1);
      expect(openLoop.changedTokens).toBe(1);
      expect(openLoop.lastRealFrame).toBeLessThan(1);
      expect(openLoop.windows).toBe(windows.lengths.length);
      const { real, imagined } = await dreamFrames(dreams, { replay, tokenizer });
      expect(imagined).toEqual(real);
      let at = 0;
      for (const [window, own] of windows.lengths.entries()) {
        const told = Array.from({ length: own }, (_, i) =>
          readWalk(real.data.subarray((at + i) * 16).map((x) => x / 16)),
        );
        // A window is of one episode and has no gap; one that is short was cut by the episode's end, not by a chunk's.
        for (const [i, { episode, step }] of told.entries()) {
          expect([episode, step]).toEqual([told[0]!.episode, (told[0]!.step + i) % 16]);
        }
        const { chunk, frame } = windows.places[window]!.at(-1)!;
        expect(own === 10 || chunk.terminated[frame - 1] === 1).toBe(true);
        at += own;
      }
    },
  );

  test('listens to actions: delta-PSNR is above 0 for certain', async () => {
    const { dreams } = await dreamsOf(
      knowing((action) => action),
      { kwargs: { length: 12 } },
    );
    const { mean, low, high, rollouts, step } = dreams!.deltaPsnr!;
    expect(low).toBeGreaterThan(0);
    expect(low).toBeLessThanOrEqual(mean);
    expect(mean).toBeLessThanOrEqual(high);
    expect([rollouts > 4, step]).toEqual([true, 4]);
  });
});

describe('a model that is wrong', () => {
  test('does not listen to actions: delta-PSNR is exactly 0', async () => {
    const { dreams } = await dreamsOf(
      knowing(() => 1),
      { kwargs: { length: 12 } },
    );
    expect(dreams!.deltaPsnr).toMatchObject({ mean: 0, low: 0, high: 0 });
    expect(dreams!.openLoop.tokens).toBeLessThan(1);
  });

  test('believes in chance instead of actions: the interval holds 0', async () => {
    const chance = npRandom(1);
    const { dreams } = await dreamsOf(
      knowing(() => chance.integers(3)),
      { steps: 400, kwargs: { length: 12 } },
    );
    const { low, high } = dreams!.deltaPsnr!;
    expect(low).toBeLessThan(0);
    expect(high).toBeGreaterThan(0);
  });

  test('forgets after three steps: right until then, and errors feed on themselves', async () => {
    // Episodes of twelve steps: one window from step 0 and one from step 10.
    const { dreams } = await dreamsOf(
      knowing((action, step) => (step === 3 ? (action + 1) % 3 : action)),
      { kwargs: { length: 12 }, steps: 48 },
    );
    const { tokensByStep, changedTokensByStep, tokens } = dreams!.openLoop;
    expect(tokensByStep.slice(0, 3)).toEqual([1, 1, 1]);
    expect(changedTokensByStep.slice(0, 3)).toEqual([1, 1, 1]);
    for (const later of tokensByStep.slice(3)) expect(later).toBeLessThan(1);
    expect(tokens).toBeLessThan(1);
  });

  test('stands still: right where the last real frame is, and nowhere else', async () => {
    const { config, spec } = knowing((action) => action);
    const still = {
      config,
      spec,
      predict: ({ tokens }: Starts) => {
        const rows = tokens.shape[0]!;
        const next = ndarray('int32', [rows, 16]);
        for (let row = 0; row < rows; row++) {
          next.data.set(tokens.data.subarray((row * context + 1) * 16, (row + 1) * context * 16), row * 16);
        }
        return { tokens: next, rewards: new Float32Array(rows), ends: new Uint8Array(rows) };
      },
    } as unknown as WorldModel;
    const { openLoop } = (await dreamsOf(still)).dreams!;
    expect(openLoop.tokens).toBe(openLoop.lastRealFrame);
    expect(openLoop.changedTokens).toBe(0);
  });
});

describe('a sample', () => {
  const model = knowing((action) => action);

  test.each([3, 5])('of %i dreams is spread over the steps', async (count) => {
    const { dreams } = await dreamsOf(model, { kwargs: { length: 5 }, steps: 80, count });
    const ids = dreams!.windows.places.map(([place]) => place!.chunk.id);
    expect(new Set(ids).size).toBe(count);
    expect(ids.at(-1)! - ids[0]!).toBeGreaterThan(6);
  });

  test('of nothing: episodes that go on are not cut to fit', async () => {
    expect((await dreamsOf(model, { kwargs: { length: 50 }, steps: 18 })).dreams).toBeUndefined();
    const short = await dreamsOf(model, { kwargs: { length: 3 }, steps: 18 });
    expect(short.dreams!.openLoop).toMatchObject({ tokens: 1, tokensByStep: [1, 1, 1] });
    expect(short.dreams!.deltaPsnr).toBeUndefined();
  });
});

test('held out: an agent with a network is measured in dreams too, the same each time', async () => {
  const agent: Agent = agentOn(cpu, { worldModel: { context } });
  const measure = () => measureHeldOut(agent, { env: walk({ length: 12 }), steps: 48, seed: 3, numEnvs: 2, frames: 4 });
  const { dreams } = await measure();
  expect(dreams!.openLoop).toMatchObject({ windows: 8, horizon: 10 });
  expect(dreams!.real.shape).toEqual(dreams!.imagined.shape);
  expect(dreams!.deltaPsnr!.rollouts).toBe(4);
  expect(await measure()).toMatchObject({ dreams: { openLoop: dreams!.openLoop, deltaPsnr: dreams!.deltaPsnr } });
});

test("held-out steps are the agent's own in one environment and random ones in the next", async () => {
  const agent = agentOn(cpu, { worldModel: { context } });
  const act = vi.spyOn(agent.behaviour, 'act');
  act.mockImplementation((tokens) => {
    const rows = tokens.shape[0]!;
    return {
      actions: new Int32Array(rows).fill(2),
      logProbabilities: new Float32Array(rows),
      values: new Float32Array(rows),
      probabilities: ndarray('float32', [rows, 3]),
    };
  });
  const append = vi.spyOn(Replay.prototype, 'append');
  onTestFinished(() => append.mockRestore());
  await measureHeldOut(agent, { env: walk({ length: 30 }), steps: 120, seed: 3, numEnvs: 4, frames: 4 });
  const every = [0, 1, 2].map((action) => walkActions.first + action);
  for (const { metadata, actions } of append.mock.calls.flatMap(([chunks]) => chunks)) {
    const kinds = [...new Set(actions.data)].toSorted((a, b) => a - b);
    expect(kinds).toEqual(metadata.envIndex % 2 === 0 ? [walkActions.first + 2] : every);
  }
});
