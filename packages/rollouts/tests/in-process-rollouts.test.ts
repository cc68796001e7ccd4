import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { CancelledError, ConfigError, EnvironmentError, Generators } from '@tessera/core';
import { chunkSteps, endsEpisode, validateChunk } from '../src/chunk.ts';
import type { Chunk } from '../src/chunk.ts';
import { inProcessRollouts } from '../src/in-process-rollouts.ts';
import { collect, errorOf, firstEpisodeSeed, fixture, hashChunks, meter } from './fixtures/rollouts.ts';
import { counter, newCounters } from './fixtures/meter-env.ts';
import type { Failure } from './fixtures/meter-env.ts';

const seeds = fc.nat({ max: 1e6 });
const plans = fc.record({
  seed: seeds,
  numEnvs: fc.integer({ min: 1, max: 4 }),
  chunkLength: fc.integer({ min: 1, max: 9 }),
  steps: fc.nat({ max: 120 }),
  endProbability: fc.constantFrom(0, 0.05, 0.5, 1),
});

const framesOf = (chunk: Chunk): Uint8Array[] => {
  const size = chunk.frames.data.length / chunk.frames.shape[0]!;
  return Array.from({ length: chunkSteps(chunk) + 1 }, (_, row) =>
    chunk.frames.data.subarray(row * size, (row + 1) * size),
  );
};

describe('the chunks', () => {
  test.prop([plans])('are valid, in the order (n, i), and hold exactly `steps` steps', async (plan) => {
    const { numEnvs, steps, chunkLength, endProbability, seed } = plan;
    const chunks = await collect(inProcessRollouts(meter({ endProbability }, { seed, numEnvs, steps, chunkLength })));
    expect(chunks.reduce((sum, chunk) => sum + chunkSteps(chunk), 0)).toBe(steps);
    for (const [index, chunk] of chunks.entries()) {
      validateChunk(chunk);
      expect(chunk.metadata).toMatchObject({ envId: 'Meter-v0', seed, policyVersion: 0 });
      expect(chunk.metadata.envIndex).toBe(index % numEnvs);
      expect(chunk.metadata.sequence).toBe(Math.floor(index / numEnvs));
      // Full, unless the episode or the budget ended.
      if (index < chunks.length - 1 && !endsEpisode(chunk)) expect(chunkSteps(chunk)).toBe(chunkLength);
    }
  });

  test.prop([plans])('are the steps the environment took: no row is a fake transition', async (plan) => {
    const { numEnvs, steps, chunkLength, endProbability, seed } = plan;
    const chunks = await collect(inProcessRollouts(meter({ endProbability }, { seed, numEnvs, steps, chunkLength })));
    for (let envIndex = 0; envIndex < numEnvs; envIndex++) {
      const own = chunks.filter(({ metadata }) => metadata.envIndex === envIndex);
      const episodeSeeds = new Generators(seed).get(`env/${envIndex}`);
      const actions = new Generators(seed).get(`policy/${envIndex}`);
      let [episode, step, episodeSeed] = [-1, 0, 0];
      let before: Chunk | undefined;
      for (const chunk of own) {
        if (before === undefined || endsEpisode(before)) {
          [episode, step, episodeSeed] = [episode + 1, 0, episodeSeeds.integers(2 ** 31 - 1)];
        } else expect(framesOf(chunk)[0]).toEqual(framesOf(before).at(-1));
        expect(chunk.metadata).toMatchObject({ episode, firstStep: step });
        const frames = framesOf(chunk);
        for (let row = 0; row < chunkSteps(chunk); row++) {
          const action = chunk.actions.data[row]!;
          expect(action).toBe(actions.integers(5) - 1);
          expect([frames[row]![0], frames[row]![1]]).toEqual([episodeSeed & 127, step & 127]);
          step++;
          expect([frames[row + 1]![1], frames[row + 1]![8]]).toEqual([step & 127, action + 1]);
        }
        before = chunk;
      }
    }
  });

  test.prop([plans, fc.integer({ min: 0, max: 4 })])(
    'of environment i are the same beside any number of others',
    async ({ seed, chunkLength, endProbability }, more) => {
      const few = await collect(inProcessRollouts(meter({ endProbability }, { seed, numEnvs: 1, chunkLength })), 4);
      const many = await collect(
        inProcessRollouts(meter({ endProbability }, { seed, numEnvs: 1 + more, chunkLength })),
        4 * (1 + more),
      );
      expect(hashChunks(many.filter(({ metadata }) => metadata.envIndex === 0))).toBe(hashChunks(few));
    },
  );

  test.prop([plans, fc.nat({ max: 60 })])('of a longer run begin with those of a shorter one', async (plan, more) => {
    const { numEnvs, steps, chunkLength, endProbability, seed } = plan;
    const options = { seed, numEnvs, chunkLength };
    const short = await collect(inProcessRollouts(meter({ endProbability }, { ...options, steps })));
    const long = await collect(inProcessRollouts(meter({ endProbability }, { ...options, steps: steps + more })));
    // Only the very last chunk may have been cut.
    const whole = Math.max(0, short.length - 1);
    expect(hashChunks(long.slice(0, whole))).toBe(hashChunks(short.slice(0, whole)));
  });

  test.prop([seeds])('differ between environments and between seeds', async (seed) => {
    const chunks = await collect(inProcessRollouts(meter({}, { seed, numEnvs: 2 })), 2);
    const other = await collect(inProcessRollouts(meter({}, { seed: seed + 1, numEnvs: 2 })), 2);
    const frames = [...chunks, ...other].map((chunk) => String(chunk.frames.data));
    expect(new Set(frames).size).toBe(4);
  });

  test('end with the time limit of the registry, truncated', async () => {
    const chunks = await collect(inProcessRollouts(meter({}, { id: 'ShortMeter-v0' })), 3);
    expect(chunks.map(chunkSteps)).toEqual([5, 5, 5]);
    expect([...chunks[0]!.truncated.data]).toEqual([0, 0, 0, 0, 1]);
    expect([...chunks[0]!.terminated.data]).toEqual([0, 0, 0, 0, 0]);
  });
});

