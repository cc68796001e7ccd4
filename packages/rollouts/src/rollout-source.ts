// Rollouts from worker threads: the same chunks as in process, in the same order, while the consumer does something else.

import { CancelledError } from '@tessera/core';
import { availableParallelism } from 'node:os';
import type { ResourceLimits } from 'node:worker_threads';
import { bridgedRollouts, isBridged } from './bridged-rollouts.ts';
import { chunkSteps, truncateChunk } from './chunk.ts';
import type { Chunk } from './chunk.ts';
import { RolloutWorkerLink } from './rollout-worker-link.ts';
import { resolveRollouts } from './settings.ts';
import type { RolloutLimits, RolloutOptions, RolloutSettings } from './settings.ts';

export interface WorkerRolloutOptions extends RolloutOptions {
  /** Memory limits of each worker. */
  readonly resourceLimits?: ResourceLimits;
}

/**
 * The chunks of `numEnvs` environments, stepped in worker threads, in the order (n, i): chunk n of every environment before chunk n + 1 of any.
 *
 * 1. Chunk n of environment i is a function of (env, seed, i, n, chunkLength, policy); workers, their speeds and `maxChunksAlive` change nothing.
 * 2. Nothing starts before the first chunk is asked for. From then on at most `maxChunksAlive` chunks are alive: being collected, waiting, or held by the
 *    consumer. Asking for a chunk lets go of those before it. (Behind a `pullMap` of concurrency c the consumer holds up to c, so c - 1 more are alive.)
 * 3. Chunks are transferred, not copied. At most `steps` steps come out, exactly; workers may have collected a little more by then, which is dropped.
 * 4. Iterating again starts from the beginning.
 * 5. Environments that only `makeVec` can load (`python:...`) live in other processes already; no threads are started for them, `numWorkers` is the number of
 *    processes, and their chunks come in the order in which they end.
 *
 * Throws ConfigError at once for bad options. The iteration throws, when every worker has ended: ConfigError (unknown environment, spaces it cannot use),
 * EnvironmentError (the environment threw or broke its contract), WorkerError (a worker died, or was silent for `timeoutMs`), CancelledError (`signal`).
 * The message names environment id, environment, worker, episode and step; the worker's own error is the cause.
 */
export function rolloutSource(options: WorkerRolloutOptions): AsyncIterable<Chunk> {
  const { resourceLimits, ...rest } = options;
  const { settings, limits } = resolveRollouts(rest, 'rolloutSource');
  if (isBridged(settings.env.id)) return { [Symbol.asyncIterator]: () => bridgedRollouts(settings, limits) };
  return { [Symbol.asyncIterator]: () => new WorkerRollouts({ settings, limits, resourceLimits }) };
}

