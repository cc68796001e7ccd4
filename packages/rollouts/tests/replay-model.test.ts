// Random lives of a replay - appends, evictions, samples, checkpoints, crashes - against arrays.

import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { npRandom } from '@tessera/core';
import { chunkSteps } from '../src/chunk.ts';
import type { Chunk } from '../src/chunk.ts';
import { Replay } from '../src/replay.ts';
import type { ReplayState } from '../src/replay-state.ts';
import { memoryShards } from '../src/shard-store.ts';
import { stepWindow } from '../src/step-window.ts';
import { actionOf, ChunkStream, frameOf, modelCandidates, modelPrevious } from './fixtures/replay-model.ts';
import type { ModelShard } from './fixtures/replay-model.ts';

const plan = fc.record({
  env: fc.nat({ max: 1 }),
  steps: fc.integer({ min: 1, max: 4 }),
  ends: fc.constantFrom(undefined, undefined, 'terminated' as const, 'truncated' as const),
  /** Whether it never reaches the replay, as one that is held out. */
  lost: fc.integer({ min: 0, max: 7 }).map((value) => value === 0),
});
const append = fc.record({ kind: fc.constant('append' as const), plans: fc.array(plan, { maxLength: 4 }) });
const operation = fc.oneof(
  { weight: 6, arbitrary: append },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('sample' as const),
      seed: fc.nat(),
      count: fc.integer({ min: 1, max: 5 }),
      context: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('save' as const, 'commit' as const, 'crash' as const) }) },
);

/** A moment to which one can go back. */
interface Moment {
  readonly state: ReplayState;
  readonly shards: readonly ModelShard[];
  readonly stream: ChunkStream;
}

describe('Replay', () => {
  test.prop(
    [
      fc.array(operation, { minLength: 5, maxLength: 40 }),
      fc.integer({ min: 2000, max: 6000 }),
      fc.constantFrom(0, 60, 2000),
    ],
    { numRuns: 100 },
  )('behaves as arrays do', async (operations, maxBytes, cacheBytes) => {
    const store = memoryShards();
    const options = { maxBytes, cacheBytes };
    let replay = await Replay.create(store, options);
    let stream = new ChunkStream();
    let shards: ModelShard[] = [];
    let nextShard = 0;
    let nextId = 0;
    let firstStored = 0;
    let checkpoint: Moment = { state: replay.getState(), shards: [], stream: stream.copy() };
    let saved: Moment | undefined;

    for (const step of operations) {
      switch (step.kind) {
        case 'append': {
          const chunks = step.plans.map((one) => ({ one, chunk: stream.next(one) })).filter(({ one }) => !one.lost);
          await replay.append(chunks.map(({ chunk }) => chunk));
          if (chunks.length === 0) break;
          const bytes = (await store.read(nextShard)).length;
          const numbered = chunks.map(({ chunk }) => ({ id: nextId++, chunk }));
          shards.push({ number: nextShard++, bytes, chunks: numbered });
          while (shards.reduce((sum, shard) => sum + shard.bytes, 0) > maxBytes) shards.shift();
          break;
        }
        case 'sample': {
          const { context, count, seed } = step;
          const candidates = modelCandidates(shards, context);
          if (candidates.length === 0) {
            expect(() => replay.sampleSteps(npRandom(seed), count, { context })).toThrow(/sampleSteps: /);
            break;
          }
          const drawn = replay.sampleSteps(npRandom(seed), count, { context });
          const generator = npRandom(seed);
          const expected = Array.from({ length: count }, () => candidates[generator.integers(candidates.length)]!);
          expect(drawn.map((reference) => ({ id: reference.chunk.id, step: reference.step }))).toEqual(expected);
          for (const reference of drawn) {
            const window = stepWindow(reference, context);
            const { envIndex, episode, firstStep } = reference.chunk.metadata;
            const last = firstStep + reference.step;
            const steps = Array.from({ length: context }, (_, row) => last - context + 1 + row);
            expect([...window.actions]).toEqual(steps.map((at) => (at < 0 ? -1 : actionOf(envIndex, episode, at))));
            expect(window.reward).toBe(last);
            const frames = await Promise.all(
              window.frames.map(async ({ chunk, frame }) => [
                ...(await replay.frames(chunk)).data.subarray(frame * 4, frame * 4 + 4),
              ]),
            );
            expect(frames).toEqual([...steps, last + 1].map((at) => frameOf(envIndex, episode, Math.max(0, at))));
          }
          break;
        }
        case 'save':
          saved = { state: replay.getState(), shards: [...shards], stream: stream.copy() };
          break;
        case 'commit':
          if (saved === undefined) break;
          checkpoint = saved;
          firstStored = saved.state.firstShard;
          await replay.commit(saved.state);
          break;
        case 'crash':
          // All that a new process has is the store and the last checkpoint.
          replay = await Replay.resume(store, JSON.parse(JSON.stringify(checkpoint.state)) as ReplayState, options);
          shards = [...checkpoint.shards];
          stream = checkpoint.stream.copy();
          nextShard = checkpoint.state.nextShard;
          nextId = checkpoint.state.firstChunkId + shards.reduce((sum, { chunks }) => sum + chunks.length, 0);
          firstStored = checkpoint.state.firstShard;
          saved = undefined;
          break;
      }
      const held = shards.flatMap(({ chunks }) => chunks);
      const steps = (chunks: readonly { readonly chunk: Chunk }[]): number =>
        chunks.reduce((sum, { chunk }) => sum + chunkSteps(chunk), 0);
      const firstShard = shards[0]?.number ?? nextShard;
      expect({ steps: replay.steps, bytes: replay.bytes, state: replay.getState() }).toEqual({
        steps: steps(held),
        bytes: shards.reduce((sum, { bytes }) => sum + bytes, 0),
        state: { formatVersion: 1, firstShard, nextShard, firstChunkId: nextId - held.length },
      });
      expect(replay.bytes).toBeLessThanOrEqual(maxBytes);
      expect([replay.firstShard, replay.nextShard]).toEqual([firstShard, nextShard]);
      const read = [...replay.chunks()];
      expect(read.map(({ id, metadata, actions, previous }) => [id, metadata, actions, previous?.id])).toEqual(
        held.map(({ id, chunk }) => [id, chunk.metadata, chunk.actions.data, modelPrevious(shards, chunk)]),
      );
      // What left the replay stays in the store until a checkpoint without it is safe.
      const stored = (await store.list()).toSorted((a, b) => a - b);
      expect(stored).toEqual(Array.from({ length: nextShard - firstStored }, (_, index) => firstStored + index));
    }
    for (const chunk of replay.chunks()) {
      const model = shards.flatMap(({ chunks }) => chunks).find(({ id }) => id === chunk.id)!;
      expect(await replay.frames(chunk)).toEqual(model.chunk.frames);
      expect(replay.chunk(chunk.id)).toBe(chunk);
    }
  });
});
