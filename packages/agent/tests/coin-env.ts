// A game whose values are known: the frame, 4 x 4 grey pixels, shows one of two sides at random, and naming it earns 1, another action -1. The next frame is drawn
// alike, whether an episode ends or not, so all states are worth the same. It saves its state.
import { Box, Discrete, Env, register } from 'gymnasium-js';
import type { EnvMetadata, EnvState, ResetOptions, ResetResult, Space, StepResult, TypedArray } from 'gymnasium-js';
import type { ActionRange, EnvConfig } from '@tessera/rollouts';

export interface CoinKwargs {
  /** Steps of an episode; default 1. */
  readonly length?: number;
  /** What the last one is; default 'terminated'. */
  readonly end?: 'terminated' | 'truncated';
}

/** The sides, and a third that never shows; numbered from 5, so that mistaking indices for actions shows. */
export const coinActions: ActionRange = { count: 3, first: 5 };

class CoinEnv extends Env {
  readonly metadata: EnvMetadata = { renderModes: [] };
  readonly observationSpace: Space<TypedArray> = new Box({ low: 0, high: 255, shape: [4, 4, 1], dtype: 'uint8' });
  readonly actionSpace: Discrete = new Discrete(coinActions.count, { start: coinActions.first });
  readonly #kwargs: CoinKwargs;
  #side = 0;
  #step = 0;

  constructor(kwargs: CoinKwargs) {
    super();
    this.#kwargs = kwargs;
  }

  override reset(options?: ResetOptions): ResetResult<TypedArray> {
    this.seedRandom(options);
    this.#step = 0;
    return { observation: this.#toss(), info: {} };
  }

  override step(action: number): StepResult<TypedArray> {
    const { length = 1, end = 'terminated' } = this.#kwargs;
    const reward = action === coinActions.first + this.#side ? 1 : -1;
    const over = ++this.#step >= length;
    return {
      observation: this.#toss(),
      reward,
      terminated: over && end === 'terminated',
      truncated: over && end === 'truncated',
      info: {},
    };
  }

  #toss(): Uint8Array {
    this.#side = this.npRandom.integers(2);
    return coinFrame(this.#side);
  }

  protected override saveState(): EnvState {
    return { numbers: [this.#side, this.#step] };
  }

  protected override restoreState({ numbers }: EnvState): void {
    [this.#side, this.#step] = numbers as [number, number];
  }
}

/** The frame of a side: its half is bright. */
export function coinFrame(side: number): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, pixel) => (Math.floor((pixel % 4) / 2) === side ? 255 : 0));
}

register({ id: 'AgentCoin-v0', entryPoint: (kwargs) => new CoinEnv(kwargs) });

export function coin(kwargs: CoinKwargs = {}): EnvConfig {
  return { id: 'AgentCoin-v0', kwargs: { ...kwargs } };
}
