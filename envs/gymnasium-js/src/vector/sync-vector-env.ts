// Environments stepped one after the other in the calling thread (gymnasium.vector.SyncVectorEnv).
import { ConfigError, typedArrayOf } from '@tessera/core';
import type { Env } from '../env.ts';
import { ClosedEnvironmentError, ResetNeeded } from '../errors.ts';
import type { Space } from '../spaces/space.ts';
import type { EnvSpec } from '../spec.ts';
import type { EnvMetadata, EnvState, TypedArray } from '../types.ts';
import { checkAutoresetMode, planReset } from './arguments.ts';
import { checkActions, rowLayout } from './batch-layout.ts';
import { EnvBatch } from './env-batch.ts';
import type { BatchRows } from './env-batch.ts';
import type {
  AutoresetMode,
  VectorActions,
  VectorEnv,
  VectorResetOptions,
  VectorResetResult,
  VectorStepResult,
} from './vector-env.ts';
import { mergeReports } from './vector-info.ts';
import { packVectorState, unpackVectorState } from './vector-state.ts';

export interface SyncVectorEnvOptions {
  /** `NextStep` by default. */
  readonly autoresetMode?: AutoresetMode;
  readonly spec?: EnvSpec | undefined;
}

/** Several environments in the calling thread; `resetSync` and `stepSync` are there beside the asynchronous calls. */
export class SyncVectorEnv<Obs extends TypedArray = TypedArray> implements VectorEnv<Obs> {
  readonly numEnvs: number;
  readonly metadata: EnvMetadata & { readonly autoresetMode: AutoresetMode };
  readonly spec: EnvSpec | undefined;
  readonly singleObservationSpace: Space<unknown>;
  readonly singleActionSpace: Space<unknown>;
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
    for (const [i, env] of envs.entries()) {
      checkSameSpace('observation', i, env.observationSpace, first.observationSpace);
      checkSameSpace('action', i, env.actionSpace, first.actionSpace);
    }
    const layout = rowLayout(first.observationSpace);
    rowLayout(first.actionSpace);
    this.numEnvs = envs.length;
    this.metadata = { ...first.metadata, autoresetMode };
    this.spec = options.spec ?? first.spec;
    this.singleObservationSpace = first.observationSpace;
    this.singleActionSpace = first.actionSpace;
    this.observationShape = [envs.length, ...layout.shape];
    this.canSaveState = envs.every((env) => env.canSaveState);
    this.#rows = {
      observation: new (typedArrayOf(layout.dtype))(envs.length * layout.size),
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
    return { observation: this.#rows.observation.slice() as Obs, info: mergeReports(reports) };
  }

  /** `step` without the promise. */
  stepSync(actions: VectorActions): VectorStepResult<Obs> {
    this.#checkOpen('step');
    if (!this.#hasReset) throw new ResetNeeded('Cannot call env.step() before calling env.reset()');
    checkActions(this.singleActionSpace, this.numEnvs, actions);
    const reports = this.#batch.step(actions);
    return {
      observation: this.#rows.observation.slice() as Obs,
      reward: this.#rows.reward.slice(),
      terminated: this.#rows.terminated.slice(),
      truncated: this.#rows.truncated.slice(),
      info: mergeReports(reports),
    };
  }

  async reset(options?: VectorResetOptions): Promise<VectorResetResult<Obs>> {
    return this.resetSync(options);
  }

  async step(actions: VectorActions): Promise<VectorStepResult<Obs>> {
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

/** Throws ConfigError when environment `index` has another space than the first one. */
export function checkSameSpace(what: string, index: number, space: Space<unknown>, first: Space<unknown>): void {
  if (space.equals(first)) return;
  const got = `environment 0 has ${first.toString()}, environment ${index} has ${space.toString()}`;
  throw new ConfigError(`VectorEnv: expected one ${what} space for all environments, but ${got}.`);
}
