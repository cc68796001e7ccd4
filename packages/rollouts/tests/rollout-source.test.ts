// Rollouts in real threads, against the ones in process. Threads are slow to start, so each one is made to count.

import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { lastValueFrom, take, toArray } from 'rxjs';
import { CancelledError, ConfigError, EnvironmentError, npRandom, WorkerError } from '@tessera/core';
import { ChunkMemory } from '../src/chunk-memory.ts';
import { chunkSteps } from '../src/chunk.ts';
import { inProcessRollouts } from '../src/in-process-rollouts.ts';
import { rolloutSource } from '../src/rollout-source.ts';
import { trainingStream } from '../src/training-stream.ts';
import { collect, errorOf, firstEpisodeSeed, hashChunks, meter } from './fixtures/rollouts.ts';
import { counter, newCounters } from './fixtures/meter-env.ts';

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('the chunks', () => {
  const options = { numEnvs: 4, chunkLength: 8, steps: 333, seed: 7 };
  const kwargs = { endProbability: 0.08 };

  test('are bit-identical in process and in any number of workers of any speed', async () => {
    const expected = hashChunks(await collect(inProcessRollouts(meter(kwargs, options))));
    const runs = [
      { numWorkers: 1, maxChunksAlive: 1, latencyMs: 0 },
      { numWorkers: 2, maxChunksAlive: 3, latencyMs: 4 },
      { numWorkers: 4, maxChunksAlive: 50, latencyMs: 2 },
    ];
    for (const { numWorkers, maxChunksAlive, latencyMs } of runs) {
      const source = rolloutSource(
        meter({ ...kwargs, latencyMs, latencySeed: numWorkers }, { ...options, numWorkers, maxChunksAlive }),
      );
      const chunks = await collect(source);
      expect(hashChunks(chunks)).toBe(expected);
      expect(chunks.reduce((sum, chunk) => sum + chunkSteps(chunk), 0)).toBe(333);
    }
  });

  test('train the same whatever collects them', async () => {
    const train = async (chunks: AsyncIterable<never>): Promise<unknown[]> => {
      const stream = trainingStream({
        chunks,
        memory: new ChunkMemory({ maxBytes: 2000 }),
        generator: npRandom(3),
        batchSize: 4,
        trainRatio: 1,
        train: (frames) => frames.data.reduce((hash, value) => (Math.imul(hash, 31) + value) | 0, 0),
      });
      return lastValueFrom(stream.pipe(toArray()));
    };
    const slow = rolloutSource(meter({ ...kwargs, latencyMs: 3 }, { ...options, numWorkers: 2 }));
    const events = await train(slow as AsyncIterable<never>);
    expect(events).toEqual(await train(inProcessRollouts(meter(kwargs, options)) as AsyncIterable<never>));
    expect(events.length).toBeGreaterThan(100);
  });
});

describe('the chunks alive', () => {
  const delays = fc.array(fc.nat({ max: 8 }), { minLength: 1, maxLength: 5 });

  test.prop(
    [
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: 1, max: 7 }),
      fc.nat({ max: 3 }),
      delays,
    ],
    {
      numRuns: 6,
    },
  )(
    'stay under their bound, whatever the speeds of environments and consumer',
    async (numEnvs, numWorkers, maxChunksAlive, latencyMs, consumerDelays) => {
      const counters = newCounters();
      const chunkLength = 3;
      // Endless episodes: steps tell how many chunks were begun.
      const begun = (): number => Math.ceil(counters[counter.steps]! / chunkLength);
      const source = rolloutSource(
        meter({ latencyMs, counters: counters.buffer }, { numEnvs, numWorkers, maxChunksAlive, chunkLength }),
      );
      let released = 0;
      let most = 0;
      for await (const chunk of source) {
        expect(chunkSteps(chunk)).toBe(chunkLength);
        await sleep(consumerDelays[released % consumerDelays.length]!);
        most = Math.max(most, begun() - released);
        if (++released === 20) break;
      }
      expect(most).toBeLessThanOrEqual(maxChunksAlive);
    },
  );

  test('reach it when the consumer is slow: workers run ahead, and then wait', async () => {
    const counters = newCounters();
    const source = rolloutSource(
      meter({ counters: counters.buffer }, { numEnvs: 3, numWorkers: 2, maxChunksAlive: 5, chunkLength: 10 }),
    );
    const iterator = source[Symbol.asyncIterator]();
    await sleep(5);
    expect(counters[counter.built]).toBe(0);
    for (let taken = 1; taken <= 3; taken++) {
      await iterator.next();
      const expected = (taken - 1 + 5) * 10;
      for (let turn = 0; turn < 500 && counters[counter.steps]! < expected; turn++) await sleep(4);
      await sleep(20);
      expect(counters[counter.steps]).toBe(expected);
    }
    await iterator.return!();
    expect(counters[counter.closed]).toBe(3);
  });
});

