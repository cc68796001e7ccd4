// Dreams of replayed steps, and how true they are: what training logs in every round and what a finished agent is measured by.
import { elementCount, ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import type { Replay, ReplayChunk } from '@tessera/rollouts';
import { toBytes } from '@tessera/vqvae';
import type { Agent } from '../agent.ts';
import { framesAt } from '../training/token-memory.ts';
import type { TokenMemory } from '../training/token-memory.ts';
import { measureDeltaPsnr } from './delta-psnr.ts';
import type { DeltaPsnr } from './delta-psnr.ts';
import { imagineActions, openLoopAccuracy } from './open-loop.ts';
import type { OpenLoop } from './open-loop.ts';
import { stepWindows } from './windows-of-steps.ts';
import type { StepWindows } from './windows-of-steps.ts';

/** What is dreamed again. */
export interface DreamOptions {
  readonly replay: Replay;
  readonly memory: TokenMemory;
  /** Whose steps. */
  readonly chunks: readonly ReplayChunk[];
  /** Dreams at most. */
  readonly count: number;
  /** Steps of a dream; default 10. */
  readonly horizon?: number;
  /** Draws random actions and the samples of the interval. */
  readonly generator: Generator;
  /** Samples of the interval; default 2,000. */
  readonly samples?: number;
}

/** How true dreams are. */
export interface Dreams {
  readonly openLoop: OpenLoop;
  /** Undefined when no dream is long enough. */
  readonly deltaPsnr: DeltaPsnr | undefined;
  readonly windows: StepWindows;
  /** int32 [windows, horizon, tokens]. */
  readonly imagined: NdArray<'int32'>;
}

/** Dreams steps that were taken, with the actions that were taken and with random ones; undefined when nothing lasts `horizon` steps or to an end. */
export async function measureDreams(
  { worldModel, tokenizer }: Pick<Agent, 'worldModel' | 'tokenizer'>,
  { replay, memory, chunks, count, horizon = 10, generator, samples }: DreamOptions,
): Promise<Dreams | undefined> {
  const windows = await stepWindows(memory, chunks, { horizon, count, context: worldModel.config.context });
  if (windows === undefined) return undefined;
  const imagined = imagineActions(worldModel, windows.starts, windows.actions);
  const deltaPsnr = await measureDeltaPsnr(windows, {
    worldModel,
    tokenizer,
    frames: (places) => framesAt(replay, places),
    imagined,
    generator,
    ...(samples !== undefined && { samples }),
  });
  return { openLoop: openLoopAccuracy(windows, imagined), deltaPsnr, windows, imagined };
}

/** The frames of dreams beside those that really came, both uint8 [n, height, width, channels]; dream by dream, each as long as its window. */
export async function dreamFrames(
  { windows, imagined }: Dreams,
  { replay, tokenizer }: Pick<DreamOptions, 'replay'> & Pick<Agent, 'tokenizer'>,
): Promise<{ readonly real: NdArray<'uint8'>; readonly imagined: NdArray<'uint8'> }> {
  const { tokenShape, frameShape } = tokenizer.spec;
  const [, horizon, width] = imagined.shape as [number, number, number];
  const places = windows.places.flat();
  const frames = ndarray('uint8', [places.length, ...frameShape]);
  let at = 0;
  // A dream at a time: decoded numbers take four times the room of bytes.
  for (const [window, length] of windows.lengths.entries()) {
    const start = window * horizon * width;
    const data = imagined.data.slice(start, start + length * width);
    const decoded = toBytes(tokenizer.decode({ dtype: 'int32', shape: [length, ...tokenShape], data }));
    frames.data.set(decoded.data, at * elementCount(frameShape));
    at += length;
  }
  return { real: await framesAt(replay, places), imagined: frames };
}
