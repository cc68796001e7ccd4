// PPO and DQN on frames: they learn a game whose values are known, runs are functions of their seed, and go on bit for bit.
import { isDeepStrictEqual } from 'node:util';
import { Generators, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { memoryShards, Replay, VectorRollouts } from '@tessera/rollouts';
import type { Chunk } from '@tessera/rollouts';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { Dqn, dqnLearner, doubleTargets, evaluatePolicy, modelFreePolicy, Ppo } from '../src/index.ts';
import type { DqnBatch, ModelFreeState } from '../src/index.ts';
import { coin, coinActions, coinFrame } from './coin-env.ts';
import type { CoinKwargs } from './coin-env.ts';
import { dqnOn, ppoOn, runOf } from './model-free-toy.ts';
import type { ModelFreeRun } from './model-free-toy.ts';
import { cpu, errorOf, wasm } from './toy.ts';
import { readWalk, walk } from './walk-env.ts';

const sides: NdArray<'uint8'> = {
  dtype: 'uint8',
  shape: [2, 4, 4, 1],
  data: Uint8Array.from([...coinFrame(0), ...coinFrame(1)]),
};
const agents = [
  ['PPO', (seed = 0) => ppoOn(wasm, { entropy: 0 }, seed), 1600],
  ['DQN', (seed = 0) => dqnOn(wasm, {}, seed), 1600],
] as const;

async function finish({ trainer }: ModelFreeRun): Promise<Record<string, number>[]> {
  const metrics: Record<string, number>[] = [];
  while (!trainer.done) metrics.push(await trainer.round());
  return metrics;
}

/** What an agent expects to earn from either side. */
function expectations(agent: Ppo | Dqn): number[] {
  if (agent instanceof Ppo) return [...agent.judge(sides).values];
  const { data } = agent.values(sides);
  return [0, 1].map((side) => Math.max(...Array.from(data.subarray(3 * side, 3 * side + 3), Number)));
}

describe.each(agents)('%s', (_, make, steps) => {
  // A step is worth 1 when the right side is named. After a terminal state nothing comes; where an episode is only cut, all goes on: 1 / (1 - gamma).
  test.each<[CoinKwargs, number]>([
    [{ end: 'terminated' }, 1],
    [{ end: 'truncated' }, 2],
    [{ end: 'truncated', length: 5 }, 2],
  ])('learns to name the side, and what that is worth: %o', async (env, worth) => {
    const agent = make();
    await finish(await runOf(agent, { steps, env }));
    const greedy = modelFreePolicy(agent, { seed: 1, greedy: true });
    expect(
      Array.from(greedy.act(sides, [0, 1], { begins: Uint8Array.of(1, 1), executed: [undefined, undefined] })),
    ).toEqual([coinActions.first, coinActions.first + 1]);
    const { meanReturn } = await evaluatePolicy(greedy, { env: coin(env), episodes: 20, seed: 3 });
    expect(meanReturn).toBe(env.length ?? 1);
    for (const value of expectations(agent)) expect(Math.abs(value - worth)).toBeLessThan(0.1);
  });

  test('a run is a function of its seed, and goes on bit for bit', async () => {
    const options = { steps: 180, env: { length: 3 }, seed: 4 };
    const whole = await runOf(make(4), options);
    const states: ModelFreeState[] = [];
    const metrics: Record<string, number>[] = [];
    while (!whole.trainer.done) {
      states.push(copyOf(whole.trainer.state()));
      metrics.push(await whole.trainer.round());
    }
    expect(whole.trainer.envSteps).toBe(180);
    const final = whole.trainer.state();
    for (const [round, state] of states.entries()) {
      // Starting values come from the state, not from the seed.
      const run = await runOf(make(9), options, { state, store: whole.store });
      expect(run.trainer.state()).toEqual(state);
      // Later shards are written again; the others stay for the next turn.
      expect(await finish(run)).toEqual(metrics.slice(round));
      expect(run.trainer.state()).toEqual(final);
    }
    const other = await runOf(make(4), { ...options, seed: 5 });
    expect(await finish(other)).not.toEqual(metrics);
  });

  test('takes no state that does not fit', async () => {
    const { trainer, agent } = await runOf(make(), { steps: 64 });
    const { tensors, meta } = trainer.state();
    const [first] = Object.keys(tensors);
    const before = agent.state();
    const { [first!]: _, ...fewer } = tensors;
    const messages: string[] = [];
    for (const wrong of [
      { tensors: fewer, meta },
      { tensors: { ...tensors, more: ndarray('float32', []) }, meta },
      { tensors: { ...tensors, [first!]: ndarray('float32', [1]) }, meta },
      { tensors, meta: { ...meta, envSteps: -1 } },
      { tensors, meta: { ...meta, returns: [1] } },
    ]) {
      messages.push(
        (await errorOf(() => trainer.loadState(wrong))).replace(first!, '<first>').replace(/(Ppo|Dqn)\./, ''),
      );
      expect(agent.state()).toEqual(before);
    }
    expect(messages.map((message) => message.split(':')[0])).toEqual([
      'ConfigError',
      'ConfigError',
      'ShapeError',
      'ConfigError',
      'FormatError',
    ]);
    await finish({ trainer, agent, store: undefined as never });
    expect(await errorOf(() => trainer.round())).toBe(
      'ConfigError: ModelFreeTrainer.round: the run is done. Ask `done` first.',
    );
  });

  test('says what frames it takes', async () => {
    const agent = make();
    const generator = npRandom(0);
    const wrong = [
      ndarray('uint8', [2, 4, 5, 1]),
      ndarray('uint8', [4, 4, 1]),
      ndarray('float32', [1, 4, 4, 1]),
      ndarray('uint8', [0, 4, 4, 1]),
    ];
    const messages = await Promise.all(wrong.map((frames) => errorOf(() => agent.act(frames as never, { generator }))));
    expect(messages.map((text) => text.replace(/(Ppo.judge|Dqn.values)/, '<agent>')).join('\n')).toMatchInlineSnapshot(`
      "ShapeError: <agent>: expected frames of shape [batch, 4, 4, 1], got [2, 4, 5, 1]. One frame alone is a batch of 1.
      ShapeError: <agent>: expected frames of shape [batch, 4, 4, 1], got [4, 4, 1]. One frame alone is a batch of 1.
      DTypeError: <agent>: expected frames as the environment gives them, uint8, got float32.
      ConfigError: <agent>: expected at least one frame, got none."
    `);
  });
});

async function chunksOf(env: CoinKwargs, seed: number): Promise<Chunk[]> {
  const rollouts = await VectorRollouts.create({ env: coin(env), numEnvs: 2, seed });
  const generator = npRandom(seed);
  try {
    return await rollouts.collect(
      { version: 0, act: ({ shape }) => Array.from({ length: shape[0]! }, () => 5 + generator.integers(3)) },
      12,
    );
  } finally {
    rollouts.close();
  }
}

/** A copy whose last frame of every chunk is another one. */
function otherEnds(chunks: readonly Chunk[], seed: number): Chunk[] {
  const generator = npRandom(seed);
  return chunks.map((chunk) => {
    const data = chunk.frames.data.slice();
    for (let i = data.length - 16; i < data.length; i++) data[i] = generator.integers(256);
    return { ...chunk, frames: { ...chunk.frames, data } };
  });
}

describe('PPO', () => {
  const learn = (ppo: Ppo, chunks: readonly Chunk[], seed = 0) => ({
    metrics: ppo.learn(chunks, { generator: npRandom(seed) }),
    state: ppo.state(),
  });

  test.prop([fc.nat(1000)], { numRuns: 5 })(
    'does not see what comes after a terminal state, but what comes after a cut',
    async (seed) => {
      const ended = await chunksOf({ length: 3 }, seed);
      expect(ended.every(({ terminated }) => terminated.data.at(-1) === 1)).toBe(true);
      expect(learn(ppoOn(cpu), otherEnds(ended, seed))).toEqual(learn(ppoOn(cpu), ended));
      const cut = await chunksOf({ length: 3, end: 'truncated' }, seed);
      expect(learn(ppoOn(cpu), otherEnds(cut, seed))).not.toEqual(learn(ppoOn(cpu), cut));
    },
  );

  test('rows that fill a minibatch up change nothing', async () => {
    const chunks = await chunksOf({ length: 3 }, 1);
    const [exact, padded] = [12, 64].map((minibatch) => learn(ppoOn(cpu, { minibatch, epochs: 1 }), chunks));
    for (const [name, value] of Object.entries(exact!.metrics)) {
      expect(padded!.metrics[name as keyof typeof exact.metrics]).toBeCloseTo(value, 5);
    }
    for (const [name, { data }] of Object.entries(exact!.state)) {
      const other = padded!.state[name]!.data;
      for (let i = 0; i < data.length; i++) expect(Number(other[i])).toBeCloseTo(Number(data[i]), 4);
    }
  });

  test('begins with every action as likely as the others, and says what it cannot learn from', async () => {
    const ppo = ppoOn(cpu);
    const { logits } = ppo.judge(sides);
    for (const logit of logits.data) expect(Math.abs(Number(logit))).toBeLessThan(0.05);
    expect(await errorOf(() => ppo.learn([], { generator: npRandom(0) }))).toMatchInlineSnapshot(
      `"ConfigError: Ppo.learn: expected at least one chunk, got none."`,
    );
  });
});

describe('DQN', () => {
  const batch = (terminated: number, next = 0): DqnBatch => {
    const rows = 16;
    const frames = (first: number) => ({
      dtype: 'uint8' as const,
      shape: [rows, 4, 4, 1],
      data: Uint8Array.from(Array.from({ length: rows }, (_, row) => [...coinFrame((row + first) % 2)]).flat()),
    });
    return {
      frames: frames(0),
      nextFrames: frames(next),
      actions: Array.from({ length: rows }, (_, row) => row % 3),
      rewards: Array.from({ length: rows }, (_, row) => (row % 5) - 2),
      terminated: Array.from({ length: rows }, () => terminated),
    };
  };

  test('the loss is the mean Huber loss against its targets', () => {
    const dqn = dqnOn(cpu);
    const { frames, nextFrames, actions, rewards, terminated } = batch(0, 1);
    const [values, next] = [dqn.values(frames), dqn.values(nextFrames)];
    // Both networks begin as one.
    const targets = doubleTargets({ rewards, terminated, online: next, target: next }, 0.5);
    const errors = Array.from(targets, (target, row) =>
      Math.abs(Number(values.data[3 * row + actions[row]!]) - target),
    );
    expect(Math.min(...errors)).toBeLessThan(1);
    expect(Math.max(...errors)).toBeGreaterThan(1);
    const huber =
      errors.map((size) => (size <= 1 ? (size * size) / 2 : size - 0.5)).reduce((sum, x) => sum + x, 0) / 16;
    expect(dqn.learn(batch(0, 1)).loss).toBeCloseTo(huber, 5);
  });

  test('what comes after an end is not seen, and what comes after anything else is', () => {
    const learn = (of: DqnBatch) => ({ metrics: dqnOn(cpu).learn(of).loss });
    expect(learn(batch(1, 1))).toEqual(learn(batch(1, 0)));
    expect(learn(batch(0, 1))).not.toEqual(learn(batch(0, 0)));
  });

  test('the older network stands still between its copies', () => {
    const dqn = dqnOn(cpu, { targetUpdates: 3 });
    const part = (prefix: string) =>
      Object.fromEntries(
        Object.entries(dqn.state()).flatMap(([name, array]) =>
          name.startsWith(prefix) ? [[name.slice(prefix.length), array]] : [],
        ),
      );
    const targets = [part('target.')];
    const copied: boolean[] = [];
    for (let update = 1; update <= 7; update++) {
      dqn.learn(batch(0));
      targets.push(part('target.'));
      copied.push(isDeepStrictEqual(part('target.'), part('parameters.')));
    }
    expect(copied).toEqual([false, false, true, false, false, true, false]);
    for (const update of [1, 2, 4, 5, 7]) expect(targets[update]).toEqual(targets[update - 1]);
    for (const update of [3, 6]) expect(targets[update]).not.toEqual(targets[update - 1]);
  });

  test.prop(
    [
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    ],
    { numRuns: 20 },
  )('explores less and less, from always to its last share', (exploration, a, b) => {
    const dqn = new Dqn(cpu, { exploration, endEpsilon: 0.1 }, { frameShape: [4, 4, 1], actions: coinActions });
    const [early, late] = [dqn.epsilonAt(Math.min(a, b)), dqn.epsilonAt(Math.max(a, b))];
    expect(early).toBeGreaterThanOrEqual(late - 1e-12);
    expect(late).toBeGreaterThanOrEqual(0.1 - 1e-12);
    expect(dqn.epsilonAt(0)).toBe(exploration > 0 ? 1 : 0.1);
    expect(dqn.epsilonAt(1)).toBeCloseTo(0.1, 12);
    dqn.dispose();
  });

  test('draws as many actions at random as it says', () => {
    const dqn = dqnOn(cpu);
    const generator = new Generators(1).get('policy');
    const frames = { dtype: 'uint8' as const, shape: [900, 4, 4, 1], data: new Uint8Array(900 * 16) };
    const [best] = dqn.act(frames, { generator, greedy: true });
    expect(new Set(dqn.act(frames, { generator, greedy: true }))).toEqual(new Set([best]));
    const share = (epsilon: number) =>
      dqn.act(frames, { generator, epsilon }).filter((action) => action !== best).length / 900;
    // Two of three random actions are others; the deviation of these shares is below 0.017.
    for (const epsilon of [0, 0.3, 1]) expect(Math.abs(share(epsilon) - (2 / 3) * epsilon)).toBeLessThan(0.06);
  });

  test('learns steps with the frames before and after them', async () => {
    const dqn = dqnOn(cpu, { firstSteps: 1 });
    const learned = vi.spyOn(dqn, 'learn');
    const rollouts = await VectorRollouts.create({ env: walk({ reward: 3 }), numEnvs: 2, seed: 1, chunkLength: 4 });
    onTestFinished(() => rollouts.close());
    const learner = dqnLearner(dqn, await Replay.create(memoryShards(), { maxBytes: 2 ** 20 }));
    const generators = new Generators(2);
    const act = (frames: NdArray<'uint8'>) => learner.act(frames, { generators, progress: 0 });
    const chunks = await rollouts.collect({ version: 0, act }, 48);
    await learner.learn(chunks, { generators, before: 0, after: 48, progress: 0 });
    const batches = learned.mock.calls.map(([batch]) => batch);
    expect(batches).toHaveLength(24);
    for (const { frames, nextFrames, actions, rewards, terminated } of batches) {
      const told = (of: NdArray<'uint8'>, row: number) => {
        const pixels = of.data.subarray(16 * row, 16 * (row + 1));
        return readWalk(pixels.map((value) => value / 16));
      };
      for (let row = 0; row < 16; row++) {
        const [before, after] = [told(frames, row), told(nextFrames, row)];
        const action = actions[row]!;
        expect(after).toMatchObject({ step: before.step + 1, action, episode: before.episode });
        // Left, stay, right; three times as much is one step to the right.
        expect(rewards[row]).toBe(action - 1);
        expect(terminated[row]).toBe(after.step === 6 ? 1 : 0);
      }
    }
  });

  test('learns as often as it is due, and never catches up', async () => {
    const dqn = dqnOn(cpu, { firstSteps: 70, stepsPerUpdate: 5 });
    const { trainer } = await runOf(dqn, { steps: 180 });
    const versions: number[] = [];
    while (!trainer.done) {
      await trainer.round();
      versions.push(dqn.version);
    }
    // Rounds end after 32, 64, 96, 128, 160 and 180 steps; the first two are random.
    expect(versions).toEqual([0, 0, 19 - 12, 25 - 12, 32 - 12, 36 - 12]);
  });
});

/** A copy that shares nothing, as a file would give it back. */
function copyOf({ tensors, meta }: ModelFreeState): ModelFreeState {
  return { tensors: structuredClone(tensors), meta: JSON.parse(JSON.stringify(meta)) as ModelFreeState['meta'] };
}
