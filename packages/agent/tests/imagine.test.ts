// Imagination with a scripted world and a scripted policy, so that every number that should come out is known.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { imagine, lambdaReturns, StickyActions } from '../src/index.ts';
import type { Behaviour, Experience, Starts, WorldModel } from '../src/index.ts';
import { behaviourOn, cpu, specOf, transitionsOf, worldModelOn } from './toy.ts';

const actionCount = 3;
const width = 2;

// A frame is two tokens: who, and when. Everything else follows from these.
const actionAt = (who: number, when: number): number => (who + when + 30) % actionCount;
const rewardOf = (who: number, when: number, action: number): number => ((who * 5 + when * 2 + action) % 3) - 1;
const valueOf = (who: number, when: number): number => who * 100 + when;
const logOf = (who: number, when: number): number => Math.fround(-(who + when + 1) / 128);

interface Script {
  /** Steps that each start lives, by who; others live forever. */
  readonly lives?: readonly number[];
  readonly context?: number;
  readonly sticky?: StickyActions;
}

function scripted({ lives = [], context = 1, sticky = new StickyActions(actionCount) }: Script) {
  const log = {
    /** Who and when at each prediction, and the action that was asked for. */
    predictions: [] as { who: number; when: number; action: number; acting: boolean }[],
    windows: [] as { when: number[]; actions: number[] }[],
    judged: 0,
    given: [] as Starts[],
    asked: [] as number[],
  };
  let next = 0;
  let acting = false;
  const starts = async (count: number): Promise<Starts> => {
    log.asked.push(count);
    const tokens = ndarray('int32', [count, context, width]);
    const actions = ndarray('int32', [count, context]);
    for (let row = 0; row < count; row++, next++) {
      for (let age = 0; age < context; age++) {
        const when = age - context + 1;
        tokens.data.set([next, when], (row * context + age) * width);
        // The last one is to be ignored.
        actions.data[row * context + age] = when < 0 ? actionAt(next, when) : 77;
      }
    }
    const given = { tokens, actions };
    log.given.push(given);
    return structuredClone(given) as Starts;
  };
  const worldModel = {
    spec: { actionCount },
    sticky,
    predict({ tokens, actions }: Starts) {
      const rows = tokens.shape[0]!;
      const out = {
        tokens: ndarray('int32', [rows, width]),
        rewards: new Float32Array(rows),
        ends: new Uint8Array(rows),
      };
      for (let row = 0; row < rows; row++) {
        const frames = [...tokens.data.subarray(row * context * width, (row + 1) * context * width)];
        const [who, when] = frames.slice(-width) as [number, number];
        const own = [...actions.data.subarray(row * context, (row + 1) * context)];
        const action = own.at(-1)!;
        log.predictions.push({ who, when, action, acting });
        log.windows.push({ when: frames.filter((_, i) => i % width === 1), actions: own });
        out.tokens.data.set([who, when + 1], row * width);
        out.rewards[row] = rewardOf(who, when, action);
        out.ends[row] = when + 1 === lives[who] ? 1 : 0;
      }
      return out;
    },
  } as unknown as WorldModel;
  const seen = (tokens: NdArray<'int32'>): [number, number][] =>
    Array.from({ length: tokens.shape[0]! }, (_, row) => [tokens.data[row * width]!, tokens.data[row * width + 1]!]);
  const behaviour = {
    spec: { tokens: width },
    act(tokens: NdArray<'int32'>) {
      acting = true;
      return {
        actions: Int32Array.from(seen(tokens), ([who, when]) => actionAt(who, when)),
        logProbabilities: Float32Array.from(seen(tokens), ([who, when]) => logOf(who, when)),
        values: Float32Array.from(seen(tokens), ([who, when]) => valueOf(who, when)),
      };
    },
    judge(tokens: NdArray<'int32'>) {
      log.judged++;
      return { values: Float32Array.from(seen(tokens), ([who, when]) => valueOf(who, when)) };
    },
  } as unknown as Behaviour;
  return { worldModel, behaviour, starts, log };
}

