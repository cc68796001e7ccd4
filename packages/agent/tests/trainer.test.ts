// Training as a sequence of items of work: what each of them sees, and that a run can stop between any two.
import { expect, describe, onTestFinished, vi } from 'vitest';
import { test } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Engine } from '@tessera/engine';
import { Replay, VectorRollouts, memoryShards } from '@tessera/rollouts';
import type { EnvConfig, ShardStore } from '@tessera/rollouts';
import { NearestTokenizer, VQVAE } from '@tessera/vqvae';
import type { Tokenizer } from '@tessera/vqvae';
import { AgentTrainer, codeFeatures, lambdaReturns, measureHeldOut, planRound, TokenMemory } from '../src/index.ts';
import type { Agent, Experience, TrainerEvent, TrainerState, TrainingOptions, Transitions } from '../src/index.ts';
import { tokensOf } from '../src/preprocess.ts';
import { TokenProbe } from '../src/training/token-probe.ts';
import { PixelTokenizer } from './pixel-tokenizer.ts';
import { agentOn, cpu, errorOf } from './toy.ts';
import { readWalk, walk } from './walk-env.ts';

type Kind = 'fixed' | 'trained' | 'streaming';

const makers: Readonly<Record<Kind, (engine: Engine) => Tokenizer>> = {
  fixed: () => new PixelTokenizer(),
  trained: (engine) =>
    new VQVAE(
      engine,
      { frameShape: [4, 4, 1], tokenShape: [2, 2], channels: 4, quantizer: { vocabulary: 8, codeDim: 2 } },
      { seed: 2 },
    ),
  streaming: () => new NearestTokenizer({ frameShape: [4, 4, 1], tokenShape: [2, 2], vocabulary: 60 }),
};

/** Rounds of 10, 10 and 5 steps; the last one comes after the tokenizer has been frozen. */
const small: TrainingOptions = {
  numEnvs: 2,
  roundSteps: 5,
  replayBytes: 4000,
  measureSteps: 8,
  tokenizer: { firstUpdates: 2, updates: 1, untilSteps: 20, batchSize: 4, seedFrames: 8, warmupUpdates: 0 },
  worldModel: { firstUpdates: 2, updates: 2 },
  imagination: { updates: 2, starts: 3, horizon: 3, explore: 2, startAccuracy: 0 },
};

interface Run {
  readonly agent: Agent;
  readonly trainer: AgentTrainer;
  readonly replay: Replay;
  readonly rollouts: VectorRollouts;
  readonly store: ShardStore;
}

interface RunOptions {
  readonly training?: TrainingOptions;
  readonly env?: EnvConfig;
  readonly steps?: number;
  readonly store?: ShardStore;
  readonly from?: TrainerState;
}

/** A run from its beginning, or `from` a saved state in a new process's place. */
async function start(
  kind: Kind,
  { training = small, env = walk({ length: 4, spread: 2 }), steps = 25, store = memoryShards(), from }: RunOptions = {},
): Promise<Run> {
  const { numEnvs = 2, replayBytes = 2 ** 20 } = training;
  const tokenizer = makers[kind](cpu);
  const agent = agentOn(cpu, { tokenizer, worldModel: { context: 2, batchSize: 4 }, behaviour: { epochs: 1 } });
  const rollouts = await VectorRollouts.create({ env, numEnvs, seed: 3, chunkLength: 3 });
  onTestFinished(() => {
    rollouts.close();
    tokenizer.dispose();
  });
  const limits = { maxBytes: replayBytes };
  const replay =
    from === undefined ? await Replay.create(store, limits) : await Replay.resume(store, from.meta.replay, limits);
  const trainer = new AgentTrainer({ agent, rollouts, replay, steps, seed: 4, training });
  if (from !== undefined) trainer.loadState(from);
  return { agent, trainer, replay, rollouts, store };
}

async function finish(trainer: AgentTrainer): Promise<TrainerEvent[]> {
  const events: TrainerEvent[] = [];
  for await (const event of trainer.items()) events.push(event);
  return events;
}

