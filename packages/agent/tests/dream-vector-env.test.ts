// A world model as an environment: with a model that is right it is the environment itself, whatever steps it, and it keeps the rules of every VectorEnv.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, ndarray } from '@tessera/core';
import type { Generator } from '@tessera/core';
import {
  AlreadyPendingCallError,
  ClosedEnvironmentError,
  InvalidAction,
  make,
  ResetNeeded,
  SyncVectorEnv,
  TimeLimit,
  vectorWrappers,
} from 'gymnasium-js';
import type { VectorEnv } from 'gymnasium-js';
import { DreamVectorEnv, StickyActions, agentPolicy, randomPolicy } from '../src/index.ts';
import type { Agent, DreamEnvOptions, Dreamer, Starts, WorldModelKind } from '../src/index.ts';
import { PixelTokenizer } from './pixel-tokenizer.ts';
import { agentOn, cpu, integers, wasm } from './toy.ts';
import { readWalk, walkActions } from './walk-env.ts';

const length = 5;
const { first, count } = walkActions;

/** Tokens of the walk's first frame in an episode. */
function opening(episode: number, place: number): number[] {
  const frame = Array.from({ length: 16 }, () => 0);
  frame.splice(0, 4, 0, 0, episode, place);
  frame[4 + 3 * place] = 15;
  return frame;
}

/** The walk itself as a world model, seen with `context` frames, and its beginnings. */
function walkDream(context: number): { dreamer: Dreamer; start: DreamEnvOptions['start'] } {
  const worldModel = {
    config: { context },
    sticky: new StickyActions(count),
    predict({ tokens, actions }: Starts) {
      const rows = tokens.shape[0]!;
      const next = {
        tokens: ndarray('int32', [rows, 16]),
        rewards: new Float32Array(rows),
        ends: new Uint8Array(rows),
      };
      for (let row = 0; row < rows; row++) {
        const last = (row * context + context - 1) * 16;
        const { step, episode, place } = readWalk(tokens.data.subarray(last, last + 16));
        const action = actions.data[row * context + context - 1]!;
        const frame = opening(episode, (place + action - 1 + 4) % 4);
        frame.splice(0, 2, step + 1, action + 1);
        next.tokens.data.set(frame, row * 16);
        next.rewards[row] = action - 1;
        next.ends[row] = step + 1 >= length ? 1 : 0;
      }
      return next;
    },
  };
  const episodes = new Map<Generator, number>();
  const start = (generator: Generator): Starts => {
    const episode = episodes.get(generator) ?? 0;
    episodes.set(generator, episode + 1);
    const frame = opening(episode, generator.integers(4));
    const tokens = ndarray('int32', [1, context, 16]);
    for (let age = 0; age < context; age++) tokens.data.set(frame, age * 16);
    return { tokens, actions: ndarray('int32', [1, context], new Int32Array(context).fill(count)) };
  };
  return {
    dreamer: { worldModel, tokenizer: new PixelTokenizer(), actions: walkActions } as unknown as Dreamer,
    start,
  };
}

/** The same as environments. */
function walks(batch: number, horizon: number): SyncVectorEnv {
  return new SyncVectorEnv(
    Array.from({ length: batch }, () => () => {
      const env = make('AgentWalk-v0', { length, disableEnvChecker: true });
      return horizon === Infinity ? env : new TimeLimit(env, { maxEpisodeSteps: horizon });
    }),
  );
}

/** A real world model that draws, its tokenizer, and beginnings drawn by their generator. */
function drawing(kind: WorldModelKind = 'parallel', rest: Partial<DreamEnvOptions> & { batch: number } = { batch: 2 }) {
  const agent = agentOn(cpu, { worldModel: { kind, context: 2, temperature: 1 } });
  return dreamOf(agent, rest);
}

function dreamOf(agent: Agent, rest: Partial<DreamEnvOptions> & { batch: number }): DreamVectorEnv {
  return agent.asEnv({
    start: (generator) => ({
      tokens: integers([1, 2, 16], 16, generator.integers(1000)),
      actions: ndarray('int32', [1, 2], Int32Array.of(count, 0)),
    }),
    ...rest,
  });
}

