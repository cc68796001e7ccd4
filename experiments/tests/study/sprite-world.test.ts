// Sprite world and what reads it back: on real frames the readers are right about everything.
import { ndarray, npRandom } from '@tessera/core';
import { toUnit } from '@tessera/vqvae';
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { ballRecall, modeCoverage, parseFrames, validityThreshold } from '../../src/study/parse-frames.ts';
import { drawFrames, foregroundMask, modes, side, spriteWorld } from '../../src/study/sprite-world.ts';

const every = (seed: number) => {
  const generator = npRandom(seed);
  return drawFrames(
    Int32Array.from({ length: modes }, (_, mode) => mode),
    Float64Array.from({ length: 2 * modes }, () => generator.uniform(0, side - 2)),
  );
};

test('the parser reads 640 of 640 modes of real frames, and the ball is found in all', () => {
  for (const seed of [0, 1]) {
    const world = every(seed);
    const frames = toUnit(world.frames);
    const parsed = parseFrames(frames);
    expect(parsed.modes).toEqual(world.modes);
    expect(ballRecall(frames, world.balls)).toBe(1);
    const threshold = validityThreshold(parsed);
    const coverage = modeCoverage(parsed, threshold);
    expect(coverage.invalid).toBeLessThanOrEqual(0.001);
    expect(coverage.modes).toBeGreaterThanOrEqual(639);
    expect(coverage.klToUniform).toBeLessThan(0.01);
  }
});

test.prop([fc.noShrink(fc.nat(1e6))], { numRuns: 5 })(
  'frames are a function of the generator, with balls of one size',
  (seed) => {
    const world = spriteWorld(8, npRandom(seed));
    expect(spriteWorld(8, npRandom(seed)).frames).toEqual(world.frames);
    const mask = foregroundMask(world);
    for (let n = 0; n < 8; n++) {
      const without = drawFrames(world.modes.slice(n, n + 1), Float64Array.of(-9, -9)).frames.data;
      let touched = 0;
      for (let pixel = 0; pixel < side * side; pixel++) {
        const at = (n * side * side + pixel) * 3;
        const differs = [0, 1, 2].some((c) => world.frames.data[at + c] !== without[3 * pixel + c]);
        if (differs) {
          touched++;
          expect(mask.data[n * side * side + pixel]).toBe(1);
        }
      }
      expect(touched).toBeGreaterThanOrEqual(1);
      expect(touched).toBeLessThanOrEqual(9);
    }
  },
);

test('blurred frames, and frames with two sprites, are invalid; without a ball none is found', () => {
  const world = every(3);
  const frames = toUnit(world.frames);
  const threshold = validityThreshold(parseFrames(frames));
  const mean = ndarray('float32', frames.shape);
  const size = side * side * 3;
  for (let i = 0; i < mean.data.length; i++)
    mean.data[i] = (frames.data[i]! + frames.data[(i + 40 * size) % mean.data.length]!) / 2;
  expect(modeCoverage(parseFrames(mean), threshold).invalid).toBeGreaterThan(0.95);
  const bare = drawFrames(
    world.modes,
    Float64Array.from({ length: 2 * modes }, () => -9),
  );
  expect(ballRecall(toUnit(bare.frames), world.balls)).toBe(0);
  // A ball three pixels away is not the ball.
  const away = drawFrames(
    world.modes,
    world.balls.map((x) => (x > 15 ? x - 3 : x + 3)),
  );
  expect(ballRecall(toUnit(away.frames), world.balls)).toBe(0);
});

test('coverage of few modes, and of none', () => {
  const parsed = { modes: Int32Array.of(1, 1, 2, 3), residuals: Float64Array.of(0, 0, 0, 9) };
  const { modes: found, klToUniform, invalid } = modeCoverage(parsed, 1);
  expect([found, invalid]).toEqual([2, 0.25]);
  expect(klToUniform).toBeCloseTo(Math.log(640) - (Math.log(3) - (2 / 3) * Math.log(2)), 9);
  expect(modeCoverage(parsed, -1).klToUniform).toBeNaN();
});