interface Waiter {
  readonly resolve: (result: IteratorResult<Chunk, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

interface WorkerRolloutsOptions {
  readonly settings: RolloutSettings;
  readonly limits: RolloutLimits;
  readonly resourceLimits: ResourceLimits | undefined;
}

/**
 * One iteration. Chunks have one number each, `n * numEnvs + i`, in which order they are requested and delivered; that the next one to deliver is always among
 * those requested is why no bound, however small, can block.
 */
class WorkerRollouts implements AsyncIterator<Chunk, undefined> {
  readonly #options: WorkerRolloutsOptions;
  readonly #links: RolloutWorkerLink[] = [];
  /** Chunks that arrived before their turn, by number. */
  readonly #ready = new Map<number, Chunk>();
  readonly #arrived: number[];
  readonly #waiters: Waiter[] = [];
  readonly #onAbort: () => void;
  #stepsLeft: number;
  #requested = 0;
  #delivered = 0;
  #released = 0;
  #started = false;
  #stopped: Promise<unknown> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: WorkerRolloutsOptions) {
    this.#options = options;
    const { settings, limits } = options;
    this.#stepsLeft = limits.steps;
    this.#arrived = Array.from({ length: settings.numEnvs }, () => 0);
    this.#onAbort = () =>
      this.#fail(new CancelledError('rollouts: cancelled by the signal.', { cause: limits.signal?.reason }));
  }

  next(): Promise<IteratorResult<Chunk, undefined>> {
    this.#released = this.#delivered;
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#start();
      this.#request();
      this.#deliver();
    });
  }

  async return(): Promise<IteratorResult<Chunk, undefined>> {
    this.#stop();
    await this.#stopped;
    return { done: true, value: undefined };
  }

  #start(): void {
    if (this.#started || this.#stopped !== undefined) return;
    this.#started = true;
    const { settings, limits, resourceLimits } = this.#options;
    const { signal, timeoutMs } = limits;
    if (signal?.aborted) return this.#onAbort();
    if (this.#stepsLeft === 0) return this.#stop();
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    const { numEnvs } = settings;
    const numWorkers = Math.min(numEnvs, limits.numWorkers ?? Math.max(1, availableParallelism() - 1));
    try {
      for (let workerIndex = 0; workerIndex < numWorkers; workerIndex++) {
        const envIndices = Array.from({ length: numEnvs }, (_, envIndex) => envIndex).filter(
          (envIndex) => envIndex % numWorkers === workerIndex,
        );
        const onChunk = (envIndex: number, chunk: Chunk): void => this.#receive(envIndex, chunk);
        const onFailure = (error: unknown): void => this.#fail(error);
        this.#links.push(
          new RolloutWorkerLink({ settings, workerIndex, envIndices, timeoutMs, resourceLimits, onChunk, onFailure }),
        );
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Asks the workers for chunks while there is room, in the order of delivery. */
  #request(): void {
    const { settings, limits } = this.#options;
    while (
      this.#stopped === undefined &&
      this.#requested - this.#released < limits.maxChunksAlive &&
      // Each chunk has a step at least: more than that many can never be delivered.
      this.#requested - this.#delivered < this.#stepsLeft
    ) {
      const envIndex = this.#requested++ % settings.numEnvs;
      this.#links[envIndex % this.#links.length]!.collect(envIndex);
    }
  }

  #receive(envIndex: number, chunk: Chunk): void {
    // Each environment answers in order.
    const sequence = this.#arrived[envIndex]!++;
    this.#ready.set(sequence * this.#options.settings.numEnvs + envIndex, chunk);
    this.#deliver();
  }

  #deliver(): void {
    while (this.#waiters.length > 0) {
      if (this.#stopped !== undefined) {
        void this.#settle(this.#waiters.shift()!, this.#stopped);
        continue;
      }
      const chunk = this.#ready.get(this.#delivered);
      if (chunk === undefined) return;
      this.#ready.delete(this.#delivered);
      this.#delivered++;
      const steps = Math.min(chunkSteps(chunk), this.#stepsLeft);
      this.#stepsLeft -= steps;
      this.#waiters.shift()!.resolve({ done: false, value: truncateChunk(chunk, steps) });
      if (this.#stepsLeft === 0) this.#stop();
    }
  }

  /** The end, told when every worker has ended; the failure is told once. */
  async #settle(waiter: Waiter, stopped: Promise<unknown>): Promise<void> {
    const failure = this.#failure;
    this.#failure = undefined;
    await stopped;
    if (failure === undefined) waiter.resolve({ done: true, value: undefined });
    else waiter.reject(failure.error);
  }

  #fail(error: unknown): void {
    if (this.#stopped !== undefined) return;
    this.#failure = { error };
    this.#stop();
  }

  #stop(): void {
    if (this.#stopped !== undefined) return;
    this.#options.limits.signal?.removeEventListener('abort', this.#onAbort);
    this.#ready.clear();
    this.#stopped = Promise.allSettled(this.#links.map((link) => link.stop()));
    this.#deliver();
  }
}