const run = (script: Script, options: { rows: number; horizon: number; explore?: number; seed?: number }) => {
  const { log, ...parts } = scripted(script);
  const { seed = 0, ...rest } = options;
  return imagine({ ...parts, ...rest, generator: npRandom(seed) }).then((result) => ({ ...result, log }));
};

/** What a stretch has to be: `steps` steps of one start from `from` on. */
function stretchOf(
  who: number,
  { from = 0, steps, ends }: { from?: number; steps: number; ends: boolean },
): Experience {
  const whens = Array.from({ length: steps }, (_, i) => from + i);
  return {
    tokens: Int32Array.from(whens.flatMap((when) => [who, when])),
    actions: Int32Array.from(whens, (when) => actionAt(who, when)),
    logProbabilities: Float32Array.from(whens, (when) => logOf(who, when)),
    rewards: whens.map((when) => rewardOf(who, when, actionAt(who, when))),
    values: Float32Array.from([...whens.map((when) => valueOf(who, when)), valueOf(who, from + steps)]),
    terminated: whens.map((_, i) => (ends && i === steps - 1 ? 1 : 0)),
  };
}

const whoOf = ({ tokens }: Experience): number => tokens[0]!;
const byWho = (experience: readonly Experience[]) => experience.toSorted((a, b) => whoOf(a) - whoOf(b));
/** Without the value after a terminal state, which means nothing. */
const meaning = ({ values, ...rest }: Experience) => ({
  ...rest,
  values: rest.terminated[rest.actions.length - 1] === 1 ? values.slice(0, -1) : values,
});

describe('imagination', () => {
  test.prop([
    fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 40, maxLength: 40 }),
    fc.record({ rows: fc.integer({ min: 1, max: 4 }), horizon: fc.integer({ min: 1, max: 9 }) }),
    fc.integer({ min: 1, max: 3 }),
  ])('is what each row lives through by itself, and begins anew after an end', async (lives, sizes, context) => {
    const { rows, horizon } = sizes;
    const { experience, steps, log } = await run({ lives, context }, sizes);
    // By hand: a row goes from start to start; new starts are given out step by step, row by row.
    const expected: Experience[] = [];
    const current = Array.from({ length: rows }, (_, row) => ({ who: row, lived: 0 }));
    let next = rows;
    for (let step = 0; step < horizon; step++) {
      for (const [row, own] of current.entries()) {
        own.lived++;
        const ends = own.lived === lives[own.who];
        if (!ends && step < horizon - 1) continue;
        expected.push(stretchOf(own.who, { steps: own.lived, ends }));
        if (step < horizon - 1) current[row] = { who: next++, lived: 0 };
      }
    }
    expect(byWho(experience).map(meaning)).toEqual(byWho(expected).map(meaning));
    expect(steps).toBe(rows * horizon);
    expect(log.predictions).toHaveLength(steps);
    expect(log.asked.reduce((sum, count) => sum + count, 0)).toBe(next);
    // Every window is frames that followed each other, with the actions taken at them.
    for (const [i, { who }] of log.predictions.entries()) {
      const { when, actions } = log.windows[i]!;
      expect(when).toEqual(when.map((_, age) => when.at(-1)! - context + 1 + age));
      expect(actions).toEqual(when.map((time) => actionAt(who, time)));
    }
  });

  test('has the value of the last frame behind rows that go on, and none behind those that end', async () => {
    const { experience } = await run({ lives: [2, 9] }, { rows: 2, horizon: 2 });
    const [ended, going] = byWho(experience);
    const options = { gamma: 1, lambda: 1 };
    const rewards = (who: number) => [0, 1].map((when) => rewardOf(who, when, actionAt(who, when)));
    expect(lambdaReturns(going!, options)[0]).toBe(rewards(1)[0]! + rewards(1)[1]! + valueOf(1, 2));
    expect(lambdaReturns(ended!, options)[0]).toBe(rewards(0)[0]! + rewards(0)[1]!);
    // An end in the very last step asks for no start that nobody lives through.
    expect(experience).toHaveLength(2);
  });

  test('in a world of sticky actions executes the one before, and the policy learns of the one that it chose', async () => {
    const sticky = new StickyActions(actionCount);
    sticky.observe({ actions: Int32Array.of(0, 1, 2), executedActions: Int32Array.of(0, 0, 0) });
    const { experience, log } = await run({ context: 2, sticky }, { rows: 3, horizon: 4 });
    // Forever the one of the frame before the first.
    for (const { who, action } of log.predictions) expect(action).toBe(actionAt(who, -1));
    for (const { actions, tokens } of experience) {
      expect([...actions]).toEqual(Array.from(actions, (_, i) => actionAt(tokens[2 * i]!, tokens[2 * i + 1]!)));
    }
  });

  test('leaves the starts that it is given as they are', async () => {
    const { log, ...parts } = scripted({ lives: [1, 2, 3], context: 2 });
    const kept: Starts[] = [];
    const starts = async (count: number) => {
      kept.push(await parts.starts(count));
      return kept.at(-1)!;
    };
    await imagine({ ...parts, starts, rows: 3, horizon: 4, explore: 2, generator: npRandom(0) });
    expect(kept).toEqual(log.given);
  });
});

