import { checkEnv, Discrete, Env, register } from 'gymnasium-js';
import type { EnvState, ResetOptions, ResetResult, StepResult } from 'gymnasium-js';

/** Say what side the coin shows. */
export class Coin extends Env<number, number> {
  readonly metadata = { renderModes: [] };
  readonly observationSpace = new Discrete(2);
  readonly actionSpace = new Discrete(2);
  #side = 0;

  reset(options?: ResetOptions): ResetResult<number> {
    this.seedRandom(options); // first, always
    this.#side = this.npRandom.integers(2);
    return { observation: this.#side, info: {} };
  }
  step(action: number): StepResult<number> {
    const reward = Number(action === this.#side);
    this.#side = this.npRandom.integers(2);
    return { observation: this.#side, reward, terminated: false, truncated: false, info: {} };
  }
  protected override saveState(): EnvState {
    return { side: this.#side };
  }
  protected override restoreState(data: EnvState): void {
    this.#side = data['side'] as number;
  }
}

register({ id: 'Coin-v0', entryPoint: () => new Coin(), maxEpisodeSteps: 100 });
export const remarks = checkEnv(new Coin(), { fresh: () => new Coin() }); // throws what is wrong and which rule says so