/** As it would come from a file. */
function throughJson(state: TrainerState): TrainerState {
  return {
    tensors: structuredClone(state.tensors),
    meta: JSON.parse(JSON.stringify(state.meta)) as TrainerState['meta'],
  };
}

async function copyOf(store: ShardStore): Promise<ShardStore> {
  const copy = memoryShards();
  for (const shard of await store.list()) await copy.write(shard, await store.read(shard));
  return copy;
}

/** All that must not depend on when a run was stopped. */
function outcome({ trainer, replay }: Run): object {
  const { tensors, meta } = trainer.state();
  const chunks = [...replay.chunks()].map(({ id, metadata, steps, actions }) => ({ id, metadata, steps, actions }));
  return { tensors, meta: { ...meta, phases: {} }, steps: replay.steps, bytes: replay.bytes, chunks };
}

/** A run that only collects and measures, in rounds of 10 steps. */
const idle: TrainingOptions = {
  ...small,
  replayBytes: 2 ** 20,
  learnFromReal: false,
  tokenizer: { ...small.tokenizer, firstUpdates: 0, updates: 0 },
  worldModel: { firstUpdates: 1, updates: 1 },
  imagination: { ...small.imagination, updates: 0 },
};

describe.each([
  ['fixed', 'alternating'],
  ['trained', 'alternating'],
  ['trained', 'interleaved'],
  ['trained', 'end-to-end'],
  ['streaming', 'alternating'],
] as const)('with a %s tokenizer, %s', (kind, mode) => {
  const training = { ...small, mode };

  test('a run does the items of its plan, takes all its steps, and ends', async () => {
    const run = await start(kind, { training });
    const events = await finish(run.trainer);
    const trainable = kind === 'trained';
    const plan = [0, 1, 2].flatMap((round) =>
      planRound(run.trainer.config, { round, startSteps: 10 * round, trainable }),
    );
    expect(events.map((event) => event.kind)).toEqual(plan);
    expect(events.filter(({ roundDone }) => roundDone)).toHaveLength(3);
    expect(run.trainer.done).toBe(true);
    const { counters } = run.trainer;
    expect(counters).toMatchObject({ envSteps: 25, round: 3, item: 0, itemsDone: plan.length, roundStart: 25 });
    // End to end it learns as often as the world model, until it is frozen.
    expect(counters.tokenizerUpdates).toBe(trainable ? (mode === 'end-to-end' ? 4 : 3) : 0);
    expect(counters.imaginedSteps).toBeGreaterThan(2 * 2 * 9 - 1);
    expect(run.agent.worldModel.updates).toBe(6);
    await expect(run.trainer.next()).rejects.toThrow(/^AgentTrainer\.next: the run is done\./);
    for (const { metrics } of events) {
      const wrong = Object.entries(metrics).filter(([, value]) => typeof value !== 'number');
      expect(wrong).toEqual([]);
    }
  });

  test('a run that is stopped between two items goes on bit for bit', async () => {
    const whole = await start(kind, { training });
    const saved: { state: TrainerState; store: ShardStore; metrics: unknown }[] = [];
    while (!whole.trainer.done) {
      const state = throughJson(whole.trainer.state());
      await whole.replay.commit();
      const { metrics } = await whole.trainer.next();
      // What the item after the checkpoint wrote is there too, as after a kill.
      saved.push({ state, store: await copyOf(whole.store), metrics });
    }
    const expected = outcome(whole);
    expect(saved.length).toBeGreaterThan(20);
    expect(saved.some(({ state }) => state.meta.replay.firstShard > 0)).toBe(true);
    for (const [k, { state, store }] of saved.entries()) {
      // Every third item, and the first: what is left of a run is run each time.
      if (k % 3 !== 0) continue;
      const run = await start(kind, { training, store, from: state });
      expect(outcome(run)).toEqual({ ...outcome(run), tensors: state.tensors, meta: { ...state.meta, phases: {} } });
      const events = await finish(run.trainer);
      // No burst: what is left is what was left.
      expect(events.map(({ metrics }) => metrics)).toEqual(saved.slice(k).map(({ metrics }) => metrics));
      expect(outcome(run)).toEqual(expected);
    }
  });
});

