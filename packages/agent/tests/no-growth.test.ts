// Nothing grows while training goes on: the number of tensors after 2,000 steps, or TESSERA_GROWTH_STEPS, is that after a few.
import { ndarray, npRandom } from '@tessera/core';
import { VQVAE } from '@tessera/vqvae';
import { expect, test } from 'vitest';
import type { Experience } from '../src/index.ts';
import { dqnOn, ppoOn, runOf } from './model-free-toy.ts';
import { behaviourOn, integers, transitionsOf, wasm, worldModelOn } from './toy.ts';
import { runOn } from './training-toy.ts';
import type { RunOptions } from './training-toy.ts';

const many = Number(process.env['TESSERA_GROWTH_STEPS'] ?? 2000);

test(`${many} steps of tokenizer, world model and policy leave no tensor behind`, { timeout: 30 * many }, () => {
  const tokenizer = new VQVAE(wasm, {
    frameShape: [4, 4, 1],
    tokenShape: [2, 2],
    channels: 4,
    residualBlocks: 0,
    kernelSize: 2,
    quantizer: { kind: 'ema', vocabulary: 4, codeDim: 2, restartAfter: 3, restartUntil: many },
  });
  const worldModel = worldModelOn(wasm, { batchSize: 8 });
  const behaviour = behaviourOn(wasm, { epochs: 1 });
  const generator = npRandom(0);
  const frames = ndarray('float32', [8, 4, 4, 1]);
  const steps = 6;
  const step = (i: number): void => {
    for (let j = 0; j < frames.data.length; j++) frames.data[j] = generator.random();
    tokenizer.trainStep(frames);
    tokenizer.decode(tokenizer.encode(frames));
    const batch = transitionsOf(worldModel, 8, i);
    worldModel.trainStep(batch);
    worldModel.predict(batch);
    const seen = integers([steps + 1, 2], 4, i);
    const { actions, logProbabilities } = behaviour.act(seen, { generator });
    const experience: Experience = {
      tokens: seen.data.subarray(0, 2 * steps),
      actions: actions.subarray(0, steps),
      logProbabilities: logProbabilities.subarray(0, steps),
      rewards: Array.from({ length: steps }, () => generator.integers(3) - 1),
      values: behaviour.judge(seen).values,
      terminated: new Uint8Array(steps),
    };
    behaviour.learn([experience], { generator, minibatch: 4 });
  };
  let early = 0;
  for (let i = 1; i <= many; i++) {
    step(i);
    if (i === 10) early = wasm.tensorCount();
  }
  expect(early).toBeGreaterThan(0);
  expect(wasm.tensorCount()).toBe(early);
  tokenizer.dispose();
});

const state = { behaviour: { input: 'state', objective: 'reinforce' } } as const;
test.each<[string, RunOptions]>([
  ['patches, in turn', { tokenizer: 'nearest', worldModel: { kind: 'parallel' } }],
  ['end to end, a policy with a memory', { ...state, tokenizer: 'vqvae', training: { mode: 'end-to-end' } }],
  [
    'token by token, what is played meanwhile',
    { worldModel: { kind: 'causal' }, training: { collection: 'meanwhile' } },
  ],
  [
    'interleaved, in passes, a policy that sees frames, prioritised steps',
    {
      tokenizer: 'vqvae',
      behaviour: { input: 'frames', slowCritic: { decay: 0.9, weight: 1 } },
      worldModel: { kind: 'maskgit', temperature: 1 },
      training: { mode: 'interleaved', sampling: { kind: 'prioritised' } },
    },
  ],
])('whole rounds leave no tensor behind: %s', { timeout: 30 * many }, async (_, options) => {
  const steps = Math.floor(many / 4);
  const { training } = options;
  const run = await runOn(wasm, { ...options, steps, training: { ...training, tokenizer: { untilSteps: steps } } });
  const counts: number[] = [];
  for await (const { roundDone } of run.trainer.items()) if (roundDone) counts.push(wasm.tensorCount());
  expect(counts.length).toBeGreaterThan(20);
  expect(new Set(counts.slice(3))).toEqual(new Set(counts.slice(-1)));
});

test.each([
  ['PPO', ppoOn],
  ['DQN', dqnOn],
] as const)('%s leaves no tensor behind', { timeout: 30 * many }, async (_, agentOf) => {
  const { trainer } = await runOf(agentOf(wasm), { steps: Math.floor(many / 4) });
  const counts: number[] = [];
  while (!trainer.done) {
    await trainer.round();
    counts.push(wasm.tensorCount());
  }
  expect(counts.length).toBeGreaterThan(5);
  expect(new Set(counts.slice(3))).toEqual(new Set(counts.slice(-1)));
});
