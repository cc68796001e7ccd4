// Actions of any size, cut to the bounds of the space (gymnasium.wrappers.ClipAction).
import type { Env } from '../env.ts';
import { Box } from '../spaces/box.ts';
import type { Space } from '../spaces/space.ts';
import type { TypedArray } from '../types.ts';
import { checkBox } from './checks.ts';
import { ActionWrapper } from './mapping-wrappers.ts';

/** Takes every array of the action space's shape and dtype; the environment gets the nearest action inside its space. */
export class ClipAction<Obs = TypedArray, Act extends TypedArray = Float32Array> extends ActionWrapper<Obs, Act> {
  readonly #low: TypedArray;
  readonly #high: TypedArray;

  /** Throws ConfigError unless the action space is a Box, of a signed dtype. */
  constructor(env: Env<Obs, Act>) {
    super(env, {});
    const { low, high, shape, dtype } = checkBox('ClipAction', 'action', env.actionSpace);
    this.#low = low as TypedArray;
    this.#high = high as TypedArray;
    this.actionSpace = new Box({ low: -Infinity, high: Infinity, shape, dtype }) as unknown as Space<Act>;
  }

  override action(action: Act): Act {
    const clipped = action.slice() as Act;
    for (let i = 0; i < clipped.length; i++) {
      if (clipped[i]! < this.#low[i]!) clipped[i] = this.#low[i]!;
      else if (clipped[i]! > this.#high[i]!) clipped[i] = this.#high[i]!;
    }
    return clipped;
  }
}
