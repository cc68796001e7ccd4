// Any function on actions (gymnasium.wrappers.TransformAction).
import type { Env } from '../env.ts';
import type { Space } from '../spaces/space.ts';
import type { TypedArray } from '../types.ts';
import { checkFunction } from './checks.ts';
import { ActionWrapper } from './mapping-wrappers.ts';

export interface TransformActionOptions<Act, InnerAct> {
  readonly func: (action: Act) => InnerAct;
  /** The space of what `func` takes; by default that of the environment inside. */
  readonly actionSpace?: Space<Act> | undefined;
}

/** The environment inside gets `func(action)`. */
export class TransformAction<Obs = TypedArray, Act = number, InnerAct = Act> extends ActionWrapper<Obs, Act, InnerAct> {
  readonly func: (action: Act) => InnerAct;

  constructor(env: Env<Obs, InnerAct>, options: TransformActionOptions<Act, InnerAct>) {
    super(env, { ...options });
    this.func = checkFunction('TransformAction', 'func', options?.func);
    if (options.actionSpace !== undefined) this.actionSpace = options.actionSpace;
  }

  override action(action: Act): InnerAct {
    return this.func(action);
  }
}
