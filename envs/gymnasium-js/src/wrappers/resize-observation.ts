// Pictures of another size (gymnasium.wrappers.ResizeObservation), with the numbers of OpenCV's INTER_AREA.
import type { Env } from '../env.ts';
import { resizeArea } from '../images/resize-area.ts';
import type { ImageShape } from '../images/resize-area.ts';
import { Box } from '../spaces/box.ts';
import { checkPictures, checkShape } from './checks.ts';
import { ObservationWrapper } from './mapping-wrappers.ts';

export interface ResizeObservationOptions {
  /** `[height, width]`. */
  readonly shape: readonly [number, number];
}

/** uint8 `[height, width]` or `[height, width, channels]` of the wanted height and width: each pixel the mean of the area it covers. */
export class ResizeObservation<Act = number> extends ObservationWrapper<Uint8Array, Act> {
  readonly shape: readonly [number, number];
  readonly #from: ImageShape;

  /** Throws ConfigError unless observations are pictures of bytes and `shape` is two whole numbers > 0. */
  constructor(env: Env<Uint8Array, Act>, options: ResizeObservationOptions) {
    super(env, { ...options });
    const where = 'ResizeObservation';
    const { shape: from } = checkPictures(where, env.observationSpace, [2, 3]);
    this.#from = [from[0]!, from[1]!, from[2] ?? 1];
    this.shape = checkShape(where, options?.shape, 2) as [number, number];
    const shape = [...this.shape, ...from.slice(2)];
    this.observationSpace = new Box({ low: 0, high: 255, shape, dtype: 'uint8' });
  }

  override observation(observation: Uint8Array): Uint8Array {
    return resizeArea(observation, this.#from, this.shape);
  }
}
