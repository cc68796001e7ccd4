// What a policy thinks, pixel by pixel.
import { describe, expect } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import type { Picture } from '@tessera/runs';
import { actionNames } from '../../src/action-names.ts';
import { panelColours, policyPanel, valuePanel } from '../../src/agent/policy-panels.ts';

const size = { height: 72, width: 328 };

const pixel = ({ data, shape }: Picture, y: number, x: number) => {
  const at = (y * shape[1]! + x) * 3;
  return [...data.subarray(at, at + 3)];
};

/** Rows of a column, from the top, that have a colour. */
const rowsOf = (picture: Picture, x: number, colour: readonly number[]) =>
  Array.from({ length: picture.shape[0]! }, (_, y) => y).filter((y) => String(pixel(picture, y, x)) === String(colour));

const probabilities = fc
  .array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 18 })
  .map((weights) => weights.map((weight) => weight + 1e-3))
  .map((weights) => weights.map((weight) => weight / weights.reduce((sum, x) => sum + x)));

describe('the bars of a policy', () => {
  test.prop([probabilities, fc.nat({ max: 17 })])(
    'stand on their names, together as high as the room',
    (likely, pick) => {
      const chosen = pick % likely.length;
      const picture = policyPanel({ probabilities: likely, chosen, names: likely.map((_, i) => String(i)) }, size);
      const column = Math.floor(size.width / likely.length);
      // Letters of two pixels a point, or one, and a gap of three.
      const room = size.height - 3 - 5 * (column - 2 >= (likely.length > 10 ? 14 : 6) ? 2 : 1);
      const bars = likely.map((_, i) =>
        rowsOf(picture, i * column + 1, i === chosen ? panelColours.chosen : panelColours.likely),
      );
      for (const [i, rows] of bars.entries()) {
        expect(rows.length).toBe(Math.round(room * likely[i]!));
        // From the bottom up, without a gap.
        expect(rows).toEqual(rows.map((_, y) => room - rows.length + y));
      }
      const total = bars.reduce((sum, rows) => sum + rows.length, 0);
      expect(Math.abs(total - room)).toBeLessThanOrEqual(likely.length / 2);
    },
  );

  test('have names that fit, and none that do not', () => {
    const names = ['noop', 'left', 'up', 'right', 'down', 'fire'];
    const lit = (width: number) => {
      const picture = policyPanel({ probabilities: [0, 0, 0, 0, 0, 0], chosen: 0, names }, { height: 30, width });
      return rowsOf(picture, 0, panelColours.background).length === 30 && new Set(picture.data).size > 1;
    };
    expect([lit(328), lit(140), lit(60)]).toEqual([true, true, false]);
  });

  test('of games that we know are called by name', () => {
    const minAtar = { count: 6, first: 0 };
    expect(actionNames('Breakout-v0', minAtar)).toEqual(['noop', 'left', 'up', 'right', 'down', 'fire']);
    expect(actionNames('Catch-v0', { count: 3, first: 0 })).toEqual(['left', 'stay', 'right']);
    expect(actionNames('Taxi-v3', { count: 2, first: 5 })).toEqual(['5', '6']);
    expect(actionNames('Catch-v0', { count: 2, first: 0 })).toEqual(['0', '1']);
  });
});

describe('the curve of values', () => {
  test('goes from the first to the present one, at their heights over the whole episode', () => {
    const values = Float32Array.of(0, 1, -1, 0.5);
    const until = (at: number) => valuePanel(values, at, { height: 71, width: 100 });
    // Below letters of 10 pixels and a gap of 3: 1 is at row 13, -1 at row 70, 0 in the middle.
    const columns = [0, 33, 66, 99];
    const rows = [42, 13, 70, 27];
    const whole = until(3);
    for (const [step, column] of columns.entries()) {
      expect(rowsOf(whole, column, panelColours.line)).toContain(rows[step]);
    }
    expect(rowsOf(until(1), 66, panelColours.line)).toEqual([]);
    expect(pixel(until(0), 42, 50)).toEqual([...panelColours.zero]);
  });

  test('of one value, of none and of equal ones is a picture', () => {
    for (const values of [[], [3], [0, 0, 0]]) {
      expect(valuePanel(Float32Array.from(values), 0, size).shape).toEqual([72, 328, 3]);
    }
  });
});
