// A run that is stopped between any two items and resumed ends as one that never stopped, bit for bit, with nothing made up for and nothing there twice.
import { expect, describe } from 'vitest';
import { test } from '@fast-check/vitest';
import { ndarray } from '@tessera/core';
import { memoryShards } from '@tessera/rollouts';
import type { TrainerEvent, TrainerState } from '../src/index.ts';
import { cpu, errorOf, wasm } from './toy.ts';
import { copyOf, finish, runOn, saved, smallTraining } from './training-toy.ts';
import type { Run, RunOptions } from './training-toy.ts';

/** A run with its state before each of its items. */
async function followed(run: Run): Promise<{ states: TrainerState[]; events: TrainerEvent[] }> {
  const states = [saved(run)];
  const events: TrainerEvent[] = [];
  while (!run.trainer.done) {
    events.push(await run.trainer.next());
    states.push(saved(run));
  }
  return { states, events };
}

async function chunksOf({ replay }: Run) {
  const chunks = [...replay.chunks()];
  const frames = await Promise.all(chunks.map((chunk) => replay.frames(chunk)));
  return chunks.map(({ id, metadata, actions, rewards }, i) => ({ id, metadata, actions, rewards, frames: frames[i] }));
}

async function checkResumes(options: RunOptions, every: number): Promise<void> {
  const whole = await runOn(wasm, options);
  const { states, events } = await followed(whole);
  const final = states.at(-1)!;
  const chunks = await chunksOf(whole);
  expect(final.meta.counters.envSteps).toBe(options.steps ?? 56);
  for (let item = 0; item < states.length; item += every) {
    // All that was ever written is still there, as after a kill.
    const run = await runOn(wasm, options, { state: states[item]!, store: await copyOf(whole.store) });
    expect(saved(run)).toEqual(states[item]);
    expect(await finish(run)).toEqual(events.slice(item));
    expect(saved(run)).toEqual(final);
    expect(await chunksOf(run)).toEqual(chunks);
  }
}

describe('a resumed run', () => {
  test.each<[string, number, RunOptions]>([
    // Tokens come to rest in the first round, and move again.
    [
      'a tokenizer that learns from the second round on',
      2,
      { tokenizer: 'vqvae', training: { tokenizer: { firstUpdates: 0, untilSteps: 99 } } },
    ],
    [
      'a tokenizer that collects patches',
      3,
      {
        tokenizer: 'nearest',
        env: { spread: 3 },
        worldModel: { context: 3, batchSize: 16 },
        training: { replayBytes: 100_000 },
      },
    ],
    ['frames that are refined and drawn', 7, { worldModel: { kind: 'maskgit', passes: 2, temperature: 1 } }],
    [
      'frames drawn token by token and rewards by their size',
      11,
      { steps: 40, worldModel: { kind: 'causal', reward: 'two-hot', temperature: 1 }, env: { reward: 7 } },
    ],
    [
      'a policy that sees what was before, and moving averages',
      13,
      {
        tokenizer: 'vqvae',
        worldModel: { context: 3 },
        training: { replayBytes: 100_000 },
        behaviour: {
          input: 'state',
          objective: 'reinforce',
          returnNormalisation: 'percentile',
          slowCritic: { weight: 1 },
          endEntropy: 0,
        },
      },
    ],
    ['a policy that sees frames', 23, { tokenizer: 'vqvae', behaviour: { input: 'frames', network: { hidden: 8 } } }],
    ['rounds that are played meanwhile', 3, { tokenizer: 'vqvae', steps: 56, training: { collection: 'meanwhile' } }],
    [
      'rounds that are played meanwhile with patches',
      5,
      {
        tokenizer: 'nearest',
        env: { spread: 3 },
        steps: 48,
        training: { collection: 'meanwhile', replayBytes: 100_000, learnFromReal: false },
      },
    ],
    ['steps drawn by their losses', 5, { steps: 40, training: { sampling: { kind: 'prioritised' } } }],
    ['tokenizer and world model on one loss', 9, { tokenizer: 'vqvae', training: { mode: 'end-to-end' } }],
    [
      'codes that come to rest',
      7,
      { tokenizer: 'vqvae', training: { tokenizer: { ...smallTraining.tokenizer, untilSteps: 48, restChurn: 1 } } },
    ],
    ['no real steps to learn from', 4, { tokenizer: 'pixels', steps: 40, training: { learnFromReal: false } }],
  ])('with %s, from every %i-th item', async (_, every, options) => {
    await checkResumes(options, every);
  });
});

describe('a state that does not fit', () => {
  const states = async () => {
    const run = await runOn(cpu, { steps: 32 });
    for (let i = 0; i < 4; i++) await run.trainer.next();
    return { run, state: saved(run) };
  };

  test('says why', async () => {
    const { run, state } = await states();
    const { tensors, meta } = state;
    const { 'behaviour.counters.batches': batches, ...missing } = tensors;
    const messages: string[] = [];
    const bad: TrainerState[] = [
      { tensors: { ...tensors, stray: batches! }, meta },
      { tensors: { ...tensors, 'worldModel.stray': batches! }, meta },
      { tensors: missing, meta },
      { tensors: { ...tensors, 'probe.tokens': ndarray('int32', [1, 2]) }, meta },
      { tensors, meta: { ...meta, counters: { ...meta.counters, item: -1 } } },
      { tensors, meta: { ...meta, counters: { ...meta.counters, itm: 1 } as never } },
      { tensors, meta: { ...meta, rollouts: { ...meta.rollouts, numEnvs: 3 } } },
    ];
    for (const own of bad) {
      const fresh = await runOn(cpu, { steps: 32 });
      messages.push(await errorOf(() => fresh.trainer.loadState(own)));
    }
    expect(messages.join('\n')).toMatchInlineSnapshot(`
      "FormatError: AgentTrainer.loadState: the state has a tensor 'stray' that belongs to no part.
      ConfigError: state: there is no 'stray'.
      ConfigError: Behaviour.loadState: 'counters.batches' is missing.
      FormatError: token probe: expected frames uint8 [n, 4, 4, 1], their tokens int32 [n, 16] and updates int32 [], got frames uint8 [128, 4, 4, 1], tokens int32 [1, 2], updates int32 [].
      ConfigError: AgentTrainer.loadState: counters: item: expected number to be >=0, got -1.
      ConfigError: AgentTrainer.loadState: counters: unknown field 'itm'. Did you mean 'item'?
      FormatError: VectorRollouts.setState: expected a state of numEnvs 2, got one of 3. Go on with the options that the state was saved with."
    `);
    // None of that has hurt the run itself.
    expect(saved(run)).toEqual(state);
  });

  test('a replay without its shards is refused by name', async () => {
    const { state } = await states();
    const message = await errorOf(() => runOn(cpu, { steps: 32 }, { state, store: memoryShards() }));
    expect(message).toMatch(/^FormatError: .*shard/);
  });
});
