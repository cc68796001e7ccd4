// The rasteriser: coverage is area, what lies outside changes nothing inside, and nothing else is touched.
import { fc, test } from '@fast-check/vitest';
import { Raster } from 'gymnasium-js';
import type { Colour } from 'gymnasium-js';
import { describe, expect } from 'vitest';

const white: Colour = [255, 255, 255];
const black: Colour = [0, 0, 0];

function blank(width = 24, height = 16): Raster {
  const raster = new Raster({ height, width });
  raster.clear(white);
  return raster;
}

/** How much black there is, in pixels. */
const ink = (raster: Raster): number => raster.data.reduce((sum, value) => sum + (255 - value) / 255 / 3, 0);
/** Rounding to bytes changes each pixel by half a step at most, and coverages below a thousandth are left out. */
const tolerance = 24 * 16 * 2e-3;

/** The largest difference of two values at the same place. */
const distance = (a: Uint8Array, b: ArrayLike<number>): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

/** Corners of a convex polygon: points on an ellipse in order of their angles. */
const convex = (span: number) =>
  fc
    .tuple(
      fc.array(fc.double({ min: 0, max: 6.28, noNaN: true }), { minLength: 3, maxLength: 9 }),
      fc.double({ min: -span, max: span, noNaN: true }),
      fc.double({ min: -span, max: span, noNaN: true }),
      fc.double({ min: 0, max: span, noNaN: true }),
      fc.boolean(),
    )
    .map(([angles, x, y, radius, isReversed]) => {
      const sorted = angles.toSorted((a, b) => (isReversed ? b - a : a - b));
      return sorted.flatMap((angle) => [12 + x + radius * Math.cos(angle), 8 + y + 0.7 * radius * Math.sin(angle)]);
    });

function area(points: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < points.length; i += 2) {
    const j = (i + 2) % points.length;
    sum += points[i]! * points[j + 1]! - points[j]! * points[i + 1]!;
  }
  return Math.abs(sum) / 2;
}

describe('polygons', () => {
  test.prop([convex(3.5)])('cover their area, in either direction', (points) => {
    const raster = blank();
    raster.fillPolygon(points, black);
    expect(Math.abs(ink(raster) - area(points))).toBeLessThan(tolerance);
  });

  test('with notches, too', () => {
    const raster = blank();
    const star = [3, 2, 20, 3.5, 12.25, 8, 20.5, 14, 2.5, 13, 9, 7.5];
    raster.fillPolygon(star, black);
    expect(Math.abs(ink(raster) - area(star))).toBeLessThan(tolerance);
  });

  test.prop([convex(40)])('are cut at the border: the same as the middle of a larger picture', (points) => {
    const raster = blank();
    raster.fillPolygon(points, black);
    const [marginX, marginY] = [70, 60];
    const large = blank(24 + 2 * marginX, 16 + 2 * marginY);
    large.fillPolygon(
      points.map((value, i) => value + (i % 2 === 0 ? marginX : marginY)),
      black,
    );
    const middle = Array.from({ length: 16 }, (_, y) => 3 * ((y + marginY) * large.width + marginX)).flatMap((at) => [
      ...large.data.subarray(at, at + 3 * 24),
    ]);
    expect(distance(raster.data, middle)).toBeLessThanOrEqual(1);
  });

  test('one that covers everything', () => {
    const raster = blank();
    raster.fillPolygon([-1e6, -1e6, 1e6, -1e6, 1e6, 1e6, -1e6, 1e6], black);
    expect(raster.data.every((value) => value === 0)).toBe(true);
  });

  test.prop([fc.array(fc.double(), { maxLength: 12 }), convex(5)])('anything at all does no harm', (points, next) => {
    const raster = blank();
    raster.fillPolygon(points, black);
    raster.strokeLine(points, 3, black);
    const [x = 0, y = 0, radius = 0, other = 0] = points;
    raster.fillCircle(x, y, radius, black, other);
    raster.fillRect(x, y, radius, other, black);
    // No trace is left in the buffers.
    const fresh = blank();
    raster.clear(white);
    for (const each of [raster, fresh]) each.fillPolygon(next, black);
    expect(Buffer.compare(raster.data, fresh.data)).toBe(0);
  });
});

describe('other shapes', () => {
  const coordinate = fc.double({ min: -5, max: 30, noNaN: true });
  const length = fc.double({ min: 0, max: 30, noNaN: true });

  test.prop([coordinate, coordinate, length, length])('a rectangle is a polygon', (x, y, width, height) => {
    const [a, b] = [blank(), blank()];
    a.fillRect(x, y, width, height, black);
    b.fillPolygon([x, y, x, y + height, x + width, y + height, x + width, y], black);
    expect(distance(a.data, b.data)).toBeLessThanOrEqual(1);
  });

  test.prop([fc.double({ min: 0.5, max: 7.5, noNaN: true }), fc.double({ min: 0.5, max: 7.5, noNaN: true })])(
    'ellipses cover pi a b',
    (a, b) => {
      const raster = blank();
      raster.fillCircle(12.3, 7.9, a, black, b);
      expect(Math.abs(ink(raster) - Math.PI * a * b)).toBeLessThan(tolerance + 0.02 * Math.PI * a * b);
    },
  );

  test('lines cover length times width, are never thinner than a pixel, and do not count their joints twice', () => {
    const [one, thin, bent] = [blank(), blank(), blank()];
    one.strokeLine([3, 3, 15, 8], 2, black);
    expect(ink(one)).toBeCloseTo(26, 0);
    thin.strokeLine([3, 3, 15, 8], 0.01, black);
    expect(ink(thin)).toBeCloseTo(13, 0);
    bent.strokeLine([3, 5.5, 15, 5.5, 3, 5.5], 3, black, 0.5);
    expect(bent.data[3 * (5 * 24 + 8)]).toBe(128);
  });

  test('opacity mixes', () => {
    const raster = blank();
    raster.fillRect(2, 2, 4, 4, [255, 0, 0], 0.5);
    expect(Array.from(raster.data.subarray(3 * (3 * 24 + 3), 3 * (3 * 24 + 3) + 3))).toEqual([255, 128, 128]);
  });
});

test('coordinates of a view, upwards and stretched', () => {
  const raster = new Raster({ height: 16, width: 24, viewHeight: 160, viewWidth: 48, yUp: true });
  raster.clear(white);
  raster.fillRect(0, 0, 24, 40, black);
  const isBlack = (x: number, y: number): boolean => raster.data[3 * (y * 24 + x)] === 0;
  expect([isBlack(0, 15), isBlack(11, 12), isBlack(12, 12), isBlack(11, 11), isBlack(0, 0)]).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
  expect(ink(raster)).toBeCloseTo(48);
});

test('copies and frames share nothing', () => {
  const background = blank();
  background.fillRect(1, 1, 3, 3, [10, 20, 30]);
  const raster = blank();
  raster.copyFrom(background);
  const frame = raster.toFrame();
  expect(frame).toEqual({ dtype: 'uint8', shape: [16, 24, 3], data: background.data });
  raster.clear([1, 2, 3]);
  expect(Array.from(raster.data.subarray(0, 6))).toEqual([1, 2, 3, 1, 2, 3]);
  expect(Buffer.compare(frame.data, background.data)).toBe(0);
});
