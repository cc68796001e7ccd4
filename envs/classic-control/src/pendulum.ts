// Pendulum (gymnasium/envs/classic_control/pendulum.py): the same operations in the same order and precision.
import { Box, checkKwargs, Env, EnvRenderer, numberOption, ResetNeeded } from 'gymnasium-js';
import type {
  EnvMetadata,
  EnvState,
  RenderFrame,
  RenderOptions,
  ResetOptions,
  ResetResult,
  StepResult,
} from 'gymnasium-js';
import { cos, sin } from './exact-trig.ts';
import { drawPendulum, pendulumLayout } from './pendulum-picture.ts';
import { resetNumber } from './reset-bounds.ts';
import { torqueOf } from './torque.ts';

export interface PendulumOptions extends RenderOptions {
  /** Acceleration of gravity in m/s^2; 10 by default. */
  readonly g?: number | undefined;
}

const owner = 'PendulumEnv';
const maxSpeed = 8;
const maxTorque = 2.0;
/** Seconds between states. */
const dt = 0.05;
const { fround } = Math;
const clip = (x: number, limit: number): number => Math.min(Math.max(x, -limit), limit);

/**
 * ## Description
 * A pendulum of 1 kg and 1 m hangs on a fixed point; a torque on its free end is to swing it up and hold it there. The torque is too weak to do so at once.
 *
 * ## Action space
 * `Box(-2.0, 2.0, (1,), float32)`: the torque in N m, positive counter-clockwise. Values outside are cut off; `make` refuses them.
 *
 * ## Observation space
 * `Box([-1. -1. -8.], [1. 1. 8.], (3,), float32)`: `cos(theta)`, `sin(theta)` and the angular velocity; theta is 0 upright.
 *
 * ## Reward
 * `-(theta^2 + 0.1 * angularVelocity^2 + 0.001 * torque^2)` with theta in [-pi, pi) and the values before the step: between -16.27 and 0.
 *
 * ## Starting state
 * Angle uniform in [-pi, pi], angular velocity in [-1, 1]; `reset({ options: { xInit, yInit } })` changes these limits to `+-xInit` and `+-yInit`.
 *
 * ## Episode end
 * Never terminated. `make` truncates after 200 steps.
 *
 * ## Arguments
 * `g` (default 10), `renderMode: 'rgb_array'`, `renderSize` (default 64).
 *
 * ## Version history
 * - v1: simpler equations, the same behaviour.
 * - v0: first version.
 *
 * ## Differences to Gymnasium
 * Observations are equal in nearly all steps; rewards differ in the last bits now and then, where the C library's sine and square are not correctly rounded.
 */
export class PendulumEnv extends Env<Float32Array, Float32Array> {
  readonly metadata: EnvMetadata = { renderModes: pendulumLayout.modes, renderFps: 30 };
  readonly actionSpace: Box = new Box({ low: -maxTorque, high: maxTorque, shape: [1] });
  readonly observationSpace: Box = new Box({ low: [-1, -1, -maxSpeed], high: [1, 1, maxSpeed] });
  readonly #g: number;
  readonly #renderer: EnvRenderer;
  #hasState = false;
  #theta = 0;
  #thetaDot = 0;
  #lastTorque: number | undefined;

  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(options: PendulumOptions = {}) {
    super();
    checkKwargs(owner, { ...options }, ['g', 'renderMode', 'renderSize']);
    this.#g = numberOption(owner, 'g', options.g, 10);
    this.#renderer = new EnvRenderer(owner, options, pendulumLayout);
  }

  override get renderMode(): string | undefined {
    return this.#renderer.mode;
  }

  reset(options?: ResetOptions): ResetResult<Float32Array> {
    const x = resetNumber(owner, options, 'xInit', Math.PI);
    const y = resetNumber(owner, options, 'yInit', 1);
    this.seedRandom(options);
    this.#theta = this.npRandom.uniform(-x, x);
    this.#thetaDot = this.npRandom.uniform(-y, y);
    this.#lastTorque = undefined;
    this.#hasState = true;
    return { observation: this.#observe(), info: {} };
  }

  step(action: ArrayLike<number>): StepResult<Float32Array> {
    const torque = clip(torqueOf(owner, action), maxTorque);
    if (!this.#hasState) throw new ResetNeeded(`${owner}: Call reset before using step method.`);
    const [theta, thetaDot] = [this.#theta, this.#thetaDot];
    const angle = normalizeAngle(theta);
    // The torque is float32, and so are its products with Python's constants.
    const costs = angle * angle + 0.1 * (thetaDot * thetaDot) + fround(fround(0.001) * fround(torque * torque));
    const acceleration = ((3 * this.#g) / 2) * sin(theta) + fround(3 * torque);
    this.#thetaDot = clip(thetaDot + acceleration * dt, maxSpeed);
    this.#theta = theta + this.#thetaDot * dt;
    this.#lastTorque = torque;
    return { observation: this.#observe(), reward: -costs, terminated: false, truncated: false, info: {} };
  }

  #observe(): Float32Array {
    return Float32Array.of(cos(this.#theta), sin(this.#theta), this.#thetaDot);
  }

  override render(): RenderFrame | undefined {
    return this.#renderer.render({
      id: this.spec?.id ?? owner,
      hasState: this.#hasState,
      draw: (raster) => drawPendulum(raster, this.#theta, this.#lastTorque),
    });
  }

  protected override saveState(): EnvState {
    return {
      hasState: this.#hasState,
      theta: this.#theta,
      thetaDot: this.#thetaDot,
      lastTorque: this.#lastTorque,
    };
  }

  protected override restoreState(data: EnvState): void {
    this.#hasState = data['hasState'] as boolean;
    this.#theta = data['theta'] as number;
    this.#thetaDot = data['thetaDot'] as number;
    this.#lastTorque = data['lastTorque'] as number | undefined;
  }
}

// NumPy's modulo: the result has the sign of the divisor.
function normalizeAngle(angle: number): number {
  const period = 2 * Math.PI;
  const rest = (angle + Math.PI) % period;
  return (rest < 0 ? rest + period : rest) - Math.PI;
}
