// The environments of one thread, stepped into rows of shared or private arrays. SyncVectorEnv has one batch, each worker of
// WorkerVectorEnv has one: so both give the same results.
import { ConfigError, EnvironmentError } from '@tessera/core';
import type { Env } from '../env.ts';
import { ResetNeeded } from '../errors.ts';
import { explainMismatch } from '../spaces/explain.ts';
import type { EnvState, TypedArray } from '../types.ts';
import type { ResetPlan } from './arguments.ts';
import { readAction, rowLayout, writeRow } from './batch-layout.ts';
import type { GivenActions } from './given-actions.ts';
import type { AutoresetMode } from './vector-env.ts';
import type { EnvReport } from './vector-info.ts';

/**
 * One row for each environment of the batch. They hold the last results, so they are part of the state. Observations without a row layout
 * are kept as they are, in a plain array.
 */
export interface BatchRows {
  readonly observation: TypedArray | unknown[];
  readonly reward: Float64Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
}

export interface EnvBatchOptions {
  readonly autoresetMode: AutoresetMode;
  readonly rows: BatchRows;
  /** Index of the first environment in the whole vector environment, for messages; 0 by default. */
  readonly first?: number;
}

/** Environments of one thread under one autoreset mode. */
export class EnvBatch {
  readonly envs: readonly Env<unknown, unknown>[];
  readonly #rows: BatchRows;
  readonly #mode: AutoresetMode;
  readonly #first: number;
  readonly #size: number | undefined;
  /** Index, in the whole vector environment, of the environment at work: the one to blame for an error. */
  current = 0;

  constructor(envs: readonly Env<unknown, unknown>[], options: EnvBatchOptions) {
    this.envs = envs;
    this.#rows = options.rows;
    this.#mode = options.autoresetMode;
    this.#first = options.first ?? 0;
    this.#size = Array.isArray(this.#rows.observation) ? undefined : rowLayout(envs[0]!.observationSpace).size;
  }

  /** Resets the marked environments; the reports of the others are undefined. */
  reset(plan: ResetPlan): (EnvReport | undefined)[] {
    return this.#each((env, i) => {
      if (!plan.mask[i]) return undefined;
      const { observation, info } = env.reset({ seed: plan.seeds[i], options: plan.options });
      this.#write(i, observation, 0, false, false);
      return { info };
    });
  }

  /**
   * One step of every environment with its action: of a flat array, or of a list with one action each. With autoreset disabled, throws
   * ResetNeeded before the first one when one of them has ended.
   */
  step(actions: GivenActions): EnvReport[] {
    if (this.#mode === 'Disabled') checkNoneEnded(this.#rows, this.#first);
    if ('list' in actions) return this.#each((env, i) => this.#stepOne(env, i, () => actions.list[i]));
    return this.#each((env, i) => this.#stepOne(env, i, () => readAction(env.actionSpace, actions, i)));
  }

  #stepOne(env: Env<unknown, unknown>, i: number, action: () => unknown): EnvReport {
    if (this.#mode === 'NextStep' && this.#hasEnded(i)) {
      const { observation, info } = env.reset();
      this.#write(i, observation, 0, false, false);
      return { info };
    }
    const result = env.step(action());
    const { observation, reward, terminated, truncated, info } = result;
    if (this.#mode !== 'SameStep' || !(terminated || truncated)) {
      this.#write(i, observation, reward, terminated, truncated);
      return { info };
    }
    const next = env.reset();
    this.#write(i, next.observation, reward, terminated, truncated);
    return { info: next.info, final: { obs: observation, info } };
  }

  #write(i: number, observation: unknown, reward: number, terminated: boolean, truncated: boolean): void {
    const { rows, size } = { rows: this.#rows, size: this.#size };
    const { observationSpace } = this.envs[i]!;
    const length = typeof observation === 'number' ? 1 : (observation as TypedArray | undefined)?.length;
    if (size === undefined ? !observationSpace.contains(observation) : length !== size) {
      const mismatch = explainMismatch(observationSpace, observation);
      throw new EnvironmentError(`the observation does not fit into its row: ${mismatch}`);
    }
    if (size === undefined) (rows.observation as unknown[])[i] = observation;
    else writeRow(rows.observation as TypedArray, i, size, observation);
    rows.reward[i] = reward;
    rows.terminated[i] = Number(terminated);
    rows.truncated[i] = Number(truncated);
  }

  #hasEnded(i: number): boolean {
    return this.#rows.terminated[i] === 1 || this.#rows.truncated[i] === 1;
  }

  #each<T>(visit: (env: Env<unknown, unknown>, i: number) => T): T[] {
    return this.envs.map((env, i) => {
      this.current = this.#first + i;
      try {
        return visit(env, i);
      } catch (cause) {
        if (cause instanceof ConfigError) throw cause;
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new EnvironmentError(`environment ${this.current}: ${message}`, { cause });
      }
    });
  }

  /** States of the environments, without the rows. */
  getState(): EnvState[] {
    return this.#each((env) => env.getState());
  }

  setState(states: readonly EnvState[]): void {
    this.#each((env, i) => env.setState(states[i]!));
  }

  /** The attribute of each environment, or what its method returns for `args`. */
  call(name: string, args: readonly unknown[]): unknown[] {
    return this.#each((env) => {
      const attribute = env.getWrapperAttr(name);
      return typeof attribute === 'function' ? (attribute as (...given: unknown[]) => unknown)(...args) : attribute;
    });
  }

  /** Sets the attribute of each environment to its own value. */
  setAttr(name: string, values: readonly unknown[]): void {
    this.#each((env, i) => env.setWrapperAttr(name, values[i]));
  }

  close(): void {
    this.#each((env) => env.close());
  }
}

/** Throws ResetNeeded when a row says that its episode has ended. */
export function checkNoneEnded(rows: Pick<BatchRows, 'terminated' | 'truncated'>, first = 0): void {
  for (let i = 0; i < rows.terminated.length; i++) {
    if (!rows.terminated[i] && !rows.truncated[i]) continue;
    const wayOut = 'reset it first with reset({ options: { resetMask } })';
    throw new ResetNeeded(
      `VectorEnv.step: environment ${first + i} has ended and autoresetMode is Disabled: ${wayOut}.`,
    );
  }
}
