// What a policy sees: frames that its codes stand for, or codes with what the world model had in mind before. Acting, learning and imagining have to see the same.
import { expect, describe, vi } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { make } from 'gymnasium-js';
import { agentPolicy, evaluatePolicy, imagine, playEpisode } from '../src/index.ts';
import type { Agent, AgentOptions, BehaviourOptions, Experience, PlayOf, WorldModelKind } from '../src/index.ts';
import { tokensOf } from '../src/preprocess.ts';
import { pastHidden } from '../src/world-model/past-hidden.ts';
import { PixelTokenizer } from './pixel-tokenizer.ts';
import { agentOn, behaviourOn, cpu, errorOf, integers, specOf, transitionsOf, wasm, worldModelOn } from './toy.ts';
import { runOn } from './training-toy.ts';
import { walk } from './walk-env.ts';
import type { WalkKwargs } from './walk-env.ts';

const state: BehaviourOptions = { input: 'state' };
const kinds: readonly WorldModelKind[] = ['parallel', 'maskgit', 'causal'];

/** Random frames of 16 greys. */
const framesOf = (count: number, seed: number): NdArray<'uint8'> =>
  ndarray(
    'uint8',
    [count, 4, 4, 1],
    Uint8Array.from(integers([count * 16], 16, seed).data, (x) => x * 16),
  );

const seeing = (behaviour: BehaviourOptions, options: Partial<AgentOptions> = {}): Agent =>
  agentOn(cpu, { ...options, behaviour: { network: { hidden: 8 }, ...behaviour } });

describe('the hidden state of a world model', () => {
  test.each(kinds)('of the kind %s is one of the frames and actions shown, row by row', (kind) => {
    const worldModel = worldModelOn(cpu, { kind, context: 2 });
    const { tokens, actions } = transitionsOf(worldModel, 9, 1);
    const { shape, data } = worldModel.hidden({ tokens, actions });
    const size = worldModel.hiddenSize;
    expect(shape).toEqual([9, size]);
    expect(size).toBe(kind === 'causal' ? 8 : 16);
    const rowOf = (change: (parts: { tokens: NdArray<'int32'>; actions: NdArray<'int32'> }) => void) => {
      const one = { tokens: ndarray('int32', [1, 2, 4], tokens.data.slice(0, 8)), actions: ndarray('int32', [1, 2], actions.data.slice(0, 2)) }; // prettier-ignore
      change(one);
      return worldModel.hidden(one).data;
    };
    const first = data.slice(0, size);
    expect(rowOf(() => {})).toEqual(first);
    for (let i = 0; i < 8; i++) {
      expect(rowOf((one) => (one.tokens.data[i] = (one.tokens.data[i]! + 1) % 4))).not.toEqual(first);
    }
    for (let i = 0; i < 2; i++) {
      expect(rowOf((one) => (one.actions.data[i] = (one.actions.data[i]! + 1) % 3))).not.toEqual(first);
    }
  });

  test('is what its heads read', () => {
    const worldModel = worldModelOn(cpu, { reward: 'sign', context: 2 });
    const { tokens, actions } = transitionsOf(worldModel, 40, 2);
    const { data } = worldModel.hidden({ tokens, actions });
    const parameters = worldModel.state();
    const [kernel, bias] = ['kernel', 'bias'].map((name) => parameters[`parameters.rewardHead.${name}`]!.data);
    const rewards = Array.from({ length: 40 }, (_, row) => {
      const logits = [0, 1, 2].map((sign) =>
        Array.from({ length: 8 }, (__, i) => Number(data[row * 16 + i]) * Number(kernel![i * 3 + sign])).reduce(
          (sum, x) => sum + x,
          Number(bias![sign]),
        ),
      );
      return logits.indexOf(Math.max(...logits)) - 1;
    });
    expect(new Set(rewards).size).toBeGreaterThan(1);
    expect(rewards).toEqual([...worldModel.predict({ tokens, actions }).rewards]);
  });
});

