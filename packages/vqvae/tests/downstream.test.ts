// What a probe reads off tokens, and what frames owe to actions.
import { ConfigError, ShapeError, ndarray, npRandom } from '@tessera/core';
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { deltaPsnr, probeAccuracy, reconstructionQuality } from '../src/index.ts';
import { noise } from './toy.ts';

const seeds = fc.noShrink(fc.nat(1e6));
const drawn = (count: number, below: number, seed: number) => {
  const generator = npRandom(seed);
  return Int32Array.from({ length: count }, () => generator.integers(below));
};

test.prop([fc.integer({ min: 2, max: 5 }), fc.integer({ min: 0, max: 3 }), seeds], { numRuns: 30 })(
  'a label that one token tells is read always, whichever codes stand for it',
  (classes, slot, seed) => {
    const labels = drawn(2000, classes, seed);
    const tokens = ndarray('int32', [2000, 2, 2], drawn(8000, 8, seed + 1));
    const shuffled = npRandom(seed + 2).permutation(8);
    for (const [n, label] of labels.entries()) tokens.data[4 * n + slot] = Number(shuffled[label]);
    expect(probeAccuracy(tokens, labels, { vocabulary: 8, classes }).accuracy).toBe(1);
  },
);

test('tokens that know nothing are worth the floor, and labels that two tokens tell together alone are not read', () => {
  const labels = Int32Array.from({ length: 4000 }, (_, n) => (n % 4 === 0 ? 1 : 0));
  const blind = probeAccuracy(ndarray('int32', [4000, 3], drawn(12_000, 8, 0)), labels, { vocabulary: 8, classes: 2 });
  expect(blind.floor).toBe(0.75);
  expect(blind.accuracy).toBeCloseTo(0.75, 2);
  // Exclusive or: linear probes do not see it.
  const bits = ndarray('int32', [4000, 2], drawn(8000, 2, 1));
  const either = Int32Array.from({ length: 4000 }, (_, n) => bits.data[2 * n]! ^ bits.data[2 * n + 1]!);
  expect(Math.abs(probeAccuracy(bits, either, { vocabulary: 2, classes: 2 }).accuracy - 0.5)).toBeLessThan(0.1);
});

test('it is measured on frames that it has not seen', () => {
  // Every frame has a token of its own, which tells nothing of others.
  const tokens = ndarray(
    'int32',
    [200, 1],
    Int32Array.from({ length: 200 }, (_, n) => n),
  );
  const { accuracy } = probeAccuracy(tokens, drawn(200, 4, 3), { vocabulary: 200, classes: 4 });
  expect(accuracy).toBeLessThan(0.5);
});

test('labels that do not fit are errors', () => {
  const tokens = ndarray('int32', [2, 3]);
  const options = { vocabulary: 4, classes: 2 };
  expect(() => probeAccuracy(tokens, [0], options)).toThrow(ShapeError);
  expect(() => probeAccuracy(tokens, [0, 2], options)).toThrowErrorMatchingInlineSnapshot(
    `[ConfigError: probeAccuracy: expected at least two frames with labels in [0, 2), got 2 frames and the label 2.]`,
  );
  expect(() => probeAccuracy(ndarray('int32', [1, 3]), [0], options)).toThrow(ConfigError);
});

test.prop([seeds], { numRuns: 10 })('frames that follow the actions have the PSNR that others lack', (seed) => {
  const [frames, taken, others] = [noise(3, seed), noise(3, seed + 1), noise(3, seed + 2)];
  expect(deltaPsnr(frames, { taken, others: taken })).toBe(0);
  expect(deltaPsnr(frames, { taken: frames, others })).toBeCloseTo(100 - reconstructionQuality(frames, others).psnr, 9);
});
