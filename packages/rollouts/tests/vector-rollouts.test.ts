import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, EnvironmentError, FormatError, Generators, ShapeError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { chunkSteps, validateChunk } from '../src/chunk.ts';
import type { Chunk } from '../src/chunk.ts';
import { inProcessRollouts } from '../src/in-process-rollouts.ts';
import type { BatchPolicy } from '../src/policy.ts';
import { VectorRollouts } from '../src/vector-rollouts.ts';
import type { VectorRolloutsOptions } from '../src/vector-rollouts.ts';
import type { VectorRolloutsState } from '../src/vector-rollouts-state.ts';
import { counter, newCounters } from './fixtures/meter-env.ts';
import { collect, errorOf, hashChunks, meter } from './fixtures/rollouts.ts';
import { readTally, tally, tallyActions, tallyReward } from './fixtures/tally-env.ts';

/** What a rollout source does by itself: each environment's actions from a generator of its own. */
function randomPolicy(seed: number, actions: { readonly count: number; readonly first: number }): BatchPolicy {
  const generators = new Generators(seed);
  return {
    version: 0,
    act: (_frames, envIndices) =>
      envIndices.map((envIndex) => actions.first + generators.get(`policy/${envIndex}`).integers(actions.count)),
  };
}

/** A policy without memory: its action is a function of the frame. */
const framePolicy: BatchPolicy = {
  version: 3,
  act({ data, shape }) {
    const size = data.length / shape[0]!;
    return Int32Array.from({ length: shape[0]! }, (_, row) => {
      let hash = 7;
      for (const value of data.subarray(row * size, (row + 1) * size)) hash = (Math.imul(hash, 31) + value) >>> 0;
      return hash % tallyActions;
    });
  },
};

async function tallyRollouts(options: Partial<VectorRolloutsOptions> = {}): Promise<VectorRollouts> {
  return VectorRollouts.create({
    env: tally({ endProbability: 0.15 }),
    seed: 5,
    numEnvs: 3,
    chunkLength: 4,
    ...options,
  });
}

const stepsOf = (chunks: readonly Chunk[]): number => chunks.reduce((sum, chunk) => sum + chunkSteps(chunk), 0);
const throughJson = (state: VectorRolloutsState): VectorRolloutsState =>
  JSON.parse(JSON.stringify(state)) as VectorRolloutsState;

