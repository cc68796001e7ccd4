// Pictures show the state: what moves changes the picture where it is, and only there.
import { fc, test } from '@fast-check/vitest';
import type { NdArray } from '@tessera/core';
import '@tessera/env-toy-text';
import { make, registry } from 'gymnasium-js';
import { describe, expect } from 'vitest';

type Frame = NdArray<'uint8'>;

function show(id: string, data: object, options: object = {}): Frame {
  const env = make(id, { renderMode: 'rgb_array', ...options });
  env.reset({ seed: 0 });
  const bare = env.unwrapped;
  const state = bare.getState();
  bare.setState({ ...state, data: { ...(state['data'] as object), ...data } });
  return bare.render() as Frame;
}

/** The box of pixels in which two pictures differ, as fractions of the sides: [left, top, right, bottom]. */
function difference(a: Frame, b: Frame): [number, number, number, number] | undefined {
  const [height, width] = a.shape as [number, number];
  const places = [...a.data.keys()].filter((i) => a.data[i] !== b.data[i]).map((i) => Math.floor(i / 3));
  if (places.length === 0) return undefined;
  const xs = places.map((place) => place % width);
  const ys = places.map((place) => Math.floor(place / width));
  return [
    Math.min(...xs) / width,
    Math.min(...ys) / height,
    (Math.max(...xs) + 1) / width,
    (Math.max(...ys) + 1) / height,
  ];
}

const lakes = [
  ['FrozenLake-v1', 4, 4],
  ['FrozenLake8x8-v1', 8, 8],
  ['CliffWalking-v1', 4, 12],
] as const;

describe.each(lakes)('%s', (id, rows, columns) => {
  const state = fc.nat({ max: rows * columns - 1 });
  test.prop([state, state, fc.constantFrom(64, 120)], { numRuns: 40 })(
    'who walks changes two tiles and nothing else',
    (from, to, renderSize) => {
      const box = difference(show(id, { state: from }, { renderSize }), show(id, { state: to }, { renderSize }));
      if (from === to) {
        expect(box).toBeUndefined();
        return;
      }
      const [left, top, right, bottom] = box!;
      const [c0, c1] = [Math.min(from % columns, to % columns), Math.max(from % columns, to % columns)];
      const [r0, r1] = [Math.min(from, to), Math.max(from, to)].map((s) => Math.floor(s / columns)) as [number, number];
      // The walker stands a tenth of a tile higher than its tile.
      const slack = 1 / renderSize;
      expect(left).toBeGreaterThanOrEqual(c0 / columns - slack);
      expect(right).toBeLessThanOrEqual((c1 + 1) / columns + slack);
      expect(top).toBeGreaterThanOrEqual((r0 - 0.1) / rows - slack);
      expect(bottom).toBeLessThanOrEqual((r1 + 1) / rows + slack);
    },
  );

  test('all states and directions look different', () => {
    const looks = new Set<string>();
    for (let s = 0; s < rows * columns; s++) looks.add(show(id, { state: s }).data.toString());
    expect(looks.size).toBe(rows * columns);
    const facing = [0, 1, 2, 3].map((lastAction) => show(id, { state: 0, lastAction }).data.toString());
    expect(new Set(facing).size).toBe(4);
  });
});

test('Taxi: all 500 states look different, and so do the headings', () => {
  const looks = new Set(
    Array.from({ length: 500 }, (_, state) => show('Taxi-v4', { state }, { renderSize: 70 }).data.join()),
  );
  expect(looks.size).toBe(500);
  const headings = [0, 1, 2, 3].map((heading) => show('Taxi-v4', { state: 250, heading }).data.join());
  expect(new Set(headings).size).toBe(4);
});

test('Blackjack: all cards, sums and aces look different', () => {
  const values = ['A', '2', '3', '4', '5', '6', '7', '8', '9', 'J', 'Q', 'K'];
  const cards = ['C', 'D', 'H', 'S'].flatMap((suit) => values.map((value) => suit + value));
  expect(new Set(cards.map((openCard) => show('Blackjack-v1', { openCard }).data.join())).size).toBe(48);
  const hands = Array.from({ length: 18 }, (_, i) => [2 + Math.min(i, 8), 2 + Math.max(0, i - 8)]);
  const soft = [
    [1, 5],
    [1, 10],
  ];
  expect(new Set([...hands, ...soft].map((player) => show('Blackjack-v1', { player }).data.join())).size).toBe(20);
});

test.each([...registry.keys()])('%s: sizes', (id) => {
  expect(show(id, {}).shape).toEqual([64, 64, 3]);
  expect(show(id, {}, { renderSize: [10, 20] }).shape).toEqual([10, 20, 3]);
  expect(show(id, {}, { renderSize: 1 }).shape).toEqual([1, 1, 3]);
  expect(make(id, { renderMode: 'rgb_array' }).unwrapped.render()).toBeUndefined();
});
