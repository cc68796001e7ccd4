import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { Box, Discrete, Env, register } from 'gymnasium-js';
import type { ResetResult, StepResult } from 'gymnasium-js';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { ballRecall, envConfig, frameShapeOf, poleTipHits } from '../src/environment.ts';
import { tokenizerDefaults } from '../src/tokenizer/config.ts';
import { settings } from './tokenizer/settings.ts';
import { strideCount } from '@tessera/vqvae';

const config = (id: string, rollouts: object = {}) => envConfig(id, settings({ rollouts }).rollouts);

/** Observes four numbers; counts how many of it are open. */
class Numbers extends Env<Float32Array> {
  static open = 0;
  readonly metadata = { renderModes: [] };
  readonly observationSpace = new Box({ low: -1, high: 1, shape: [4] }) as never;
  readonly actionSpace = new Discrete(2);

  constructor() {
    super();
    Numbers.open++;
  }

  override reset(): ResetResult<Float32Array> {
    throw new Error('never reset');
  }

  override step(): StepResult<Float32Array> {
    throw new Error('never stepped');
  }

  override close(): void {
    Numbers.open--;
  }
}

register({ id: 'Numbers-v0', entryPoint: () => new Numbers() as unknown as Env });

describe('frames', () => {
  test('have the shape of the observations', async () => {
    expect(await frameShapeOf(config('Breakout-v0'))).toEqual([20, 20, 3]);
    expect(await frameShapeOf(config('Breakout-v0', { envKwargs: { cellSize: 4 } }))).toEqual([40, 40, 3]);
    expect(await frameShapeOf(config('Catch-v0'))).toEqual([40, 40, 3]);
  });

  test('are pictures, or the environment is refused and closed', async () => {
    await expect(frameShapeOf(config('Numbers-v0'))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: train: expected an environment of pictures, Box(0, 255, (height, width, channels), uint8), got Box(-1.0, 1.0, (4,), float32) from 'Numbers-v0'. Choose another one, or render it to pixels.]`,
    );
    expect(Numbers.open).toBe(0);
  });

  test('modules are packages, addresses, or files as seen from the working directory', () => {
    const names = ['some-package', './mine.js', '../mine.js', '/mine.js', 'file:///mine.js', 'data:text/javascript,'];
    const [arcade, classicControl, toyText, ...imports] = config('Mine-v0', { envModules: names }).imports!;
    expect(arcade).toMatch(/^file:.*\/arcade\//);
    expect(classicControl).toMatch(/^file:.*\/classic-control\//);
    expect(toyText).toMatch(/^file:.*\/toy-text\//);
    const file = (path: string): string => pathToFileURL(resolve(path)).href;
    expect(imports).toEqual([names[0], file('mine.js'), file('../mine.js'), file('/mine.js'), names[4], names[5]]);
  });

  test('a module that throws is named, with what to do', async () => {
    const broken = 'data:text/javascript,throw new Error("no licence")';
    await expect(frameShapeOf(config('Mine-v0', { envModules: [broken] }))).rejects.toThrow(
      /^train: cannot import 'data:.*', which was to register Mine-v0: .*no licence.* in rollouts\.envModules\.$/s,
    );
  });
});

describe('ball recall', () => {
  /** Breakout frames of 20 x 20 with the ball in these cells; null for none. */
  function frames(cells: readonly (readonly [row: number, column: number] | null)[]): NdArray<'float32'> {
    const out = ndarray('float32', [cells.length, 20, 20, 3]);
    for (const [frame, cell] of cells.entries()) {
      if (cell === null) continue;
      for (const [y, x] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ] as const)
        out.data[((frame * 20 + cell[0] * 2 + y) * 20 + cell[1] * 2 + x) * 3] = 200 / 255;
    }
    return out;
  }

  const cell = fc.tuple(fc.nat(9), fc.nat(9));
  const breakout = config('Breakout-v0');

  test.prop([fc.array(fc.record({ truth: fc.option(cell), found: fc.boolean() }), { minLength: 1, maxLength: 12 })])(
    'is the share of balls, not of frames, that are where they were',
    (cases) => {
      const decoded = cases.map(({ truth, found }) =>
        truth === null || found ? truth : ([9 - truth[0], truth[1]] as const),
      );
      const balls = cases.filter(({ truth }) => truth !== null);
      const expected = balls.filter(({ found }) => found).length / balls.length;
      expect(ballRecall(breakout, frames(cases.map(({ truth }) => truth)), frames(decoded))).toBe(expected);
    },
  );

  test('a frame that shows two balls has lost its ball, and one that shows none too', () => {
    const truth = frames([
      [3, 4],
      [5, 5],
    ]);
    const both = frames([[3, 4], null]);
    both.data.set(
      frames([[7, 7]]).data.filter((value) => value > 0),
      (14 * 20 + 14) * 3,
    );
    expect(ballRecall(breakout, truth, both)).toBeLessThan(1);
    expect(ballRecall(breakout, truth, frames([null, null]))).toBe(0);
  });

  test('is no number where no ball is known', () => {
    expect(ballRecall(config('Gallery-v0'), frames([[1, 1]]), frames([[1, 1]]))).toBeNaN();
    expect(ballRecall(breakout, frames([null]), frames([[1, 1]]))).toBeNaN();
  });
});

describe('pole tip hits', () => {
  const cartPole = config('CartPole-v1');
  const white = () => ndarray('float32', [1, 64, 64, 3], new Float32Array(64 * 64 * 3).fill(1));

  /** A white frame with a pole two pixels wide that ends above the pixel (row, column). */
  function pole(row: number, column: number): NdArray<'float32'> {
    const frame = white();
    for (let y = row; y < 50; y++)
      for (const x of [column - 1, column]) frame.data.set([202 / 255, 152 / 255, 101 / 255], (y * 64 + x) * 3);
    return frame;
  }

  const side = fc.integer({ min: 10, max: 45 });
  test.prop([side, side, fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 })])(
    'are tips that are seen within a pixel of where they are seen in the real frame',
    (row, column, down, right) => {
      const found = Math.hypot(down, right) <= 1 ? 1 : 0;
      expect(poleTipHits(cartPole, pole(row, column), pole(row + down, column + right))).toEqual({ shown: 1, found });
    },
  );

  test('are of frames that show one, in CartPole alone', () => {
    expect(poleTipHits(cartPole, pole(20, 20), white())).toEqual({ shown: 1, found: 0 });
    expect(poleTipHits(cartPole, white(), pole(20, 20))).toEqual({ shown: 0, found: 0 });
    expect(poleTipHits(config('Acrobot-v1'), pole(20, 20), pole(20, 20))).toEqual({ shown: 0, found: 0 });
  });
});

test.each([
  'CartPole-v1',
  'MountainCar-v0',
  'Acrobot-v1',
  'FrozenLake-v1',
  'FrozenLake8x8-v1',
  'CliffWalking-v1',
  'Taxi-v4',
  'Blackjack-v1',
])('%s is seen through its pictures, by a tokenizer that fits them', async (id) => {
  const frameShape = await frameShapeOf(config(id));
  expect(frameShape).toEqual([64, 64, 3]);
  const { model } = settings(tokenizerDefaults(id));
  expect(strideCount({ ...model, frameShape })).toBe(3);
});
