// One environment with its episode seeds, stepped action by action into chunks: what every way of collecting shares, and all the checks of what an environment
// returns. Where a stepper stands is a function of its counters, its generator and its environment's state: that is what a checkpoint holds.

import { ConfigError, EnvironmentError, FormatError, Generators } from '@tessera/core';
import type { Generator, GeneratorState } from '@tessera/core';
import { UnregisteredEnv } from 'gymnasium-js';
import type { Env, EnvState, Info, Space, StepResult } from 'gymnasium-js';
import { fromBase64, toBase64 } from './base64.ts';
import { ChunkBuilder } from './chunk-builder.ts';
import type { ChunkBuilderState } from './chunk-builder.ts';
import type { Chunk } from './chunk.ts';
import { describePosition, newProgress, phases } from './progress.ts';
import { describeValue } from './settings.ts';
import { isFrameSpace, makeFrames } from './make-frames.ts';
import type { EnvConfig } from './settings.ts';
import { stateFromJson, stateToJson } from './state-json.ts';
import type { Json } from './state-json.ts';

// Gymnasium's own range of episode seeds; environments outside JavaScript take no more.
export const episodeSeeds: number = 2 ** 31 - 1;

export interface EnvironmentStepperOptions {
  readonly env: Required<EnvConfig>;
  readonly seed: number;
  readonly chunkLength: number;
  readonly envIndex: number;
  /** The worker thread this runs in, for error messages. */
  readonly workerIndex?: number | undefined;
  /** Where to note each call of the environment; shared with whoever watches over this thread. */
  readonly progress?: Int32Array;
}

/** Where a stepper stands between two chunks. Plain JSON. */
export interface EnvironmentStepperState {
  readonly counters: ChunkBuilderState;
  /** Position of the generator of episode seeds. */
  readonly seeds: GeneratorState;
  /** What the policy sees next, in base64; null when the next step begins an episode. */
  readonly frame: string | null;
  /** The environment's own state (`stateToJson`); null when it cannot save one. */
  readonly env: Json;
}

/**
 * Steps environment `envIndex`: `begin`, then `step` until it gives a chunk, and so on.
 *
 * Each episode is reset with a seed drawn from the generator `env/<index>`.
 */
export class EnvironmentStepper {
  /** `[height, width, channels]`. */
  readonly frameShape: readonly number[];
  /** What the policy sees next, `uint8 [H, W, C]`; valid between `begin` and `step`. Overwritten by the next step. */
  readonly frame: Uint8Array;
  readonly #id: string;
  readonly #envIndex: number;
  readonly #workerIndex: number | undefined;
  readonly #progress: Int32Array;
  readonly #env: Env;
  readonly #seeds: Generator;
  readonly #builder: ChunkBuilder;
  #executedBefore: number | undefined;

  /** Throws ConfigError for an unknown id or spaces it cannot use, EnvironmentError when the environment cannot be built. */
  constructor(options: EnvironmentStepperOptions) {
    const { env, seed, chunkLength, envIndex, workerIndex, progress = newProgress() } = options;
    this.#id = env.id;
    this.#envIndex = envIndex;
    this.#workerIndex = workerIndex;
    this.#progress = progress;
    this.#note('make', 0, 0);
    this.#env = this.#make(env);
    this.frameShape = this.#shapeOfFrames();
    this.frame = new Uint8Array(this.frameShape.reduce((product, size) => product * size, 1));
    this.#seeds = new Generators(seed).get(`env/${envIndex}`);
    this.#builder = new ChunkBuilder({ envId: env.id, envIndex, seed, frameShape: this.frameShape, chunkLength });
  }

  get actionSpace(): unknown {
    return this.#env.actionSpace;
  }

  /** Whether the environment can save its state. */
  get canSaveState(): boolean {
    return this.#env.canSaveState;
  }

  /** Number of the chunk being built, or of the next one. */
  get sequence(): number {
    return this.#builder.sequence;
  }

  /** Steps taken in the present episode. */
  get stepsOfEpisode(): number {
    return this.#builder.stepsOfEpisode;
  }

  /** What was executed in the step before; undefined at the start of an episode, and where a state has been taken over since. */
  get executedBefore(): number | undefined {
    return this.stepsOfEpisode === 0 ? undefined : this.#executedBefore;
  }

  /** Whether a chunk is open. */
  get isOpen(): boolean {
    return this.#builder.isOpen;
  }

