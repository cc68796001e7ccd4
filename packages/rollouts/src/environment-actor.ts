// One environment, its generators and its policy, stepped chunk by chunk. The same code runs in workers and in process, which is why both give the same bits.
// Where an actor stands is a function of its counters, generators and environment state alone: that is what a checkpoint will hold.

import { CancelledError, ConfigError, EnvironmentError, Generators } from '@tessera/core';
import type { Generator } from '@tessera/core';
import { Box, make, UnregisteredEnv } from 'gymnasium-js';
import type { Env, StepResult } from 'gymnasium-js';
import { ChunkBuilder } from './chunk-builder.ts';
import type { Chunk } from './chunk.ts';
import { createActionSource } from './policy.ts';
import type { ActionSource } from './policy.ts';
import { describePosition, newProgress, phases, stopRequested } from './progress.ts';
import { describeValue } from './settings.ts';
import type { EnvConfig, RolloutSettings } from './settings.ts';

// Gymnasium's own range of episode seeds; environments outside JavaScript take no more.
const episodeSeeds = 2 ** 31 - 1;

export interface EnvironmentActorOptions {
  readonly settings: RolloutSettings;
  readonly envIndex: number;
  /** The worker thread this runs in, for error messages. */
  readonly workerIndex?: number;
  /** Where to note each call of the environment; shared with whoever watches over this thread. */
  readonly progress?: Int32Array;
}

/**
 * Collects the chunks of environment `envIndex`: chunk n is a function of (settings, envIndex, n).
 *
 * Each episode is reset with a seed drawn from the generator `env/<index>`; actions come from `policy/<index>`.
 */
export class EnvironmentActor {
  readonly #id: string;
  readonly #envIndex: number;
  readonly #workerIndex: number | undefined;
  readonly #progress: Int32Array;
  readonly #env: Env;
  readonly #seeds: Generator;
  readonly #actions: ActionSource;
  readonly #builder: ChunkBuilder;
  readonly #frameSize: number;
  #frame: Uint8Array;

  /** Throws ConfigError for an unknown id or spaces it cannot use, EnvironmentError when the environment cannot be built. */
  constructor(options: EnvironmentActorOptions) {
    const { settings, envIndex, workerIndex, progress = newProgress() } = options;
    const { env, seed, chunkLength, policy } = settings;
    this.#id = env.id;
    this.#envIndex = envIndex;
    this.#workerIndex = workerIndex;
    this.#progress = progress;
    this.#note('make', 0, 0);
    this.#env = this.#make(env);
    const frameShape = this.#frameShape();
    this.#frameSize = frameShape.reduce((product, size) => product * size, 1);
    this.#frame = new Uint8Array(this.#frameSize);
    const generators = new Generators(seed);
    this.#seeds = generators.get(`env/${envIndex}`);
    const generator = generators.get(`policy/${envIndex}`);
    this.#actions = createActionSource(policy, { actionSpace: this.#env.actionSpace, generator, where: this.#where() });
    this.#builder = new ChunkBuilder({ envId: env.id, envIndex, seed, frameShape, chunkLength });
  }

