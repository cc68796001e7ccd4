// What the items of training see: the policy that acts, the frames and steps that it learns, prepared alike everywhere.
import { expect, describe, vi } from 'vitest';
import { test } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { codeFeatures, lambdaReturns, measureHeldOut, TokenMemory } from '../src/index.ts';
import type { Experience } from '../src/index.ts';
import { tokensOf } from '../src/preprocess.ts';
import { PixelTokenizer } from './pixel-tokenizer.ts';
import { idle, small, start } from './short-runs.ts';
import { tokenizerOf } from './tokenizers.ts';
import { cpu } from './toy.ts';
import { finish } from './training-toy.ts';
import type { Run } from './training-toy.ts';
import { readWalk, walk } from './walk-env.ts';
import type { WalkKwargs } from './walk-env.ts';

describe('acting', () => {
  test.each(['pixels', 'vqvae', 'patches'] as const)(
    'sees what the %s tokenizer makes of the frames now, and what its codes look like now',
    async (kind) => {
      const run = await start(kind, { training: { ...small, replayBytes: 2 ** 20 } });
      const { agent, trainer, replay } = run;
      const act = vi.spyOn(agent.behaviour, 'act');
      const before = tokenizerOf(cpu, { kind, seed: 3 });
      let acted = 0;
      let moved = false;
      while (!trainer.done) {
        const first = Math.max(-1, ...[...replay.chunks()].map(({ id }) => id)) + 1;
        act.mockClear();
        const { kind: work } = await trainer.next();
        if (work !== 'collect') continue;
        const seen = act.mock.calls.flatMap(([tokens]) => rowsOf(tokens));
        acted += seen.length;
        if (seen.length === 0) continue;
        const now: string[] = [];
        for (const chunk of replay.chunks()) {
          if (chunk.id < first) continue;
          const frames = await replay.frames(chunk);
          const tokens = rowsOf(tokensOf(agent.tokenizer, frames)).slice(0, chunk.steps);
          now.push(...tokens);
          moved ||= String(rowsOf(tokensOf(before, frames)).slice(0, chunk.steps)) !== String(tokens);
        }
        expect(seen.toSorted()).toEqual(now.toSorted());
        agent.behaviour.judge(ndarray('int32', [1, agent.behaviour.spec.tokens]));
        const { data } = codeFeatures(agent.tokenizer);
        trainer.state();
        expect(agent.behaviour.state()['codes']!.data).toEqual(data);
        expect(agent.worldModel.state()['codes']!.data).toEqual(data);
      }
      before.dispose();
      // The first round is random.
      expect(acted).toBe(15);
      expect(moved).toBe(kind !== 'pixels');
    },
  );

  test('is recorded with the version of the policy that acted', async () => {
    const { agent, trainer, replay } = await start('pixels', { training: { ...small, replayBytes: 2 ** 20 } });
    const versions: number[] = [];
    let from = 0;
    while (!trainer.done) {
      const { version } = agent.behaviour;
      const { kind } = await trainer.next();
      if (kind !== 'collect') continue;
      const fresh = [...replay.chunks()].filter(({ id }) => id >= from);
      from += fresh.length;
      expect(new Set(fresh.map(({ metadata }) => metadata.policyVersion))).toEqual(new Set([version]));
      versions.push(version);
    }
    // One batch of real steps in the first round; one and two imagined ones in the second.
    expect(versions).toEqual([0, 1, 4]);
  });
});

test('acting, learning and measuring prepare frames alike', async () => {
  const { agent, trainer, replay, rollouts } = await start('pixels');
  const { seen } = agent.tokenizer as PixelTokenizer;
  const pictures = (arrays: readonly NdArray[]) => new Set(arrays.flatMap((array) => rowsOf(array)));
  await trainer.next();
  const chunk = [...replay.chunks()][0]!;
  const bytes = await replay.frames(chunk);
  const expected = new Set(
    rowsOf(
      ndarray(
        'float32',
        bytes.shape,
        Float32Array.from(bytes.data, (byte) => byte / 255),
      ),
    ),
  );
  seen.length = 0;
  agent.act(bytes, { generator: npRandom(0) });
  expect(pictures(seen)).toEqual(expected);
  for (const settled of [false, true]) {
    const memory = new TokenMemory({ replay, tokenizer: agent.tokenizer, actions: agent.actions, context: 2 });
    if (settled) memory.settle();
    seen.length = 0;
    await memory.transitions(Array.from({ length: chunk.steps }, (_, step) => ({ chunk, step })));
    expect(pictures(seen)).toEqual(expected);
  }
  seen.length = 0;
  const { frames } = await measureHeldOut(agent, {
    env: walk({ length: 4 }),
    steps: 64,
    seed: 3,
    numEnvs: 2,
    frames: 4,
  });
  expect(seen.every(({ dtype }) => dtype === 'float32')).toBe(true);
  const measured = pictures(seen);
  for (const row of rowsOf(
    ndarray(
      'float32',
      frames.shape,
      Float32Array.from(frames.data, (byte) => byte / 255),
    ),
  )) {
    expect(measured).toContain(row);
  }
  expect(rollouts.frameShape).toEqual(agent.tokenizer.spec.frameShape);
});

