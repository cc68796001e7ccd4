// CartPole (gymnasium/envs/classic_control/cartpole.py), number for number.
import { booleanOption, checkAction, checkKwargs, Discrete, Env, EnvRenderer, ResetNeeded, warn } from 'gymnasium-js';
import type {
  Box,
  EnvMetadata,
  EnvState,
  RenderFrame,
  RenderOptions,
  ResetOptions,
  ResetResult,
  StepResult,
} from 'gymnasium-js';
import { cartPoleObservations, moveCartPole } from './cart-pole-physics.ts';
import { cartPoleLayout, drawCartPole } from './cart-pole-picture.ts';
import { resetBounds } from './reset-bounds.ts';

export interface CartPoleOptions extends RenderOptions {
  /** Reward 0 for each step and -1 for the one that ends the episode, instead of 1 for each; false by default. */
  readonly suttonBartoReward?: boolean | undefined;
}

const owner = 'CartPoleEnv';

/**
 * ## Description
 * A pole is attached by an un-actuated joint to a cart, which moves along a frictionless track. The pole starts upright; the goal is to keep it so by
 * pushing the cart to the left or to the right. The problem of Barto, Sutton and Anderson, "Neuronlike Adaptive Elements That Can Solve Difficult
 * Learning Control Problem" (1983).
 *
 * ## Action space
 * `Discrete(2)`: 0 pushes the cart to the left, 1 to the right, always with the same force.
 *
 * ## Observation space
 * `Box([-4.8 -inf -0.41887903 -inf], [4.8 inf 0.41887903 inf], (4,), float32)`: position of the cart, its velocity, angle of the pole in radians, its angular
 * velocity. The bounds are twice those at which an episode ends.
 *
 * ## Reward
 * 1 for each step, the last one included. With `suttonBartoReward` 0 for each step and -1 for the one that terminates.
 *
 * ## Starting state
 * All four values uniform in (-0.05, 0.05); `reset({ options: { low, high } })` changes the bounds.
 *
 * ## Episode end
 * Terminated when the pole leans further than 12 degrees or the cart's centre is further than 2.4 from the middle. `make` truncates after 500 steps (v1) or 200 (v0).
 * A step after that goes on with reward 0 and, from the second one on, a warning.
 *
 * ## Arguments
 * `suttonBartoReward` (default false), `renderMode: 'rgb_array'`, `renderSize` (default 64).
 *
 * ## Version history
 * - v1: 500 steps instead of 200.
 * - v0: first version.
 */
export class CartPoleEnv extends Env<Float32Array, number> {
  readonly metadata: EnvMetadata = { renderModes: cartPoleLayout.modes, renderFps: 50 };
  readonly actionSpace: Discrete = new Discrete(2);
  readonly observationSpace: Box = cartPoleObservations();
  readonly #suttonBartoReward: boolean;
  readonly #renderer: EnvRenderer;
  #hasState = false;
  /** Position, velocity, angle, angular velocity. */
  readonly #state = new Float64Array(4);
  #stepsBeyondTerminated = -1;

  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(options: CartPoleOptions = {}) {
    super();
    checkKwargs(owner, { ...options }, ['suttonBartoReward', 'renderMode', 'renderSize']);
    this.#suttonBartoReward = booleanOption(owner, 'suttonBartoReward', options.suttonBartoReward, false);
    this.#renderer = new EnvRenderer(owner, options, cartPoleLayout);
  }

  override get renderMode(): string | undefined {
    return this.#renderer.mode;
  }

  reset(options?: ResetOptions): ResetResult<Float32Array> {
    const [low, high] = resetBounds(owner, options, -0.05, 0.05);
    this.seedRandom(options);
    for (let i = 0; i < 4; i++) this.#state[i] = this.npRandom.uniform(low, high);
    this.#hasState = true;
    this.#stepsBeyondTerminated = -1;
    return { observation: this.#observe(), info: {} };
  }

  step(action: number): StepResult<Float32Array> {
    const push = checkAction(owner, this.actionSpace, action);
    if (!this.#hasState) throw new ResetNeeded(`${owner}: Call reset before using step method.`);
    const terminated = moveCartPole(this.#state, 0, push);
    return {
      observation: this.#observe(),
      reward: this.#reward(terminated),
      terminated,
      truncated: false,
      info: {},
    };
  }

  #reward(terminated: boolean): number {
    if (!terminated) return this.#suttonBartoReward ? 0 : 1;
    this.#stepsBeyondTerminated += 1;
    if (this.#stepsBeyondTerminated === 0) return this.#suttonBartoReward ? -1 : 1;
    if (this.#stepsBeyondTerminated === 1) {
      warn(
        "You are calling 'step()' even though this environment has already returned terminated = true. " +
          "You should always call 'reset()' once you receive 'terminated = true' -- any further steps are undefined behavior.",
      );
    }
    return this.#suttonBartoReward ? -1 : 0;
  }

  #observe(): Float32Array {
    const observation = new Float32Array(4);
    const state = this.#state;
    for (let i = 0; i < 4; i++) observation[i] = state[i]!;
    return observation;
  }

  override render(): RenderFrame | undefined {
    return this.#renderer.render({
      id: this.spec?.id ?? owner,
      hasState: this.#hasState,
      draw: (raster) => drawCartPole(raster, this.#state[0]!, this.#state[2]!),
    });
  }

  protected override saveState(): EnvState {
    return {
      hasState: this.#hasState,
      state: this.#state.slice(),
      stepsBeyondTerminated: this.#stepsBeyondTerminated,
    };
  }

  protected override restoreState(data: EnvState): void {
    this.#state.set(data['state'] as Float64Array);
    this.#hasState = data['hasState'] as boolean;
    this.#stepsBeyondTerminated = data['stepsBeyondTerminated'] as number;
  }
}