describe('acting', () => {
  test.each(['fixed', 'trained', 'streaming'] as const)(
    'sees what the %s tokenizer makes of the frames now, and what its codes look like now',
    async (kind) => {
      const run = await start(kind, { training: { ...small, replayBytes: 2 ** 20 } });
      const { agent, trainer, replay } = run;
      const act = vi.spyOn(agent.behaviour, 'act');
      const before = makers[kind](cpu);
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
      expect(moved).toBe(kind !== 'fixed');
    },
  );

  test('is recorded with the version of the policy that acted', async () => {
    const { agent, trainer, replay } = await start('fixed', { training: { ...small, replayBytes: 2 ** 20 } });
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
  const { agent, trainer, replay, rollouts } = await start('fixed');
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
  async function learned(env: EnvConfig): Promise<{ experience: readonly Experience[]; run: Run }> {
    const run = await start('fixed', { env, training: { ...small, roundSteps: 10 } });
    const learn = vi.spyOn(run.agent.behaviour, 'learn');
    while (learn.mock.calls.length === 0) await run.trainer.next();
    return { experience: learn.mock.calls[0]![0], run };
  }

  test('with nothing behind a terminal state, and a value behind an episode that was cut', async () => {
    const terminated = await learned(walk({ length: 3, end: 'terminated' }));
    const truncated = await learned(walk({ length: 3, end: 'truncated' }));
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
    const { experience, run } = await learned(walk({ length: 3, spread: 4 }));
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
    const { agent, trainer, replay } = await start('fixed', {
      training: { ...small, replayBytes: 2 ** 20, imagination: { ...small.imagination, updates: 0 } },
    });
    const learn = vi.spyOn(agent.behaviour, 'learn');
    await finish(trainer);
    const batches = learn.mock.calls.map(([experience]) => experience.flatMap(({ actions }) => [...actions]));
    expect(batches.map(({ length }) => length)).toEqual([10, 10, 5]);
    const all = [...replay.chunks()].flatMap(({ actions }) => Array.from(actions, (action) => action - 5));
    expect(batches.flat()).toEqual(all);
  });

  test('not at all before a tokenizer that is trained has learned anything, or when told not to', async () => {
    const untrained = await start('trained', { training: { ...idle, learnFromReal: true } });
    const { learnFromReal, ...rest } = idle;
    const told = await start('fixed', { training: { ...rest, learnFromReal: learnFromReal! } });
    for (const { agent, trainer } of [untrained, told]) {
      await finish(trainer);
      expect(agent.behaviour.version).toBe(0);
    }
  });
});

describe('imagination', () => {
  /** A run whose world model gets so many of the tokens of each round right when it is measured. */
  async function measured(right: readonly number[], startAccuracy: number): Promise<TrainerEvent[]> {
    const { agent, trainer } = await start('fixed', {
      steps: 10 * right.length,
      training: { ...idle, imagination: { ...small.imagination, updates: 1, startAccuracy } },
    });
    const predict = agent.worldModel.predict.bind(agent.worldModel);
    vi.spyOn(agent.worldModel, 'predict').mockImplementation((batch) => {
      const { nextTokens } = batch as Partial<Transitions>;
      if (nextTokens === undefined) return predict(batch);
      const share = right[trainer.counters.round]!;
      const tokens = nextTokens.data.map((code, i) => (i < share * nextTokens.data.length ? code : 15 - code));
      return { ...predict(batch), tokens: ndarray('int32', nextTokens.shape, tokens) };
    });
    return finish(trainer);
  }

  const stepsByRound = (events: readonly TrainerEvent[]) =>
    events.filter(({ roundDone }) => roundDone).map(({ counters }) => counters);

  test('begins when the model predicts well enough, and stays on', async () => {
    const counters = stepsByRound(await measured([0, 0.5, 1, 0], 0.9));
    const [first, second, third, fourth] = counters.map(({ imaginedSteps }) => imaginedSteps);
    expect([first, second]).toEqual([0, 0]);
    expect(third).toBeGreaterThan(0);
    expect(fourth).toBeGreaterThan(third!);
    expect(counters.map(({ imaginationSince }) => imaginationSince)).toEqual([null, null, 30, 30]);
  });

  test('begins when the accuracy is reached exactly, but with no model that has learned nothing', async () => {
    const counters = stepsByRound(await measured([1, 1], 1));
    expect(counters.map(({ imaginationSince }) => imaginationSince)).toEqual([null, 20]);
  });
});

describe('a tokenizer whose codes rest', () => {
  /** Updates of the tokenizer in each round, when its codes change by so much in the rounds. */
  async function updatesByRound(churn: readonly number[], restChurn: number | null): Promise<number[]> {
    const { trainer } = await start('trained', {
      steps: 10 * churn.length,
      training: { ...idle, tokenizer: { ...small.tokenizer, firstUpdates: 2, updates: 1, untilSteps: 50, restChurn } },
    });
    vi.spyOn(TokenProbe.prototype, 'look').mockImplementation(async () => {
      const perHundred = churn[trainer.counters.round]!;
      return { churn: perHundred, perHundred };
    });
    onTestFinished(() => void vi.restoreAllMocks());
    const events = await finish(trainer);
    return churn.map((_, round) => {
      const own = events.filter(({ counters, roundDone }) => counters.round - (roundDone ? 1 : 0) === round);
      return own.filter(({ kind }) => kind === 'tokenizer').length;
    });
  }

  test('is frozen from the next round on, for good, but not by the first round', async () => {
    expect(await updatesByRound([0, 0.3, 0.1, 0.9, 0.9, 0], 0.1)).toEqual([2, 1, 1, 0, 0, 0]);
  });

  test('is frozen by its steps where they move on, or nobody asks', async () => {
    expect(await updatesByRound([0, 0.3, NaN, 0.2, 0.2, 0.2, 0.2], 0.1)).toEqual([2, 1, 1, 1, 1, 0, 0]);
    expect(await updatesByRound([0, 0, 0, 0, 0, 0], null)).toEqual([2, 1, 1, 1, 1, 0]);
  });
});

test.each([
  ['alternating', { tokenizer: { firstUpdates: 103, updates: 1 }, worldModel: { firstUpdates: 1, updates: 1 } }, 1],
  // There the tokenizer's own numbers of updates count for nothing.
  ['end-to-end', { tokenizer: { firstUpdates: 0, updates: 0 }, worldModel: { firstUpdates: 103, updates: 1 } }, 2],
] as const)('codes are looked at 100 updates before the first round has no more: %s', async (mode, own, measures) => {
  const { tokenizer, worldModel } = own;
  const { trainer } = await start('trained', {
    training: { ...idle, mode, tokenizer: { ...small.tokenizer, ...tokenizer }, worldModel },
  });
  const look = vi.spyOn(TokenProbe.prototype, 'look');
  onTestFinished(() => void vi.restoreAllMocks());
  await trainer.next();
  for (let measured = 0; measured < measures;) if ((await trainer.next()).kind === 'measure') measured++;
  const updates = look.mock.calls.map(([, asked]) => asked.updates);
  expect(updates).toEqual(mode === 'alternating' ? [3, 103] : [0, 3, 103]);
});

describe('a trainer', () => {
  test('stops between items when its signal is aborted', async () => {
    const { trainer } = await start('fixed');
    const controller = new AbortController();
    const kinds: string[] = [];
    for await (const { kind } of trainer.items(controller.signal)) {
      kinds.push(kind);
      if (kinds.length === 3) controller.abort();
    }
    expect(kinds).toEqual(['collect', 'measure', 'real']);
    expect(trainer.done).toBe(false);
    expect(trainer.counters.itemsDone).toBe(3);
  });

  test('says which setting is wrong', async () => {
    const { agent, rollouts, replay } = await start('fixed');
    const build = (training: object) =>
      errorOf(() => new AgentTrainer({ agent, rollouts, replay, steps: 1, seed: 0, training }));
    expect(await build({ numEnv: 2 })).toMatchInlineSnapshot(
      `"ConfigError: AgentTrainer settings: unknown field 'numEnv'. Did you mean 'numEnvs'?"`,
    );
    expect(await build({ mode: 'alternate' })).toMatchInlineSnapshot(
      `"ConfigError: AgentTrainer settings: mode: expected one of "alternating"|"interleaved"|"end-to-end", got 'alternate'. Did you mean 'alternating'?"`,
    );
    expect(await build({ imagination: { startAccuracy: NaN } })).toMatchInlineSnapshot(
      `"ConfigError: AgentTrainer settings: imagination.startAccuracy: expected number, got NaN."`,
    );
  });

  test('refuses a state that does not fit', async () => {
    const { trainer } = await start('fixed');
    for (let i = 0; i < 4; i++) await trainer.next();
    const state = throughJson(trainer.state());
    const load = async (tensors: Record<string, NdArray | undefined>, meta: object = {}, kind: Kind = 'fixed') => {
      const other = await start(kind);
      const all = Object.entries({ ...state.tensors, ...tensors }).filter((entry) => entry[1] !== undefined);
      return errorOf(() =>
        other.trainer.loadState({
          tensors: Object.fromEntries(all) as TrainerState['tensors'],
          meta: { ...state.meta, ...meta },
        }),
      );
    };
    const one = ndarray('float32', [1]);
    const counters = (changes: object) => ({ counters: { ...state.meta.counters, ...changes } });
    expect(await load({})).toBe('no error');
    expect(await load({ 'optimizer.x': one })).toMatchInlineSnapshot(
      `"FormatError: AgentTrainer.loadState: the state has a tensor 'optimizer.x' that belongs to no part."`,
    );
    expect(await load({ 'tokenizer.codes': one })).toMatchInlineSnapshot(
      `"FormatError: AgentTrainer.loadState: 'tokenizer.codes' is for a tokenizer that learns; this one does not."`,
    );
    expect(await load({ 'worldModel.x': one })).toMatchInlineSnapshot(`"ConfigError: state: there is no 'x'."`);
    expect(await load({ 'probe.x': one })).toMatchInlineSnapshot(
      `"FormatError: token probe: expected frames uint8 [n, 4, 4, 1], their tokens int32 [n, 16] and updates int32 [], got frames uint8 [128, 4, 4, 1], tokens int32 [128, 16], updates int32 [], x float32 [1]."`,
    );
    expect(await load({ 'behaviour.parameters.table': undefined })).toMatchInlineSnapshot(
      `"ConfigError: Behaviour.loadState: 'parameters.table' is missing."`,
    );
    expect(await load({ 'probe.tokens': undefined })).toMatchInlineSnapshot(
      `"FormatError: token probe: expected frames uint8 [n, 4, 4, 1], their tokens int32 [n, 16] and updates int32 [], got frames uint8 [128, 4, 4, 1], tokens missing, updates int32 []."`,
    );
    expect(await load({}, counters({ envSteps: -1 }))).toMatchInlineSnapshot(
      `"ConfigError: AgentTrainer.loadState: counters: envSteps: expected number to be >=0, got -1."`,
    );
    expect(await load({}, counters({ item: 0.5 }))).toMatchInlineSnapshot(
      `"ConfigError: AgentTrainer.loadState: counters: item: expected int, got 0.5."`,
    );
    expect(await load({}, counters({ steps: 3 }))).toMatchInlineSnapshot(
      `"ConfigError: AgentTrainer.loadState: counters: unknown field 'steps'."`,
    );
    expect(await load({}, { counters: undefined })).toMatchInlineSnapshot(
      `"ConfigError: AgentTrainer.loadState: counters: expected object, got nothing."`,
    );
    expect(await load({}, {}, 'streaming')).toMatchInlineSnapshot(`"ConfigError: loadState: 'codes' is missing."`);
    for (const part of ['generators', 'rollouts', 'returns', 'phases']) {
      expect(await load({}, { [part]: undefined })).toMatch(/^(Config|Format)Error: /);
    }
    expect(await load({}, { returns: [1] })).toMatch(/^(Config|Format)Error: /);
  });
});

/** Every row of a batch as text. */
function rowsOf({ shape, data }: NdArray): string[] {
  const width = data.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, row) => data.slice(row * width, (row + 1) * width).join(' '));
}
