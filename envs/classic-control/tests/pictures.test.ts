// Pictures show the state: things are where the physics says, in any size, and nothing else changes.
import { fc, test } from '@fast-check/vitest';
import type { NdArray } from '@tessera/core';
import '@tessera/env-classic-control';
import { make, registry, setWarningHandler } from 'gymnasium-js';
import { afterAll, beforeAll, describe, expect } from 'vitest';

const warnings: string[] = [];
beforeAll(() => void setWarningHandler((message) => warnings.push(message)));
afterAll(() => void setWarningHandler());

type Frame = NdArray<'uint8'>;

function show(id: string, data: object, renderSize: number | [number, number] = 64): Frame {
  const env = make(id, { renderMode: 'rgb_array', renderSize });
  env.reset({ seed: 0 });
  const bare = env.unwrapped;
  const state = bare.getState();
  bare.setState({ ...state, data: { ...(state['data'] as object), ...data } });
  return bare.render() as Frame;
}

/** Mean position of the pixels that `matches`, as fractions of width and height from the lower left. */
function centre(
  { data, shape }: Frame,
  matches: (r: number, g: number, b: number, height: number) => boolean,
): [number, number] {
  const [height, width] = shape as [number, number];
  let [count, sumX, sumY] = [0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 3 * (y * width + x);
      if (!matches(data[at]!, data[at + 1]!, data[at + 2]!, 1 - (y + 0.5) / height)) continue;
      count++;
      sumX += (x + 0.5) / width;
      sumY += 1 - (y + 0.5) / height;
    }
  }
  expect(count).toBeGreaterThan(0);
  return [sumX / count, sumY / count];
}

const size = fc.constantFrom<number | [number, number]>(64, [64, 96], [200, 300]);
// Above the track, which is black too.
const isCart = (r: number, g: number, b: number, height: number): boolean => r + g + b < 150 && height > 0.25;
const isWood = (r: number, _g: number, b: number): boolean => r - b > 30;
const isRed = (r: number, g: number): boolean => r - g > 90;
const isCyan = (r: number, g: number): boolean => g - r > 100;

describe('CartPole', () => {
  const state = fc.tuple(fc.double({ min: -2, max: 2, noNaN: true }), fc.double({ min: -0.2, max: 0.2, noNaN: true }));

  test.prop([state, size], { numRuns: 50 })(
    'the pole stands on the cart and leans as it should',
    ([x, theta], size) => {
      const frame = show('CartPole-v1', { state: Float64Array.of(x, 0, theta, 0) }, size);
      const [cartX] = centre(frame, isCart);
      const [poleX, poleY] = centre(frame, isWood);
      const expected = 0.5 + x / 4.8;
      expect(Math.abs(cartX - expected)).toBeLessThan(0.03);
      // The middle of what is seen of the pole, about 0.53 of its length from the axle.
      expect(Math.abs(poleX - expected - (Math.sin(theta) * 66) / 600)).toBeLessThan(0.03);
      expect(Math.abs(poleY - 173 / 400)).toBeLessThan(0.04);
    },
  );
});

describe('MountainCar', () => {
  test.prop([fc.double({ min: -1.1, max: 0.3, noNaN: true }), size], { numRuns: 50 })(
    'the car is on the hill',
    (position, size) => {
      const [empty, frame] = [
        show('MountainCar-v0', { position: -1.1 }, size),
        show('MountainCar-v0', { position }, size),
      ];
      if (position < -0.8) return;
      // What the other picture does not have, but for the place of its own car.
      const width = frame.shape[1]!;
      const isElsewhere = (i: number): boolean => Math.floor(i / 3) % width > 0.15 * width;
      const changed = frame.data.map((value, i) => (isElsewhere(i) && empty.data[i]! - value > 60 ? 255 : 0));
      const [x, y] = centre({ ...frame, data: changed }, (r) => r === 255);
      expect(Math.abs(x - (position + 1.2) / 1.8)).toBeLessThan(0.04);
      const height = ((Math.sin(3 * position) * 0.45 + 0.55) * 600) / 1.8 + 20;
      expect(Math.abs(y - height / 400)).toBeLessThan(0.04);
    },
  );
});

describe('Pendulum', () => {
  test.prop([fc.double({ min: -20, max: 20, noNaN: true }), size], { numRuns: 50 })(
    'the rod points to theta',
    (theta, size) => {
      const [x, y] = centre(show('Pendulum-v1', { theta }, size), isRed);
      const half = 1 / 4.4 / 2;
      expect(Math.abs(x - 0.5 + half * Math.sin(theta))).toBeLessThan(0.03);
      expect(Math.abs(y - 0.5 - half * Math.cos(theta))).toBeLessThan(0.03);
    },
  );

  test('the arrow grows with the torque and turns with its sign', () => {
    const black = (lastTorque: number | undefined): number =>
      show('Pendulum-v1', { theta: 0, lastTorque }, 200).data.filter((value) => value < 60).length;
    expect(black(undefined)).toBe(black(0));
    expect(black(1)).toBeGreaterThan(black(0));
    expect(black(2)).toBeGreaterThan(black(1));
    const [left, right] = [2, -2].map((lastTorque) => show('Pendulum-v1', { theta: 0, lastTorque }, 200));
    expect(Buffer.compare(left!.data, right!.data)).not.toBe(0);
  });
});

describe('Acrobot', () => {
  // Not fc.double, most of whose numbers are next to 0.
  const angle = fc.integer({ min: -3000, max: 3000 }).map((thousandths) => thousandths / 1000);
  test.prop([angle, angle, size], { numRuns: 50 })('the links hang where the angles say', (theta1, theta2, size) => {
    // Folded links hide each other.
    if (Math.abs(theta2) > 2) return;
    const [x, y] = centre(show('Acrobot-v1', { state: [theta1, theta2, 0, 0] }, size), isCyan);
    const [unitX, unitY] = [
      1.5 * Math.sin(theta1) + 0.5 * Math.sin(theta1 + theta2),
      1.5 * Math.cos(theta1) + 0.5 * Math.cos(theta1 + theta2),
    ];
    // A link is 0.2 of 4.4 wide, in whole pixels: where one is a pixel wider than the other, the centre of both lies nearer to it.
    const pixels = Math.floor((0.2 / 4.4) * (typeof size === 'number' ? size : Math.min(...size)));
    const tolerance = 0.014 + (0.5 / (2 * pixels + 1)) * (1 / 4.4);
    expect(Math.abs(x - 0.5 - unitX / 2 / 4.4)).toBeLessThan(tolerance);
    expect(Math.abs(y - 0.5 + unitY / 2 / 4.4)).toBeLessThan(tolerance);
  });
});

test.each([...registry.keys()])('%s: sizes, equal states, no mode', (id) => {
  const frame = show(id, {}, [10, 20]);
  expect(frame.shape).toEqual([10, 20, 3]);
  expect(show(id, {})).toEqual(show(id, {}));
  expect(show(id, {}).shape).toEqual([64, 64, 3]);
  const silent = make(id);
  silent.reset({ seed: 0 });
  warnings.length = 0;
  expect(silent.render()).toBeUndefined();
  expect(warnings).toEqual([
    `You are calling render method without specifying any render mode. You can specify the renderMode at initialization, e.g. make('${id}', { renderMode: 'rgb_array' })`,
  ]);
  expect(make(id, { renderMode: 'rgb_array' }).unwrapped.render()).toBeUndefined();
});
