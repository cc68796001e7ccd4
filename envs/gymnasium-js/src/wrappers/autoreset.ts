// Begins the next episode by itself (gymnasium.wrappers.Autoreset).
import type { Env } from '../env.ts';
import type { EnvState, ResetOptions, ResetResult, StepResult, TypedArray } from '../types.ts';
import { Wrapper } from './wrapper.ts';

/** The step after the end of an episode is a reset: its action is ignored, its reward 0. That step is no transition. */
export class Autoreset<Obs = TypedArray, Act = number> extends Wrapper<Obs, Act> {
  #hasEnded = false;

  constructor(env: Env<Obs, Act>) {
    super(env, {});
  }

  override reset(options?: ResetOptions): ResetResult<Obs> {
    this.#hasEnded = false;
    return this.env.reset(options);
  }

  override step(action: Act): StepResult<Obs> {
    if (this.#hasEnded) {
      const { observation, info } = this.env.reset();
      this.#hasEnded = false;
      return { observation, reward: 0, terminated: false, truncated: false, info };
    }
    const result = this.env.step(action);
    this.#hasEnded = result.terminated || result.truncated;
    return result;
  }

  protected override saveState(): EnvState {
    return { hasEnded: this.#hasEnded };
  }

  protected override restoreState(data: EnvState): void {
    this.#hasEnded = data['hasEnded'] as boolean;
  }
}
