// From an environment through replay to transitions: which action led from which frame to which, told by the frames themselves.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { npRandom } from '@tessera/core';
import { memoryShards, Replay, VectorRollouts } from '@tessera/rollouts';
import type { ReplayChunk } from '@tessera/rollouts';
import { randomPolicy, TokenMemory } from '../src/index.ts';
import type { Transitions } from '../src/index.ts';
import { PixelTokenizer } from './pixel-tokenizer.ts';
import { readWalk, walk, walkActions } from './walk-env.ts';
import type { WalkKwargs } from './walk-env.ts';

const length = 5;

async function collected(
  kwargs: WalkKwargs = {},
  { rounds = 3, maxBytes = 2 ** 24, seed = 0 }: { rounds?: number; maxBytes?: number; seed?: number } = {},
) {
  const rollouts = await VectorRollouts.create({ env: walk({ length, ...kwargs }), numEnvs: 3, seed, chunkLength: 4 });
  const replay = await Replay.create(memoryShards(), { maxBytes });
  const policy = randomPolicy(walkActions, { seed });
  const collect = async () => replay.append(await rollouts.collect(policy, 22));
  for (let round = 0; round < rounds; round++) await collect();
  const tokenizer = new PixelTokenizer();
  const memoryOf = (context: number) => new TokenMemory({ replay, tokenizer, actions: walkActions, context });
  return { replay, tokenizer, memoryOf, collect };
}

/** The frames of a row, oldest first and the next one last, as what they tell. */
function framesOf({ tokens, nextTokens }: Transitions, row: number) {
  const [, context, width] = tokens.shape as [number, number, number];
  const frames = Array.from({ length: context }, (_, age) => {
    const start = (row * context + age) * width;
    return readWalk(tokens.data.subarray(start, start + width));
  });
  return [...frames, readWalk(nextTokens.data.subarray(row * width, (row + 1) * width))];
}

test('tell the model what was executed, or what was chosen', async () => {
  const { replay, tokenizer, memoryOf } = await collected({ repeatEvery: 2 });
  const steps = replay.sampleSteps(npRandom(3), 200, { context: 2 });
  const executed = await memoryOf(2).transitions(steps);
  const options = { replay, tokenizer, actions: walkActions, context: 2 };
  const chosen = await new TokenMemory({ ...options, actionKind: 'chosen' }).transitions(steps);
  expect(chosen.tokens).toEqual(executed.tokens);
  const last = ({ actions }: Transitions, row: number) => actions.data[2 * row + 1];
  for (const [row, { chunk, step }] of steps.entries()) {
    const { action } = readWalk(executed.nextTokens.data.subarray(row * 16, (row + 1) * 16));
    expect(last(executed, row)).toBe(action);
    expect(last(chosen, row)).toBe(chunk.actions[step]! - walkActions.first);
  }
  expect(steps.some((_, row) => last(chosen, row) !== last(executed, row))).toBe(true);
});

