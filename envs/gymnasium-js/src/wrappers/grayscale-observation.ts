// Colour pictures to grey ones (gymnasium.wrappers.GrayscaleObservation).
import { ConfigError } from '@tessera/core';
import type { Env } from '../env.ts';
import { Box } from '../spaces/box.ts';
import { checkPictures } from './checks.ts';
import { ObservationWrapper } from './mapping-wrappers.ts';

export interface GrayscaleObservationOptions {
  /** Whether pictures are `[height, width, 1]` instead of `[height, width]`; false by default. */
  readonly keepDim?: boolean;
}

/** `0.2125 red + 0.7154 green + 0.0721 blue`, cut off to a byte: uint8 `[height, width]` out of uint8 `[height, width, 3]`. */
export class GrayscaleObservation<Act = number> extends ObservationWrapper<Uint8Array, Act> {
  readonly keepDim: boolean;

  /** Throws ConfigError unless observations are pictures of bytes with three channels. */
  constructor(env: Env<Uint8Array, Act>, options: GrayscaleObservationOptions = {}) {
    const { keepDim = false } = options;
    super(env, { ...options });
    const where = 'GrayscaleObservation';
    const { shape } = checkPictures(where, env.observationSpace, [3]);
    if (shape[2] !== 3) {
      const got = env.observationSpace.toString();
      throw new ConfigError(`${where}: expected pictures of 3 channels, got ${got}.`);
    }
    this.keepDim = keepDim;
    const grey = keepDim ? [shape[0]!, shape[1]!, 1] : [shape[0]!, shape[1]!];
    this.observationSpace = new Box({ low: 0, high: 255, shape: grey, dtype: 'uint8' });
  }

  override observation(observation: Uint8Array): Uint8Array {
    const grey = new Uint8Array(observation.length / 3);
    for (let i = 0, at = 0; i < grey.length; i++, at += 3) {
      grey[i] = 0.2125 * observation[at]! + 0.7154 * observation[at + 1]! + 0.0721 * observation[at + 2]!;
    }
    return grey;
  }
}
