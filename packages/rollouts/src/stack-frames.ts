// The last few frames as one, so that a policy and a tokenizer that look at a single observation see what moves.
import { ConfigError } from '@tessera/core';
import { Box, Wrapper } from 'gymnasium-js';
import type { Env, EnvState, ResetOptions, ResetResult, StepResult } from 'gymnasium-js';

/** Frames uint8 `[height, width, channels]` become `[height, width, count * channels]`, the newest last; before the first frame of an episode stands that frame. */
export class StackFrames<Act = number> extends Wrapper<Uint8Array, Act, Uint8Array, Act> {
  readonly #channels: number;
  readonly #count: number;
  #stacked: Uint8Array;

  /** Throws ConfigError unless `count` is a whole number > 1. */
  constructor(env: Env<Uint8Array, Act>, count: number) {
    super(env, { count });
    if (!Number.isSafeInteger(count) || count < 2) {
      throw new ConfigError(`stackFrames: expected a whole number of frames > 1, got ${count}.`);
    }
    const [height, width, channels] = env.observationSpace.shape as [number, number, number];
    this.#channels = channels;
    this.#count = count;
    this.observationSpace = new Box({ low: 0, high: 255, shape: [height, width, count * channels], dtype: 'uint8' });
    this.#stacked = new Uint8Array(height * width * count * channels);
  }

  override reset(options?: ResetOptions): ResetResult<Uint8Array> {
    const { observation, info } = this.env.reset(options);
    for (let i = 0; i < this.#count; i++) this.#push(observation);
    return { observation: this.#stacked, info };
  }

  override step(action: Act): StepResult<Uint8Array> {
    const result = this.env.step(action);
    this.#push(result.observation);
    return { ...result, observation: this.#stacked };
  }

  /** In memory of its own, so that an observation stays what it was. */
  #push(frame: Uint8Array): void {
    const [channels, before] = [this.#channels, this.#stacked];
    const width = this.#count * channels;
    const stacked = new Uint8Array(before.length);
    for (let from = 0, to = 0; from < frame.length; from += channels, to += width) {
      stacked.set(before.subarray(to + channels, to + width), to);
      stacked.set(frame.subarray(from, from + channels), to + width - channels);
    }
    this.#stacked = stacked;
  }

  protected override saveState(): EnvState {
    return { stacked: this.#stacked.slice() };
  }

  protected override restoreState({ stacked }: EnvState): void {
    this.#stacked = (stacked as Uint8Array).slice();
  }
}
