// Pictures as observations (gymnasium.wrappers.AddRenderObservation).
import { ConfigError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Env } from '../env.ts';
import { UnsupportedMode } from '../errors.ts';
import { Box } from '../spaces/box.ts';
import { Dict } from '../spaces/dict.ts';
import { describe } from '../spaces/explain.ts';
import type { Space } from '../spaces/space.ts';
import type { RenderResult } from '../types.ts';
import { ObservationWrapper } from './mapping-wrappers.ts';

export interface AddRenderObservationOptions {
  /** Whether the picture is the whole observation; true by default. */
  readonly renderOnly?: boolean;
  /** Key of the picture; `pixels` by default. */
  readonly renderKey?: string;
  /** Key of the observation beside it, unless that is a Dict; `state` by default. */
  readonly obsKey?: string;
}

/**
 * Observations are the pictures of `render`, uint8 `[height, width, 3]`, or with `renderOnly: false` a Dict of the observation and its picture.
 *
 * Needs an environment with `renderMode: 'rgb_array'`, and resets it once to see how large its pictures are.
 */
export class AddRenderObservation<Obs = Uint8Array, Act = number, InnerObs = unknown> extends ObservationWrapper<
  Obs,
  Act,
  InnerObs
> {
  readonly #renderOnly: boolean;
  readonly #renderKey: string;
  readonly #obsKey: string;
  readonly #isDict: boolean;

  /** Throws UnsupportedMode without that render mode, ConfigError when a Dict has the key of the picture already. */
  constructor(env: Env<InnerObs, Act>, options: AddRenderObservationOptions = {}) {
    super(env, { ...options });
    const { renderOnly = true, renderKey = 'pixels', obsKey = 'state' } = options;
    if (env.renderMode !== 'rgb_array') {
      const got = `got ${String(env.renderMode)}`;
      throw new UnsupportedMode(`AddRenderObservation: expected an environment with the renderMode rgb_array, ${got}.`);
    }
    env.reset();
    const { shape } = pictureOf(env.render());
    const pixels = new Box({ low: 0, high: 255, shape, dtype: 'uint8' });
    const inner: Space<unknown> = env.observationSpace;
    this.#renderOnly = renderOnly;
    this.#renderKey = renderKey;
    this.#obsKey = obsKey;
    this.#isDict = inner instanceof Dict;
    let space: Space<unknown> = pixels;
    if (!renderOnly && inner instanceof Dict) {
      if (Object.hasOwn(inner.spaces, renderKey)) {
        throw new ConfigError(
          `AddRenderObservation: the observations have the key '${renderKey}' already. Set renderKey.`,
        );
      }
      space = new Dict({ [renderKey]: pixels, ...inner.spaces });
    } else if (!renderOnly) space = new Dict({ [obsKey]: inner, [renderKey]: pixels });
    this.observationSpace = space as Space<Obs>;
  }

  override observation(observation: InnerObs): Obs {
    const pixels = pictureOf(this.env.render()).data;
    if (this.#renderOnly) return pixels as Obs;
    if (this.#isDict) return { [this.#renderKey]: pixels, ...(observation as object) } as Obs;
    return { [this.#obsKey]: observation, [this.#renderKey]: pixels } as Obs;
  }
}

function pictureOf(frame: RenderResult): NdArray<'uint8'> {
  if (typeof frame === 'object' && 'shape' in frame) return frame;
  throw new UnsupportedMode(`AddRenderObservation: expected render to return a picture, got ${describe(frame)}.`);
}