const actionsOf = (draws: readonly number[], batch: number, step: number) =>
  Array.from({ length: batch }, (_, row) => first + ((draws[step]! + row * step) % count));

/** Each pixel is the token of a sixteenth of it. */
function tokensIn(observation: unknown) {
  const pixels = observation as Uint8Array;
  const rows = Array.from({ length: pixels.length / 16 }, (_, row) => Int32Array.from(pixels.subarray(row * 16, (row + 1) * 16), (pixel) => pixel / 16)); // prettier-ignore
  return { tokens: rows, _tokens: Uint8Array.from(rows, () => 1) };
}

const draws = fc.array(fc.nat({ max: 2 }), { minLength: 8, maxLength: 20 });

describe('a dream of a model that is right', () => {
  test.prop(
    [
      fc.nat(1000),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom(Infinity, 1, 3, 5, 9),
      draws,
    ],
    { numRuns: 20 },
  )('is the environment, step by step, end by end and seed by seed', async (seed, batch, context, horizon, chosen) => {
    const { dreamer, start } = walkDream(context);
    const real: VectorEnv = walks(batch, horizon);
    const dream: VectorEnv = new DreamVectorEnv(dreamer, { start, batch, horizon });
    expect(dream.singleObservationSpace.equals(real.singleObservationSpace)).toBe(true);
    expect(dream.singleActionSpace.equals(real.singleActionSpace)).toBe(true);
    expect(dream.observationSpace!.equals(real.observationSpace)).toBe(true);
    expect(dream.actionSpace!.equals(real.actionSpace)).toBe(true);
    expect([dream.numEnvs, dream.observationShape]).toEqual([real.numEnvs, real.observationShape]);
    expect(dream.metadata.autoresetMode).toBe(real.metadata.autoresetMode);
    const { info: first, ...beginning } = await dream.reset({ seed });
    expect({ ...beginning, info: {} }).toEqual(await real.reset({ seed }));
    expect(first).toEqual(tokensIn(beginning.observation));
    let ended = Array.from({ length: batch }, () => 0);
    for (const step of chosen.keys()) {
      const actions = actionsOf(chosen, batch, step);
      const { info, ...result } = await dream.step(actions);
      expect({ ...result, info: {} }).toEqual(await real.step(actions));
      // An environment that begins anew takes no action.
      const stepped = ended.map((end) => 1 - end);
      expect(info).toEqual({
        ...tokensIn(result.observation),
        executedAction: Float64Array.from(actions, (action, row) => stepped[row]! * action),
        _executedAction: Uint8Array.from(stepped),
      });
      ended = stepped.map((_, row) => result.terminated[row]! | result.truncated[row]!);
      expect(dream.observationSpace!.contains(result.observation)).toBe(true);
    }
    // The streams go on, and marked ones alone begin anew.
    expect((await dream.reset()).observation).toEqual((await real.reset()).observation);
    await dream.step(actionsOf(chosen, batch, 0));
    await real.step(actionsOf(chosen, batch, 0));
    const again = { seed: seed + 1, options: { resetMask: Array.from({ length: batch }, (_, row) => row === 0) } };
    // But for the number of the episode, which no start can know that is given a new generator.
    const uncounted = async (env: VectorEnv) =>
      [...((await env.reset(again)).observation as Uint8Array)].filter((_, i) => i % 16 !== 2);
    expect(await uncounted(dream)).toEqual(await uncounted(real));
  });

  test('says which actions it executed, where they stick', async () => {
    const { dreamer, start } = walkDream(2);
    dreamer.worldModel.sticky.observe({ actions: Int32Array.of(1, 2), executedActions: Int32Array.of(1, 1) });
    const dream = new DreamVectorEnv(dreamer, { start, batch: 2 });
    await dream.reset({ seed: 0 });
    const said: number[][] = [];
    for (const actions of [
      [first, first + 2],
      [first + 1, first + 1],
      [first + 2, first + 2],
    ]) {
      const { observation, info } = await dream.step(actions);
      said.push([...(info['executedAction'] as Float64Array)]);
      // Frames tell the action that led to them.
      const told = [0, 16].map((at) => readWalk([...observation.subarray(at, at + 4)].map((x) => x / 16)).action!);
      expect(said.at(-1)).toEqual(told.map((action) => first + action));
    }
    expect(said).toEqual([1, 2, 3].map(() => [first, first + 2]));
  });

  test.each(['random', 'agent'] as const)('is played by a policy like any other: %s', async (who) => {
    const agent = agentOn(cpu, { worldModel: { context: 2 }, behaviour: { input: 'state' } });
    const play = async () => {
      const dream = dreamOf(agent, { batch: 3, horizon: 4 });
      const policy = who === 'random' ? randomPolicy(walkActions, { seed: 1 }) : agentPolicy(agent, { seed: 1 });
      let { observation } = await dream.reset({ seed: 7 });
      let begins = new Uint8Array(3).fill(1);
      let executed: (number | undefined)[] = [undefined, undefined, undefined];
      const rewards: number[] = [];
      for (let step = 0; step < 12; step++) {
        const frames = ndarray('uint8', [3, 4, 4, 1], observation);
        const result = await dream.step(policy.act(frames, [0, 1, 2], { begins, executed }));
        ({ observation } = result);
        const { executedAction, _executedAction: stepped } = result.info;
        begins = (stepped as Uint8Array).map((x) => 1 - x);
        executed = [...(executedAction as Float64Array)];
        rewards.push(...result.reward);
      }
      return rewards;
    };
    const rewards = await play();
    expect(rewards.some((reward) => reward !== 0)).toBe(true);
    expect(await play()).toEqual(rewards);
  });

  test('is stepped by wrappers like any other', async () => {
    const { dreamer, start } = walkDream(1);
    const wrapped = new vectorWrappers.RecordEpisodeStatistics(new DreamVectorEnv(dreamer, { start, batch: 1 }));
    await wrapped.reset({ seed: 0 });
    for (let step = 1; step < length; step++) await wrapped.step([first + 2]);
    const { info, terminated } = await wrapped.step([first + 2]);
    expect([...terminated]).toEqual([1]);
    expect(info['episode']).toMatchObject({ r: Float64Array.of(length), l: expect.anything() });
  });
});

