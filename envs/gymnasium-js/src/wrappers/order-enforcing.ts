// Refuses `step` and `render` before the first `reset` (gymnasium.wrappers.OrderEnforcing).
import type { Env } from '../env.ts';
import { ResetNeeded } from '../errors.ts';
import type { EnvSpec } from '../spec.ts';
import type { EnvState, RenderResult, ResetOptions, ResetResult, StepResult, TypedArray } from '../types.ts';
import { Wrapper } from './wrapper.ts';

export interface OrderEnforcingOptions {
  /** Lets `render` be called before `reset`; false by default. */
  readonly disableRenderOrderEnforcing?: boolean;
}

/** Throws ResetNeeded for a step or a picture before the first reset. */
export class OrderEnforcing<Obs = TypedArray, Act = number> extends Wrapper<Obs, Act> {
  #hasReset = false;
  readonly #disableRender: boolean;

  constructor(env: Env<Obs, Act>, options: OrderEnforcingOptions = {}) {
    super(env, { ...options });
    this.#disableRender = options.disableRenderOrderEnforcing ?? false;
  }

  get hasReset(): boolean {
    return this.#hasReset;
  }

  protected override specAround(inner: EnvSpec): EnvSpec {
    return inner.with({ orderEnforce: true });
  }

  override reset(options?: ResetOptions): ResetResult<Obs> {
    const result = this.env.reset(options);
    this.#hasReset = true;
    return result;
  }

  override step(action: Act): StepResult<Obs> {
    if (!this.#hasReset) throw new ResetNeeded('Cannot call env.step() before calling env.reset()');
    return this.env.step(action);
  }

  override render(): RenderResult {
    if (!this.#hasReset && !this.#disableRender) {
      const wayOut =
        'if this is an intended action, set `disableRenderOrderEnforcing: true` on the OrderEnforcing wrapper.';
      throw new ResetNeeded(`Cannot call \`env.render()\` before calling \`env.reset()\`, ${wayOut}`);
    }
    return this.env.render();
  }

  protected override saveState(): EnvState {
    return { hasReset: this.#hasReset };
  }

  protected override restoreState(data: EnvState): void {
    this.#hasReset = data['hasReset'] as boolean;
  }
}
