// Rewards divided by the spread of discounted returns (gymnasium.wrappers.NormalizeReward).
import type { Env } from '../env.ts';
import type { EnvState, StepResult, TypedArray } from '../types.ts';
import { RunningMeanStd } from './running-mean-std.ts';
import { Wrapper } from './wrapper.ts';

export interface NormalizeRewardOptions {
  /** Discount of the running return; 0.99 by default. */
  readonly gamma?: number;
  /** 1e-8 by default. */
  readonly epsilon?: number;
}

/** `reward / sqrt(variance + epsilon)`, where the variance is that of the discounted return so far. */
export class NormalizeReward<Obs = TypedArray, Act = number> extends Wrapper<Obs, Act> {
  readonly statistics: RunningMeanStd = new RunningMeanStd(1);
  readonly #gamma: number;
  readonly #epsilon: number;
  #discounted = 0;
  /** Whether rewards still change the statistics; switch it off to evaluate. */
  updateRunningMean = true;

  constructor(env: Env<Obs, Act>, options: NormalizeRewardOptions = {}) {
    const { gamma = 0.99, epsilon = 1e-8 } = options;
    super(env, { ...options });
    this.#gamma = gamma;
    this.#epsilon = epsilon;
  }

  override step(action: Act): StepResult<Obs> {
    const result = this.env.step(action);
    this.#discounted = this.#discounted * this.#gamma * Number(!result.terminated) + result.reward;
    if (this.updateRunningMean) this.statistics.update([this.#discounted]);
    return { ...result, reward: result.reward / Math.sqrt(this.statistics.variance[0]! + this.#epsilon) };
  }

  protected override saveState(): EnvState {
    const statistics = this.statistics.getState();
    return { statistics, discounted: this.#discounted, updateRunningMean: this.updateRunningMean };
  }

  protected override restoreState(data: EnvState): void {
    this.statistics.setState(data['statistics'] as EnvState);
    this.#discounted = data['discounted'] as number;
    this.updateRunningMean = data['updateRunningMean'] as boolean;
  }
}
