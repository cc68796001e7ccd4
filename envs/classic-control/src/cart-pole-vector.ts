// Many CartPoles in one object (CartPoleVectorEnv in gymnasium/envs/classic_control/cartpole.py), number for number: no environment objects, no wrappers.
import { ConfigError } from '@tessera/core';
import type { Generator, GeneratorState } from '@tessera/core';
import {
  batchSpace,
  booleanOption,
  checkKwargs,
  ClosedEnvironmentError,
  Discrete,
  EnvRenderer,
  npRandom,
  readActions,
  ResetNeeded,
} from 'gymnasium-js';
import type {
  AutoresetMode,
  Box,
  EnvMetadata,
  EnvSpec,
  EnvState,
  Seed,
  Space,
  StateValue,
  VectorActions,
  VectorEnv,
  VectorResetOptions,
  VectorResetResult,
  VectorStepResult,
} from 'gymnasium-js';
import { cartPoleObservations, moveCartPole } from './cart-pole-physics.ts';
import { cartPoleLayout, drawCartPole } from './cart-pole-picture.ts';
import type { CartPoleOptions } from './cart-pole.ts';
import { resetBounds } from './reset-bounds.ts';

export interface CartPoleVectorOptions extends CartPoleOptions {
  /** How many carts; 1 by default. */
  readonly numEnvs?: number | undefined;
  /** Steps before an episode is truncated, -1 for no limit; 500 by default. `makeVec` passes that of the spec. */
  readonly maxEpisodeSteps?: number | undefined;
  readonly spec?: EnvSpec | undefined;
}

const owner = 'CartPoleVectorEnv';
const [usualLow, usualHigh] = [-0.05, 0.05];

/**
 * The task of `CartPoleEnv`, `numEnvs` times: observations `[numEnvs, 4]` float32, rewards and flags as there. `makeVec('CartPole-v1')` builds it unless it is
 * asked for another `vectorizationMode`.
 *
 * All carts draw from one random stream, so a seed gives other episodes than single environments with seeds `seed + i`, and neither a list of seeds nor
 * `resetMask` means anything here: both are a ConfigError. Autoreset is always `NextStep`; it draws within the bounds that the last `reset` was given.
 */
export class CartPoleVectorEnv implements VectorEnv<Float32Array> {
  readonly numEnvs: number;
  readonly metadata: EnvMetadata & { readonly autoresetMode: AutoresetMode } = {
    renderModes: cartPoleLayout.modes,
    renderFps: 50,
    autoresetMode: 'NextStep',
  };
  readonly spec: EnvSpec | undefined;
  readonly singleObservationSpace: Box = cartPoleObservations();
  readonly singleActionSpace: Discrete = new Discrete(2);
  readonly observationSpace: Space<unknown>;
  readonly actionSpace: Space<unknown>;
  readonly observationShape: readonly number[];
  readonly canSaveState = true;
  readonly #suttonBartoReward: boolean;
  readonly #limit: number;
  readonly #renderer: EnvRenderer;
  /** `[numEnvs, 4]`: position, velocity, angle, angular velocity. */
  readonly #states: Float64Array;
  readonly #steps: Int32Array;
  /** 1 where the last step ended the episode. */
  readonly #ended: Uint8Array;
  #bounds: readonly [low: number, high: number] = [usualLow, usualHigh];
  #generator: Generator | undefined;
  #hasState = false;
  #isClosed = false;

  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(options: CartPoleVectorOptions = {}) {
    const names = ['numEnvs', 'maxEpisodeSteps', 'suttonBartoReward', 'renderMode', 'renderSize', 'spec'];
    checkKwargs(owner, { ...options }, names);
    const { numEnvs = 1, maxEpisodeSteps = 500, suttonBartoReward, spec } = options;
    checkWhole('numEnvs', numEnvs);
    if (maxEpisodeSteps !== -1) checkWhole('maxEpisodeSteps', maxEpisodeSteps);
    this.numEnvs = numEnvs;
    this.spec = spec;
    this.#limit = maxEpisodeSteps === -1 ? Infinity : maxEpisodeSteps;
    this.#suttonBartoReward = booleanOption(owner, 'suttonBartoReward', suttonBartoReward, false);
    this.#renderer = new EnvRenderer(owner, options, cartPoleLayout);
    this.observationSpace = batchSpace(this.singleObservationSpace, numEnvs);
    this.actionSpace = batchSpace(this.singleActionSpace, numEnvs);
    this.observationShape = [numEnvs, 4];
    this.#states = new Float64Array(numEnvs * 4);
    this.#steps = new Int32Array(numEnvs);
    this.#ended = new Uint8Array(numEnvs);
  }

  get renderMode(): string | undefined {
    return this.#renderer.mode;
  }

