// Environments of this thread in lock step, with one call of the policy for all of them: what a policy on an accelerator needs. The stepping itself, its seeds and
// its checks are those of the other rollouts.

import { ConfigError, ndarray, ShapeError } from '@tessera/core';
import { breathe } from './breathe.ts';
import { isBridged } from './bridged-rollouts.ts';
import { defaultChunkLength } from './chunk.ts';
import type { Chunk } from './chunk.ts';
import { EnvironmentStepper } from './environment-stepper.ts';
import { importEnvironments } from './in-process-rollouts.ts';
import { actionRange } from './policy.ts';
import type { ActionRange, BatchPolicy } from './policy.ts';
import { checkEnv, checkWhole, describeValue, rejectUnknownKeys } from './settings.ts';
import type { EnvConfig } from './settings.ts';
import { parseVectorRolloutsState, vectorRolloutsStateVersion } from './vector-rollouts-state.ts';
import type { VectorRolloutsState } from './vector-rollouts-state.ts';

export interface VectorRolloutsOptions {
  readonly env: EnvConfig;
  /** Environments stepped side by side; default 1. */
  readonly numEnvs?: number;
  /** Seed of the episodes, a whole number >= 0. */
  readonly seed: number;
  /** Most steps in a chunk; default 64. */
  readonly chunkLength?: number;
  /** Steps before an episode is truncated, instead of the registered number; -1 for no limit. */
  readonly maxEpisodeSteps?: number | undefined;
}

const knownOptions = [
  'env',
  'numEnvs',
  'seed',
  'chunkLength',
  'maxEpisodeSteps',
] as const satisfies readonly (keyof VectorRolloutsOptions)[];

type Status = 'ready' | 'collecting' | 'failed' | 'closed';

const wayOut: { readonly [S in Status]: string } = {
  ready: '',
  collecting: 'expected collect to have ended before. Wait for it',
  failed: 'a call before has failed half-way. Go back to a saved state with setState, or close it',
  closed: 'it was closed. Create another',
};

/**
 * `numEnvs` environments and where they stand. Between two calls of `collect` that can be saved, and where `exact` it is everything: collecting on from a
 * saved state gives the bits that collecting on without it would have given.
 *
 * Episode seeds come from the generators `env/<index>`, as those of `inProcessRollouts` do.
 */
export class VectorRollouts {
  /** `[height, width, channels]`. */
  readonly frameShape: readonly number[];
  /** The actions of the environments: whole numbers from `first` to `first + count - 1`. */
  readonly actions: ActionRange;
  /** Whether every environment can save its state. */
  readonly exact: boolean;
  readonly #envId: string;
  readonly #seed: number;
  readonly #steppers: readonly EnvironmentStepper[];
  #status: Status = 'ready';

  private constructor(options: {
    readonly envId: string;
    readonly seed: number;
    readonly steppers: readonly EnvironmentStepper[];
  }) {
    this.#envId = options.envId;
    this.#seed = options.seed;
    this.#steppers = options.steppers;
    const first = this.#steppers[0]!;
    this.frameShape = first.frameShape;
    this.actions = actionRange(first.actionSpace, first.where());
    this.exact = this.#steppers.every((stepper) => stepper.canSaveState);
  }

  /** Throws ConfigError for bad options, an unknown id and spaces it cannot use (actions are Discrete, observations uint8 frames), EnvironmentError when an environment cannot be built. */
  static async create(options: VectorRolloutsOptions): Promise<VectorRollouts> {
    const where = 'VectorRollouts';
    rejectUnknownKeys(options, knownOptions, where);
    const { env: config, numEnvs = 1, seed, chunkLength = defaultChunkLength, maxEpisodeSteps } = options;
    checkEnv(config, where);
    if (isBridged(config.id)) {
      throw new ConfigError(
        `${where}: ${config.id}: expected an environment of this process. Those of other processes cannot act with a policy yet; rolloutSource and tessera train tokenizer take them.`,
      );
    }
    checkWhole({ numEnvs, chunkLength }, 1, where);
    checkWhole({ seed }, 0, where);
    if (maxEpisodeSteps !== undefined && maxEpisodeSteps !== -1) checkWhole({ maxEpisodeSteps }, 1, where);
    const kwargs = { ...config.kwargs, ...(maxEpisodeSteps !== undefined && { maxEpisodeSteps }) };
    const env = { id: config.id, kwargs, imports: config.imports ?? [] };
    await importEnvironments(env);
    const steppers: EnvironmentStepper[] = [];
    try {
      for (let envIndex = 0; envIndex < numEnvs; envIndex++) {
        steppers.push(new EnvironmentStepper({ env, seed, chunkLength, envIndex }));
      }
      return new VectorRollouts({ envId: env.id, seed, steppers });
    } catch (error) {
      for (const stepper of steppers) stepper.close();
      throw error;
    }
  }