describe('a dream that is drawn', () => {
  test.each(['parallel', 'maskgit', 'causal'] as const)(
    'by kind %s does not depend on those beside it: row i of seed s is a dream alone of seed s + i',
    async (kind) => {
      const agent = agentOn(wasm, { worldModel: { kind, context: 2, temperature: 1 } });
      const many = dreamOf(agent, { batch: 3, horizon: 2 });
      const alone = [0, 1, 2].map(() => dreamOf(agent, { batch: 1, horizon: 2 }));
      const [size, chosen] = [16, [0, 1, 2, 1, 0]];
      const { observation } = await many.reset({ seed: 5 });
      for (const [row, dream] of alone.entries()) {
        const own = await dream.reset({ seed: 5 + row });
        expect(own.observation).toEqual(observation.slice(row * size, (row + 1) * size));
      }
      for (const step of chosen.keys()) {
        const actions = actionsOf(chosen, 3, step);
        const all = await many.step(actions);
        for (const [row, dream] of alone.entries()) {
          const own = await dream.step([actions[row]!]);
          expect(own.observation).toEqual(all.observation.slice(row * size, (row + 1) * size));
          for (const key of ['reward', 'terminated', 'truncated'] as const) expect(own[key][0]).toBe(all[key][row]);
        }
      }
    },
  );

  test.prop([fc.nat(1000), draws, fc.nat({ max: 7 })], { numRuns: 4 })(
    'goes on from a saved state as if nothing had happened',
    async (seed, chosen, at) => {
      const [dream, other] = [
        drawing('parallel', { batch: 2, horizon: 3 }),
        drawing('parallel', { batch: 2, horizon: 3 }),
      ];
      await dream.reset({ seed });
      for (let step = 0; step < at; step++) await dream.step(actionsOf(chosen, 2, step));
      await other.reset({ seed: seed + 1 });
      await other.setState(structuredClone(await dream.getState()));
      for (let step = at; step < chosen.length; step++) {
        expect(await other.step(actionsOf(chosen, 2, step))).toEqual(await dream.step(actionsOf(chosen, 2, step)));
      }
    },
  );

  test('leaves no tensor behind, and its agent alive', async () => {
    const agent = agentOn(cpu, { worldModel: { context: 2, temperature: 1 } });
    const play = async () => {
      const dream = dreamOf(agent, { batch: 3, horizon: 2 });
      await dream.reset({ seed: 0 });
      for (let step = 0; step < 5; step++) await dream.step([first, first, first]);
      await dream.close();
    };
    await play();
    const before = cpu.tensorCount();
    for (let i = 0; i < 3; i++) await play();
    expect(cpu.tensorCount()).toBe(before);
  });
});

