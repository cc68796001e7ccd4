// How long a dream stays true: the world model sees the first frame of a window and then only the actions that were taken, its own frames taking the place of the
// real ones. One-step accuracy hides what this shows, that small errors feed on themselves.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { WorldModel } from '../world-model/world-model.ts';
import { copyStarts, setActions, shift } from '../world-model/windows.ts';
import type { Starts } from '../world-model/windows.ts';
import type { StepWindows } from './windows-of-steps.ts';

/** Shares in [0, 1], NaN where there was nothing to be right about. */
export interface OpenLoop {
  readonly windows: number;
  /** Steps of a window; fewer where its episode ends. */
  readonly horizon: number;
  /** Of the tokens of all imagined frames, those that are as they really were. */
  readonly tokens: number;
  /** Of those that really differed from the window's first frame. */
  readonly changedTokens: number;
  /** Of all tokens that the last real frame, standing still, has right; of the changed ones it has none. */
  readonly lastRealFrame: number;
  /** `tokens` after 1, 2, ... steps, as far as any window goes. */
  readonly tokensByStep: readonly number[];
  /** `changedTokens` after 1, 2, ... steps. */
  readonly changedTokensByStep: readonly number[];
}

/** The frames that follow `starts`, int32 [rows, steps, tokens], when `actions` int32 [rows, steps] are taken: the most likely ones. Imagined ends do not end it. */
export function imagineActions(worldModel: WorldModel, starts: Starts, actions: NdArray<'int32'>): NdArray<'int32'> {
  const [rows, steps] = actions.shape as [number, number];
  const width = starts.tokens.shape[2]!;
  const window = copyStarts(starts);
  const frames = ndarray('int32', [rows, steps, width]);
  for (let step = 0; step < steps; step++) {
    setActions(
      window,
      Int32Array.from({ length: rows }, (_, row) => actions.data[row * steps + step]!),
    );
    const { tokens } = worldModel.predict(window);
    for (let row = 0; row < rows; row++) {
      frames.data.set(tokens.data.subarray(row * width, (row + 1) * width), (row * steps + step) * width);
    }
    shift(window, tokens, width);
  }
  return frames;
}

/** Compares imagined frames, int32 [windows, horizon, tokens], with what really came. */
export function openLoopAccuracy({ starts, truth, lengths }: StepWindows, imagined: NdArray<'int32'>): OpenLoop {
  const [windows, horizon, width] = truth.shape as [number, number, number];
  const context = starts.tokens.shape[1]!;
  const counts = Array.from({ length: Math.max(...lengths) }, () => ({
    all: 0,
    right: 0,
    changed: 0,
    changedRight: 0,
    same: 0,
  }));
  for (let window = 0; window < windows; window++) {
    const first = ((window + 1) * context - 1) * width;
    for (let step = 0; step < lengths[window]!; step++) {
      const count = counts[step]!;
      for (let i = 0, at = (window * horizon + step) * width; i < width; i++, at++) {
        const right = imagined.data[at] === truth.data[at];
        count.all++;
        if (right) count.right++;
        if (truth.data[at] === starts.tokens.data[first + i]) count.same++;
        else {
          count.changed++;
          if (right) count.changedRight++;
        }
      }
    }
  }
  const total = (key: keyof (typeof counts)[number]) => counts.reduce((sum, count) => sum + count[key], 0);
  return {
    windows,
    horizon,
    tokens: total('right') / total('all'),
    changedTokens: total('changedRight') / total('changed'),
    lastRealFrame: total('same') / total('all'),
    tokensByStep: counts.map(({ right, all }) => right / all),
    changedTokensByStep: counts.map(({ changedRight, changed }) => changedRight / changed),
  };
}