describe('collect', () => {
  test.prop([fc.nat({ max: 9 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 60 })], { numRuns: 30 })(
    'gives the bits of inProcessRollouts for the same actions',
    async (seed, chunkLength, steps) => {
      const { env } = meter({ endProbability: 0.2 });
      const rollouts = await VectorRollouts.create({ env, seed, chunkLength });
      const chunks = await rollouts.collect(randomPolicy(seed, rollouts.actions), steps);
      rollouts.close();
      const expected = await collect(inProcessRollouts({ env, seed, chunkLength, steps }));
      expect(hashChunks(chunks)).toBe(hashChunks(expected));
    },
  );

  test.prop(
    [
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.nat({ max: 23 }), { maxLength: 5 }),
      fc.constantFrom(undefined, 1, 3),
    ],
    { numRuns: 40 },
  )(
    'takes exactly the steps asked for, tick after tick, and ends all chunks',
    async (numEnvs, chunkLength, calls, maxEpisodeSteps) => {
      const rollouts = await tallyRollouts({ numEnvs, chunkLength, maxEpisodeSteps });
      const all: Chunk[] = [];
      for (const [version, steps] of calls.entries()) {
        const seen: number[][] = [];
        const act: BatchPolicy['act'] = (frames, envIndices, before) => {
          seen.push([...envIndices]);
          expect(frames.shape).toEqual([envIndices.length, 1, 2, 3]);
          expect([...before.begins]).toEqual(
            envIndices.map((_, row) => (readTally(frames.data, row).step === 0 ? 1 : 0)),
          );
          return framePolicy.act(frames, envIndices, before);
        };
        const chunks = await rollouts.collect({ version, act }, steps);
        expect(stepsOf(chunks)).toBe(steps);
        const ticks = Math.ceil(steps / numEnvs);
        expect(seen).toEqual(
          Array.from({ length: ticks }, (_, tick) =>
            Array.from({ length: Math.min(numEnvs, steps - tick * numEnvs) }, (__, envIndex) => envIndex),
          ),
        );
        const order = chunks.map(({ metadata }) => metadata.sequence * numEnvs + metadata.envIndex);
        expect(order).toEqual(order.toSorted((a, b) => a - b));
        for (const chunk of chunks)
          expect(validateChunk(chunk).metadata).toMatchObject({ policyVersion: version, seed: 5 });
        all.push(...chunks);
      }
      for (let envIndex = 0; envIndex < numEnvs; envIndex++) {
        const own = all.filter(({ metadata }) => metadata.envIndex === envIndex);
        expect(own.map(({ metadata }) => metadata.sequence)).toEqual(own.map((_, index) => index));
        let place = { episode: 0, step: 0 };
        for (const { metadata, frames, actions, rewards, terminated, truncated } of own) {
          expect(metadata).toMatchObject({ episode: place.episode, firstStep: place.step });
          for (const [row, action] of actions.data.entries()) {
            // frames[t], actions[t], rewards[t] and frames[t + 1] tell the same step.
            expect(readTally(frames.data, row)).toMatchObject(place);
            expect(rewards.data[row]).toBe(tallyReward(place.step, action));
            place = { ...place, step: place.step + 1 };
            expect(readTally(frames.data, row + 1)).toEqual({ ...place, action });
            expect(truncated.data[row]).toBe(place.step === maxEpisodeSteps ? 1 : 0);
            if (terminated.data[row] === 1 || truncated.data[row] === 1)
              place = { episode: place.episode + 1, step: 0 };
          }
        }
      }
      rollouts.close();
    },
  );

  test('gives the policy the frames that are recorded, in memory that is its own', async () => {
    const rollouts = await tallyRollouts({ numEnvs: 2, chunkLength: 100 });
    const seen: NdArray<'uint8'>[] = [];
    const act: BatchPolicy['act'] = (frames) => {
      seen.push(frames);
      return [1, 2];
    };
    const chunks = await rollouts.collect({ version: 0, act }, 40);
    for (const envIndex of [0, 1]) {
      const own = chunks.filter(({ metadata }) => metadata.envIndex === envIndex);
      const recorded = own.flatMap(({ frames }) => [...frames.data.subarray(0, frames.data.length - 6)]);
      expect(seen.flatMap(({ data }) => [...data.subarray(envIndex * 6, envIndex * 6 + 6)])).toEqual(recorded);
    }
  });

  test('records what the environment executed, and the action itself where it does not say', async () => {
    const executes = (action: number, step: number) => (step % 3 === 1 ? (action + 1) % tallyActions : undefined);
    const rollouts = await VectorRollouts.create({ env: tally({ executes }), seed: 0, chunkLength: 100 });
    const [chunk] = await rollouts.collect(randomPolicy(1, rollouts.actions), 60);
    const { actions, executedActions } = chunk!;
    expect([...executedActions.data]).toEqual(
      [...actions.data].map((action, step) => executes(action, step) ?? action),
    );
    expect(executedActions.data).not.toEqual(actions.data);
  });

  test.each([tallyActions, -1, 0.5, NaN, '1', null])('refuses %s as an executed action', async (wrong) => {
    const env = tally({ executes: (action, step) => (step === 5 ? wrong : action) });
    const rollouts = await VectorRollouts.create({ env, seed: 0 });
    const error = await errorOf(rollouts.collect(randomPolicy(0, rollouts.actions), 20));
    expect(error).toBeInstanceOf(EnvironmentError);
    expect(error.message).toMatch(
      /step 5 of episode 0: expected info\.executedAction to be one of Discrete\(4\), got /,
    );
  });

  test('tells what there is to know', async () => {
    const rollouts = await VectorRollouts.create(meter());
    expect(rollouts).toMatchObject({ frameShape: [3, 4, 2], actions: { count: 5, first: -1 }, exact: false });
    const exact = await tallyRollouts();
    expect(exact).toMatchObject({ frameShape: [1, 2, 3], actions: { count: 4, first: 0 }, exact: true });
  });
});