describe('transitions', () => {
  test.prop([fc.integer({ min: 1, max: 4 }), fc.nat({ max: 50 }), fc.constantFrom('terminated', 'truncated')], {
    numRuns: 25,
  })('have the action, reward and end that belong to their frames', async (context, seed, end) => {
    const { replay, memoryOf } = await collected({ end: end as 'terminated', reward: 7 }, { seed });
    const steps = replay.sampleSteps(npRandom(seed), 60, { context });
    const batch = await memoryOf(context).transitions(steps);
    expect(batch.tokens.shape).toEqual([60, context, 16]);
    for (let row = 0; row < 60; row++) {
      const frames = framesOf(batch, row);
      const [present, next] = frames.slice(-2);
      const actions = batch.actions.data.subarray(row * context, (row + 1) * context);
      const action = actions.at(-1)!;
      expect(next).toMatchObject({ step: present!.step + 1, action, episode: present!.episode });
      expect(next!.place).toBe((present!.place + action - 1 + 4) % 4);
      // Moves cost -1, 0 or pay 7, of which the sign is left.
      expect(batch.rewards.data[row]).toBe(action - 1);
      expect(batch.terminated.data[row]).toBe(end === 'terminated' && next!.step === length ? 1 : 0);
      for (let age = context - 2; age >= 0; age--) {
        const [own, after] = [frames[age]!, frames[age + 1]!];
        if (present!.step - (context - 1 - age) >= 0) {
          expect(own.step).toBe(after.step - 1);
          expect(actions[age]).toBe(after.action);
        } else {
          // Before the beginning: its first frame again, and no action.
          expect(own).toEqual({ ...after, step: 0 });
          expect(actions[age]).toBe(walkActions.count);
        }
      }
    }
  });

  test('have rewards by their size where that is asked for', async () => {
    const { replay, tokenizer } = await collected({ reward: 7 });
    const steps = replay.sampleSteps(npRandom(0), 60);
    const rewardsOf = async (rewards: 'sign' | 'two-hot') =>
      (await new TokenMemory({ replay, tokenizer, actions: walkActions, context: 1, rewards }).transitions(steps))
        .rewards;
    const sizes = await rewardsOf('two-hot');
    expect(new Set(sizes.data)).toEqual(new Set([-1, 0, 7]));
    expect(sizes.data.map(Math.sign)).toEqual((await rewardsOf('sign')).data);
  });

  test.prop([fc.integer({ min: 1, max: 3 }), fc.nat({ max: 50 })], { numRuns: 10 })(
    'from tokens that were kept are those made anew',
    async (context, seed) => {
      const { replay, memoryOf, collect } = await collected({ spread: 4 }, { seed });
      const [fresh, kept] = [memoryOf(context), memoryOf(context)];
      kept.settle();
      for (let i = 0; i < 3; i++) {
        const steps = replay.sampleSteps(npRandom(seed + i), 30, { context });
        expect(await kept.transitions(steps)).toEqual(await fresh.transitions(steps));
        await collect();
        kept.prune();
      }
    },
  );
});

describe('a token memory', () => {
  test('encodes each chunk once when the codes have come to rest, until there are new ones', async () => {
    const { replay, tokenizer, memoryOf } = await collected();
    const memory = memoryOf(2);
    const encodings = async () => {
      const before = tokenizer.seen.length;
      await memory.chunkTokens([...replay.chunks()]);
      await memory.transitions(replay.sampleSteps(npRandom(0), 20, { context: 2 }));
      return tokenizer.seen.length - before;
    };
    expect(await encodings()).toBe(2);
    memory.settle();
    expect(await encodings()).toBe(1);
    expect(await encodings()).toBe(0);
    memory.forget();
    expect(await encodings()).toBe(1);
  });

  test('gives chunks their own tokens, in any order', async () => {
    const { replay, memoryOf } = await collected();
    const memory = memoryOf(1);
    const chunks = [...replay.chunks()];
    const one = await Promise.all(chunks.map(async (chunk) => (await memory.chunkTokens([chunk]))[0]!));
    expect(await memory.chunkTokens(chunks)).toEqual(one);
    expect(await memory.chunkTokens(chunks.toReversed())).toEqual(one.toReversed());
    for (const [i, chunk] of chunks.entries()) {
      expect(one[i]).toHaveLength((chunk.steps + 1) * 16);
      const steps = Array.from({ length: chunk.steps + 1 }, (_, frame) => readWalk(one[i]!.subarray(frame * 16)).step);
      expect(steps).toEqual(steps.map((_, frame) => chunk.metadata.firstStep + frame));
    }
  });

  test('lets go of chunks that have left the replay', async () => {
    const { replay, tokenizer, memoryOf, collect } = await collected({}, { rounds: 1, maxBytes: 6000 });
    const memory = memoryOf(1);
    memory.settle();
    const encodings = async (chunk: ReplayChunk) => {
      const before = tokenizer.seen.length;
      await memory.chunkTokens([chunk]);
      return tokenizer.seen.length - before;
    };
    const [oldest] = replay.chunks();
    expect(await encodings(oldest!)).toBe(1);
    while ([...replay.chunks()][0] === oldest) await collect();
    const newest = [...replay.chunks()].at(-1)!;
    expect([await encodings(oldest!), await encodings(newest)]).toEqual([0, 1]);
    memory.prune();
    // Its file is there until the next checkpoint, but its tokens are not.
    expect([await encodings(oldest!), await encodings(newest)]).toEqual([1, 0]);
  });
});
