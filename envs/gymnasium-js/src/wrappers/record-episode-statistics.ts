// Return, length and time of each finished episode (gymnasium.wrappers.RecordEpisodeStatistics).
import { ConfigError, EnvironmentError } from '@tessera/core';
import type { Env } from '../env.ts';
import type { EnvState, ResetOptions, ResetResult, StepResult, TypedArray } from '../types.ts';
import { Wrapper } from './wrapper.ts';

export interface RecordEpisodeStatisticsOptions {
  /** How many episodes the queues hold; 100 by default. */
  readonly bufferLength?: number;
  /** Key of the statistics in `info`; `episode` by default. */
  readonly statsKey?: string;
}

/**
 * Adds `info.episode = { r, l, t }` to the last step of an episode: the sum of rewards, the number of steps, the seconds it took.
 *
 * The last `bufferLength` of them stay in `returnQueue`, `lengthQueue` and `timeQueue`. The seconds are wall-clock time, the only
 * value here that two equal runs do not share.
 */
export class RecordEpisodeStatistics<Obs = TypedArray, Act = number> extends Wrapper<Obs, Act> {
  readonly #bufferLength: number;
  readonly #statsKey: string;
  episodeCount = 0;
  episodeReturn = 0;
  episodeLength = 0;
  #startTime: number = performance.now();
  #returns: number[] = [];
  #lengths: number[] = [];
  #times: number[] = [];

  /** Throws ConfigError unless `bufferLength` is a whole number > 0. */
  constructor(env: Env<Obs, Act>, options: RecordEpisodeStatisticsOptions = {}) {
    const { bufferLength = 100, statsKey = 'episode' } = options;
    if (!Number.isSafeInteger(bufferLength) || bufferLength <= 0) {
      const got = String(bufferLength);
      throw new ConfigError(
        `RecordEpisodeStatistics: expect bufferLength to be a positive whole number, actually: ${got}.`,
      );
    }
    super(env, { ...options });
    this.#bufferLength = bufferLength;
    this.#statsKey = statsKey;
  }

  get returnQueue(): readonly number[] {
    return this.#returns;
  }

  get lengthQueue(): readonly number[] {
    return this.#lengths;
  }

  /** In seconds. */
  get timeQueue(): readonly number[] {
    return this.#times;
  }

  override reset(options?: ResetOptions): ResetResult<Obs> {
    const result = this.env.reset(options);
    this.#startTime = performance.now();
    this.episodeReturn = 0;
    this.episodeLength = 0;
    return result;
  }

  override step(action: Act): StepResult<Obs> {
    const result = this.env.step(action);
    this.episodeReturn += result.reward;
    this.episodeLength += 1;
    if (result.terminated || result.truncated) this.#record(result);
    return result;
  }

  #record(result: StepResult<Obs>): void {
    if (this.#statsKey in result.info) {
      const got = `info already has the key "${this.#statsKey}"`;
      throw new EnvironmentError(`RecordEpisodeStatistics: ${got}. Wrap only once, or set another statsKey.`);
    }
    const seconds = this.#elapsed();
    result.info[this.#statsKey] = { r: this.episodeReturn, l: this.episodeLength, t: seconds };
    this.#push(this.#returns, this.episodeReturn);
    this.#push(this.#lengths, this.episodeLength);
    this.#push(this.#times, seconds);
    this.episodeCount += 1;
    this.#startTime = performance.now();
  }

  #push(queue: number[], value: number): void {
    queue.push(value);
    if (queue.length > this.#bufferLength) queue.shift();
  }

  #elapsed(): number {
    return Math.round((performance.now() - this.#startTime) * 1e3) / 1e6;
  }

  protected override saveState(): EnvState {
    return {
      episodeCount: this.episodeCount,
      episodeReturn: this.episodeReturn,
      episodeLength: this.episodeLength,
      elapsed: this.#elapsed(),
      returns: [...this.#returns],
      lengths: [...this.#lengths],
      times: [...this.#times],
    };
  }

  protected override restoreState(data: EnvState): void {
    this.episodeCount = data['episodeCount'] as number;
    this.episodeReturn = data['episodeReturn'] as number;
    this.episodeLength = data['episodeLength'] as number;
    this.#startTime = performance.now() - (data['elapsed'] as number) * 1e3;
    this.#returns = [...(data['returns'] as number[])];
    this.#lengths = [...(data['lengths'] as number[])];
    this.#times = [...(data['times'] as number[])];
  }
}
