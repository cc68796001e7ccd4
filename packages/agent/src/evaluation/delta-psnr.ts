// Whether a world model listens to actions: how much nearer to the real frame its frame is after the actions that were taken than after random ones. Controllability,
// Bruce et al. 2024 (Genie, arXiv 2402.15391, section 3), at the fourth frame as there.
import { ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import type { FrameReference } from '@tessera/rollouts';
import { deltaPsnr, toUnit } from '@tessera/vqvae';
import type { Tokenizer } from '@tessera/vqvae';
import type { WorldModel } from '../world-model/world-model.ts';
import { pick } from '../world-model/windows.ts';
import { imagineActions } from './open-loop.ts';
import { bootstrapInterval } from './seed-statistics.ts';
import type { StepWindows } from './windows-of-steps.ts';

/** `PSNR(x_t, x^_t) - PSNR(x_t, x^'_t)` in dB: 0 when actions do not matter, and more the more they do. */
export interface DeltaPsnr {
  /** Mean over rollouts. An exact frame counts as 100 dB. */
  readonly mean: number;
  /** 95 % bootstrap interval of the mean, over rollouts. */
  readonly low: number;
  readonly high: number;
  readonly rollouts: number;
  /** t: steps after which frames are compared. */
  readonly step: number;
}

/** What is compared. */
export interface DeltaPsnrOptions {
  readonly worldModel: WorldModel;
  readonly tokenizer: Tokenizer;
  /** Gives real frames, uint8 [places, height, width, channels]. */
  readonly frames: (places: readonly FrameReference[]) => Promise<NdArray<'uint8'>>;
  /** int32 [windows, horizon, tokens]: what the world model imagines after the actions that were taken. */
  readonly imagined: NdArray<'int32'>;
  /** Default 4. */
  readonly step?: number;
  /** Draws the random actions and the samples of the interval. */
  readonly generator: Generator;
  /** Samples of the interval; default 2,000. */
  readonly samples?: number;
}

/** The measurement, over the windows that last `step` steps; undefined when none does. */
export async function measureDeltaPsnr(
  { starts, lengths, places }: Pick<StepWindows, 'starts' | 'lengths' | 'places'>,
  { worldModel, tokenizer, frames, imagined, step = 4, generator, samples }: DeltaPsnrOptions,
): Promise<DeltaPsnr | undefined> {
  const long = [...lengths.keys()].filter((window) => lengths[window]! >= step);
  if (long.length === 0) return undefined;
  const actions = ndarray('int32', [long.length, step]);
  for (let i = 0; i < actions.data.length; i++) actions.data[i] = generator.integers(worldModel.spec.actionCount);
  const own = { tokens: pick(starts.tokens, long), actions: pick(starts.actions, long) };
  const taken = lastOf(imagined, step, long);
  const others = lastOf(imagineActions(worldModel, own, actions), step, [...long.keys()]);
  const decode = ({ data }: NdArray<'int32'>) =>
    tokenizer.decode({ dtype: 'int32', shape: [long.length, ...tokenizer.spec.tokenShape], data });
  const [decodedTaken, decodedOthers] = [decode(taken), decode(others)];
  const real = toUnit(await frames(long.map((window) => places[window]![step - 1]!)));
  const differences = long.map((_, i) =>
    deltaPsnr(row(real, i), { taken: row(decodedTaken, i), others: row(decodedOthers, i) }),
  );
  const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  const [low, high] = bootstrapInterval([differences], {
    generator,
    statistic: ([sample]) => mean(sample!),
    ...(samples !== undefined && { samples }),
  });
  return { mean: mean(differences), low, high, rollouts: long.length, step };
}

/** Of frames [windows, horizon, tokens] those after `step` steps of some windows, [windows, tokens]. */
function lastOf(frames: NdArray<'int32'>, step: number, windows: readonly number[]): NdArray<'int32'> {
  const [, horizon, width] = frames.shape as [number, number, number];
  const out = ndarray('int32', [windows.length, width]);
  for (const [i, window] of windows.entries()) {
    const at = (window * horizon + step - 1) * width;
    out.data.set(frames.data.subarray(at, at + width), i * width);
  }
  return out;
}

function row({ shape, data }: NdArray<'float32'>, i: number): NdArray<'float32'> {
  const size = data.length / shape[0]!;
  return ndarray('float32', [1, ...shape.slice(1)], data.subarray(i * size, (i + 1) * size));
}
