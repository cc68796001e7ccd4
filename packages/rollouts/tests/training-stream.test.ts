import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { lastValueFrom, take, toArray } from 'rxjs';
import { CancelledError, ConfigError, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { ChunkMemory } from '../src/chunk-memory.ts';
import type { Chunk } from '../src/chunk.ts';
import { trainingStream } from '../src/training-stream.ts';
import type { TrainingOptions } from '../src/training-stream.ts';
import { testChunk } from './fixtures/chunks.ts';

const memory = (): ChunkMemory => new ChunkMemory({ maxBytes: 1e6 });

/** Chunks of the given lengths, as environment 0 would give them. */
const chunksOf = (lengths: readonly number[]): Chunk[] =>
  lengths.map((steps, sequence) => testChunk({ steps, metadata: { sequence } }));

const base = (): Omit<TrainingOptions<number>, 'updatesPerChunk' | 'trainRatio'> => ({
  chunks: chunksOf([4, 4, 4]),
  memory: memory(),
  generator: npRandom(0),
  batchSize: 2,
  train: (frames) => frames.data[0]!,
});

const lengths = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 12 });
const pace = fc.double({ min: 0, max: 5, noNaN: true });

describe('the number of updates', () => {
  test.prop([lengths, pace, fc.integer({ min: 1, max: 8 }), fc.nat({ max: 60 }), fc.boolean()])(
    'is a function of counters after every chunk, and no chunk earns more than its own steps',
    async (plan, ratio, batchSize, warmupSteps, byRatio) => {
      const events = await lastValueFrom(
        trainingStream({
          ...base(),
          chunks: chunksOf(plan),
          batchSize,
          warmupSteps,
          ...(byRatio ? { trainRatio: ratio } : { updatesPerChunk: ratio }),
        }).pipe(toArray()),
      );
      let envSteps = 0;
      let updates = 0;
      let paid = 0;
      let cursor = 0;
      for (const [sequence, steps] of plan.entries()) {
        envSteps += steps;
        if (envSteps > warmupSteps) paid++;
        expect(events[cursor++]).toMatchObject({ kind: 'chunk', envSteps, updates, steps, chunk: { sequence } });
        const stepsPaid = Math.max(0, envSteps - warmupSteps);
        const earned = byRatio ? Math.floor((stepsPaid * ratio) / batchSize) : Math.floor(paid * ratio);
        expect(earned - updates).toBeLessThanOrEqual(Math.ceil(byRatio ? (steps * ratio) / batchSize : ratio) + 1);
        while (updates < earned) {
          updates++;
          expect(events[cursor++]).toMatchObject({ kind: 'update', envSteps, updates, chunk: { sequence } });
        }
      }
      expect(events).toHaveLength(cursor);
    },
  );

  test('the events of a small run', async () => {
    const seen: string[] = [];
    await lastValueFrom(
      trainingStream({
        ...base(),
        updatesPerChunk: 1.5,
        train: (_frames, { update, envSteps }) => `${update}@${envSteps}`,
      }).pipe(toArray()),
    ).then((events) => {
      for (const event of events)
        seen.push(event.kind === 'chunk' ? `chunk ${event.envSteps}` : `update ${event.result}`);
    });
    expect(seen).toEqual(['chunk 4', 'update 0@4', 'chunk 8', 'update 1@8', 'update 2@8', 'chunk 12', 'update 3@12']);
  });
});

describe('batches', () => {
  test('come from the memory by the generator: two runs are equal, and the frames are of its own memory', async () => {
    const run = (): Promise<NdArray<'uint8'>[]> =>
      lastValueFrom(trainingStream({ ...base(), updatesPerChunk: 3, train: (frames) => frames }).pipe(toArray())).then(
        (events) => events.flatMap((event) => (event.kind === 'update' ? [event.result] : [])),
      );
    const [first, second] = await Promise.all([run(), run()]);
    expect(first).toEqual(second);
    expect(first).toHaveLength(9);
    expect(first[0]!.shape).toEqual([2, 2, 2, 1]);
    expect(new Set(first.map(({ data }) => data.buffer)).size).toBe(9);
  });

  test('never hold a held-out frame', async () => {
    const heldOut = { every: 3, memory: memory() };
    const training = memory();
    const chunks = Array.from({ length: 9 }, (_, sequence) =>
      testChunk({ firstFrame: sequence * 10, metadata: { sequence } }),
    );
    const seen = new Set<number>();
    const events = await lastValueFrom(
      trainingStream({
        ...base(),
        chunks,
        memory: training,
        heldOut,
        batchSize: 50,
        updatesPerChunk: 2,
        train: (frames) => frames.data.forEach((value) => seen.add(value)),
      }).pipe(toArray()),
    );
    expect(heldOut.memory.chunks.map(({ metadata }) => metadata.sequence)).toEqual([2, 5, 8]);
    expect(training.chunks).toHaveLength(6);
    expect([...seen].filter((value) => [2, 5, 8].includes(Math.floor(value / 10)))).toEqual([]);
    expect(seen.size).toBe(6 * 3);
    expect(events.filter((event) => event.kind === 'chunk' && event.heldOut)).toHaveLength(3);
    expect(events.at(-1)).toMatchObject({ envSteps: 27, updates: 18 });
  });
});