describe('an iteration', () => {
  test('starts from the beginning each time and closes its environments', async () => {
    const counters = newCounters();
    const source = inProcessRollouts(meter({ counters: counters.buffer }, { numEnvs: 3, steps: 500 }));
    const first = await collect(source);
    expect(hashChunks(await collect(source))).toBe(hashChunks(first));
    await collect(source, 1);
    expect(counters[counter.built]).toBe(9);
    expect(counters[counter.closed]).toBe(9);
  });

  test('collects nothing before it is asked', async () => {
    const counters = newCounters();
    const iterator = inProcessRollouts(meter({ counters: counters.buffer }, { numEnvs: 2 }))[Symbol.asyncIterator]();
    expect(counters[counter.built]).toBe(0);
    await iterator.next();
    expect(counters[counter.steps]).toBe(64);
    await iterator.return?.();
  });

  test('without steps is empty', async () => {
    expect(await collect(inProcessRollouts(meter({}, { steps: 0 })))).toEqual([]);
  });

  test('ends by its signal, before it began and between two chunks', async () => {
    const early = await errorOf(collect(inProcessRollouts(meter({}, { signal: AbortSignal.abort() }))));
    expect(early).toBeInstanceOf(CancelledError);
    const counters = newCounters();
    const controller = new AbortController();
    const source = inProcessRollouts(meter({ counters: counters.buffer }, { signal: controller.signal }));
    const reason = new Error('Ctrl-C');
    setTimeout(() => controller.abort(reason), 5);
    // Endless, and it never waits for anything: the signal is heard all the same.
    const error = await errorOf(collect(source));
    expect(error).toBeInstanceOf(CancelledError);
    expect(error.message).toMatchInlineSnapshot(`"rollouts: cancelled by the signal."`);
    expect(error.cause).toBe(reason);
    expect(counters[counter.closed]).toBe(1);
  });
});

describe('an environment that breaks its contract', () => {
  const messages: Partial<Record<Failure, RegExp>> = {
    throw: /^rollouts: Meter-v0 \(environment 1\), step 70 of episode 0 threw: the ball left the board$/,
    'throw-text': /^rollouts: Meter-v0 \(environment 1\), step 70 of episode 0 threw: a plain text$/,
    length:
      /step 70 of episode 0: the observation is outside its space: expected Box\(0, 255, \(3, 4, 2\), uint8\), a Uint8Array of 24 values; got Uint8Array\(23\)\.$/,
    dtype: /got Float32Array\(24\)\.$/,
    bounds: /expected Box\(0, 250, \(3, 4, 2\), uint8\), a Uint8Array of 24 values; got values outside its bounds\.$/,
    reward: /step 70 of episode 0: expected a reward that is a finite float32, got NaN\.$/,
    flags: /step 70 of episode 0: expected booleans, got terminated 1 and truncated false\.$/,
    nothing: /expected \{ observation, reward, terminated, truncated, info \} from step, got undefined\.$/,
  };
  for (const [failure, message] of Object.entries(messages)) {
    test(`names itself, the step and the fault: ${failure}`, async () => {
      const counters = newCounters();
      const kwargs = {
        failure: failure as Failure,
        failSeed: firstEpisodeSeed(0, 1),
        failStep: 70,
        counters: counters.buffer,
      };
      const error = await errorOf(collect(inProcessRollouts(meter(kwargs, { numEnvs: 3 }))));
      expect(error).toBeInstanceOf(EnvironmentError);
      expect(error.message).toMatch(message);
      expect(counters[counter.closed]).toBe(3);
    });
  }
});