test('wrong calls change nothing', async () => {
  const dream = drawing();
  await expect(dream.step([first, first])).rejects.toThrow(ResetNeeded);
  await expect(dream.reset({ options: { resetMask: [true, false] } })).rejects.toThrow(ResetNeeded);
  await dream.reset({ seed: 0 });
  const before = await dream.getState();
  await expect(dream.step([first])).rejects.toThrow(
    new InvalidAction('VectorEnv.step: expected 2 actions, got 1 values.'),
  );
  await expect(dream.step([first, 0])).rejects.toThrow(InvalidAction);
  await expect(dream.reset({ seed: [1] })).rejects.toThrow(ConfigError);
  await expect(dream.setState({ env: 'CartPoleVectorEnv' })).rejects.toThrow(
    'DreamVectorEnv: setState: expected a state of DreamVectorEnv of 2 x 2 x 16 tokens, got something else.',
  );
  await expect(drawing('parallel', { batch: 3 }).setState(before)).rejects.toThrow('got one of 64 in all.');
  const pending = dream.reset({ seed: 0 });
  const refused = [dream.step([first, first]), dream.getState(), dream.setState(before)];
  for (const { status, reason } of (await Promise.allSettled(refused)) as PromiseRejectedResult[]) {
    expect([status, reason]).toEqual(['rejected', expect.any(AlreadyPendingCallError)]);
  }
  await pending;
  expect(await dream.getState()).toEqual(before);
  await dream.close();
  await dream.close();
  await expect(dream.reset()).rejects.toThrow(ClosedEnvironmentError);
  expect(String(dream)).toBe('DreamVectorEnv(numEnvs=2)');
});

test('a start that fails, or is none, is said, and the dream stands where it was', async () => {
  let broken = false;
  const dream = drawing('parallel', {
    batch: 1,
    horizon: 1,
    start: () => {
      if (broken) throw new Error('no replay');
      return { tokens: integers([1, 2, 16], 16, 1), actions: ndarray('int32', [1, 2]) };
    },
  });
  await dream.reset({ seed: 0 });
  await dream.step([first]);
  broken = true;
  const before = await dream.getState();
  await expect(dream.step([first])).rejects.toThrow('no replay');
  expect(await dream.getState()).toEqual(before);
  broken = false;
  expect((await dream.step([first])).truncated[0]).toBe(0);
  const short = drawing('parallel', {
    batch: 1,
    start: () => ({ tokens: integers([1, 1, 16], 16, 1), actions: ndarray('int32', [1, 1]) }),
  });
  await expect(short.reset()).rejects.toThrow(
    'DreamVectorEnv: expected start to give tokens [1, 2, 16] and actions [1, 2], got [1, 1, 16] and [1, 1].',
  );
});

test.each([
  [{ batch: 0 }, 'DreamVectorEnv: expected a whole number > 0 as batch, got 0.'],
  [{ batch: 1, horizon: 1.5 }, 'DreamVectorEnv: expected a whole number > 0 as horizon, got 1.5.'],
])('%j is no environment', (options, message) => {
  expect(() => drawing('parallel', options)).toThrow(new ConfigError(message));
});