describe('an iteration', () => {
  test('answers questions that were asked before their answers were there, and then says that it is over', async () => {
    const iterator = rolloutSource(meter({}, { numEnvs: 2, numWorkers: 1, steps: 150 }))[Symbol.asyncIterator]();
    const results = await Promise.all(Array.from({ length: 5 }, () => iterator.next()));
    expect(results.map(({ done, value }) => (done ? 'done' : chunkSteps(value)))).toEqual([64, 64, 22, 'done', 'done']);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(await iterator.return!()).toEqual({ done: true, value: undefined });
  });

  test('without steps starts nothing', async () => {
    const counters = newCounters();
    expect(await collect(rolloutSource(meter({ counters: counters.buffer }, { steps: 0 })))).toEqual([]);
    expect(counters[counter.built]).toBe(0);
  });

  test('outlives a consumer that blocks the thread for longer than the time limit', async () => {
    const source = rolloutSource(meter({}, { numEnvs: 2, numWorkers: 1, timeoutMs: 250, steps: 640 }));
    let blocked = false;
    let steps = 0;
    for await (const chunk of source) {
      steps += chunkSteps(chunk);
      const until = performance.now() + (blocked ? 0 : 700);
      while (performance.now() < until);
      blocked = true;
    }
    expect(steps).toBe(640);
  });

  test('behind the training stream ends with it', async () => {
    const counters = newCounters();
    const stream = trainingStream({
      chunks: rolloutSource(meter({ counters: counters.buffer }, { numEnvs: 2, numWorkers: 1 })),
      memory: new ChunkMemory({ maxBytes: 1e6 }),
      generator: npRandom(0),
      batchSize: 2,
      updatesPerChunk: 1,
      train: () => 0,
    });
    await lastValueFrom(stream.pipe(take(3)));
    for (let turn = 0; turn < 500 && counters[counter.closed]! < 2; turn++) await sleep(4);
    expect(counters[counter.closed]).toBe(2);
  });
});

describe('cancelling', () => {
  test('ends busy workers at once', async () => {
    const counters = newCounters();
    const controller = new AbortController();
    const reason = new Error('Ctrl-C');
    // One chunk takes for ever.
    const source = rolloutSource(
      meter({ counters: counters.buffer }, { numEnvs: 2, numWorkers: 2, chunkLength: 1e6, signal: controller.signal }),
    );
    const result = errorOf(collect(source));
    for (let turn = 0; turn < 5000 && counters[counter.steps]! < 1000; turn++) await sleep(2);
    const start = performance.now();
    controller.abort(reason);
    const error = await result;
    const elapsed = performance.now() - start;
    expect(error).toBeInstanceOf(CancelledError);
    expect(error.cause).toBe(reason);
    // Milliseconds; the limit leaves room for a machine that is busy with something else.
    expect(elapsed).toBeLessThan(1000);
    const steps = counters[counter.steps];
    await sleep(30);
    expect(counters[counter.steps]).toBe(steps);
    expect(counters[counter.closed]).toBe(2);
  });

  test('ends a worker that hears nothing', async () => {
    const controller = new AbortController();
    const counters = newCounters();
    const source = rolloutSource(meter({ failure: 'hang', counters: counters.buffer }, { signal: controller.signal }));
    const result = errorOf(collect(source));
    for (let turn = 0; turn < 5000 && counters[counter.steps]! < 1; turn++) await sleep(2);
    controller.abort();
    expect(await result).toBeInstanceOf(CancelledError);
  });

  test('before the start starts nothing', async () => {
    const counters = newCounters();
    const source = rolloutSource(meter({ counters: counters.buffer }, { signal: AbortSignal.abort() }));
    expect(await errorOf(collect(source))).toBeInstanceOf(CancelledError);
    expect(counters[counter.built]).toBe(0);
  });
});