  async reset({ seed, options }: VectorResetOptions = {}): Promise<VectorResetResult<Float32Array>> {
    this.#checkOpen('reset');
    for (const [name, isGiven] of [
      ['a list of seeds', Array.isArray(seed)],
      ['resetMask', options?.resetMask !== undefined],
    ] as const) {
      if (!isGiven) continue;
      const wayOut = `Give one seed for all, or build it with vectorizationMode: 'sync'`;
      throw new ConfigError(`${owner}: reset: ${name} does not work: all carts have one random stream. ${wayOut}.`);
    }
    const bounds = resetBounds(owner, { options }, usualLow, usualHigh);
    if (seed !== undefined) this.#generator = npRandom(seed as Seed).generator;
    this.#bounds = bounds;
    this.#draw(new Uint8Array(this.numEnvs).fill(1));
    this.#ended.fill(0);
    this.#hasState = true;
    return { observation: new Float32Array(this.#states), info: {} };
  }

  // Fresh states where `marks` has a 1: first all positions, then all velocities, as NumPy fills an array of [4, count].
  #draw(marks: Uint8Array): void {
    this.#generator ??= npRandom().generator;
    for (let k = 0; k < 4; k++) {
      for (let i = 0; i < this.numEnvs; i++) {
        if (marks[i]) this.#states[4 * i + k] = this.#generator.uniform(...this.#bounds);
      }
    }
    for (let i = 0; i < this.numEnvs; i++) if (marks[i]) this.#steps[i] = 0;
  }

  async step(actions: VectorActions): Promise<VectorStepResult<Float32Array>> {
    this.#checkOpen('step');
    if (!this.#hasState) throw new ResetNeeded(`${owner}: Call reset before using step method.`);
    readActions(this, this.numEnvs, actions);
    const { numEnvs } = this;
    const reward = new Float64Array(numEnvs);
    const [terminated, truncated] = [new Uint8Array(numEnvs), new Uint8Array(numEnvs)];
    for (let i = 0; i < numEnvs; i++) {
      if (this.#ended[i]) continue;
      terminated[i] = Number(moveCartPole(this.#states, 4 * i, Number(actions[i])));
      this.#steps[i]! += 1;
      truncated[i] = Number(this.#steps[i]! >= this.#limit);
      reward[i] = this.#suttonBartoReward ? 0 - terminated[i]! : 1;
    }
    if (this.#ended.includes(1)) this.#draw(this.#ended);
    for (let i = 0; i < numEnvs; i++) this.#ended[i] = terminated[i]! | truncated[i]!;
    return { observation: new Float32Array(this.#states), reward, terminated, truncated, info: {} };
  }

  /** A picture of each cart; undefined before the first reset, and with a warning when there is no render mode. */
  async render(): Promise<unknown[]> {
    this.#checkOpen('render');
    const [id, hasState] = [this.spec?.id ?? owner, this.#hasState];
    return Array.from({ length: this.numEnvs }, (_, i) =>
      this.#renderer.render({
        id,
        hasState,
        draw: (raster) => drawCartPole(raster, this.#states[4 * i]!, this.#states[4 * i + 2]!),
      }),
    );
  }

  async getState(): Promise<EnvState> {
    this.#checkOpen('getState');
    return {
      env: owner,
      states: this.#states.slice(),
      steps: this.#steps.slice(),
      ended: this.#ended.slice(),
      bounds: [...this.#bounds],
      hasState: this.#hasState,
      random: this.#generator?.getState() as StateValue,
    };
  }

  /** Goes on from a state of `getState`. Throws ConfigError for one of another kind or number of environments. */
  async setState(state: EnvState): Promise<void> {
    this.#checkOpen('setState');
    const steps = state['steps'] as Int32Array | undefined;
    if (state['env'] !== owner || steps?.length !== this.numEnvs) {
      const got = state['env'] === owner ? `${steps?.length}` : 'something else';
      throw new ConfigError(`${owner}: setState: expected a state of ${owner} with ${this.numEnvs} carts, got ${got}.`);
    }
    this.#states.set(state['states'] as Float64Array);
    this.#steps.set(steps);
    this.#ended.set(state['ended'] as Uint8Array);
    this.#bounds = state['bounds'] as [number, number];
    this.#hasState = state['hasState'] as boolean;
    this.#generator = undefined;
    if (state['random'] === undefined) return;
    this.#generator = npRandom(0).generator;
    this.#generator.setState(state['random'] as unknown as GeneratorState);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #checkOpen(call: string): void {
    if (!this.#isClosed) return;
    throw new ClosedEnvironmentError(`Trying to operate on ${this.toString()}, after a call to close(): ${call}.`);
  }

  toString(): string {
    return `${owner}(${this.spec === undefined ? '' : `${this.spec.id}, `}numEnvs=${this.numEnvs})`;
  }
}

function checkWhole(name: string, value: unknown): void {
  if (Number.isSafeInteger(value) && Number(value) >= 1) return;
  throw new ConfigError(`${owner}: expected a whole number > 0 as ${name}, got ${String(value)}.`);
}