  /** Opens a chunk, with a new episode when the one before has ended. Throws EnvironmentError, with what the environment threw as its cause. */
  begin(options: { readonly policyVersion: number }): void {
    if (this.#builder.needsReset) this.#reset();
    this.#builder.begin(this.frame, options);
  }

  /** Takes an action; gives the chunk when that completes it. Throws EnvironmentError, with what the environment threw as its cause. */
  step(action: number): Chunk | undefined {
    const { observation, reward, terminated, truncated, info } = this.#step(action);
    const executedAction = this.#executed(info, action);
    this.#executedBefore = executedAction;
    this.frame.set(observation);
    this.#builder.add({ action, executedAction, reward, frame: observation, terminated, truncated });
    return this.#builder.isComplete ? this.#builder.finish() : undefined;
  }

  /** Ends the open chunk, which has a row at least, before it is complete; its episode goes on in the next. */
  finish(): Chunk {
    return this.#builder.finish();
  }

  /** Everything that decides what comes next. Throws EnvironmentError when the environment fails to say where it stands. */
  getState(): EnvironmentStepperState {
    const counters = this.#builder.getState();
    return {
      counters,
      seeds: this.#seeds.getState(),
      frame: counters.ended ? null : toBase64(this.frame),
      env: this.#env.canSaveState ? this.#stateOfEnv() : null,
    };
  }

  /**
   * Goes on from a state of `getState`. An environment whose state was not saved begins a new episode with a fresh seed.
   *
   * Throws FormatError. `parseStepperState` finds what is wrong with a state before anything moves; what is left is what only the environment itself knows.
   */
  setState(state: EnvironmentStepperState): void {
    const saved = state.env !== null;
    if (saved) this.#restoreEnv(state.env);
    this.#builder.setState({ ...state.counters, ended: state.counters.ended || !saved });
    this.#seeds.setState(state.seeds);
    this.#executedBefore = undefined;
    if (state.frame !== null) this.frame.set(fromBase64(state.frame));
  }

  /** Closes the environment. What its `close` throws is ignored: there is nothing left to lose, and often a better error on its way. */
  close(): void {
    try {
      this.#env.close();
    } catch {
      // See above.
    }
  }

  /** The opening of an error message: environment, its number, worker. */
  where(): string {
    const worker = this.#workerIndex === undefined ? '' : `, worker ${this.#workerIndex}`;
    return `rollouts: ${this.#id} (environment ${this.#envIndex}${worker})`;
  }

  #make({ kwargs, imports }: Required<EnvConfig>): Env {
    try {
      // What the checker would find, `#checkObservation` finds with its place.
      return makeFrames(this.#id, { ...kwargs, disableEnvChecker: true });
    } catch (cause) {
      const ErrorClass = cause instanceof ConfigError ? ConfigError : EnvironmentError;
      const isLost = cause instanceof UnregisteredEnv && imports.length === 0;
      const hint = isLost ? ' Nothing was imported: name the package that registers it in env.imports.' : '';
      throw new ErrorClass(`${this.where()}: ${messageOf(cause)}${hint}`, { cause });
    }
  }

  #shapeOfFrames(): readonly number[] {
    const space = this.#env.observationSpace;
    if (isFrameSpace(space)) return space.shape;
    throw new ConfigError(
      `${this.where()}: expected frames, a Box of shape [height, width, channels] and dtype uint8, as observations; got ${String(space)}. Wrap the environment so that it observes pixels.`,
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
    this.frame.set(observation);
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

  /** What the environment says that it did; the action that it was given where it does not say. */
  #executed(info: Info | undefined, action: number): number {
    const executed = info?.['executedAction'];
    if (executed === undefined) return action;
    const space = this.#env.actionSpace as Space<unknown>;
    if (typeof executed === 'number' && space.contains(executed)) return executed;
    throw new EnvironmentError(
      `${this.#position()}: expected info.executedAction to be one of ${String(space)}, got ${describeValue(executed)}.`,
    );
  }

  #checkObservation(observation: unknown): asserts observation is Uint8Array {
    const isFrame = observation instanceof Uint8Array && observation.length === this.frame.length;
    if (isFrame && this.#env.observationSpace.contains(observation)) return;
    const got = isFrame ? 'values outside its bounds' : describeValue(observation);
    throw new EnvironmentError(
      `${this.#position()}: the observation is outside its space: expected ${String(this.#env.observationSpace)}, a Uint8Array of ${this.frame.length} values; got ${got}.`,
    );
  }

  #stateOfEnv(): Json {
    try {
      return stateToJson(this.#env.getState());
    } catch (cause) {
      throw new EnvironmentError(`${this.where()}: its state cannot be saved: ${messageOf(cause)}`, { cause });
    }
  }

  #restoreEnv(json: Json): void {
    try {
      this.#env.setState(stateFromJson(json) as EnvState);
    } catch (cause) {
      throw new FormatError(`${this.where()}: its state cannot be restored: ${messageOf(cause)}`, { cause });
    }
  }

  #note(phase: keyof typeof phases, episode: number, step: number): void {
    this.#progress[0] = this.#envIndex;
    this.#progress[1] = phases[phase];
    this.#progress[2] = episode;
    this.#progress[3] = step;
  }

  #position(): string {
    return describePosition(this.#progress, { id: this.#id, workerIndex: this.#workerIndex });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