describe('a worker that fails', () => {
  const atStep70 = { failSeed: firstEpisodeSeed(0, 1), failStep: 70 };
  const options = { numEnvs: 3, numWorkers: 2 };

  test('because the environment threw: class, place, message, cause and its stack arrive', async () => {
    const counters = newCounters();
    const error = await errorOf(
      collect(rolloutSource(meter({ ...atStep70, failure: 'throw', counters: counters.buffer }, options))),
    );
    expect(error).toBeInstanceOf(EnvironmentError);
    expect(error.message).toMatchInlineSnapshot(
      `"rollouts: Meter-v0 (environment 1, worker 1), step 70 of episode 0 threw: the ball left the board"`,
    );
    expect(error.cause).toMatchObject({ name: 'RangeError', message: 'the ball left the board' });
    expect((error.cause as Error).stack).toMatch(/meter-env/);
    // All workers have ended, in good order.
    expect(counters[counter.closed]).toBe(3);
  });

  test('because an observation is outside its space', async () => {
    const error = await errorOf(collect(rolloutSource(meter({ ...atStep70, failure: 'length' }, options))));
    expect(error).toBeInstanceOf(EnvironmentError);
    expect(error.message).toMatchInlineSnapshot(
      `"rollouts: Meter-v0 (environment 1, worker 1), step 70 of episode 0: the observation is outside its space: expected Box(0, 255, (3, 4, 2), uint8), a Uint8Array of 24 values; got Uint8Array(23)."`,
    );
  });

  test('because it exits', async () => {
    const error = await errorOf(collect(rolloutSource(meter({ ...atStep70, failure: 'exit' }, options))));
    expect(error).toBeInstanceOf(WorkerError);
    expect(error.message).toMatchInlineSnapshot(
      `"rollouts: Meter-v0 (environment 1, worker 1), step 70 of episode 0: worker 'rollout-worker': ended with exit code 7 before its work was done, without an error of its own."`,
    );
  });

  test('because it has no memory left', async () => {
    const resourceLimits = { maxOldGenerationSizeMb: 64 };
    const source = rolloutSource({ ...meter({ ...atStep70, failure: 'out-of-memory' }, options), resourceLimits });
    const error = await errorOf(collect(source));
    expect(error).toBeInstanceOf(WorkerError);
    expect(error.message).toMatchInlineSnapshot(
      `"rollouts: Meter-v0 (environment 1, worker 1), step 70 of episode 0: worker 'rollout-worker': Error: Worker terminated due to reaching memory limit: JS heap out of memory Use fewer or smaller workers, or raise resourceLimits."`,
    );
  });

  test('because it hangs', async () => {
    const source = rolloutSource(meter({ ...atStep70, failure: 'hang' }, { ...options, timeoutMs: 700 }));
    const error = await errorOf(collect(source));
    expect(error).toBeInstanceOf(WorkerError);
    expect(error.message).toMatchInlineSnapshot(
      `"rollouts: Meter-v0 (environment 1, worker 1), step 70 of episode 0: nothing came from the worker for 700 ms. Raise timeoutMs if the environment may be that slow."`,
    );
  });

  test('while nobody is asking is told to whoever asks next, once', async () => {
    const iterator = rolloutSource(meter({ failure: 'throw', failStep: 64 }))[Symbol.asyncIterator]();
    expect((await iterator.next()).done).toBe(false);
    await sleep(100);
    expect((await errorOf(iterator.next())).message).toMatch(/step 64 of episode 0 threw: the ball left the board/);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});

describe('what cannot be stepped', () => {
  test('an unknown environment', async () => {
    const error = await errorOf(collect(rolloutSource(meter({}, { id: 'Meeter-v0' }))));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatchInlineSnapshot(
      `"rollouts: Meeter-v0 (environment 0, worker 0): Environment \`Meeter\` doesn't exist. Did you mean: \`Meter\`?"`,
    );
  });

  test('arguments that cannot be copied', async () => {
    const env = { id: 'Meter-v0', kwargs: { onStep: () => {} } };
    const error = await errorOf(collect(rolloutSource({ env, seed: 0, numEnvs: 2, numWorkers: 2 })));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatchInlineSnapshot(
      `"rolloutSource: env.kwargs cannot be copied to a worker: () => {} could not be cloned. Use plain data, or inProcessRollouts."`,
    );
  });

  test('bad options, at once', () => {
    expect(() => rolloutSource({ ...meter(), numWorker: 2 } as never)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: rolloutSource: unknown option 'numWorker'. Did you mean 'numWorkers'? Known options: env, numEnvs, numWorkers, seed, chunkLength, policy, steps, timeoutMs, signal, maxChunksAlive.]`,
    );
    expect(() => rolloutSource(meter({}, { timeoutMs: Number.NaN }))).toThrow(ConfigError);
  });
});
