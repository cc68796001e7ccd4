// CartPole (gymnasium/envs/classic_control/cartpole.py), number for number.
import {
  Box,
  booleanOption,
  checkAction,
  checkKwargs,
  Discrete,
  Env,
  EnvRenderer,
  ResetNeeded,
  warn,
} from 'gymnasium-js';
import type {
  EnvMetadata,
  EnvState,
  RenderFrame,
  RenderOptions,
  ResetOptions,
  ResetResult,
  StepResult,
} from 'gymnasium-js';
import { cartPoleLayout, drawCartPole } from './cart-pole-picture.ts';
import { cos, sin } from './exact-trig.ts';
import { resetBounds } from './reset-bounds.ts';

export interface CartPoleOptions extends RenderOptions {
  /** Reward 0 for each step and -1 for the one that ends the episode, instead of 1 for each; false by default. */
  readonly suttonBartoReward?: boolean | undefined;
}

const owner = 'CartPoleEnv';
const gravity = 9.8;
const massPole = 0.1;
const totalMass = massPole + 1.0;
/** Half of the pole's length. */
const length = 0.5;
const poleMassLength = massPole * length;
const forceMagnitude = 10.0;
/** Seconds between states. */
const tau = 0.02;
const thetaThreshold = (12 * 2 * Math.PI) / 360;
const xThreshold = 2.4;

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
  readonly observationSpace: Box;
  readonly #suttonBartoReward: boolean;
  readonly #renderer: EnvRenderer;
  #hasState = false;
  #x = 0;
  #xDot = 0;
  #theta = 0;
  #thetaDot = 0;
  #stepsBeyondTerminated = -1;

  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(options: CartPoleOptions = {}) {
    super();
    checkKwargs(owner, { ...options }, ['suttonBartoReward', 'renderMode', 'renderSize']);
    this.#suttonBartoReward = booleanOption(owner, 'suttonBartoReward', options.suttonBartoReward, false);
    this.#renderer = new EnvRenderer(owner, options, cartPoleLayout);
    const bounds = [xThreshold * 2, Infinity, thetaThreshold * 2, Infinity];
    this.observationSpace = new Box({ low: bounds.map((bound) => -bound), high: bounds });
  }

  override get renderMode(): string | undefined {
    return this.#renderer.mode;
  }

  reset(options?: ResetOptions): ResetResult<Float32Array> {
    const [low, high] = resetBounds(owner, options, -0.05, 0.05);
    this.seedRandom(options);
    const { npRandom } = this;
    this.#x = npRandom.uniform(low, high);
    this.#xDot = npRandom.uniform(low, high);
    this.#theta = npRandom.uniform(low, high);
    this.#thetaDot = npRandom.uniform(low, high);
    this.#hasState = true;
    this.#stepsBeyondTerminated = -1;
    return { observation: this.#observe(), info: {} };
  }

  step(action: number): StepResult<Float32Array> {
    const push = checkAction(owner, this.actionSpace, action);
    if (!this.#hasState) throw new ResetNeeded(`${owner}: Call reset before using step method.`);
    const thetaDot = this.#thetaDot;
    const force = push === 1 ? forceMagnitude : -forceMagnitude;
    const cosTheta = cos(this.#theta);
    const sinTheta = sin(this.#theta);
    // The order of the operations is Gymnasium's: any other rounds differently.
    const temp = (force + poleMassLength * (thetaDot * thetaDot) * sinTheta) / totalMass;
    const thetaAcceleration =
      (gravity * sinTheta - cosTheta * temp) / (length * (4.0 / 3.0 - (massPole * (cosTheta * cosTheta)) / totalMass));
    const xAcceleration = temp - (poleMassLength * thetaAcceleration * cosTheta) / totalMass;
    const x = this.#x + tau * this.#xDot;
    const theta = this.#theta + tau * thetaDot;
    this.#xDot += tau * xAcceleration;
    this.#thetaDot = thetaDot + tau * thetaAcceleration;
    this.#x = x;
    this.#theta = theta;
    const terminated = x < -xThreshold || x > xThreshold || theta < -thetaThreshold || theta > thetaThreshold;
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
    observation[0] = this.#x;
    observation[1] = this.#xDot;
    observation[2] = this.#theta;
    observation[3] = this.#thetaDot;
    return observation;
  }

  override render(): RenderFrame | undefined {
    return this.#renderer.render({
      id: this.spec?.id ?? owner,
      hasState: this.#hasState,
      draw: (raster) => drawCartPole(raster, this.#x, this.#theta),
    });
  }

  protected override saveState(): EnvState {
    return {
      hasState: this.#hasState,
      state: Float64Array.of(this.#x, this.#xDot, this.#theta, this.#thetaDot),
      stepsBeyondTerminated: this.#stepsBeyondTerminated,
    };
  }

  protected override restoreState(data: EnvState): void {
    const state = data['state'] as Float64Array;
    [this.#x, this.#xDot, this.#theta, this.#thetaDot] = state as unknown as [number, number, number, number];
    this.#hasState = data['hasState'] as boolean;
    this.#stepsBeyondTerminated = data['stepsBeyondTerminated'] as number;
  }
}