describe('a policy that sees what was before', () => {
  const present = framesOf(1, 1);
  const valueAfter = (agent: Agent, earlier: readonly NdArray<'uint8'>[], begins = false): number => {
    const player = agent.player({ generator: npRandom(0), greedy: true });
    for (const frame of earlier) player.act(frame);
    return player.act(present, { begins: [begins ? 1 : 0] }).values[0]!;
  };

  test.each(kinds)('judges a frame by the frames before it, in a world model of the kind %s', (kind) => {
    const worldModel = { kind, context: 2 };
    const agent = seeing(state, { worldModel });
    // Always the same action, so that frames alone make a difference.
    const act = agent.behaviour.act.bind(agent.behaviour);
    vi.spyOn(agent.behaviour, 'act').mockImplementation((...own) => ({ ...act(...own), actions: Int32Array.of(1) }));
    const [a, b, c] = [framesOf(1, 2), framesOf(1, 3), framesOf(1, 4)] as const;
    expect(new Set([valueAfter(agent, []), valueAfter(agent, [a]), valueAfter(agent, [b])]).size).toBe(3);
    expect(valueAfter(agent, [c, b])).not.toBe(valueAfter(agent, [a, b]));
    // Further back than the context it sees nothing, and nothing beyond an episode's beginning.
    const long = [valueAfter(agent, [a, c, b]), valueAfter(agent, [b, c, b])];
    expect(long[0]).toBe(long[1]);
    expect(valueAfter(agent, [a, b], true)).toBe(valueAfter(agent, []));
    const blind = seeing({ input: 'codes' }, { worldModel });
    expect(valueAfter(blind, [a])).toBe(valueAfter(blind, [b]));
  });

  test('judges a frame by what was done before it', () => {
    const agent = seeing(state, { worldModel: { context: 1 } });
    const tokens = tokensOf(agent.tokenizer, framesOf(1, 5));
    const values = [0, 1, 2].map((action) => {
      const player = agent.player({ generator: npRandom(0) });
      const past = { tokens: ndarray('int32', [1, 1, 16], tokens.data), actions: ndarray('int32', [1, 1], Int32Array.of(action)) }; // prettier-ignore
      player.recall(0, past);
      return player.act(present).values[0];
    });
    expect(new Set(values).size).toBe(3);
  });

  test('remembers what was executed, where it is told, and else what it chose', () => {
    const agent = seeing(state, { worldModel: { context: 1 } });
    const { first, count } = agent.actions;
    const second = (executed: number | undefined) => {
      const player = agent.player({ generator: npRandom(0), greedy: true });
      const [chosen] = player.act(framesOf(1, 5)).actions;
      return { chosen, value: player.act(present, { executed: [executed] }).values[0]! };
    };
    const { chosen, value } = second(undefined);
    expect(second(chosen).value).toBe(value);
    const values = Array.from({ length: count }, (_, i) => second(first + i).value);
    expect(new Set(values).size).toBe(count);
  });

  test.each(['executed', 'chosen'] as const)(
    'remembers what somebody else chose, where it is told: %s actions',
    (actions) => {
      const agent = seeing(state, { worldModel: { context: 1, actions } });
      const { first, count } = agent.actions;
      const second = (before: PlayOf) => {
        const player = agent.player({ generator: npRandom(0), greedy: true });
        player.act(framesOf(1, 5));
        return player.act(present, before).values[0]!;
      };
      const values = Array.from({ length: count }, (_, i) => second({ chosen: [first + i] }));
      expect(new Set(values).size).toBe(count);
      const executed = Array.from({ length: count }, (_, i) => second({ chosen: [first], executed: [first + i] }));
      expect(executed).toEqual(actions === 'executed' ? values : values.map(() => values[0]));
    },
  );

  test('keeps environments apart, whoever is asked for', () => {
    const agent = seeing(state, { worldModel: { context: 2 } });
    const frames = Array.from({ length: 6 }, (_, i) => framesOf(1, 10 + i));
    const alone = (own: readonly number[]) => {
      const player = agent.player({ generator: npRandom(0), greedy: true });
      return own.map((i) => player.act(frames[i]!).values[0]!);
    };
    const player = agent.player({ generator: npRandom(0), greedy: true });
    const both = (i: number, j: number) =>
      player.act(ndarray('uint8', [2, 4, 4, 1], Uint8Array.from([...frames[i]!.data, ...frames[j]!.data])), {
        envIndices: [7, 3],
      }).values;
    const values = [both(0, 1), both(2, 3)];
    const last = player.act(frames[4]!, { envIndices: [3] }).values[0]!;
    expect([values[0]![0], values[1]![0]]).toEqual(alone([0, 2]));
    expect([values[0]![1], values[1]![1], last]).toEqual(alone([1, 3, 4]));
  });

  test.each<[string, WalkKwargs]>([
    ['short episodes', { length: 3 }],
    ['episodes that go on through several rounds', { length: 40 }],
    ['actions that stick', { length: 8, repeatEvery: 2 }],
  ])('sees when it acts what it will see when it learns: %s', async (_, env) => {
    const run = await runOn(cpu, {
      behaviour: state,
      worldModel: { context: 3 },
      env: { ...env, spread: 2 },
      training: { replayBytes: 100_000, roundSteps: 9, imagination: { updates: 1, starts: 3, horizon: 2 } },
    });
    const { agent, trainer, replay } = run;
    const act = vi.spyOn(agent.behaviour, 'act');
    const learn = vi.spyOn(agent.behaviour, 'learn');
    const size = agent.behaviour.spec.hiddenSize;
    let compared = 0;
    let acted: (readonly number[])[][] = [];
    while (!trainer.done) {
      act.mockClear();
      const { round } = trainer.counters;
      const { kind } = await trainer.next();
      if (kind === 'collect') {
        // By environment, step after step.
        acted = [0, 1].map((row) =>
          act.mock.calls.flatMap(([, { hiddenState }]) =>
            hiddenState!.shape[0]! > row ? [[...hiddenState!.data.subarray(row * size, (row + 1) * size)]] : [],
          ),
        );
      }
      if (kind !== 'real' || round === 0) continue; // actions of the first round are random
      const chunks = [...replay.chunks()].slice(-learn.mock.lastCall![0].length);
      const learned: (readonly number[])[][] = [[], []];
      for (const [i, experience] of learn.mock.lastCall![0].entries()) {
        for (const step of experience.actions.keys()) {
          learned[chunks[i]!.metadata.envIndex]!.push([...experience.hiddenState!.subarray(step * size, (step + 1) * size)]); // prettier-ignore
        }
      }
      expect(acted).toEqual(learned);
      compared += learned.flat().filter((row) => row.some((x) => x !== 0)).length;
    }
    expect(compared).toBeGreaterThan(20);
  });

  test.prop([fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 5 }), fc.nat(100)], { numRuns: 8 })(
    'sees in imagination what it would see of real frames and actions like these',
    async (context, horizon, seed) => {
      const worldModel = worldModelOn(cpu, { context, temperature: 1 }, { seed });
      const behaviour = behaviourOn(cpu, state, {
        tokenizer: specOf([2, 2], 4),
        seed,
        hiddenSize: worldModel.hiddenSize,
      });
      const first = integers([5, context + 1, 4], 4, seed);
      const done = integers([5, context + 1], 3, seed + 1);
      // The last frame tells which row it is.
      for (let row = 0; row < 5; row++)
        first.data.set([row % 4, Math.floor(row / 4)], (row * (context + 1) + context) * 4);
      // The first row begins with an episode.
      done.data.fill(3, 0, context);
      const starts = async (count: number) => ({
        tokens: ndarray('int32', [count, context + 1, 4], first.data.slice(0, count * (context + 1) * 4)),
        actions: ndarray('int32', [count, context + 1], done.data.slice(0, count * (context + 1))),
      });
      const { experience } = await imagine({
        worldModel,
        behaviour,
        starts,
        rows: 5,
        horizon,
        generator: npRandom(seed),
      });
      let begun = 0;
      for (const own of experience) {
        const row = [0, 1, 2, 3, 4].find((i) =>
          own.tokens.subarray(0, 4).every((x, j) => x === first.data[(i * (context + 1) + context) * 4 + j]),
        )!;
        const at = row * (context + 1);
        const frames = [...first.data.subarray(at * 4, (at + context) * 4), ...own.tokens];
        const actions = [...done.data.subarray(at, at + context), ...own.actions];
        for (const step of own.actions.keys()) {
          const past = pastHidden(worldModel, {
            tokens: ndarray('int32', [1, context, 4], Int32Array.from(frames.slice(step * 4, (step + context) * 4))),
            actions: ndarray('int32', [1, context], Int32Array.from(actions.slice(step, step + context))),
          });
          const size = worldModel.hiddenSize;
          expect([...own.hiddenState!.subarray(step * size, (step + 1) * size)]).toEqual([...past.data]);
          if (past.data.every((x) => x === 0)) begun++;
        }
      }
      expect(begun).toBeGreaterThan(0);
    },
  );

  test('is evaluated and watched with its memory, which ends with each episode', async () => {
    const agent = seeing(state, { worldModel: { context: 2 } });
    const act = vi.spyOn(agent.behaviour, 'act');
    await evaluatePolicy(agentPolicy(agent, { seed: 1 }), {
      env: walk({ length: 3, spread: 4 }),
      episodes: 5,
      seed: 2,
      side: 2,
    });
    playEpisode(agent, make('AgentWalk-v0', { length: 5 }), { seed: 3 });
    let begun = 0;
    for (const [tokens, { hiddenState }] of act.mock.calls) {
      const size = agent.behaviour.spec.hiddenSize;
      for (let row = 0; row < tokens.shape[0]!; row++) {
        const empty = hiddenState!.data.subarray(row * size, (row + 1) * size).every((x) => x === 0);
        // The first pixel tells the step.
        expect(empty).toBe(tokens.data[row * 16] === 0);
        if (empty) begun++;
      }
    }
    expect(begun).toBe(6);
  });

  test('says what it lacks', async () => {
    const agent = seeing(state);
    const tokens = integers([2, 16], 16, 0);
    const generator = npRandom(0);
    const blind = seeing({});
    const experience: Experience = {
      tokens: new Int32Array(16),
      actions: Int32Array.of(0),
      logProbabilities: Float32Array.of(0),
      rewards: [0],
      values: new Float32Array(2),
      terminated: [0],
    };
    const messages = [
      await errorOf(() => agent.act(present, { generator })),
      await errorOf(() => agent.behaviour.judge(tokens)),
      await errorOf(() => agent.behaviour.judge(tokens, { hiddenState: ndarray('float32', [1, 16]) })),
      await errorOf(() => blind.behaviour.judge(tokens, { hiddenState: ndarray('float32', [2, 16]) })),
      await errorOf(() => agent.behaviour.learn([experience], { generator, minibatch: 1 })),
      await errorOf(() => behaviourOn(cpu, state)),
      await errorOf(() => behaviourOn(cpu, { input: 'frames' })),
      await errorOf(() => agent.player({ generator }).act(present, { envIndices: [0, 1] })),
    ];
    expect(messages.join('\n')).toMatchInlineSnapshot(`
      "ConfigError: Agent.act: this policy sees what was before a frame too (input 'state'). Make a player with agent.player({ generator }) and let that act, frame after frame.
      ConfigError: Behaviour.judge: expected the world model's hidden state before each frame, as the input 'state' asks for, got none. Agent.player() remembers it.
      ShapeError: Behaviour.judge: expected hidden states of shape [2, 16], got [1, 16].
      ConfigError: Behaviour.judge: expected no hidden state with the input 'codes', got one. Leave it out, or set behaviour.input to 'state'.
      ShapeError: learn: 1 actions need 16 numbers of the hidden state, got 0.
      ConfigError: Behaviour: the input 'state' needs hiddenSize, that of the world model. An Agent gives it.
      ConfigError: Behaviour: the input 'frames' needs decode, from codes to frames. An Agent gives it.
      ConfigError: act: expected an environment, a beginning, a chosen and an executed action for each of 1 frames, got 2, 1, 1, 1."
    `);
  });
});

