// Return, length and time of each finished episode of a vector environment (gymnasium.wrappers.vector.RecordEpisodeStatistics).
import { ConfigError, EnvironmentError } from '@tessera/core';
import type { EnvState, TypedArray } from '../../types.ts';
import { planReset } from '../../vector/arguments.ts';
import type {
  VectorActions,
  VectorEnv,
  VectorResetOptions,
  VectorResetResult,
  VectorStepResult,
} from '../../vector/vector-env.ts';
import { checkCount } from '../checks.ts';
import type { RecordEpisodeStatisticsOptions } from '../record-episode-statistics.ts';
import { VectorWrapper } from './vector-wrapper.ts';

/**
 * Adds `info.episode = { r, l, t }` to steps in which episodes end, with the sum of rewards, the number of steps and the seconds of those
 * marked in `info._episode`, and 0 for the others.
 *
 * Gymnasium's counts as if every environment were in the mode NextStep: in SameStep it loses the first reward of each episode, and a reset
 * of some environments forgets the statistics of all. Not here.
 */
export class RecordEpisodeStatistics<Obs = TypedArray> extends VectorWrapper<Obs> {
  readonly #bufferLength: number;
  readonly #statsKey: string;
  readonly #returns: Float64Array;
  readonly #lengths: Float64Array;
  readonly #startTimes: Float64Array;
  readonly #ended: Uint8Array;
  episodeCount = 0;
  #returnQueue: number[] = [];
  #lengthQueue: number[] = [];
  #timeQueue: number[] = [];

  /** Throws ConfigError unless `bufferLength` is a whole number > 0. */
  constructor(env: VectorEnv<Obs>, options: RecordEpisodeStatisticsOptions = {}) {
    super(env);
    const { bufferLength = 100, statsKey = 'episode' } = options;
    this.#bufferLength = checkCount('RecordEpisodeStatistics', 'bufferLength', bufferLength, 1);
    this.#statsKey = statsKey;
    this.#returns = new Float64Array(env.numEnvs);
    this.#lengths = new Float64Array(env.numEnvs);
    this.#startTimes = new Float64Array(env.numEnvs).fill(performance.now());
    this.#ended = new Uint8Array(env.numEnvs);
  }

  get returnQueue(): readonly number[] {
    return this.#returnQueue;
  }

  get lengthQueue(): readonly number[] {
    return this.#lengthQueue;
  }

  /** In seconds. */
  get timeQueue(): readonly number[] {
    return this.#timeQueue;
  }

  /** Returns of the present episodes. */
  get episodeReturns(): Float64Array {
    return this.#returns.slice();
  }

  get episodeLengths(): Float64Array {
    return this.#lengths.slice();
  }

  override async reset(options: VectorResetOptions = {}): Promise<VectorResetResult<Obs>> {
    const result = await this.env.reset(options);
    const { mask } = planReset(this.numEnvs, options);
    for (let i = 0; i < this.numEnvs; i++) if (mask[i]) this.#begin(i);
    return result;
  }

  override async step(actions: VectorActions): Promise<VectorStepResult<Obs>> {
    const result = await this.env.step(actions);
    const isReset = this.metadata.autoresetMode === 'NextStep';
    const ended = new Uint8Array(this.numEnvs);
    for (let i = 0; i < this.numEnvs; i++) {
      const isNew = this.#ended[i] === 1;
      if (isNew) this.#begin(i);
      // In the mode NextStep, the step after the end is the reset and no part of an episode.
      if (!(isNew && isReset)) {
        this.#returns[i]! += result.reward[i]!;
        this.#lengths[i]! += 1;
      }
      ended[i] = result.terminated[i]! | result.truncated[i]!;
    }
    this.#ended.set(ended);
    if (ended.includes(1)) this.#record(result, ended);
    return result;
  }

  #begin(i: number): void {
    this.#returns[i] = 0;
    this.#lengths[i] = 0;
    this.#startTimes[i] = performance.now();
    this.#ended[i] = 0;
  }

  #record(result: VectorStepResult<Obs>, ended: Uint8Array): void {
    const key = this.#statsKey;
    if (key in result.info || `_${key}` in result.info) {
      const keys = Object.keys(result.info).join(', ');
      throw new EnvironmentError(
        `Attempted to add episode stats with key '${key}' but this key already exists in info: [${keys}].`,
      );
    }
    const times = this.#startTimes.map((start) => Math.round((performance.now() - start) * 1e3) / 1e6);
    const ofEnded = (values: Float64Array): Float64Array => values.map((value, i) => (ended[i] ? value : 0));
    result.info[key] = { r: ofEnded(this.#returns), l: ofEnded(this.#lengths), t: ofEnded(times) };
    result.info[`_${key}`] = ended;
    for (let i = 0; i < this.numEnvs; i++) {
      if (!ended[i]) continue;
      this.episodeCount += 1;
      this.#push(this.#returnQueue, this.#returns[i]!);
      this.#push(this.#lengthQueue, this.#lengths[i]!);
      this.#push(this.#timeQueue, times[i]!);
    }
  }

  #push(queue: number[], value: number): void {
    queue.push(value);
    if (queue.length > this.#bufferLength) queue.shift();
  }

  protected override saveState(): EnvState {
    const now = performance.now();
    return {
      episodeCount: this.episodeCount,
      returns: this.#returns.slice(),
      lengths: this.#lengths.slice(),
      elapsed: this.#startTimes.map((start) => now - start),
      ended: this.#ended.slice(),
      queues: [[...this.#returnQueue], [...this.#lengthQueue], [...this.#timeQueue]],
    };
  }

  protected override restoreState(data: EnvState): void {
    const now = performance.now();
    const queues = data['queues'] as number[][];
    if ((data['returns'] as Float64Array).length !== this.numEnvs) {
      throw new ConfigError(`setState: expected statistics of ${this.numEnvs} environments. Build both alike.`);
    }
    this.episodeCount = data['episodeCount'] as number;
    this.#returns.set(data['returns'] as Float64Array);
    this.#lengths.set(data['lengths'] as Float64Array);
    this.#startTimes.set((data['elapsed'] as Float64Array).map((elapsed) => now - elapsed));
    this.#ended.set(data['ended'] as Uint8Array);
    [this.#returnQueue, this.#lengthQueue, this.#timeQueue] = queues.map((queue) => [...queue]) as [
      number[],
      number[],
      number[],
    ];
  }
}
