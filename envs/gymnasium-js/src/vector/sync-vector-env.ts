// Environments stepped one after the other in the calling thread (gymnasium.vector.SyncVectorEnv).
import { ConfigError, typedArrayOf } from '@tessera/core';
import type { Env } from '../env.ts';
import { ClosedEnvironmentError, ResetNeeded } from '../errors.ts';
import { describe } from '../spaces/explain.ts';
import { isSpaceDtypeShapeEquiv } from '../spaces/flatten.ts';
import { Space } from '../spaces/space.ts';
import type { EnvSpec } from '../spec.ts';
import type { EnvMetadata, EnvState, TypedArray } from '../types.ts';
import { checkAutoresetMode, checkCallName, planReset, spreadValues } from './arguments.ts';
import { hasRowLayout, rowLayout } from './batch-layout.ts';
import { batchDifferingSpaces, batchSpace, concatenate, createEmptyArray } from './batch-space.ts';
import { EnvBatch } from './env-batch.ts';
import type { BatchRows } from './env-batch.ts';
import { readActions } from './given-actions.ts';
import type {
  AutoresetMode,
  BatchedActions,
  VectorActions,
  VectorEnv,
  VectorResetOptions,
  VectorResetResult,
  VectorStepResult,
} from './vector-env.ts';
import { mergeReports } from './vector-info.ts';
import { packVectorState, unpackVectorState } from './vector-state.ts';

/**
 * `same`: all observation spaces are equal; `different`: only their shapes and dtypes are, and the batch keeps each one's bounds; or the
 * spaces of the batch and of one environment themselves.
 */
export type ObservationMode =
  'same' | 'different' | readonly [observationSpace: Space<unknown>, singleObservationSpace: Space<unknown>];

export interface SyncVectorEnvOptions {
  /** `NextStep` by default. */
  readonly autoresetMode?: AutoresetMode;
  /** What the environments' observation spaces have in common; `same` by default. */
  readonly observationMode?: ObservationMode;
  readonly spec?: EnvSpec | undefined;
}

/** Several environments in the calling thread; `resetSync` and `stepSync` are there beside the asynchronous calls. */
export class SyncVectorEnv<Obs = TypedArray> implements VectorEnv<Obs> {
  readonly numEnvs: number;
  readonly metadata: EnvMetadata & { readonly autoresetMode: AutoresetMode };
  readonly spec: EnvSpec | undefined;
  readonly singleObservationSpace: Space<unknown>;
  readonly singleActionSpace: Space<unknown>;
  readonly observationSpace: Space<unknown>;
  readonly actionSpace: Space<unknown>;
  readonly renderMode: string | undefined;
  readonly observationShape: readonly number[];
  readonly canSaveState: boolean;
  readonly #batch: EnvBatch;
  readonly #rows: BatchRows;
  #hasReset = false;
  #isClosed = false;

