// Shares of what a model said right, on cases made by hand.
import { ndarray } from '@tessera/core';
import { describe, expect, test } from 'vitest';
import { measureAccuracy } from '../src/index.ts';
import type { Imagined, Transitions, WorldModel } from '../src/index.ts';

const int = (shape: readonly number[], ...data: number[]) => ndarray('int32', shape, Int32Array.from(data));

/** A model that says this, whatever it is asked. */
function saying(imagined: Imagined): WorldModel {
  return { predict: () => imagined } as unknown as WorldModel;
}

// Two rows of two tokens, seen with the frame before. In the first row the second token changes, in the second row nothing does.
const batch: Transitions = {
  tokens: int([2, 2, 2], 9, 9, 1, 2, 9, 9, 3, 4),
  actions: int([2, 2], 0, 0, 0, 0),
  nextTokens: int([2, 2], 1, 5, 3, 4),
  rewards: ndarray('float32', [2], Float32Array.of(3, 0)),
  terminated: ndarray('uint8', [2], Uint8Array.of(0, 1)),
};

describe('accuracy', () => {
  test('of a model that is always right', () => {
    const right = saying({ tokens: batch.nextTokens, rewards: Float32Array.of(1, 0), ends: Uint8Array.of(0, 1) });
    expect(measureAccuracy(right, batch)).toEqual({
      transitions: 2,
      tokens: 1,
      changedTokens: 1,
      frames: 1,
      copyLastFrame: 0.75,
      rewardF1: 1,
      endF1: 1,
    });
  });

  test('of one that gives the newest frame again, no reward and no end', () => {
    const copy = saying({ tokens: int([2, 2], 1, 2, 3, 4), rewards: new Float32Array(2), ends: new Uint8Array(2) });
    expect(measureAccuracy(copy, batch)).toEqual({
      transitions: 2,
      tokens: 0.75,
      changedTokens: 0,
      frames: 0.5,
      copyLastFrame: 0.75,
      rewardF1: 0,
      endF1: 0,
    });
  });

  test('counts a reward of the wrong sign as said and as missed', () => {
    const wrong = saying({ tokens: batch.nextTokens, rewards: Float32Array.of(-1, 1), ends: Uint8Array.of(1, 1) });
    const { rewardF1, endF1 } = measureAccuracy(wrong, batch);
    expect(rewardF1).toBe(0);
    // One hit, two said, one true.
    expect(endF1).toBeCloseTo(2 / 3, 12);
  });

  test('takes a reward that is said by its size for 0 below half of the smallest true one', () => {
    const rewardF1 = (said: readonly number[], truth: readonly number[]) => {
      const model = saying({ tokens: batch.nextTokens, rewards: Float32Array.from(said), ends: new Uint8Array(2) });
      return measureAccuracy(model, { ...batch, rewards: ndarray('float32', [2], Float32Array.from(truth)) }).rewardF1;
    };
    expect(rewardF1([2.8, 0.1], [3, 0])).toBe(1);
    expect(rewardF1([0.08, 0.01], [0.1, 0])).toBe(1);
    expect(rewardF1([-0.08, -0.01], [0.1, 0])).toBe(0);
    // One hit, two said, one true.
    expect(rewardF1([0.08, 0.06], [0.1, 0])).toBeCloseTo(2 / 3, 12);
  });

  test('is NaN where there was nothing to be right about', () => {
    const still: Transitions = {
      ...batch,
      nextTokens: int([2, 2], 1, 2, 3, 4),
      rewards: ndarray('float32', [2]),
      terminated: ndarray('uint8', [2]),
    };
    const quiet = saying({ tokens: still.nextTokens, rewards: new Float32Array(2), ends: new Uint8Array(2) });
    const { changedTokens, rewardF1, endF1, copyLastFrame } = measureAccuracy(quiet, still);
    expect([changedTokens, rewardF1, endF1, copyLastFrame]).toEqual([NaN, NaN, NaN, 1]);
  });
});
