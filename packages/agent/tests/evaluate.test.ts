// Evaluation: whole episodes, each with a seed of its own, whoever plays and however many side by side.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { CancelledError, ConfigError } from '@tessera/core';
import type { BatchPolicy } from '@tessera/rollouts';
import { Box, Discrete, Env, register } from 'gymnasium-js';
import type { ResetResult, StepResult } from 'gymnasium-js';
import { agentPolicy, evaluatePolicy, framePolicy, randomPolicy } from '../src/index.ts';
import type { EvaluateOptions } from '../src/index.ts';
import { agentOn, cpu, errorOf } from './toy.ts';
import { walk, walkActions } from './walk-env.ts';

const [left, stay, right] = [5, 6, 7];
/** Goes right unless it stands at place 2. */
const rule = framePolicy((frame) => (frame[3] === 32 ? stay : right));
const options: EvaluateOptions = { env: walk({ length: 4, spread: 6 }), episodes: 11, seed: 3 };

/** A policy that notes the first frame of every episode and the rows it was asked for. */
function noting(policy: BatchPolicy) {
  const starts: string[] = [];
  const rows: (readonly number[])[] = [];
  const noted: BatchPolicy = {
    version: 0,
    act(frames, envIndices, before) {
      rows.push([...envIndices]);
      for (let row = 0; row < frames.shape[0]!; row++) {
        const frame = frames.data.subarray(row * 16, (row + 1) * 16);
        // The first pixel tells the step.
        expect(before.begins[row]).toBe(frame[0] === 0 ? 1 : 0);
        if (frame[0] === 0) starts.push(String([frame[3], frame.subarray(4)]));
      }
      return policy.act(frames, envIndices, before);
    },
  };
  return { noted, starts, rows };
}