  /**
   * Takes exactly `steps` steps in all: tick after tick each environment, from 0 on, takes one, until they are spent. Then all open chunks end; an episode
   * that goes on does so in the next call. The chunks are ordered by sequence, then by environment. The thread is given back between ticks.
   *
   * Throws ConfigError or ShapeError for actions that are none of the environments', EnvironmentError for an environment that throws or breaks its contract.
   * After an error the steps of this call are lost: go back with `setState`, or close.
   */
  async collect(policy: BatchPolicy, steps: number): Promise<Chunk[]> {
    checkWhole({ steps }, 0, 'VectorRollouts.collect');
    this.#checkStatus('collect', ['ready']);
    this.#status = 'collecting';
    const chunks: Chunk[] = [];
    try {
      for (let left = steps; left > 0;) {
        await breathe();
        this.#checkStatus('collect', ['collecting']);
        const acting = this.#steppers.slice(0, left);
        this.#tick(policy, acting, chunks);
        left -= acting.length;
      }
    } catch (error) {
      if (this.#status === 'collecting') this.#status = 'failed';
      throw error;
    }
    for (const stepper of this.#steppers) if (stepper.isOpen) chunks.push(stepper.finish());
    this.#status = 'ready';
    return chunks.toSorted(({ metadata: a }, { metadata: b }) => a.sequence - b.sequence || a.envIndex - b.envIndex);
  }

  /** Where everything stands, plain JSON. Throws ConfigError during a `collect` and after one that failed, EnvironmentError when an environment fails to say where it stands. */
  getState(): VectorRolloutsState {
    this.#checkStatus('getState', ['ready']);
    return {
      formatVersion: vectorRolloutsStateVersion,
      envId: this.#envId,
      numEnvs: this.#steppers.length,
      seed: this.#seed,
      frameShape: this.frameShape,
      environments: this.#steppers.map((stepper) => stepper.getState()),
    };
  }

  /**
   * Goes on from a state of `getState`. An environment that could not save its state begins a new episode.
   *
   * Throws FormatError, before anything has moved, for a state of other options or of another format.
   */
  setState(state: VectorRolloutsState): void {
    const where = 'VectorRollouts.setState';
    this.#checkStatus('setState', ['ready', 'failed']);
    const expected = {
      envId: this.#envId,
      numEnvs: this.#steppers.length,
      seed: this.#seed,
      frameShape: this.frameShape,
    };
    const { environments } = parseVectorRolloutsState(state, { expected, where });
    this.#status = 'failed';
    for (const [envIndex, stepper] of this.#steppers.entries()) stepper.setState(environments[envIndex]!);
    this.#status = 'ready';
  }

  /** Closes the environments; may be called again. */
  close(): void {
    for (const stepper of this.#steppers) stepper.close();
    this.#status = 'closed';
  }

  #tick(policy: BatchPolicy, acting: readonly EnvironmentStepper[], chunks: Chunk[]): void {
    const frames = ndarray('uint8', [acting.length, ...this.frameShape]);
    const frameSize = frames.data.length / acting.length;
    for (const [row, stepper] of acting.entries()) {
      if (!stepper.isOpen) {
        const { version } = policy;
        checkWhole({ 'policy.version': version }, 0, 'VectorRollouts.collect');
        stepper.begin({ policyVersion: version });
      }
      frames.data.set(stepper.frame, row * frameSize);
    }
    const actions = policy.act(
      frames,
      acting.map((_, envIndex) => envIndex),
      {
        begins: Uint8Array.from(acting, ({ stepsOfEpisode }) => (stepsOfEpisode === 0 ? 1 : 0)),
        executed: acting.map(({ executedBefore }) => executedBefore),
      },
    );
    this.#checkActions(actions, acting);
    for (const [row, stepper] of acting.entries()) {
      const chunk = stepper.step(actions[row]!);
      if (chunk !== undefined) chunks.push(chunk);
    }
  }

  #checkActions(actions: ArrayLike<number>, acting: readonly EnvironmentStepper[]): void {
    if (actions?.length !== acting.length) {
      throw new ShapeError(
        `rollouts: ${this.#envId}: expected ${acting.length} actions from policy.act, one for each frame, got ${describeValue(actions?.length)}.`,
      );
    }
    const { count, first } = this.actions;
    for (const [row, stepper] of acting.entries()) {
      const action = actions[row]!;
      if (Number.isInteger(action) && action >= first && action < first + count) continue;
      throw new ConfigError(
        `${stepper.where()}: expected a whole number from ${first} to ${first + count - 1} from policy.act, got ${describeValue(action)}.`,
      );
    }
  }

  #checkStatus(what: string, allowed: readonly Status[]): void {
    if (!allowed.includes(this.#status)) {
      throw new ConfigError(`VectorRollouts.${what}: ${wayOut[this.#status]}.`);
    }
  }
}
