// MountainCar with three actions (gymnasium/envs/classic_control/mountain_car.py), number for number.
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
import { cos } from './exact-trig.ts';
import { drawMountainCar, mountainCarLayout } from './mountain-car-picture.ts';
import { resetBounds } from './reset-bounds.ts';

export interface MountainCarOptions extends RenderOptions {
  /** The least velocity with which the goal counts; 0 by default. */
  readonly goalVelocity?: number | undefined;
}

const owner = 'MountainCarEnv';
const minPosition = -1.2;
const maxPosition = 0.6;
const maxSpeed = 0.07;
const goalPosition = 0.5;
const force = 0.001;
const gravity = 0.0025;
const layout = mountainCarLayout(goalPosition);

/**
 * ## Description
 * A car stands at the bottom of a valley shaped like a sine. Its engine is too weak to drive up the right hill at once: it has to swing to and fro. From Andrew Moore's
 * PhD thesis (1990). Deterministic but for the start.
 *
 * ## Action space
 * `Discrete(3)`: 0 accelerates to the left, 1 does not, 2 accelerates to the right.
 *
 * ## Observation space
 * `Box([-1.2 -0.07], [0.6 0.07], (2,), float32)`: position and velocity of the car along the x-axis.
 *
 * ## Step
 * `velocity += (action - 1) * 0.001 - cos(3 * position) * 0.0025`, held within +-0.07; `position += velocity`, held within [-1.2, 0.6]; at the left wall the velocity
 * becomes 0.
 *
 * ## Reward
 * -1 for each step.
 *
 * ## Starting state
 * Position uniform in [-0.6, -0.4], velocity 0; `reset({ options: { low, high } })` changes the bounds of the position.
 *
 * ## Episode end
 * Terminated when the position is at least 0.5 and the velocity at least `goalVelocity`. `make` truncates after 200 steps.
 *
 * ## Arguments
 * `goalVelocity` (default 0), `renderMode: 'rgb_array'`, `renderSize` (default 64).
 *
 * ## Version history
 * - v0: first version.
 */
export class MountainCarEnv extends Env<Float32Array, number> {
  readonly metadata: EnvMetadata = { renderModes: layout.modes, renderFps: 30 };
  readonly actionSpace: Discrete = new Discrete(3);
  readonly observationSpace: Box = new Box({ low: [minPosition, -maxSpeed], high: [maxPosition, maxSpeed] });
  readonly #goalVelocity: number;
  readonly #renderer: EnvRenderer;
  #hasState = false;
  #position = 0;
  #velocity = 0;

  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(options: MountainCarOptions = {}) {
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
    this.#hasState = true;
    return { observation: Float32Array.of(this.#position, this.#velocity), info: {} };
  }

  step(action: number): StepResult<Float32Array> {
    const push = checkAction(owner, this.actionSpace, action);
    if (!this.#hasState) throw new ResetNeeded(`${owner}: Call reset before using step method.`);
    const pulled = this.#velocity + ((push - 1) * force + cos(3 * this.#position) * -gravity);
    let velocity = Math.min(Math.max(pulled, -maxSpeed), maxSpeed);
    const position = Math.min(Math.max(this.#position + velocity, minPosition), maxPosition);
    if (position === minPosition && velocity < 0) velocity = 0;
    this.#position = position;
    this.#velocity = velocity;
    return {
      observation: Float32Array.of(position, velocity),
      reward: -1,
      terminated: position >= goalPosition && velocity >= this.#goalVelocity,
      truncated: false,
      info: {},
    };
  }

  override render(): RenderFrame | undefined {
    return this.#renderer.render({
      id: this.spec?.id ?? owner,
      hasState: this.#hasState,
      draw: (raster) => drawMountainCar(raster, this.#position),
    });
  }

  protected override saveState(): EnvState {
    return { hasState: this.#hasState, position: this.#position, velocity: this.#velocity };
  }

  protected override restoreState(data: EnvState): void {
    this.#hasState = data['hasState'] as boolean;
    this.#position = data['position'] as number;
    this.#velocity = data['velocity'] as number;
  }
}
