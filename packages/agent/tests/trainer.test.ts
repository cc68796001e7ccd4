// Training as a sequence of items of work: which come when, and that a run can stop between any two.
import { expect, describe, onTestFinished, vi } from 'vitest';
import { test } from '@fast-check/vitest';
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { ShardStore } from '@tessera/rollouts';
import { AgentTrainer, planRound } from '../src/index.ts';
import type { TrainerEvent, TrainerState, Transitions } from '../src/index.ts';
import { TokenProbe } from '../src/training/token-probe.ts';
import { idle, small, start } from './short-runs.ts';
import type { TokenizerKind } from './tokenizers.ts';
import { errorOf } from './toy.ts';
import { copyOf, finish, saved } from './training-toy.ts';
import type { Run } from './training-toy.ts';

/** All that must not depend on when a run was stopped. */
function outcome(run: Run): object {
  const { steps, bytes } = run.replay;
  const chunks = [...run.replay.chunks()].map(({ id, metadata, actions }) => ({ id, metadata, actions }));
  return { ...saved(run), steps, bytes, chunks };
}

describe.each([
  ['pixels', 'alternating'],
  ['vqvae', 'alternating'],
  ['vqvae', 'interleaved'],
  ['vqvae', 'end-to-end'],
  ['nearest', 'alternating'],
] as const)('with a tokenizer of kind %s, %s', (kind, mode) => {
  const training = { ...small, mode };

  test('a run does the items of its plan, takes all its steps, and ends', async () => {
    const run = await start(kind, { training });
    const events = await finish(run);
    const trainable = kind === 'vqvae';
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
    const stops: { state: TrainerState; store: ShardStore; metrics: unknown }[] = [];
    while (!whole.trainer.done) {
      const state = saved(whole);
      await whole.replay.commit();
      const { metrics } = await whole.trainer.next();
      // What the item after the checkpoint wrote is there too, as after a kill.
      stops.push({ state, store: await copyOf(whole.store), metrics });
    }
    const expected = outcome(whole);
    expect(stops.length).toBeGreaterThan(20);
    expect(stops.some(({ state }) => state.meta.replay.firstShard > 0)).toBe(true);
    for (const [k, stop] of stops.entries()) {
      // Every third item, and the first: what is left of a run is run each time.
      if (k % 3 !== 0) continue;
      const run = await start(kind, { training }, stop);
      expect(saved(run)).toEqual(stop.state);
      const events = await finish(run);
      // No burst: what is left is what was left.
      expect(events.map(({ metrics }) => metrics)).toEqual(stops.slice(k).map(({ metrics }) => metrics));
      expect(outcome(run)).toEqual(expected);
    }
  });
});

describe('imagination', () => {
  /** A run whose world model gets so many of the tokens of each round right when it is measured. */
  async function measured(right: readonly number[], startAccuracy: number): Promise<TrainerEvent[]> {
    const run = await start('pixels', {
      steps: 10 * right.length,
      training: { ...idle, imagination: { ...small.imagination, updates: 1, startAccuracy } },
    });
    const { agent, trainer } = run;
    const predict = agent.worldModel.predict.bind(agent.worldModel);
    vi.spyOn(agent.worldModel, 'predict').mockImplementation((batch) => {
      const { nextTokens } = batch as Partial<Transitions>;
      if (nextTokens === undefined) return predict(batch);
      const share = right[trainer.counters.round]!;
      const tokens = nextTokens.data.map((code, i) => (i < share * nextTokens.data.length ? code : 15 - code));
      return { ...predict(batch), tokens: ndarray('int32', nextTokens.shape, tokens) };
    });
    return finish(run);
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
    const run = await start('vqvae', {
      steps: 10 * churn.length,
      training: { ...idle, tokenizer: { ...small.tokenizer, firstUpdates: 2, updates: 1, untilSteps: 50, restChurn } },
    });
    vi.spyOn(TokenProbe.prototype, 'look').mockImplementation(async () => {
      const perHundred = churn[run.trainer.counters.round]!;
      return { churn: perHundred, perHundred };
    });
    onTestFinished(() => void vi.restoreAllMocks());
    const events = await finish(run);
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
  const { trainer } = await start('vqvae', {
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
    const { trainer } = await start('pixels');
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
    const { agent, rollouts, replay } = await start('pixels');
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
    const run = await start('pixels');
    for (let i = 0; i < 4; i++) await run.trainer.next();
    const state = saved(run);
    const load = async (
      tensors: Record<string, NdArray | undefined>,
      meta: object = {},
      kind: TokenizerKind = 'pixels',
    ) => {
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
    expect(await load({}, {}, 'nearest')).toMatchInlineSnapshot(`"ConfigError: loadState: 'codes' is missing."`);
    for (const part of ['generators', 'rollouts', 'returns', 'phases']) {
      expect(await load({}, { [part]: undefined })).toMatch(/^(Config|Format)Error: /);
    }
    expect(await load({}, { returns: [1] })).toMatch(/^(Config|Format)Error: /);
  });
});
