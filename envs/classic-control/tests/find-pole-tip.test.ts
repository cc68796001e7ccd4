// The detector of CartPole's pole tip sees it where the environment's state has it, from pixels alone.
import { fc, test } from '@fast-check/vitest';
import { npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { findPoleTip } from '@tessera/env-classic-control';
import { make } from 'gymnasium-js';
import { describe, expect } from 'vitest';

type Size = readonly [height: number, width: number];

function show(x: number, theta: number, renderSize: Size): Uint8Array {
  const env = make('CartPole-v1', { renderMode: 'rgb_array', renderSize });
  env.reset({ seed: 0 });
  const bare = env.unwrapped;
  const saved = bare.getState();
  bare.setState({
    ...saved,
    data: { ...(saved['data'] as object), state: Float64Array.of(x, 0, theta, 0) },
  });
  return (bare.render() as NdArray<'uint8'>).data;
}

/** Gymnasium's geometry: 125 units a metre, the axle 107.5 above the ground, the pole's upper end 120 above the axle. */
const tip = (x: number, theta: number, [height, width]: Size) => ({
  x: ((300 + 125 * x + 120 * Math.sin(theta)) * width) / 600,
  y: ((400 - 107.5 - 120 * Math.cos(theta)) * height) / 400,
});

const number = (limit: number) => fc.double({ min: -limit, max: limit, noNaN: true });
/** Beyond where episodes end: at most 2.4 from the middle and 12 degrees, and a step. */
const states = fc.tuple(number(2.45), number(0.28));
const size = fc.oneof(
  fc.constant<Size>([64, 64]),
  fc.tuple(fc.integer({ min: 32, max: 128 }), fc.integer({ min: 32, max: 128 })),
);

describe('findPoleTip', () => {
  test.prop([states, size], { numRuns: 500 })(
    'is within a pixel of the truth, whatever the state and the size',
    ([x, theta], shape) => {
      const truth = tip(x, theta, shape);
      const margin = (8 * shape[1]) / 600;
      fc.pre(truth.x > margin && truth.x < shape[1] - margin);
      const found = findPoleTip(show(x, theta, shape), { size: shape })!;
      expect(Math.hypot(found.x - truth.x, found.y - truth.y)).toBeLessThan(1);
    },
  );

  // Episodes end before the cart leaves the frame, so a tip at the edge leans outwards.
  test.prop([number(0.28)], { numRuns: 100 })('is as near where the edge cuts the pole', (theta) => {
    const edge = theta < 0 ? 0.02 : 63.98;
    const x = ((edge * 600) / 64 - 300 - 120 * Math.sin(theta)) / 125;
    const found = findPoleTip(show(x, theta, [64, 64]))!;
    const truth = tip(x, theta, [64, 64]);
    expect(truth.x).toBeCloseTo(edge, 9);
    expect(Math.hypot(found.x - truth.x, found.y - truth.y)).toBeLessThan(0.8);
  });

  test.prop([number(2), number(0.25), fc.nat()], { numRuns: 100 })(
    'is within two pixels after a decoder that errs by four parts of a hundred',
    (x, theta, seed) => {
      const noise = npRandom(seed);
      const decoded = Float32Array.from(show(x, theta, [64, 64]), (byte) => byte / 255 + noise.uniform(-0.04, 0.04));
      const found = findPoleTip(decoded)!;
      const truth = tip(x, theta, [64, 64]);
      expect(Math.hypot(found.x - truth.x, found.y - truth.y)).toBeLessThan(2);
    },
  );

  test('is nothing in a frame without a pole, and elsewhere where the tip is gone', () => {
    const frame = show(0, 0, [64, 64]);
    expect(findPoleTip(frame.map((value, i) => (i % 3 === 0 ? frame[i + 2]! : value)))).toBeUndefined();
    const whole = findPoleTip(frame)!;
    const row = Math.floor(whole.y) + 4;
    const cut = frame.slice();
    cut.fill(255, 0, row * 64 * 3);
    expect(findPoleTip(cut)!.y).toBeGreaterThanOrEqual(row);
  });

  test('frames of another size, and sizes that are none', () => {
    const frame = show(0, 0, [64, 64]);
    expect(() => findPoleTip(frame, { size: [64, 96] })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: findPoleTip: expected a frame of shape [64, 96, 3], got 12288 values. Check size.]`,
    );
    expect(() => findPoleTip(frame, { size: [64, 0.5] })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: findPoleTip: expected whole numbers > 0 of pixels as size, got [64, 0.5].]`,
    );
  });
});
