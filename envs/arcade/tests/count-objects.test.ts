// Objects in frames: of real ones the counts are those of the state behind them, whoever plays.
import { describe, expect } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { npRandom } from '@tessera/core';
import { findBall, objectCounter, breakoutBoard } from '@tessera/env-arcade';
import { make } from 'gymnasium-js';

/** 1s in a set of cells. */
const sum = (cells: Uint8Array) => cells.reduce((total, cell) => total + cell, 0);

/** The objects that a state says there are. */
const truths: Readonly<Record<string, (state: never) => Readonly<Record<string, number>>>> = {
  'Catch-v0': () => ({ ball: 1, paddle: 1 }),
  'Breakout-v0': ({ bricks }: { bricks: Uint8Array }) => ({ ball: 1, paddle: 1, brick: sum(bricks) }),
  'SpaceInvaders-v0': (state: Record<'aliens' | 'bullets' | 'enemyBullets', Uint8Array>) => ({
    cannon: 1,
    alien: sum(state.aliens),
    bullet: sum(state.bullets),
    'enemy bullet': sum(state.enemyBullets),
  }),
  'Asterix-v0': () => ({ player: 1 }),
  'Freeway-v0': () => ({ chicken: 1 }),
};
const ids = Object.keys(truths);

interface Play {
  readonly id: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly seed: number;
}

/** The frames of random play, with the state behind each. */
function* played({ id, kwargs, seed }: Play, steps: number): Generator<{ frame: Uint8Array; state: never }> {
  const env = make(id, kwargs);
  const actions = npRandom(seed);
  const { n } = env.actionSpace as unknown as { n: number };
  let frame = env.reset({ seed }).observation as Uint8Array;
  for (let step = 0; step < steps; step++) {
    yield { frame, state: env.unwrapped.getState()['data'] as never };
    const { observation, terminated, truncated } = env.step(actions.integers(n));
    frame = (terminated || truncated ? env.reset() : { observation }).observation as Uint8Array;
  }
}

describe('objects in real frames', () => {
  test.prop([fc.constantFrom(...ids), fc.nat(), fc.integer({ min: 1, max: 3 })], { numRuns: 40 })(
    'are counted exactly, in every game and size',
    (id, seed, cellSize) => {
      const kwargs = id === 'Catch-v0' ? {} : { cellSize };
      const counter = objectCounter(id, kwargs)!;
      for (const { frame, state } of played({ id, kwargs, seed }, 150)) {
        const counts = counter.count(frame);
        expect(counts).toEqual(truths[id]!(state));
        for (const name of counter.single) expect(counts[name]).toBe(1);
      }
    },
  );

  test.prop([fc.nat(), fc.integer({ min: 10, max: 40 })], { numRuns: 10 })(
    'are counted exactly where cells differ in size',
    (seed, frameSize) => {
      const id = 'SpaceInvaders-v0';
      const counter = objectCounter(id, { frameSize })!;
      for (const { frame, state } of played({ id, kwargs: { frameSize }, seed }, 100)) {
        expect(counter.count(frame)).toEqual(truths[id]!(state));
      }
    },
  );

  test.prop([fc.nat(), fc.integer({ min: 0, max: 20 })], { numRuns: 20 })(
    'are counted through noise, and the ball is where it is found',
    (seed, noise) => {
      const counter = objectCounter('Breakout-v0')!;
      const draws = npRandom(seed);
      for (const { frame, state } of played({ id: 'Breakout-v0', kwargs: {}, seed }, 40)) {
        const noisy = Uint8Array.from(frame, (value) =>
          Math.min(255, Math.max(0, value + draws.integers(2 * noise + 1) - noise)),
        );
        expect(counter.count(noisy)).toEqual(truths['Breakout-v0']!(state));
        expect(findBall(noisy, breakoutBoard())).toBeDefined();
      }
    },
  );
});

describe('objects in frames that no game makes', () => {
  const frame = () => make('Breakout-v0').reset({ seed: 1 }).observation as Uint8Array;
  const counter = objectCounter('Breakout-v0')!;

  /** The cell of the ball, copied to another cell or painted over. */
  function withCell(row: number, column: number, colour: readonly number[]): Uint8Array {
    const out = frame();
    for (const y of [2 * row, 2 * row + 1]) {
      for (const x of [2 * column, 2 * column + 1]) out.set(colour, (y * 20 + x) * 3);
    }
    return out;
  }

  test('two balls, two paddles, or none', () => {
    expect(counter.count(frame())).toEqual({ ball: 1, paddle: 1, brick: 30 });
    expect(counter.count(withCell(6, 5, [200, 0, 0]))).toMatchObject({ ball: 2 });
    expect(counter.count(withCell(9, 0, [55, 105, 135]))).toMatchObject({ paddle: 2 });
    expect(counter.count(withCell(9, 4, [0, 0, 0]))).toMatchObject({ paddle: 0, ball: 1 });
    expect(counter.count(new Uint8Array(1200))).toEqual({ ball: 0, paddle: 0, brick: 0 });
    expect(counter.count(withCell(2, 2, [0, 0, 0]))).toMatchObject({ brick: 29 });
  });

  test('are refused in another size, and games without a counter have none', () => {
    expect(() => counter.count(new Uint8Array(1199))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: objectCounter: expected a frame of shape [20, 20, 3], got 1199 values. Check cellSize and frameSize.]`,
    );
    expect(objectCounter('CartPole-v1')).toBeUndefined();
    expect(objectCounter('constructor')).toBeUndefined();
    expect(objectCounter('SpaceInvaders-v0', { obsType: 'channels' })).toBeUndefined();
    expect(() => objectCounter('Breakout-v0', { cellSize: 0 })).toThrow(/cellSize/);
  });
});