describe('the policy learns real steps', () => {
  /** What it learns of the first round, in which actions are random: the same in both environments. */
  async function learned(env: WalkKwargs): Promise<{ experience: readonly Experience[]; run: Run }> {
    const run = await start('pixels', { env, training: { ...small, roundSteps: 10 } });
    const learn = vi.spyOn(run.agent.behaviour, 'learn');
    while (learn.mock.calls.length === 0) await run.trainer.next();
    return { experience: learn.mock.calls[0]![0], run };
  }

  test('with nothing behind a terminal state, and a value behind an episode that was cut', async () => {
    const terminated = await learned({ length: 3, end: 'terminated' });
    const truncated = await learned({ length: 3, end: 'truncated' });
    const { gamma, lambda } = terminated.run.agent.behaviour.config;
    const chunks = [...terminated.run.replay.chunks()];
    expect(terminated.experience).toHaveLength(chunks.length);
    let ends = 0;
    for (const [i, ended] of terminated.experience.entries()) {
      const cut = truncated.experience[i]!;
      const chunk = chunks[i]!;
      expect(cut.tokens).toEqual(ended.tokens);
      expect(cut.actions).toEqual(ended.actions);
      expect(cut.values).toEqual(ended.values);
      expect(ended.actions).toEqual(chunk.actions.map((action) => action - 5));
      expect(Array.from(ended.rewards)).toEqual([...chunk.rewards].map(Math.sign));
      const last = chunk.steps - 1;
      const own = lambdaReturns(ended, { gamma, lambda })[last]!;
      const other = lambdaReturns(cut, { gamma, lambda })[last]!;
      const value = ended.values[last + 1]!;
      const withValue = Math.fround(chunk.rewards[last]! + gamma * value);
      expect(value).not.toBe(0);
      expect(other).toBeCloseTo(withValue, 5);
      // A chunk that only ends with its round has a value behind it too.
      if (chunk.terminated[last] === 1) ends++;
      expect(own).toBeCloseTo(chunk.terminated[last] === 1 ? chunk.rewards[last]! : withValue, 5);
    }
    expect(ends).toBeGreaterThan(3);
    expect(ends).toBeLessThan(chunks.length);
  });

  test('each with the frame at which it was taken, and what it earned', async () => {
    const { experience, run } = await learned({ length: 3, spread: 4 });
    const chunks = [...run.replay.chunks()];
    expect(experience).toHaveLength(chunks.length);
    for (const [i, { tokens, actions, rewards }] of experience.entries()) {
      const { metadata, steps } = chunks[i]!;
      const frames = await run.replay.frames(chunks[i]!);
      expect(tokens).toHaveLength(16 * steps);
      for (const [step, action] of Array.from(actions).entries()) {
        const told = readWalk(tokens.subarray(16 * step));
        const next = readWalk(frames.data.subarray(16 * (step + 1)).map((x) => x / 16));
        expect(told.step).toBe(metadata.firstStep + step);
        expect(next).toMatchObject({ action, place: (told.place + action - 1 + 4) % 4 });
        expect(rewards[step]).toBe(action - 1);
      }
    }
  });

  test('once in each round, on the steps of that round alone', async () => {
    const run = await start('pixels', {
      training: { ...small, replayBytes: 2 ** 20, imagination: { ...small.imagination, updates: 0 } },
    });
    const learn = vi.spyOn(run.agent.behaviour, 'learn');
    await finish(run);
    const batches = learn.mock.calls.map(([experience]) => experience.flatMap(({ actions }) => [...actions]));
    expect(batches.map(({ length }) => length)).toEqual([10, 10, 5]);
    const all = [...run.replay.chunks()].flatMap(({ actions }) => Array.from(actions, (action) => action - 5));
    expect(batches.flat()).toEqual(all);
  });

  test('not at all before a tokenizer that is trained has learned anything, or when told not to', async () => {
    const untrained = await start('vqvae', { training: { ...idle, learnFromReal: true } });
    const told = await start('pixels', { training: idle });
    for (const run of [untrained, told]) {
      await finish(run);
      expect(run.agent.behaviour.version).toBe(0);
    }
  });
});

/** Every row of a batch as text. */
function rowsOf({ shape, data }: NdArray): string[] {
  const width = data.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, row) => data.slice(row * width, (row + 1) * width).join(' '));
}
