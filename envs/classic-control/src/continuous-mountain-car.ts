// MountainCar with one continuous action (gymnasium/envs/classic_control/continuous_mountain_car.py), number for number.
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
import { cos } from './exact-trig.ts';
import { drawMountainCar, mountainCarLayout } from './mountain-car-picture.ts';
import { resetBounds } from './reset-bounds.ts';
import { torqueOf } from './torque.ts';

export interface ContinuousMountainCarOptions extends RenderOptions {
  /** The least velocity with which the goal counts; 0 by default. */
  readonly goalVelocity?: number | undefined;
}

const owner = 'ContinuousMountainCarEnv';
const minPosition = -1.2;
const maxPosition = 0.6;
const maxSpeed = 0.07;
const goalPosition = 0.45;
const power = 0.0015;
const gravity = 0.0025;
const layout = mountainCarLayout(goalPosition);
const { fround } = Math;
const exactly = (x: number): number => x;

/**
 * ## Description
 * MountainCar, where the force of the engine is chosen freely and costs. See `MountainCarEnv`.
 *
 * ## Action space
 * `Box(-1.0, 1.0, (1,), float32)`: the force along the x-axis. Values outside are cut off; `make` refuses them.
 *
 * ## Observation space
 * `Box([-1.2 -0.07], [0.6 0.07], (2,), float32)`: position and velocity of the car along the x-axis.
 *
 * ## Step
 * `velocity += force * 0.0015 - 0.0025 * cos(3 * position)`, held within +-0.07; `position += velocity`, held within [-1.2, 0.6]; at the left wall the velocity becomes
 * 0. The first step of an episode is computed in float64, those after it in float32, as NumPy does.
 *
 * ## Reward
 * `-0.1 * action^2` for each step, and +100 for the one that reaches the goal.
 *
 * ## Starting state
 * Position uniform in [-0.6, -0.4], velocity 0; `reset({ options: { low, high } })` changes the bounds of the position.
 *
 * ## Episode end
 * Terminated when the position is at least 0.45 and the velocity at least `goalVelocity`. `make` truncates after 999 steps.
 *
 * ## Arguments
 * `goalVelocity` (default 0), `renderMode: 'rgb_array'`, `renderSize` (default 64).
 *
 * ## Version history
 * - v0: first version.
 */
export class ContinuousMountainCarEnv extends Env<Float32Array, Float32Array> {
  readonly metadata: EnvMetadata = { renderModes: layout.modes, renderFps: 30 };
  readonly actionSpace: Box = new Box({ low: -1, high: 1, shape: [1] });
  readonly observationSpace: Box = new Box({ low: [minPosition, -maxSpeed], high: [maxPosition, maxSpeed] });
  readonly #goalVelocity: number;
  readonly #renderer: EnvRenderer;
  #hasState = false;
  // float64 in the first step of an episode, float32 from then on.
  #isFirst = true;
  #position = 0;
  #velocity = 0;

  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(options: ContinuousMountainCarOptions = {}) {
    super();
    checkKwargs(owner, { ...options }, ['goalVelocity', 'renderMode', 'renderSize']);
    this.#goalVelocity = numberOption(owner, 'goalVelocity', options.goalVelocity, 0);
    this.#renderer = new EnvRenderer(owner, options, layout);
  }

  override get renderMode(): string | undefined {
    return this.#renderer.mode;
  }

  reset(options?: ResetOptions): ResetResult<Float32Array> {
    const [low, high] = resetBounds(owner, options, -0.6, -0.4);
    this.seedRandom(options);
    this.#position = this.npRandom.uniform(low, high);
    this.#velocity = 0;
    this.#isFirst = true;
    this.#hasState = true;
    return { observation: Float32Array.of(this.#position, this.#velocity), info: {} };
  }

  step(action: ArrayLike<number>): StepResult<Float32Array> {
    const given = torqueOf(owner, action);
    if (!this.#hasState) throw new ResetNeeded(`${owner}: Call reset before using step method.`);
    // The dtype that NumPy's promotion leads to: constants become float32 as soon as the state is.
    const cast = this.#isFirst ? exactly : fround;
    const push = accelerate(given, cos(cast(3 * this.#position)));
    let velocity = cast(this.#velocity + cast(push));
    let isCut = false;
    if (velocity > cast(maxSpeed) || velocity < cast(-maxSpeed)) {
      velocity = cast(velocity > 0 ? maxSpeed : -maxSpeed);
      isCut = true;
    }
    let position = cast(this.#position + velocity);
    if (position > cast(maxPosition)) position = cast(maxPosition);
    if (position < cast(minPosition)) position = cast(minPosition);
    if (position === cast(minPosition) && velocity < 0) velocity = 0;
    // A velocity that was cut off is a Python float, and compared as one.
    const isFast = isCut && velocity > 0 ? maxSpeed >= this.#goalVelocity : velocity >= cast(this.#goalVelocity);
    const terminated = position >= cast(goalPosition) && isFast;
    this.#position = fround(position);
    this.#velocity = fround(velocity);
    this.#isFirst = false;
    const observation = Float32Array.of(position, velocity);
    const reward = (terminated ? 100 : 0) - given * given * 0.1;
    return { observation, reward, terminated, truncated: false, info: {} };
  }

  override render(): RenderFrame | undefined {
    return this.#renderer.render({
      id: this.spec?.id ?? owner,
      hasState: this.#hasState,
      draw: (raster) => drawMountainCar(raster, this.#position),
    });
  }

  protected override saveState(): EnvState {
    return {
      hasState: this.#hasState,
      isFirst: this.#isFirst,
      position: this.#position,
      velocity: this.#velocity,
    };
  }

  protected override restoreState(data: EnvState): void {
    this.#hasState = data['hasState'] as boolean;
    this.#isFirst = data['isFirst'] as boolean;
    this.#position = data['position'] as number;
    this.#velocity = data['velocity'] as number;
  }
}

// float32, but for a force that was cut off: that one is a Python float, and so is the result.
function accelerate(action: number, cosine: number): number {
  const pull = gravity * cosine;
  if (action > 1 || action < -1) return Math.sign(action) * power - pull;
  return fround(fround(action * fround(power)) - fround(pull));
}