describe('demand', () => {
  test('the next chunk is asked for when the updates of the last are done', async () => {
    const log: string[] = [];
    async function* chunks(): AsyncGenerator<Chunk> {
      for (const chunk of chunksOf([4, 4])) {
        log.push('collect');
        yield await Promise.resolve(chunk);
      }
    }
    const train = async (): Promise<void> => {
      log.push('train');
      await new Promise((resolve) => setTimeout(resolve, 2));
      log.push('trained');
    };
    await lastValueFrom(trainingStream({ ...base(), chunks, updatesPerChunk: 2, train }));
    const chunk = ['collect', 'train', 'trained', 'train', 'trained'];
    expect(log).toEqual([...chunk, ...chunk]);
  });

  test('take(n) closes the source, and no update begins any more', async () => {
    let closed = 0;
    let trained = 0;
    async function* chunks(): AsyncGenerator<Chunk> {
      try {
        for (;;) yield await Promise.resolve(testChunk());
      } finally {
        closed++;
      }
    }
    const stream = trainingStream({ ...base(), chunks, updatesPerChunk: 10, train: () => ++trained });
    await lastValueFrom(stream.pipe(take(4)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(closed).toBe(1);
    expect(trained).toBe(3);
  });
});

describe('errors', () => {
  test('of `train` and of the source reach the subscriber as they are', async () => {
    const broken = (): never => {
      throw new Error('loss is NaN');
    };
    await expect(lastValueFrom(trainingStream({ ...base(), updatesPerChunk: 1, train: broken }))).rejects.toThrow(
      'loss is NaN',
    );
    async function* chunks(): AsyncGenerator<Chunk> {
      yield await Promise.resolve(testChunk());
      throw new Error('no more frames');
    }
    await expect(lastValueFrom(trainingStream({ ...base(), chunks, updatesPerChunk: 1 }))).rejects.toThrow(
      'no more frames',
    );
  });

  test('frames of another shape', async () => {
    const chunks = [testChunk(), testChunk({ frameShape: [4, 4, 3] })];
    await expect(lastValueFrom(trainingStream({ ...base(), chunks, updatesPerChunk: 1 }))).rejects.toThrow(
      'expected frames of shape [2, 2, 1], like those held, got [4, 4, 3]',
    );
  });

  test('a signal ends it between two updates, even when everything is synchronous', async () => {
    const controller = new AbortController();
    let trained = 0;
    let late = 0;
    const train = (): void => {
      trained++;
      if (controller.signal.aborted) late++;
      const until = performance.now() + 10;
      while (performance.now() < until);
    };
    setTimeout(() => controller.abort(new Error('Ctrl-C')), 30);
    const stream = trainingStream({ ...base(), updatesPerChunk: 1000, train, signal: controller.signal });
    await expect(lastValueFrom(stream)).rejects.toBeInstanceOf(CancelledError);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(trained).toBeLessThan(20);
    expect(late).toBe(0);
  });

  test('of options come at once', () => {
    const make = (options: object) => () => trainingStream({ ...base(), ...options } as TrainingOptions<number>);
    expect(make({})).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: trainingStream: expected one of updatesPerChunk and trainRatio, got updatesPerChunk undefined and trainRatio undefined.]`,
    );
    expect(make({ updatesPerChunk: 1, trainRatio: 1 })).toThrow(ConfigError);
    expect(make({ trainRatio: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: trainingStream: expected trainRatio to be a finite number >= 0, got -1.]`,
    );
    expect(make({ updatesPerChunk: Number.NaN })).toThrow(/updatesPerChunk to be a finite number >= 0, got NaN/);
    expect(make({ updatesPerChunk: 1, batchSize: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: trainingStream: expected batchSize to be a whole number >= 1, got 0.]`,
    );
    expect(make({ updatesPerChunk: 1, warmupSteps: -1 })).toThrow(ConfigError);
    expect(make({ updatesPerChunk: 1, heldOut: { every: 1, memory: memory() } })).toThrow(ConfigError);
    expect(make({ updatesPerChunks: 1 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: trainingStream: unknown option 'updatesPerChunks'. Did you mean 'updatesPerChunk'? Known options: chunks, memory, generator, batchSize, warmupSteps, heldOut, train, signal, updatesPerChunk, trainRatio.]`,
    );
  });
});
