// An environment of 4 x 4 grey pixels that tell what happened: the step, the action before, the episode, and where a walker stands. It saves its state.
import { Box, Discrete, Env, register } from 'gymnasium-js';
import type { EnvMetadata, EnvState, ResetOptions, ResetResult, Space, StepResult, TypedArray } from 'gymnasium-js';
import type { ActionRange, EnvConfig } from '@tessera/rollouts';

export interface WalkKwargs {
  /** Steps of an episode; default 6. */
  readonly length?: number;
  /** What the last one is; default 'terminated'. */
  readonly end?: 'terminated' | 'truncated';
  /** Reward of a step to the right; default 1. To the left it is -1, on the spot 0. */
  readonly reward?: number;
  /** Episodes last up to so many steps longer, drawn from the seed; default 0. */
  readonly spread?: number;
  /** Every so many steps of an episode the action before is executed again, which `info.executedAction` says; default never. */
  readonly repeatEvery?: number;
  /** Whether frames tell the episode, counted from 0 in each environment; default true. Otherwise they say 0, and an episode looks the same wherever it is played. */
  readonly tellsEpisode?: boolean;
}

/** Left, stay, right; numbered from 5, so that mistaking indices for actions shows. */
export const walkActions: ActionRange = { count: 3, first: 5 };

/** What a frame tells; `action` is the index of the one that led here, undefined at an episode's start. */
export function readWalk(pixels: ArrayLike<number>): {
  readonly step: number;
  readonly action: number | undefined;
  readonly episode: number;
  readonly place: number;
} {
  const [step = 0, action = 0, episode = 0, place = 0] = Array.from(pixels);
  return { step, action: action === 0 ? undefined : action - 1, episode, place };
}

class WalkEnv extends Env {
  readonly metadata: EnvMetadata = { renderModes: [] };
  readonly observationSpace: Space<TypedArray> = new Box({ low: 0, high: 255, shape: [4, 4, 1], dtype: 'uint8' });
  readonly actionSpace: Discrete = new Discrete(walkActions.count, { start: walkActions.first });
  readonly #kwargs: WalkKwargs;
  readonly #frame = new Uint8Array(16);
  #step = 0;
  #episode = -1;
  #place = 0;
  #length = 0;
  #executed = walkActions.first;

  constructor(kwargs: WalkKwargs) {
    super();
    this.#kwargs = kwargs;
  }

  override reset(options?: ResetOptions): ResetResult<TypedArray> {
    this.seedRandom(options);
    const { length = 6, spread = 0 } = this.#kwargs;
    this.#step = 0;
    this.#episode++;
    this.#place = this.npRandom.integers(4);
    this.#length = length + (spread > 0 ? this.npRandom.integers(spread + 1) : 0);
    this.#draw(0);
    return { observation: this.#frame, info: {} };
  }

  override step(chosen: number): StepResult<TypedArray> {
    const { end = 'terminated', reward = 1, repeatEvery } = this.#kwargs;
    this.#step++;
    const repeats = repeatEvery !== undefined && this.#step % repeatEvery === 0;
    const action = repeats ? this.#executed : chosen;
    this.#executed = action;
    const move = action - walkActions.first - 1;
    this.#place = (this.#place + move + 4) % 4;
    this.#draw(move + 2);
    const over = this.#step >= this.#length;
    return {
      observation: this.#frame,
      reward: move > 0 ? reward : move,
      terminated: over && end === 'terminated',
      truncated: over && end === 'truncated',
      info: repeatEvery === undefined ? {} : { executedAction: action },
    };
  }

  #draw(action: number): void {
    const episode = (this.#kwargs.tellsEpisode ?? true) ? this.#episode : 0;
    this.#frame.fill(0);
    this.#frame.set([this.#step, action, episode, this.#place].map((value) => (value % 16) * 16));
    this.#frame[4 + 3 * this.#place] = 240;
  }

  protected override saveState(): EnvState {
    const { length } = this.#frame;
    const numbers = [this.#step, this.#episode, this.#place, this.#length, this.#executed];
    return { frame: this.#frame.slice(0, length), numbers };
  }

  protected override restoreState({ frame, numbers }: EnvState): void {
    this.#frame.set(frame as Uint8Array);
    const [step, episode, place, length, executed] = numbers as [number, number, number, number, number];
    [this.#step, this.#episode, this.#place] = [step, episode, place];
    [this.#length, this.#executed] = [length, executed];
  }
}

register({ id: 'AgentWalk-v0', entryPoint: (kwargs) => new WalkEnv(kwargs) });

export function walk(kwargs: WalkKwargs = {}): EnvConfig {
  return { id: 'AgentWalk-v0', kwargs: { ...kwargs } };
}
