// Nothing grows while training goes on: the number of tensors after 2,000 steps of every trainer, or TESSERA_GROWTH_STEPS, is that after ten.
import { ndarray, npRandom } from '@tessera/core';
import { VQVAE } from '@tessera/vqvae';
import { expect, test } from 'vitest';
import type { Experience } from '../src/index.ts';
import { behaviourOn, integers, transitionsOf, wasm, worldModelOn } from './toy.ts';

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