describe('evaluation', () => {
  test('adds up what was earned', async () => {
    const { returns, ...result } = await evaluatePolicy(
      framePolicy(() => right),
      { ...options, env: walk({ length: 4, reward: 2 }) },
    );
    expect(returns).toEqual(Array.from({ length: 11 }, () => 8));
    expect(result).toEqual({ meanReturn: 8, standardError: 0, episodes: 11, meanLength: 4, truncated: 0 });
    const { meanReturn } = await evaluatePolicy(
      framePolicy(() => left),
      { ...options, env: walk({ length: 4 }) },
    );
    expect(meanReturn).toBe(-4);
  });

  test('gives mean and standard error of the episodes', async () => {
    const { returns, meanReturn, standardError } = await evaluatePolicy(rule, options);
    const mean = returns.reduce((sum, x) => sum + x, 0) / 11;
    const variance = returns.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 10;
    expect(new Set(returns).size).toBeGreaterThan(1);
    expect(meanReturn).toBeCloseTo(mean, 10);
    expect(standardError).toBeCloseTo(Math.sqrt(variance / 11), 10);
    const { standardError: ofOne } = await evaluatePolicy(rule, { ...options, episodes: 1 });
    expect(ofOne).toBe(0);
  });

  test.prop([fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 14 })], { numRuns: 20 })(
    'is the same however many episodes run side by side, and plays each once',
    async (side, episodes) => {
      const { noted, starts, rows } = noting(rule);
      const result = await evaluatePolicy(noted, { ...options, episodes, side });
      expect(result).toEqual(await evaluatePolicy(rule, { ...options, episodes, side: 1 }));
      expect(starts).toHaveLength(episodes);
      // Long episodes are not left out: the first ones do not change when more are played.
      const { returns } = await evaluatePolicy(rule, { ...options, episodes: episodes + 3, side });
      expect(returns.slice(0, episodes)).toEqual(result.returns);
      for (const envIndices of rows) expect(new Set(envIndices).size).toBe(envIndices.length);
    },
  );

  test.prop([fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }), fc.nat(100)], { numRuns: 20 })(
    'of a policy that draws is the same however many episodes run side by side, and of more episodes the first ones are the same',
    async (side, episodes, seed) => {
      const agent = agentOn(cpu);
      const env = walk({ length: 4, spread: 6, tellsEpisode: false });
      for (const policyOf of [() => randomPolicy(walkActions, { seed }), () => agentPolicy(agent, { seed })]) {
        const { returns } = await evaluatePolicy(policyOf(), { ...options, env, episodes, side });
        const more = await evaluatePolicy(policyOf(), { ...options, env, episodes: episodes + 3, side: 1 });
        expect(more.returns.slice(0, episodes)).toEqual(returns);
      }
    },
  );

  test('gives every policy the same starts', async () => {
    const [one, other] = [noting(rule), noting(randomPolicy(walkActions, { seed: 1 }))];
    await evaluatePolicy(one.noted, { ...options, side: 1 });
    await evaluatePolicy(other.noted, { ...options, side: 1 });
    expect(other.starts).toEqual(one.starts);
    expect(new Set(one.starts).size).toBeGreaterThan(1);
    const again = noting(rule);
    await evaluatePolicy(again.noted, { ...options, seed: 4, side: 1 });
    expect(again.starts).not.toEqual(one.starts);
  });

  test('counts episodes that were cut, by the environment or by maxSteps', async () => {
    const cut = await evaluatePolicy(rule, { ...options, env: walk({ end: 'truncated' }) });
    expect(cut.truncated).toBe(11);
    const short = await evaluatePolicy(rule, { ...options, env: walk({ length: 3, spread: 6 }), maxSteps: 5 });
    expect(short.meanLength).toBeLessThanOrEqual(5);
    expect(short.truncated).toBeGreaterThan(0);
    expect(short.truncated).toBeLessThan(11);
  });

  test('of an agent is a function of the seeds', async () => {
    const agent = agentOn(cpu);
    const of = async (seed: number) => (await evaluatePolicy(agentPolicy(agent, { seed }), options)).returns;
    expect(await of(1)).toEqual(await of(1));
    expect(await of(2)).not.toEqual(await of(1));
  });

  test('can be cancelled', async () => {
    const controller = new AbortController();
    let calls = 0;
    const policy = framePolicy(() => {
      if (++calls === 5) controller.abort(new Error('enough'));
      return stay;
    });
    const work = evaluatePolicy(policy, { ...options, side: 1, signal: controller.signal });
    await expect(work).rejects.toThrow(CancelledError);
    expect(calls).toBe(5);
    const aborted = evaluatePolicy(rule, { ...options, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toThrowErrorMatchingInlineSnapshot(
      `[CancelledError: evaluatePolicy: cancelled by the signal.]`,
    );
  });

  test('says what is wrong', async () => {
    const messages: string[] = [];
    for (const bad of [
      { episodes: 0 },
      { episodes: 2.5 },
      { side: 0 },
      { side: NaN },
      { maxSteps: 0 },
      { env: { id: 'AgentWlk-v0' } },
      { env: { id: 'AgentNumbers-v0' } },
    ]) {
      messages.push(await errorOf(() => evaluatePolicy(rule, { ...options, ...bad })));
    }
    expect(messages.join('\n')).toMatchInlineSnapshot(`
      "ConfigError: evaluatePolicy: expected a number of episodes, 1 or more, got 0.
      ConfigError: evaluatePolicy: expected a number of episodes, 1 or more, got 2.5.
      ConfigError: evaluatePolicy: expected side to be a whole number >= 1, got 0.
      ConfigError: evaluatePolicy: expected side to be a whole number >= 1, got NaN.
      ConfigError: TimeLimit: expect maxEpisodeSteps to be a positive whole number, actually: 0.
      NameNotFound: Environment \`AgentWlk\` doesn't exist. Did you mean: \`AgentWalk\`?
      ConfigError: evaluatePolicy: expected an environment of pictures, Box(0, 255, (height, width, channels), uint8), got Box(-1.0, 1.0, (3,), float32)."
    `);
  });

  test('closes its environments, whatever happens', async () => {
    closed = 0;
    await evaluatePolicy(rule, { ...options, env: { id: 'AgentClosing-v0' }, episodes: 3 });
    expect(closed).toBe(3);
    const failing: BatchPolicy = {
      version: 0,
      act: () => {
        throw new ConfigError('no idea');
      },
    };
    await expect(evaluatePolicy(failing, { ...options, env: { id: 'AgentClosing-v0' }, episodes: 2 })).rejects.toThrow(
      'no idea',
    );
    expect(closed).toBe(5);
  });
});

let closed = 0;

/** One step of a picture; notes that it was closed. */
class ClosingEnv extends Env {
  readonly metadata = { renderModes: [] };
  readonly observationSpace = new Box({ low: 0, high: 255, shape: [4, 4, 1], dtype: 'uint8' });
  readonly actionSpace = new Discrete(3, { start: 5 });
  override reset(): ResetResult<Uint8Array> {
    return { observation: new Uint8Array(16), info: {} };
  }
  override step(): StepResult<Uint8Array> {
    return { observation: new Uint8Array(16), reward: 0, terminated: true, truncated: false, info: {} };
  }
  override close(): void {
    closed++;
  }
}

/** Observations that are no pictures. */
class NumbersEnv extends Env {
  readonly metadata = { renderModes: [] };
  readonly observationSpace = new Box({ low: -1, high: 1, shape: [3], dtype: 'float32' });
  readonly actionSpace = new Discrete(2);
  override reset(): ResetResult<Float32Array> {
    return { observation: new Float32Array(3), info: {} };
  }
  override step(): StepResult<Float32Array> {
    return { observation: new Float32Array(3), reward: 0, terminated: true, truncated: false, info: {} };
  }
}

register({ id: 'AgentClosing-v0', entryPoint: () => new ClosingEnv() });
register({ id: 'AgentNumbers-v0', entryPoint: () => new NumbersEnv() });
