// Acrobot (gymnasium/envs/classic_control/acrobot.py, after RLPy): the same operations in the same order and precision.
import { ConfigError } from '@tessera/core';
import { Box, checkAction, checkKwargs, Discrete, Env, EnvRenderer, numberOption, ResetNeeded } from 'gymnasium-js';
import type {
  EnvMetadata,
  EnvState,
  RenderFrame,
  RenderOptions,
  ResetOptions,
  ResetResult,
  StepResult,
} from 'gymnasium-js';
import { acrobotLayout, drawAcrobot } from './acrobot-picture.ts';
import { cos, sin } from './exact-trig.ts';
import { resetBounds } from './reset-bounds.ts';

export interface AcrobotOptions extends RenderOptions {
  /** The equations of Sutton and Barto's book, or those of the NeurIPS paper, which lack a term; `book` by default. In Gymnasium an attribute. */
  readonly bookOrNips?: 'book' | 'nips' | undefined;
  /** Uniform noise within +- this is added to the torque of each step; 0 by default. In Gymnasium an attribute. */
  readonly torqueNoiseMax?: number | undefined;
}

const owner = 'AcrobotEnv';
/** Seconds between states. */
const dt = 0.2;
const maxVelocity1 = 4 * Math.PI;
const maxVelocity2 = 9 * Math.PI;
const gravity = 9.8;
const { fround, PI } = Math;

/** theta1, theta2, and their derivatives. */
type State = readonly [theta1: number, theta2: number, thetaDot1: number, thetaDot2: number];

/**
 * ## Description
 * Two links of 1 m and 1 kg hang in a chain from a fixed point; a torque acts on the joint between them. The goal is to swing the free end above the height of one link
 * over the fixed point. From Sutton, "Generalization in Reinforcement Learning" (1996), and Sutton and Barto's book.
 *
 * ## Action space
 * `Discrete(3)`: a torque of -1, 0 or 1 N m on the joint between the links.
 *
 * ## Observation space
 * `Box([-1 -1 -1 -1 -12.566371 -28.274334], [1 1 1 1 12.566371 28.274334], (6,), float32)`: cosine and sine of theta1, cosine and sine of theta2, and the two angular
 * velocities. theta1 is 0 where the first link points down; theta2 is the angle between the links.
 *
 * ## Reward
 * -1 for each step, 0 for the one that reaches the goal.
 *
 * ## Starting state
 * All four values uniform in (-0.1, 0.1); `reset({ options: { low, high } })` changes the bounds.
 *
 * ## Step
 * One step of the Runge-Kutta method of order 4 over 0.2 s. Angles are wrapped into [-pi, pi], velocities held within +-4 pi and +-9 pi.
 *
 * ## Episode end
 * Terminated when `-cos(theta1) - cos(theta2 + theta1) > 1`. `make` truncates after 500 steps.
 *
 * ## Arguments
 * `bookOrNips` (default `book`), `torqueNoiseMax` (default 0), `renderMode: 'rgb_array'`, `renderSize` (default 64).
 *
 * ## Version history
 * - v1: 500 steps instead of 200; sines and cosines instead of angles.
 * - v0: first version.
 *
 * ## Differences to Gymnasium
 * The motion is chaotic: differences in the last bit of a sine grow. After some hundred steps an observation may differ in its last digits (float32), and by more where an
 * episode has no end.
 */
export class AcrobotEnv extends Env<Float32Array, number> {
  readonly metadata: EnvMetadata = { renderModes: acrobotLayout.modes, renderFps: 15 };
  readonly actionSpace: Discrete = new Discrete(3);
  readonly observationSpace: Box;
  readonly #isNips: boolean;
  readonly #torqueNoiseMax: number;
  readonly #renderer: EnvRenderer;
  #state: State | undefined;

  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(options: AcrobotOptions = {}) {
    super();
    checkKwargs(owner, { ...options }, ['bookOrNips', 'torqueNoiseMax', 'renderMode', 'renderSize']);
    const { bookOrNips = 'book' } = options;
    if (bookOrNips !== 'book' && bookOrNips !== 'nips') {
      throw new ConfigError(`${owner}: expected bookOrNips to be book or nips, got ${JSON.stringify(bookOrNips)}.`);
    }
    this.#isNips = bookOrNips === 'nips';
    const noise = numberOption(owner, 'torqueNoiseMax', options.torqueNoiseMax, 0, [0, 1e6]);
    this.#torqueNoiseMax = noise;
    this.#renderer = new EnvRenderer(owner, options, acrobotLayout);
    const bounds = [1, 1, 1, 1, maxVelocity1, maxVelocity2];
    this.observationSpace = new Box({ low: bounds.map((bound) => -bound), high: bounds });
  }