describe('a policy that sees frames', () => {
  test('sees what its codes stand for, whatever they are called', () => {
    const frames = framesOf(12, 3);
    const valuesOf = (input: 'frames' | 'codes', shift: number) =>
      seeing({ input }, { tokenizer: new PixelTokenizer({ shift }) }).act(frames, { generator: npRandom(0) }).values;
    expect(valuesOf('frames', 5)).toEqual(valuesOf('frames', 0));
    expect(valuesOf('codes', 5)).not.toEqual(valuesOf('codes', 0));
    expect(new Set(valuesOf('frames', 0)).size).toBe(12);
  });

  test('sees what is left of a frame, and not the frame', () => {
    const tokenizer = new PixelTokenizer();
    const decode = vi.spyOn(tokenizer, 'decode').mockImplementation(({ shape }) => {
      return ndarray('float32', [shape[0]!, 4, 4, 1], new Float32Array(shape[0]! * 16).fill(0.5));
    });
    const { values } = seeing({ input: 'frames' }, { tokenizer }).act(framesOf(5, 1), { generator: npRandom(0) });
    expect(new Set(values).size).toBe(1);
    expect(decode).toHaveBeenCalled();
  });

  test('learns which action pays at which', () => {
    const agent = agentOn(wasm, {
      behaviour: { input: 'frames', network: { hidden: 16 }, learningRate: 0.02, entropy: 0.005 },
    });
    const frames = framesOf(2, 7);
    const both = tokensOf(agent.tokenizer, frames);
    const tokens = ndarray(
      'int32',
      [32, 16],
      Int32Array.from({ length: 512 }, (_, i) => both.data[i % 32]!),
    );
    const generator = npRandom(3);
    for (let round = 0; round < 25; round++) {
      const { actions, logProbabilities, values } = agent.behaviour.act(tokens, { generator });
      const steps = Array.from(actions, (action, row): Experience => ({
        tokens: tokens.data.slice(row * 16, row * 16 + 16),
        actions: Int32Array.of(action),
        logProbabilities: logProbabilities.slice(row, row + 1),
        rewards: [action === (row % 2 === 0 ? 2 : 0) ? 1 : 0],
        values: Float32Array.of(values[row]!, 0),
        terminated: [1],
      }));
      agent.behaviour.learn(steps, { generator, minibatch: 16 });
    }
    const { actions, logProbabilities } = agent.act(frames, { generator, greedy: true });
    expect([...actions]).toEqual([7, 5]);
    for (const log of logProbabilities) expect(Math.exp(log)).toBeGreaterThan(0.8);
  });
});