describe('a saved state', () => {
  test.prop([fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1, maxLength: 6 }), fc.nat()], { numRuns: 25 })(
    'goes on, at every cut, with the bits of never having stopped',
    async (calls, seed) => {
      const never = await tallyRollouts({ seed, maxEpisodeSteps: 9 });
      const states = [throughJson(never.getState())];
      const rounds: string[] = [];
      for (const steps of calls) {
        rounds.push(hashChunks(await never.collect(framePolicy, steps)));
        states.push(throughJson(never.getState()));
      }
      for (const cut of calls.keys()) {
        const resumed = await tallyRollouts({ seed, maxEpisodeSteps: 9 });
        // Whatever it did before must not matter.
        await resumed.collect(framePolicy, cut);
        resumed.setState(states[cut]!);
        expect(throughJson(resumed.getState())).toEqual(states[cut]);
        for (const [round, steps] of calls.entries()) {
          if (round >= cut) expect(hashChunks(await resumed.collect(framePolicy, steps))).toBe(rounds[round]);
        }
        expect(throughJson(resumed.getState())).toEqual(states.at(-1));
      }
    },
  );

  test('of an environment that saves none begins a new episode with a fresh seed', async () => {
    const options = meter({}, { numEnvs: 2, chunkLength: 4 });
    const rollouts = await VectorRollouts.create(options);
    const policy = randomPolicy(0, rollouts.actions);
    const before = await rollouts.collect(policy, 10);
    const state = throughJson(rollouts.getState());
    expect(state.environments.map(({ env }) => env)).toEqual([null, null]);
    const resumed = await VectorRollouts.create(options);
    resumed.setState(state);
    const after = await resumed.collect(policy, 10);
    expect(after.map(({ metadata }) => metadata)).toMatchObject([
      { envIndex: 0, sequence: 2, episode: 1, firstStep: 0 },
      { envIndex: 1, sequence: 2, episode: 1, firstStep: 0 },
      { envIndex: 0, sequence: 3, episode: 1, firstStep: 4 },
      { envIndex: 1, sequence: 3, episode: 1, firstStep: 4 },
    ]);
    const seeds = new Generators(0);
    for (const envIndex of [0, 1]) {
      const [first, second] = [0, 1].map(() => seeds.get(`env/${envIndex}`).integers(2 ** 31 - 1) & 127);
      expect([before[envIndex]!.frames.data[0], after[envIndex]!.frames.data[0]]).toEqual([first, second]);
    }
  });

  const damaged: Record<string, { damage: (state: Record<string, never>) => unknown; message: RegExp }> = {
    'no state': {
      damage: () => null,
      message: /^VectorRollouts\.setState: expected a state of getState\(\), got null\.$/,
    },
    'a newer format': {
      damage: (state) => ({ ...state, formatVersion: 2 }),
      message: /expected a state of format version 1, got 2\. It was written by a newer Tessera/,
    },
    'another environment': {
      damage: (state) => ({ ...state, envId: 'Catch-v0' }),
      message: /expected a state of envId "Tally-v0", got one of "Catch-v0"\. Go on with the options/,
    },
    'another number of environments': {
      damage: (state) => ({ ...state, numEnvs: 2 }),
      message: /numEnvs 3, got one of 2/,
    },
    'another seed': { damage: (state) => ({ ...state, seed: 6 }), message: /seed 5, got one of 6/ },
    'another frame shape': {
      damage: (state) => ({ ...state, frameShape: [2, 2, 3] }),
      message: /frameShape \[1,2,3\], got one of \[2,2,3\]/,
    },
    'an environment missing': {
      damage: (state) => ({ ...state, environments: [1, 2] }),
      message: /expected the states of 3 environments, got 2/,
    },
    'no environments': {
      damage: (state) => ({ ...state, environments: undefined }),
      message: /3 environments, got undefined/,
    },
  };
  for (const [name, { damage, message }] of Object.entries(damaged)) {
    test(`is refused: ${name}`, async () => {
      const rollouts = await tallyRollouts();
      await rollouts.collect(framePolicy, 10);
      const state = rollouts.getState();
      const bad = damage(throughJson(state) as never) as VectorRolloutsState;
      expect(() => rollouts.setState(bad)).toThrow(FormatError);
      expect(() => rollouts.setState(bad)).toThrow(message);
      expect(rollouts.getState()).toEqual(state);
    });
  }

  const damagedParts: Record<string, { part: unknown; message: RegExp }> = {
    'no part': { part: null, message: /environment 1: expected \{ counters, seeds, frame, env \}, got null/ },
    'no counters': { part: { counters: 3 }, message: /environment 1: expected \{ counters/ },
    'counters below zero': {
      part: { counters: { sequence: -1, episode: 0, stepsOfEpisode: 0, ended: false } },
      message: /expected counters .* that fit together, got \{"sequence":-1/,
    },
    'an episode before the first that goes on': {
      part: { counters: { sequence: 0, episode: -1, stepsOfEpisode: 0, ended: false } },
      message: /expected counters/,
    },
    'no generator': { part: { seeds: {} }, message: /expected the position of a generator in seeds, got \{\}/ },
    'no frame': { part: { frame: null }, message: /expected a frame of 6 bytes in base64, got null/ },
    'half a frame': { part: { frame: 'AAAA' }, message: /expected a frame of 6 bytes in base64, got 3 bytes/ },
    'a frame that is no base64': { part: { frame: '~~~~' }, message: /environment 1: .*base64/ },
    'no state of the environment': { part: { env: undefined }, message: /expected \{ counters, seeds, frame, env \}/ },
  };
  for (const [name, { part, message }] of Object.entries(damagedParts)) {
    test(`is refused in one of its environments: ${name}`, async () => {
      const rollouts = await tallyRollouts({ env: tally() });
      await rollouts.collect(framePolicy, 10);
      const state = rollouts.getState();
      const environments = state.environments.map((other, index) =>
        index === 1 ? part && { ...other, ...(part as object) } : other,
      );
      const bad = { ...state, environments } as VectorRolloutsState;
      expect(() => rollouts.setState(bad)).toThrow(FormatError);
      expect(() => rollouts.setState(bad)).toThrow(message);
      expect(rollouts.getState()).toEqual(state);
    });
  }

  test('that only the environment knows to be wrong stops everything until a good one comes', async () => {
    const rollouts = await tallyRollouts();
    const state = rollouts.getState();
    const expected = hashChunks(await rollouts.collect(framePolicy, 10));
    const environments = state.environments.map((part, index) =>
      index === 1 ? { ...part, env: { $type: 'tally' } } : part,
    );
    expect(() => rollouts.setState({ ...state, environments })).toThrowErrorMatchingInlineSnapshot(
      `[FormatError: rollouts: Tally-v0 (environment 1): its state cannot be restored: state: expected a value of a saved environment, got {"$type":"tally"}.]`,
    );
    expect(() => rollouts.getState()).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: VectorRollouts.getState: a call before has failed half-way. Go back to a saved state with setState, or close it.]`,
    );
    rollouts.setState(state);
    expect(hashChunks(await rollouts.collect(framePolicy, 10))).toBe(expected);
  });

  test('cannot be had from an environment that keeps a Map', async () => {
    const rollouts = await tallyRollouts({ env: tally({ saves: 'a-map' }) });
    expect(() => rollouts.getState()).toThrow(EnvironmentError);
    expect(() => rollouts.getState()).toThrowErrorMatchingInlineSnapshot(
      `[EnvironmentError: rollouts: Tally-v0 (environment 0): its state cannot be saved: state.inner.data.board: expected plain data (JSON, bigints, typed arrays), got a Map. Save it as one of these in saveState.]`,
    );
  });
});

describe('errors', () => {
  const badActions: Record<
    string,
    { act: BatchPolicy['act']; message: RegExp; error?: new (message: string) => Error }
  > = {
    'too few': {
      act: () => [0, 0],
      message: /Tally-v0: expected 3 actions from policy\.act, .* got 2/,
      error: ShapeError,
    },
    'none at all': { act: () => undefined as never, message: /expected 3 actions .* got undefined/, error: ShapeError },
    'beyond the last': {
      act: () => [0, 4, 0],
      message: /^rollouts: Tally-v0 \(environment 1\): expected a whole number from 0 to 3 from policy\.act, got 4\.$/,
    },
    'below the first': { act: () => [0, 0, -1], message: /environment 2.* got -1/ },
    'a fraction': { act: () => [0.5, 0, 0], message: /environment 0.* got 0\.5/ },
    NaN: { act: () => new Float32Array(3).fill(NaN), message: /got NaN/ },
  };
  for (const [name, { act, message, error = ConfigError }] of Object.entries(badActions)) {
    test(`actions that are none: ${name}`, async () => {
      const rollouts = await tallyRollouts();
      const failure = await errorOf(rollouts.collect({ version: 0, act }, 10));
      expect(failure).toBeInstanceOf(error);
      expect(failure.message).toMatch(message);
    });
  }

  test('a version that is none', async () => {
    const rollouts = await tallyRollouts();
    await expect(rollouts.collect({ ...framePolicy, version: -1 }, 1)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: VectorRollouts.collect: expected policy.version to be a whole number >= 0, got -1.]`,
    );
  });

  test('an environment that throws half-way: the state saved before goes on', async () => {
    const rollouts = await tallyRollouts({ env: tally({ failAfter: 7 }), numEnvs: 2 });
    const first = await rollouts.collect(framePolicy, 10);
    const state = throughJson(rollouts.getState());
    const failure = await errorOf(rollouts.collect(framePolicy, 10));
    expect(failure).toBeInstanceOf(EnvironmentError);
    expect(failure).toMatchInlineSnapshot(
      `[EnvironmentError: rollouts: Tally-v0 (environment 0), step 7 of episode 0 threw: the book is full]`,
    );
    expect(failure.cause).toBeInstanceOf(RangeError);
    await expect(rollouts.collect(framePolicy, 1)).rejects.toThrow(/failed half-way/);
    expect(() => rollouts.getState()).toThrow(/failed half-way/);
    rollouts.setState(state);
    const more = await rollouts.collect(framePolicy, 4);
    expect(stepsOf([...first, ...more])).toBe(14);
    expect(more[0]!.metadata).toMatchObject({ sequence: 2, firstStep: 5 });
  });

  test('calls out of turn', async () => {
    const rollouts = await tallyRollouts();
    expect(await rollouts.collect(framePolicy, 0)).toEqual([]);
    const running = rollouts.collect(framePolicy, 5);
    const state = { ...({} as VectorRolloutsState) };
    expect(() => rollouts.getState()).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: VectorRollouts.getState: expected collect to have ended before. Wait for it.]`,
    );
    expect(() => rollouts.setState(state)).toThrow(/expected collect to have ended/);
    await expect(rollouts.collect(framePolicy, 5)).rejects.toThrow(ConfigError);
    expect(stepsOf(await running)).toBe(5);
    await expect(rollouts.collect(framePolicy, 1.5)).rejects.toThrow(/steps to be a whole number >= 0, got 1\.5/);
    const cut = rollouts.collect(framePolicy, 1e9);
    rollouts.close();
    await expect(cut).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: VectorRollouts.collect: it was closed. Create another.]`,
    );
    rollouts.close();
    await expect(rollouts.collect(framePolicy, 1)).rejects.toThrow(/it was closed\. Create another/);
  });

  test('options that are wrong', async () => {
    const create = (options: object): Promise<Error> =>
      errorOf(VectorRollouts.create({ env: tally(), seed: 0, ...options }));
    expect(await create({ numEnv: 2 })).toMatchInlineSnapshot(
      `[ConfigError: VectorRollouts: unknown option 'numEnv'. Did you mean 'numEnvs'? Known options: env, numEnvs, seed, chunkLength, maxEpisodeSteps.]`,
    );
    expect(await create({ numEnvs: 0 })).toMatchInlineSnapshot(
      `[ConfigError: VectorRollouts: expected numEnvs to be a whole number >= 1, got 0.]`,
    );
    expect(await create({ seed: -1 })).toBeInstanceOf(ConfigError);
    expect(await create({ maxEpisodeSteps: 0 })).toMatchInlineSnapshot(
      `[ConfigError: VectorRollouts: expected maxEpisodeSteps to be a whole number >= 1, got 0.]`,
    );
    expect(await create({ env: { id: 'Taly-v0' } })).toBeInstanceOf(ConfigError);
    expect(await create({ env: { ...meter().env, id: 'VectorObserver-v0' } })).toBeInstanceOf(ConfigError);
    expect(
      await create({ env: { ...meter().env, id: 'VectorObserver-v0', kwargs: { continuous: true } } }),
    ).toMatchInlineSnapshot(
      `[ConfigError: rollouts: VectorObserver-v0 (environment 0): expected a Discrete action space, got Box(-1.0, 1.0, (1,), float32). Continuous actions are not supported yet: wrap the environment so that it has finitely many.]`,
    );
  });

  test('close what was built before', async () => {
    const counters = newCounters();
    const rollouts = await VectorRollouts.create(meter({ counters: counters.buffer }, { numEnvs: 3 }));
    rollouts.close();
    expect([counters[counter.built], counters[counter.closed]]).toEqual([3, 3]);
  });
});