describe('exploration before the first step', () => {
  test.prop([fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 12, maxLength: 12 }), fc.nat({ max: 99 })])(
    'holds one action for 0 to so many steps, and stays before an end',
    async (lives, seed) => {
      const explore = 4;
      const { experience, steps, log } = await run({ lives }, { rows: 6, horizon: 1, explore, seed });
      const before = log.predictions.filter(({ acting }) => !acting);
      expect(steps).toBe(before.length + 6);
      for (let who = 0; who < 6; who++) {
        const own = before.filter((prediction) => prediction.who === who);
        expect(new Set(own.map(({ action }) => action)).size).toBeLessThanOrEqual(1);
        expect(own.map(({ when }) => when)).toEqual(own.map((_, i) => i));
        expect(own.length).toBeLessThanOrEqual(Math.min(explore, lives[who]!));
        // The frame in which the episode would be over is never lived in.
        const from = Math.min(own.length, lives[who]! - 1);
        const ends = from + 1 === lives[who];
        expect(meaning(byWho(experience)[who]!)).toEqual(meaning(stretchOf(who, { from, steps: 1, ends })));
      }
    },
  );

  test('begins anywhere, with any action', async () => {
    const { log, experience } = await run({}, { rows: 300, horizon: 1, explore: 3 });
    const lengths = new Set(experience.map(({ tokens }) => tokens[1]));
    expect(lengths).toEqual(new Set([0, 1, 2, 3]));
    const held = log.predictions.filter(({ acting }) => !acting).map(({ action }) => action);
    expect(new Set(held)).toEqual(new Set([0, 1, 2]));
  });

  test('is left out by default', async () => {
    const { log } = await run({}, { rows: 5, horizon: 2 });
    expect(log.predictions.every(({ acting }) => acting)).toBe(true);
  });
});

describe.each(['parallel', 'maskgit', 'causal'] as const)('in a world model of kind %s', (kind) => {
  test('a policy lives and learns, by chances that its generator draws', async () => {
    const dream = async (seed: number, temperature: number) => {
      const worldModel = worldModelOn(cpu, { kind, context: 2, temperature });
      const behaviour = behaviourOn(cpu, {}, { tokenizer: specOf([2, 2], 4) });
      const starts = async (count: number) => transitionsOf(worldModel, count, 3);
      const options = { worldModel, behaviour, starts, rows: 8, horizon: 4, explore: 2 };
      const { experience } = await imagine({ ...options, generator: npRandom(seed) });
      const metrics = behaviour.learn(experience, { generator: npRandom(0), minibatch: 16 });
      expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
      return experience;
    };
    expect(await dream(1, 1)).toEqual(await dream(1, 1));
    expect(await dream(1, 1)).not.toEqual(await dream(1, 0));
    expect((await dream(2, 0)).flatMap(({ rewards }) => Array.from(rewards)).every((x) => [-1, 0, 1].includes(x))).toBe(
      true,
    );
  });
});
