// The environments that rollouts step: what an environment shows, whatever it observes.
import { AddRenderObservation, Box, make } from 'gymnasium-js';
import type { Env, MakeOptions, Space } from 'gymnasium-js';

/** Whether observations are frames: `uint8 [height, width, channels]`. */
export function isFrameSpace(space: Space<unknown>): space is Box<'uint8'> {
  return space instanceof Box && space.dtype === 'uint8' && space.shape.length === 3 && !space.shape.includes(0);
}

/**
 * The environment `id` with frames as observations: its own, or else the pictures that it renders as `rgb_array` (`renderSize` and the like are among `options`).
 * One that can do neither comes as it is.
 *
 * Throws what `make` throws.
 */
export function makeFrames(id: string, options: MakeOptions = {}): Env {
  const env = make(id, options) as Env;
  if (isFrameSpace(env.observationSpace) || !env.metadata.renderModes.includes('rgb_array')) return env;
  env.close();
  return new AddRenderObservation(make(id, { ...options, renderMode: 'rgb_array' }) as Env<unknown>);
}