test('what an environment threw is the cause', async () => {
  const error = await errorOf(collect(inProcessRollouts(meter({ failure: 'throw' }))));
  expect(error.cause).toBeInstanceOf(RangeError);
});

describe('what cannot be stepped', () => {
  test('an unknown environment', async () => {
    const error = await errorOf(collect(inProcessRollouts(meter({}, { id: 'Meeter-v0' }))));
    expect(error).toBeInstanceOf(ConfigError);
    const lost = await errorOf(collect(inProcessRollouts({ env: { id: 'Pong-v0' }, seed: 0 })));
    expect(lost.message).toMatch(/Nothing was imported: name the package that registers it in env\.imports\.$/);
    expect(error.message).toMatchInlineSnapshot(
      `"rollouts: Meeter-v0 (environment 0): Environment \`Meeter\` doesn't exist. Did you mean: \`Meter\`?"`,
    );
  });

  test('an environment that cannot be built', async () => {
    const error = await errorOf(collect(inProcessRollouts(meter({}, { id: 'Unbuildable-v0' }))));
    expect(error).toBeInstanceOf(EnvironmentError);
    expect(error.message).toMatch(/^rollouts: Unbuildable-v0 \(environment 0\): .*no such level/);
  });

  test('observations that are no frames, and actions that are no whole numbers', async () => {
    const vectors = await errorOf(collect(inProcessRollouts(meter({}, { id: 'VectorObserver-v0' }))));
    expect(vectors.message).toMatchInlineSnapshot(
      `"rollouts: VectorObserver-v0 (environment 0): expected frames, a Box of shape [height, width, channels] and dtype uint8, as observations; got Box(-1.0, 1.0, (4,), float32). Wrap the environment so that it observes pixels."`,
    );
    const env = { id: 'VectorObserver-v0', kwargs: { continuous: true }, imports: [fixture] };
    const actions = await errorOf(collect(inProcessRollouts({ env, seed: 0 })));
    expect(actions.message).toMatchInlineSnapshot(
      `"rollouts: VectorObserver-v0 (environment 0): expected a Discrete action space, got Box(-1.0, 1.0, (1,), float32). Continuous actions are not supported yet: wrap the environment so that it has finitely many."`,
    );
  });

  test('a module that does not exist', async () => {
    const env = { id: 'Meter-v0', imports: ['file:///no/such/module.js'] };
    const error = await errorOf(collect(inProcessRollouts({ env, seed: 0 })));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatch(
      /^rollouts: Meter-v0: cannot import 'file:\/\/\/no\/such\/module\.js': .*Name a package, or an absolute URL/s,
    );
  });

  test('bad options, at once', () => {
    const make = (options: object) => () => inProcessRollouts({ ...meter(), ...options });
    expect(make({ numEnv: 2 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: inProcessRollouts: unknown option 'numEnv'. Did you mean 'numEnvs'? Known options: env, numEnvs, numWorkers, seed, chunkLength, policy, steps, timeoutMs, signal, maxChunksAlive.]`,
    );
    expect(make({ numEnvs: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: inProcessRollouts: expected numEnvs to be a whole number >= 1, got 0.]`,
    );
    expect(make({ chunkLength: 0 })).toThrow(/chunkLength to be a whole number >= 1, got 0/);
    expect(make({ seed: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: inProcessRollouts: expected seed to be a whole number >= 0, got -1.]`,
    );
    expect(make({ seed: undefined })).toThrow(ConfigError);
    expect(make({ steps: 1.5 })).toThrow(ConfigError);
    expect(make({ timeoutMs: 0 })).toThrow(ConfigError);
    expect(make({ maxChunksAlive: 0 })).toThrow(ConfigError);
    expect(make({ numWorkers: 0 })).toThrow(ConfigError);
    expect(make({ env: {} })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: inProcessRollouts: expected env: { id: 'Name-v0' }, got {}.]`,
    );
    expect(make({ env: { id: 'Meter-v0', import: [] } })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: inProcessRollouts: env: unknown option 'import'. Did you mean 'imports'? Known options: id, kwargs, imports.]`,
    );
    expect(make({ env: { id: 'Meter-v0', imports: 'meter' } })).toThrow(ConfigError);
    expect(make({ policy: { kind: 'greedy' } })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: inProcessRollouts: expected policy: { kind: 'random' }, got {"kind":"greedy"}. No other kind exists yet.]`,
    );
  });
});
