// One episode to look at: what was played, and what a world model that is right, wrong or over would have dreamed.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { make } from 'gymnasium-js';
import { dreamEpisode, playEpisode } from '../src/index.ts';
import type { Agent, Starts } from '../src/index.ts';
import { agentOn, cpu, errorOf } from './toy.ts';
import { readWalk, walkActions } from './walk-env.ts';

const walkEnv = (kwargs: object = {}) => make('AgentWalk-v0', { length: 7, ...kwargs });

/** The walk, as tokens: where the walker goes is known, how long it lives is told. */
function walkOn({ tokens, actions }: Starts, lives: number): { frame: number[]; end: number } {
  const context = actions.shape[1]!;
  const { step, episode, place } = readWalk(tokens.data.subarray((context - 1) * 16, context * 16));
  const action = actions.data[context - 1]!;
  const next = (place + action - 1 + 4) % 4;
  const frame = Array.from({ length: 16 }, () => 0);
  frame.splice(0, 4, step + 1, action + 1, episode, next);
  frame[4 + 3 * next] = 15;
  return { frame, end: step + 1 === lives ? 1 : 0 };
}

/** An agent whose world model is `predict`; notes what it was shown. */
function dreaming(predict: (starts: Starts) => { frame: number[]; end: number }, context = 1) {
  const shown: Starts[] = [];
  const agent = agentOn(cpu);
  const worldModel = {
    config: { context },
    spec: { actionCount: walkActions.count },
    predict(starts: Starts) {
      shown.push(structuredClone(starts) as Starts);
      const { frame, end } = predict(starts);
      return { tokens: ndarray('int32', [1, 16], Int32Array.from(frame)), rewards: [0], ends: Uint8Array.of(end) };
    },
  };
  const { tokenizer, actions, engine, behaviour } = agent;
  return { agent: { engine, behaviour, tokenizer, actions, worldModel } as unknown as Agent, shown };
}

const played = (options: { seed?: number; maxSteps?: number } = {}) =>
  playEpisode(agentOn(cpu), walkEnv(), { seed: 4, ...options });

const frameOf = ({ data, shape }: NdArray<'uint8'>, i: number) => {
  const size = data.length / shape[0]!;
  return [...data.subarray(i * size, (i + 1) * size)];
};

describe('playing', () => {
  test('gives frames, actions and rewards that belong together', () => {
    const { frames, actions, rewards, totalReward } = played();
    expect(frames.shape).toEqual([8, 4, 4, 1]);
    expect([actions.length, rewards.length]).toEqual([7, 7]);
    for (const [step, action] of actions.entries()) {
      const told = readWalk(frameOf(frames, step + 1).map((x) => x / 16));
      expect(told).toMatchObject({ step: step + 1, action: action - walkActions.first });
      expect(rewards[step]).toBe(action - walkActions.first - 1);
    }
    expect(totalReward).toBe(rewards.reduce((sum, x) => sum + x, 0));
  });

  test('is a function of its seed, and can be greedy', () => {
    expect(played({ seed: 4 })).toEqual(played({ seed: 4 }));
    expect(played({ seed: 5 }).actions).not.toEqual(played({ seed: 4 }).actions);
    const greedy = (seed: number) => playEpisode(agentOn(cpu), walkEnv(), { seed, greedy: true }).actions;
    expect(greedy(4)).toEqual(greedy(4));
  });

  test('ends after maxSteps, when truncated, and when cancelled', async () => {
    expect(played({ maxSteps: 3 }).actions).toHaveLength(3);
    expect(playEpisode(agentOn(cpu), walkEnv({ end: 'truncated' }), { seed: 0 }).actions).toHaveLength(7);
    const signal = AbortSignal.abort();
    expect(await errorOf(() => playEpisode(agentOn(cpu), walkEnv(), { seed: 0, signal }))).toBe(
      'CancelledError: playEpisode: cancelled by the signal.',
    );
    for (const maxSteps of [0, 1.5, NaN]) {
      expect(await errorOf(() => played({ maxSteps }))).toMatch(/^ConfigError: playEpisode: expected maxSteps/);
    }
  });
});

describe('dreaming', () => {
  test.prop([fc.integer({ min: 1, max: 3 }), fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 9 }))], {
    numRuns: 15,
  })('with a model that is right is what happened', (context, lookEvery) => {
    const { agent, shown } = dreaming((starts) => walkOn(starts, 7), context);
    const episode = played();
    const { tokens, reconstruction, imagined } = dreamEpisode(agent, episode, { lookEvery });
    expect(reconstruction).toEqual(episode.frames);
    expect(imagined).toEqual(episode.frames);
    expect([...tokens.data]).toEqual(Array.from(episode.frames.data, (x) => x / 16));
    // Context is what came before, and before the beginning the first frame without an action.
    for (const [step, starts] of shown.entries()) {
      for (let age = 0; age < context; age++) {
        const frame = step - context + 1 + age;
        const told = readWalk(starts.tokens.data.subarray(age * 16, (age + 1) * 16));
        expect(told.step).toBe(Math.max(0, frame));
        const action = frame < 0 ? walkActions.count : episode.actions[frame]! - walkActions.first;
        expect(starts.actions.data[age]).toBe(action);
      }
    }
  });

  test('begins with the first frame and sees no other, or one every so often', () => {
    // A model that always says black.
    const { agent } = dreaming(() => ({ frame: Array.from({ length: 16 }, () => 0), end: 0 }));
    const episode = played();
    const real = (imagined: NdArray<'uint8'>) =>
      Array.from({ length: 8 }, (_, i) => i).filter(
        (i) => String(frameOf(imagined, i)) === String(frameOf(episode.frames, i)),
      );
    expect(real(dreamEpisode(agent, episode).imagined)).toEqual([0]);
    expect(real(dreamEpisode(agent, episode, { lookEvery: 3 }).imagined)).toEqual([0, 3, 6]);
    expect(real(dreamEpisode(agent, episode, { lookEvery: 1 }).imagined)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test('stands still after an imagined end, until it looks again', () => {
    const { agent } = dreaming((starts) => walkOn(starts, 2));
    const episode = played();
    const stepsOf = (imagined: NdArray<'uint8'>) => Array.from({ length: 8 }, (_, i) => frameOf(imagined, i)[0]! / 16);
    expect(stepsOf(dreamEpisode(agent, episode).imagined)).toEqual([0, 1, 2, 2, 2, 2, 2, 2]);
    expect(stepsOf(dreamEpisode(agent, episode, { lookEvery: 5 }).imagined)).toEqual([0, 1, 2, 2, 2, 5, 6, 7]);
  });

  test('with a network works too', () => {
    const agent = agentOn(cpu, { worldModel: { context: 2 } });
    const { imagined } = dreamEpisode(agent, played());
    expect(imagined.shape).toEqual([8, 4, 4, 1]);
    expect(frameOf(imagined, 0)).toEqual(frameOf(played().frames, 0));
  });

  test.each([0, -1, 1.5, NaN])('looks every %d steps: an error', (lookEvery) => {
    expect(() => dreamEpisode(agentOn(cpu), played(), { lookEvery })).toThrow(/lookEvery/);
  });
});