  /** Throws ConfigError when there is no environment or when their spaces differ. */
  constructor(envFns: readonly (() => Env<unknown, unknown>)[], options: SyncVectorEnvOptions = {}) {
    const autoresetMode = checkAutoresetMode(options.autoresetMode ?? 'NextStep');
    if (envFns.length === 0) {
      throw new ConfigError('SyncVectorEnv: expected at least one function that builds an environment, got 0.');
    }
    const envs = envFns.map((build) => build());
    const [first] = envs as [Env<unknown, unknown>];
    const { observationMode = 'same' } = options;
    const spaces = observationSpaces(envs, observationMode);
    for (const [i, env] of envs.entries()) {
      checkSameSpace('action', i, env.actionSpace, first.actionSpace);
      if (observationMode === 'same') {
        checkSameSpace('observation', i, env.observationSpace, first.observationSpace);
      } else checkSameArrays(i, env.observationSpace, spaces.single);
    }
    this.numEnvs = envs.length;
    this.metadata = { ...first.metadata, autoresetMode };
    this.spec = options.spec ?? first.spec;
    this.renderMode = first.renderMode;
    this.singleObservationSpace = spaces.single;
    this.observationSpace = spaces.batched;
    this.singleActionSpace = first.actionSpace;
    this.actionSpace = batchSpace(first.actionSpace, envs.length);
    const layout = hasRowLayout(spaces.single) ? rowLayout(spaces.single) : undefined;
    this.observationShape = [envs.length, ...(layout?.shape ?? [])];
    this.canSaveState = envs.every((env) => env.canSaveState);
    this.#rows = {
      observation:
        layout === undefined
          ? Array.from({ length: envs.length }, () => undefined)
          : new (typedArrayOf(layout.dtype))(envs.length * layout.size),
      reward: new Float64Array(envs.length),
      terminated: new Uint8Array(envs.length),
      truncated: new Uint8Array(envs.length),
    };
    this.#batch = new EnvBatch(envs, { autoresetMode, rows: this.#rows });
  }

  /** The environments themselves. */
  get envs(): readonly Env<unknown, unknown>[] {
    return this.#batch.envs;
  }

  /** `reset` without the promise. */
  resetSync(options: VectorResetOptions = {}): VectorResetResult<Obs> {
    this.#checkOpen('reset');
    const plan = planReset(this.numEnvs, options);
    if (!this.#hasReset && plan.mask.includes(0)) {
      throw new ResetNeeded('VectorEnv.reset: the first reset must be of all environments. Leave resetMask out.');
    }
    const reports = this.#batch.reset(plan);
    this.#hasReset = true;
    return { observation: this.#observation(), info: mergeReports(reports) };
  }

  /** `step` without the promise. */
  stepSync(actions: VectorActions | BatchedActions): VectorStepResult<Obs> {
    this.#checkOpen('step');
    if (!this.#hasReset) throw new ResetNeeded('Cannot call env.step() before calling env.reset()');
    const reports = this.#batch.step(readActions(this, this.numEnvs, actions));
    return {
      observation: this.#observation(),
      reward: this.#rows.reward.slice(),
      terminated: this.#rows.terminated.slice(),
      truncated: this.#rows.truncated.slice(),
      info: mergeReports(reports),
    };
  }

  async reset(options?: VectorResetOptions): Promise<VectorResetResult<Obs>> {
    return this.resetSync(options);
  }

  #observation(): Obs {
    const { observation } = this.#rows;
    if (!Array.isArray(observation)) return observation.slice() as Obs;
    const space = this.singleObservationSpace;
    // Environments that no reset has reached yet have no observation.
    return concatenate(space, observation, createEmptyArray(space, this.numEnvs)) as Obs;
  }

  async step(actions: VectorActions | BatchedActions): Promise<VectorStepResult<Obs>> {
    return this.stepSync(actions);
  }

  async getState(): Promise<EnvState> {
    this.#checkOpen('getState');
    return packVectorState(this.metadata.autoresetMode, this.#batch.getState(), this.#rows);
  }

  async setState(state: EnvState): Promise<void> {
    this.#checkOpen('setState');
    this.#batch.setState(unpackVectorState(this.metadata.autoresetMode, state, this.#rows));
    this.#hasReset = true;
  }

  /** `call` without the promise: the attribute of each environment, or what its method returns for `args`. */
  callSync(name: string, ...args: unknown[]): unknown[] {
    this.#checkOpen('call');
    checkCallName(name);
    return this.#batch.call(name, args);
  }

  async call(name: string, ...args: unknown[]): Promise<unknown[]> {
    return this.callSync(name, ...args);
  }

  async getAttr(name: string): Promise<unknown[]> {
    return this.callSync(name);
  }

  async setAttr(name: string, values: unknown): Promise<void> {
    this.#checkOpen('setAttr');
    checkCallName(name);
    this.#batch.setAttr(name, spreadValues(this.numEnvs, values));
  }

  /** A picture of each environment. */
  async render(): Promise<unknown[]> {
    return this.callSync('render');
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#batch.close();
  }

  #checkOpen(call: string): void {
    if (this.#isClosed) {
      throw new ClosedEnvironmentError(`Trying to operate on ${this.toString()}, after a call to close(): ${call}.`);
    }
  }

  toString(): string {
    return `SyncVectorEnv(${this.spec === undefined ? '' : `${this.spec.id}, `}numEnvs=${this.numEnvs})`;
  }
}

function observationSpaces(
  envs: readonly Env<unknown, unknown>[],
  mode: ObservationMode,
): { single: Space<unknown>; batched: Space<unknown> } {
  const single = envs[0]!.observationSpace;
  if (mode === 'same') return { single, batched: batchSpace(single, envs.length) };
  if (mode === 'different') return { single, batched: batchDifferingSpaces(envs.map((env) => env.observationSpace)) };
  if (Array.isArray(mode) && mode.length === 2 && mode.every((space) => space instanceof Space)) {
    return { single: mode[1] as Space<unknown>, batched: mode[0] as Space<unknown> };
  }
  const expected = "expected: 'same' or 'different' or the batched and the single observation space";
  throw new ConfigError(`Invalid \`observationMode\`, ${expected}, actual got ${describe(mode)}.`);
}

function checkSameArrays(index: number, space: Space<unknown>, single: Space<unknown>): void {
  if (isSpaceDtypeShapeEquiv(space, single)) return;
  const got = `expected arrays like those of ${single.toString()}, environment ${index} has ${space.toString()}`;
  throw new ConfigError(`SyncVectorEnv: the observation spaces do not share a common shape and dtype: ${got}.`);
}

/** Throws ConfigError when environment `index` has another space than the first one. */
export function checkSameSpace(what: string, index: number, space: Space<unknown>, first: Space<unknown>): void {
  if (space.equals(first)) return;
  const got = `environment 0 has ${first.toString()}, environment ${index} has ${space.toString()}`;
  throw new ConfigError(`VectorEnv: expected one ${what} space for all environments, but ${got}.`);
}
