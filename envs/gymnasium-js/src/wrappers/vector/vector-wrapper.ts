// The base of wrappers around vector environments (gymnasium.vector.VectorWrapper) and its three kinds.
import type { Space } from '../../spaces/space.ts';
import { ConfigError } from '@tessera/core';
import type { EnvSpec } from '../../spec.ts';
import type { EnvMetadata, EnvState, TypedArray } from '../../types.ts';
import { batchSpace } from '../../vector/batch-space.ts';
import type {
  AutoresetMode,
  VectorActions,
  VectorEnv,
  VectorResetOptions,
  VectorResetResult,
  VectorStepResult,
} from '../../vector/vector-env.ts';

/** Changes a vector environment by overriding what differs; passes everything else on. */
export class VectorWrapper<Obs = TypedArray, InnerObs = Obs> implements VectorEnv<Obs> {
  readonly env: VectorEnv<InnerObs>;
  #spaces: Partial<
    Record<'observation' | 'action', { readonly single: Space<unknown>; readonly batched: Space<unknown> }>
  > = {};

  constructor(env: VectorEnv<InnerObs>) {
    this.env = env;
  }

  get numEnvs(): number {
    return this.env.numEnvs;
  }

  get metadata(): EnvMetadata & { readonly autoresetMode: AutoresetMode } {
    return this.env.metadata;
  }

  get spec(): EnvSpec | undefined {
    return this.env.spec;
  }

  get renderMode(): string | undefined {
    return this.env.renderMode;
  }

  /** The vector environment inside all wrappers. */
  get unwrapped(): VectorEnv<unknown> {
    return this.env instanceof VectorWrapper ? this.env.unwrapped : this.env;
  }

  get singleObservationSpace(): Space<unknown> {
    return this.#spaces.observation?.single ?? this.env.singleObservationSpace;
  }

  get singleActionSpace(): Space<unknown> {
    return this.#spaces.action?.single ?? this.env.singleActionSpace;
  }

  get observationSpace(): Space<unknown> {
    if (this.#spaces.observation !== undefined) return this.#spaces.observation.batched;
    return this.env.observationSpace ?? batchSpace(this.env.singleObservationSpace, this.numEnvs);
  }

  get actionSpace(): Space<unknown> {
    if (this.#spaces.action !== undefined) return this.#spaces.action.batched;
    return this.env.actionSpace ?? batchSpace(this.env.singleActionSpace, this.numEnvs);
  }

  get observationShape(): readonly number[] {
    const { observation } = this.#spaces;
    return observation === undefined ? this.env.observationShape : [this.numEnvs, ...(observation.single.shape ?? [])];
  }

  /** Sets the space of one environment, and with it that of the batch. */
  protected setSpace(
    which: 'observation' | 'action',
    single: Space<unknown>,
    batched: Space<unknown> = batchSpace(single, this.numEnvs),
  ): void {
    this.#spaces[which] = { single, batched };
  }

  reset(options?: VectorResetOptions): Promise<VectorResetResult<Obs>> {
    return this.env.reset(options) as Promise<unknown> as Promise<VectorResetResult<Obs>>;
  }

  step(actions: VectorActions): Promise<VectorStepResult<Obs>> {
    return this.env.step(actions) as Promise<unknown> as Promise<VectorStepResult<Obs>>;
  }

  async render(): Promise<unknown[]> {
    return this.#has('render').render!();
  }

  async call(name: string, ...args: unknown[]): Promise<unknown[]> {
    return this.#has('call').call!(name, ...args);
  }

  async getAttr(name: string): Promise<unknown[]> {
    return this.#has('getAttr').getAttr!(name);
  }

  async setAttr(name: string, values: unknown): Promise<void> {
    return this.#has('setAttr').setAttr!(name, values);
  }

  #has(call: 'render' | 'call' | 'getAttr' | 'setAttr'): VectorEnv<InnerObs> {
    if (this.env[call] !== undefined) return this.env;
    throw new ConfigError(`VectorEnv.${call}: the environment inside, ${String(this.env)}, has no such call.`);
  }

  get canSaveState(): boolean {
    return this.env.canSaveState;
  }

  async getState(): Promise<EnvState> {
    return { wrapper: this.constructor.name, data: this.saveState(), inner: await this.env.getState() };
  }

  async setState(state: EnvState): Promise<void> {
    const name = this.constructor.name;
    if (state['wrapper'] !== name) {
      const got = JSON.stringify(state['wrapper']);
      throw new ConfigError(`setState: expected a state of the wrapper "${name}", got one of ${got}. Wrap both alike.`);
    }
    await this.env.setState(state['inner'] as EnvState);
    this.restoreState(state['data'] as EnvState);
  }

  /** The wrapper's own memory; none by default. */
  protected saveState(): EnvState {
    return {};
  }

  protected restoreState(_data: EnvState): void {}

  close(): Promise<void> {
    return this.env.close();
  }

  toString(): string {
    return `<${this.constructor.name}, ${String(this.env)}>`;
  }
}

/** A wrapper that changes batches of observations. */
export abstract class VectorObservationWrapper<Obs = TypedArray, InnerObs = Obs> extends VectorWrapper<Obs, InnerObs> {
  /** The new batch; fresh. */
  abstract observations(observations: InnerObs): Obs;

  override async reset(options?: VectorResetOptions): Promise<VectorResetResult<Obs>> {
    const { observation, info } = await this.env.reset(options);
    return { observation: this.observations(observation), info };
  }

  override async step(actions: VectorActions): Promise<VectorStepResult<Obs>> {
    const result = await this.env.step(actions);
    return { ...result, observation: this.observations(result.observation) };
  }
}

/** A wrapper that changes batches of actions on their way in. */
export abstract class VectorActionWrapper<Obs = TypedArray> extends VectorWrapper<Obs> {
  /** The batch for the environments inside. */
  abstract actions(actions: VectorActions): VectorActions;

  override step(actions: VectorActions): Promise<VectorStepResult<Obs>> {
    return this.env.step(this.actions(actions));
  }
}

/** A wrapper that changes batches of rewards. */
export abstract class VectorRewardWrapper<Obs = TypedArray> extends VectorWrapper<Obs> {
  /** The new rewards, one for each environment; may be the same array. */
  abstract rewards(rewards: Float64Array): Float64Array;

  override async step(actions: VectorActions): Promise<VectorStepResult<Obs>> {
    const result = await this.env.step(actions);
    return { ...result, reward: this.rewards(result.reward) };
  }
}