  override get renderMode(): string | undefined {
    return this.#renderer.mode;
  }

  reset(options?: ResetOptions): ResetResult<Float32Array> {
    const [low, high] = resetBounds(owner, options, -0.1, 0.1);
    this.seedRandom(options);
    // The state is float32 until the first step.
    const draw = (): number => fround(this.npRandom.uniform(low, high));
    this.#state = [draw(), draw(), draw(), draw()];
    return { observation: observe(this.#state), info: {} };
  }

  step(action: number): StepResult<Float32Array> {
    let torque = checkAction(owner, this.actionSpace, action) - 1;
    if (this.#state === undefined) throw new ResetNeeded(`${owner}: Call reset before using AcrobotEnv object.`);
    const noise = this.#torqueNoiseMax;
    if (noise > 0) torque += this.npRandom.uniform(-noise, noise);
    const [theta1, theta2, thetaDot1, thetaDot2] = this.#integrate(this.#state, torque);
    const state: State = [wrap(theta1), wrap(theta2), bound(thetaDot1, maxVelocity1), bound(thetaDot2, maxVelocity2)];
    this.#state = state;
    const terminated = -cos(state[0]) - cos(state[1] + state[0]) > 1;
    return { observation: observe(state), reward: terminated ? 0 : -1, terminated, truncated: false, info: {} };
  }

  // Runge-Kutta of order 4, in the order of operations of Gymnasium's rk4.
  #integrate(y: State, torque: number): State {
    const half = dt / 2;
    const k1 = this.#derivative(y, torque);
    const k2 = this.#derivative(ahead(y, half, k1), torque);
    const k3 = this.#derivative(ahead(y, half, k2), torque);
    const k4 = this.#derivative(ahead(y, dt, k3), torque);
    const sum = (i: 0 | 1 | 2 | 3): number => y[i] + (dt / 6) * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
    return [sum(0), sum(1), sum(2), sum(3)];
  }

  // With masses, lengths and moments of inertia of 1 and centres of mass at 0.5, in Gymnasium's order of operations.
  #derivative([theta1, theta2, thetaDot1, thetaDot2]: State, torque: number): State {
    const cos2 = cos(theta2);
    const sin2 = sin(theta2);
    const d1 = 0.25 + (1.25 + cos2) + 1 + 1;
    const d2 = 0.25 + 0.5 * cos2 + 1;
    const phi2 = 0.5 * gravity * cos(theta1 + theta2 - PI / 2);
    const phi1 =
      -0.5 * (thetaDot2 * thetaDot2) * sin2 -
      thetaDot2 * thetaDot1 * sin2 +
      1.5 * gravity * cos(theta1 - PI / 2) +
      phi2;
    const driven = torque + (d2 / d1) * phi1;
    const inertia = 1.25 - (d2 * d2) / d1;
    const acceleration2 = this.#isNips
      ? (driven - phi2) / inertia
      : (driven - 0.5 * (thetaDot1 * thetaDot1) * sin2 - phi2) / inertia;
    const acceleration1 = -(d2 * acceleration2 + phi1) / d1;
    return [thetaDot1, thetaDot2, acceleration1, acceleration2];
  }

  override render(): RenderFrame | undefined {
    const [theta1, theta2] = this.#state ?? [0, 0];
    return this.#renderer.render({
      id: this.spec?.id ?? owner,
      hasState: this.#state !== undefined,
      draw: (raster) => drawAcrobot(raster, theta1, theta2),
    });
  }

  protected override saveState(): EnvState {
    return { state: this.#state === undefined ? undefined : [...this.#state] };
  }

  protected override restoreState(data: EnvState): void {
    const state = data['state'] as State | undefined;
    this.#state = state === undefined ? undefined : [...state];
  }
}

function observe([theta1, theta2, thetaDot1, thetaDot2]: State): Float32Array {
  return Float32Array.of(cos(theta1), sin(theta1), cos(theta2), sin(theta2), thetaDot1, thetaDot2);
}

const ahead = (y: State, time: number, k: State): State => [
  y[0] + time * k[0],
  y[1] + time * k[1],
  y[2] + time * k[2],
  y[3] + time * k[3],
];

const bound = (x: number, limit: number): number => Math.min(Math.max(x, -limit), limit);

// Into [-pi, pi] by whole turns, one by one as Gymnasium does. From far away (options of reset can lead there) that would not end.
function wrap(angle: number): number {
  const turn = PI - -PI;
  let wrapped = Math.abs(angle) > 1000 * turn ? angle % turn : angle;
  while (wrapped > PI) wrapped -= turn;
  while (wrapped < -PI) wrapped += turn;
  return wrapped;
}