  /**
   * Steps the environment through its next chunk. Throws EnvironmentError, with what the environment threw as its cause, and CancelledError when the progress
   * record asks to stop; call only `close` then.
   */
  collect(): Chunk {
    const builder = this.#builder;
    if (builder.needsReset) this.#reset();
    builder.begin(this.#frame, { policyVersion: this.#actions.policyVersion(builder.sequence) });
    while (!builder.isComplete) {
      if (stopRequested(this.#progress)) throw new CancelledError(`${this.#where()}: stopped.`);
      const action = this.#actions.act(this.#frame);
      const { observation, reward, terminated, truncated } = this.#step(action);
      this.#frame.set(observation);
      builder.add({ action, reward, frame: observation, terminated, truncated });
    }
    return builder.finish();
  }

  /** Closes the environment. What its `close` throws is ignored: there is nothing left to lose, and often a better error on its way. */
  close(): void {
    try {
      this.#env.close();
    } catch {
      // See above.
    }
  }

  #make({ kwargs, imports }: Required<EnvConfig>): Env {
    try {
      // What the checker would find, `#checkObservation` finds with its place.
      return make(this.#id, { ...kwargs, disableEnvChecker: true });
    } catch (cause) {
      const ErrorClass = cause instanceof ConfigError ? ConfigError : EnvironmentError;
      const isLost = cause instanceof UnregisteredEnv && imports.length === 0;
      const hint = isLost ? ' Nothing was imported: name the package that registers it in env.imports.' : '';
      throw new ErrorClass(`${this.#where()}: ${messageOf(cause)}${hint}`, { cause });
    }
  }

  #frameShape(): readonly number[] {
    const space: unknown = this.#env.observationSpace;
    if (space instanceof Box && space.dtype === 'uint8' && space.shape.length === 3 && !space.shape.includes(0)) {
      return space.shape;
    }
    throw new ConfigError(
      `${this.#where()}: expected frames, a Box of shape [height, width, channels] and dtype uint8, as observations; got ${String(space)}. Wrap the environment so that it observes pixels.`,
    );
  }

  #reset(): void {
    const episode = this.#builder.episode + 1;
    this.#note('reset', episode, 0);
    const seed = this.#seeds.integers(episodeSeeds);
    let observation: unknown;
    try {
      observation = this.#env.reset({ seed })?.observation;
    } catch (cause) {
      throw new EnvironmentError(`${this.#position()} threw: ${messageOf(cause)}`, { cause });
    }
    this.#checkObservation(observation);
    this.#frame.set(observation);
  }

  #step(action: number): StepResult<Uint8Array> {
    const { episode, stepsOfEpisode } = this.#builder;
    this.#note('step', episode, stepsOfEpisode);
    let result: StepResult<unknown>;
    try {
      result = this.#env.step(action);
    } catch (cause) {
      throw new EnvironmentError(`${this.#position()} threw: ${messageOf(cause)}`, { cause });
    }
    if (result === null || typeof result !== 'object') {
      const fields = '{ observation, reward, terminated, truncated, info }';
      throw new EnvironmentError(`${this.#position()}: expected ${fields} from step, got ${describeValue(result)}.`);
    }
    const { observation, reward, terminated, truncated } = result;
    this.#checkObservation(observation);
    // Rewards travel as float32.
    if (typeof reward !== 'number' || !Number.isFinite(Math.fround(reward))) {
      throw new EnvironmentError(
        `${this.#position()}: expected a reward that is a finite float32, got ${describeValue(reward)}.`,
      );
    }
    if (typeof terminated !== 'boolean' || typeof truncated !== 'boolean') {
      const got = `terminated ${describeValue(terminated)} and truncated ${describeValue(truncated)}`;
      throw new EnvironmentError(`${this.#position()}: expected booleans, got ${got}.`);
    }
    return result as StepResult<Uint8Array>;
  }

  #checkObservation(observation: unknown): asserts observation is Uint8Array {
    const isFrame = observation instanceof Uint8Array && observation.length === this.#frameSize;
    if (isFrame && this.#env.observationSpace.contains(observation)) return;
    const got = isFrame ? 'values outside its bounds' : describeValue(observation);
    throw new EnvironmentError(
      `${this.#position()}: the observation is outside its space: expected ${String(this.#env.observationSpace)}, a Uint8Array of ${this.#frameSize} values; got ${got}.`,
    );
  }

  #note(phase: keyof typeof phases, episode: number, step: number): void {
    this.#progress[0] = this.#envIndex;
    this.#progress[1] = phases[phase];
    this.#progress[2] = episode;
    this.#progress[3] = step;
  }

  #where(): string {
    const worker = this.#workerIndex === undefined ? '' : `, worker ${this.#workerIndex}`;
    return `rollouts: ${this.#id} (environment ${this.#envIndex}${worker})`;
  }

  #position(): string {
    return describePosition(this.#progress, { id: this.#id, workerIndex: this.#workerIndex });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
