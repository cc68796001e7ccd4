// Actions taken in other bounds and mapped linearly back (gymnasium.wrappers.RescaleAction).
import type { Env } from '../env.ts';
import type { Bound } from '../spaces/box.ts';
import type { Space } from '../spaces/space.ts';
import type { TypedArray } from '../types.ts';
import { checkBox } from './checks.ts';
import { ActionWrapper } from './mapping-wrappers.ts';
import { plainBound, rescaleBox } from './rescale.ts';

type RealArray = Float32Array | Float64Array;

export interface RescaleActionOptions {
  readonly minAction: Bound;
  readonly maxAction: Bound;
}

/** Takes actions in `[minAction, maxAction]` and gives the environment those in `[low, high]` of its own space. */
export class RescaleAction<Obs = TypedArray, Act extends RealArray = Float32Array> extends ActionWrapper<Obs, Act> {
  readonly #backward: (action: RealArray) => RealArray;

  /** Throws ConfigError unless the space is a Box of real numbers, InvalidBound for bounds that do not fit it. */
  constructor(env: Env<Obs, Act>, options: RescaleActionOptions) {
    const where = 'RescaleAction';
    const { minAction, maxAction } = options;
    super(env, { minAction: plainBound(minAction), maxAction: plainBound(maxAction) });
    const { space, backward } = rescaleBox(where, checkBox(where, 'action', env.actionSpace), minAction, maxAction);
    this.actionSpace = space as unknown as Space<Act>;
    this.#backward = backward;
  }

  override action(action: Act): Act {
    return this.#backward(action) as Act;
  }
}
