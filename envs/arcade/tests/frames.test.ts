// Frames show the board exactly, and the ball can be found in them, decoded ones included.
import { fc, test } from '@fast-check/vitest';
import { npRandom } from '@tessera/core';
import { Breakout, breakoutBoard, Catch, catchBoard, findBall } from '@tessera/env-arcade';
import { describe, expect } from 'vitest';
import { boardOf, breakoutAt, bricksAt, readBreakout } from './board.ts';

const cellOf = (row: number, column: number): number => row * 10 + column;

describe('a frame of Breakout', () => {
  test.prop([fc.nat(), fc.constantFrom(1, 2, 3, 4, 8), fc.array(fc.nat({ max: 5 }), { maxLength: 60 })])(
    'is the board and nothing else, in every step',
    (seed, cellSize, actions) => {
      const env = new Breakout({ cellSize });
      let frame = env.reset({ seed }).observation;
      for (const action of actions) {
        const board = boardOf(env);
        expect(frame.length).toBe(300 * cellSize ** 2);
        expect(readBreakout(frame, cellSize)).toEqual({
          bricks: [...board.bricks.entries()].filter(([, brick]) => brick === 1).map(([cell]) => cell),
          ball: [cellOf(board.ballRow, board.ballColumn)],
          trail: [cellOf(board.trailRow, board.trailColumn)],
          paddle: [cellOf(9, board.paddle)],
        });
        const result = env.step(action);
        frame = result.terminated ? env.reset().observation : result.observation;
      }
    },
  );

  test('shows a new wall of bricks', () => {
    const env = breakoutAt({ ballRow: 8, ballColumn: 4, paddle: 4, bricks: bricksAt() });
    const { observation } = env.step(0);
    expect(readBreakout(observation, 2)).toEqual({
      bricks: Array.from({ length: 30 }, (_, i) => 10 + i),
      ball: [85],
      trail: [84],
      paddle: [94],
    });
  });

  test('shows the brightest cell within a byte: a missed ball is never over the paddle', () => {
    const env = breakoutAt({ ballRow: 8, ballColumn: 4, paddle: 0 });
    expect(Math.max(...env.step(0).observation)).toBe(200);
  });

  test('is what render gives', () => {
    const env = new Breakout({ renderMode: 'rgb_array', cellSize: 3 });
    const { observation } = env.reset({ seed: 0 });
    expect(env.render()).toEqual({ dtype: 'uint8', shape: [30, 30, 3], data: observation });
    expect(new Breakout().render()).toBeUndefined();
  });
});

describe('findBall', () => {
  const anywhere = fc.record({ row: fc.nat({ max: 8 }), column: fc.nat({ max: 9 }), paddle: fc.nat({ max: 9 }) });

  test.prop([anywhere, fc.constantFrom(1, 2, 4), fc.boolean(), fc.nat()])(
    'finds the ball of Breakout, also after a decoder that errs by a quarter of the range',
    ({ row, column, paddle }, cellSize, isDecoded, seed) => {
      const env = breakoutAt({ ballRow: row, ballColumn: column, trailRow: 0, trailColumn: 0, paddle }, { cellSize });
      const noise = npRandom(seed);
      const frame = frameOf(env);
      const decoded = Float32Array.from(frame, (value) => value / 255 + noise.uniform(-0.25, 0.25));
      expect(findBall(isDecoded ? decoded : frame, { cellSize })).toEqual({ row, column });
    },
  );

  test.prop([fc.nat(), fc.array(fc.nat({ max: 2 }), { maxLength: 9 })])(
    'finds the ball of Catch, over the paddle too',
    (seed, actions) => {
      const env = new Catch();
      let frame = env.reset({ seed }).observation;
      for (const action of actions) frame = env.step(action).observation;
      const { ballRow, ballColumn } = env.getState()['data'] as { ballRow: number; ballColumn: number };
      expect(findBall(frame, catchBoard)).toEqual({ row: ballRow, column: ballColumn });
    },
  );

  test('finds nothing in a frame without a ball or with two', () => {
    const env = breakoutAt({ ballRow: 5, ballColumn: 5, directionRow: -1 });
    const frame = frameOf(env);
    const without = frame.map((value, i) => (i % 3 === 0 && value >= 200 ? 0 : value));
    expect(findBall(without, breakoutBoard())).toBeUndefined();
    expect(findBall(new Uint8Array(1200), breakoutBoard())).toBeUndefined();
    expect(findBall(new Float32Array(1200).fill(NaN), breakoutBoard())).toBeUndefined();
    expect(findBall(new Uint8Array(1200).fill(255), breakoutBoard())).toBeUndefined();
  });

  test('takes other ranges and refuses other sizes', () => {
    const frame = frameOf(breakoutAt({ ballRow: 7, ballColumn: 2 }));
    expect(findBall(Array.from(frame), { cellSize: 2, maximum: 255 })).toEqual({ row: 7, column: 2 });
    expect(() => findBall(frame, { cellSize: 4 })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: findBall: expected a frame of shape [40, 40, 3], got 1200 values. Check cellSize, rows and columns.]`,
    );
    expect(() => findBall(frame, { cellSize: 1.5 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: findBall: expected a whole number > 0 of pixels as cellSize, got 1.5.]`,
    );
  });

  // The state is put there by setState, so it takes a step elsewhere to get at a frame: render does it.
  function frameOf(env: Breakout): Uint8Array {
    const size = Math.sqrt(env.observationSpace.low.length / 300);
    const shown = new Breakout({ cellSize: size, renderMode: 'rgb_array' });
    shown.setState(env.getState());
    return shown.render()!.data;
  }
});
