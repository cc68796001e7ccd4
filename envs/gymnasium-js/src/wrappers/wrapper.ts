// The base of wrappers (gymnasium.Wrapper): an environment around an environment that passes everything on.
import type { Generator } from '@tessera/core';
import { ConfigError } from '@tessera/core';
import { Env } from '../env.ts';
import type { Space } from '../spaces/space.ts';
import type { EnvSpec } from '../spec.ts';
import type {
  EnvMetadata,
  EnvState,
  RenderFrame,
  ResetOptions,
  ResetResult,
  Seed,
  StepResult,
  TypedArray,
} from '../types.ts';

/**
 * Changes one environment by overriding what differs; a wrapper with memory of its own overrides `saveState` and `restoreState` too.
 *
 * `InnerObs` and `InnerAct` are the wrapped environment's types; a wrapper that changes them overrides `reset`, `step` and the spaces.
 */
export class Wrapper<Obs = TypedArray, Act = number, InnerObs = Obs, InnerAct = Act> extends Env<Obs, Act> {
  readonly env: Env<InnerObs, InnerAct>;

  constructor(env: Env<InnerObs, InnerAct>) {
    super();
    this.env = env;
  }

  get metadata(): EnvMetadata {
    return this.env.metadata;
  }

  get observationSpace(): Space<Obs> {
    return this.env.observationSpace as unknown as Space<Obs>;
  }

  get actionSpace(): Space<Act> {
    return this.env.actionSpace as unknown as Space<Act>;
  }

  override get renderMode(): string | undefined {
    return this.env.renderMode;
  }

  override get spec(): EnvSpec | undefined {
    return this.env.spec;
  }

  override get unwrapped(): Env<unknown, unknown> {
    return this.env.unwrapped;
  }

  override get npRandom(): Generator {
    return this.env.npRandom;
  }

  override get npRandomSeed(): Seed | undefined {
    return this.env.npRandomSeed;
  }

  reset(options?: ResetOptions): ResetResult<Obs> {
    return this.env.reset(options) as unknown as ResetResult<Obs>;
  }

  step(action: Act): StepResult<Obs> {
    return this.env.step(action as unknown as InnerAct) as unknown as StepResult<Obs>;
  }

  override render(): RenderFrame | undefined {
    return this.env.render();
  }

  override close(): void {
    this.env.close();
  }

  override get canSaveState(): boolean {
    return this.env.canSaveState;
  }

  override getState(): EnvState {
    return { wrapper: this.constructor.name, data: this.saveState(), inner: this.env.getState() };
  }

  override setState(state: EnvState): void {
    const name = this.constructor.name;
    if (state['wrapper'] !== name) {
      const got = JSON.stringify(state['wrapper'] ?? state['env']);
      throw new ConfigError(`setState: expected a state of the wrapper "${name}", got one of ${got}. Wrap both alike.`);
    }
    this.env.setState(state['inner'] as EnvState);
    this.restoreState(state['data'] as EnvState);
  }

  /** The wrapper's own memory; none by default. */
  protected override saveState(): EnvState {
    return {};
  }

  protected override restoreState(_data: EnvState): void {}

  override toString(): string {
    return `<${this.constructor.name}${this.env.toString()}>`;
  }
}
