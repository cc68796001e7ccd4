// The environments that rollouts step: what an environment shows, whatever it observes.
import { ConfigError } from '@tessera/core';
import { AddRenderObservation, Box, make } from 'gymnasium-js';
import type { Env, MakeOptions, Space } from 'gymnasium-js';
import { StackFrames } from './stack-frames.ts';

/** Whether observations are frames: `uint8 [height, width, channels]`. */
export function isFrameSpace(space: Space<unknown>): space is Box<'uint8'> {
  return space instanceof Box && space.dtype === 'uint8' && space.shape.length === 3 && !space.shape.includes(0);
}

/** What `makeFrames` takes besides the options of `make`. */
export interface FrameOptions extends MakeOptions {
  /** So many frames as one, their channels side by side and the newest last; default 1. */
  readonly stackFrames?: number;
}

/**
 * The environment `id` with frames as observations: its own, or else the pictures that it renders as `rgb_array` (`renderSize` and the like are among `options`).
 * One that can do neither comes as it is.
 *
 * Throws what `make` throws, and ConfigError for frames that cannot be stacked.
 */
export function makeFrames(id: string, { stackFrames = 1, ...options }: FrameOptions = {}): Env {
  const env = makeSingle(id, options);
  if (stackFrames === 1) return env;
  try {
    if (isFrameSpace(env.observationSpace)) return new StackFrames(env as Env<Uint8Array>, stackFrames);
    throw new ConfigError(`stackFrames: ${id} shows no frames that could be stacked. Leave it out.`);
  } catch (error) {
    env.close();
    throw error;
  }
}

function makeSingle(id: string, options: MakeOptions): Env {
  const env = make(id, options) as Env;
  if (isFrameSpace(env.observationSpace) || !env.metadata.renderModes.includes('rgb_array')) return env;
  env.close();
  return new AddRenderObservation(make(id, { ...options, renderMode: 'rgb_array' }) as Env<unknown>);
}
