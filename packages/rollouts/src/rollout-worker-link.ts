// This side of one rollout worker: sends requests, watches the clock, and turns every way a thread can fail into one error that says where it stood.

import { ConfigError, InternalError, WorkerError } from '@tessera/core';
import { spawnWorker, workerError } from '@tessera/core/node';
import type { ResourceLimits, Worker } from 'node:worker_threads';
import { uncarryError } from './carried-error.ts';
import type { Chunk } from './chunk.ts';
import { describePosition, newProgress, progressBytes, requestStop } from './progress.ts';
import type { RolloutSettings } from './settings.ts';
import type { RolloutWorkerData, WorkerReply, WorkerRequest } from './worker-messages.ts';

// A worker asked to stop finishes the step it is in and closes its environments; one that takes longer is ended.
const closeLimitMs = 500;

// Starting is slower than stepping: modules are loaded, and environments may open files or processes.
const startLimitMs = 60_000;

export interface RolloutWorkerLinkOptions {
  readonly settings: RolloutSettings;
  readonly workerIndex: number;
  readonly envIndices: readonly number[];
  /** Longest silence while an answer is due, in milliseconds; at the start never less than a minute. */
  readonly timeoutMs: number;
  readonly resourceLimits: ResourceLimits | undefined;
  readonly onChunk: (envIndex: number, chunk: Chunk) => void;
  /** Called at most once; nothing comes from this worker afterwards. */
  readonly onFailure: (error: unknown) => void;
}

/** One worker thread and the answers it owes. */
export class RolloutWorkerLink {
  readonly #options: RolloutWorkerLinkOptions;
  readonly #progress: Int32Array;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  // The first answer due is that it is ready.
  #answersDue = 1;
  #repliesSeen = 0;
  #timer: NodeJS.Timeout | undefined;
  #silent = false;
  #hangs = false;

  /** Starts the thread. Throws ConfigError when the environment's arguments cannot be copied to it. */
  constructor(options: RolloutWorkerLinkOptions) {
    this.#options = options;
    const { settings, workerIndex, envIndices, resourceLimits } = options;
    const progress = new SharedArrayBuffer(progressBytes);
    this.#progress = newProgress(progress);
    const workerData: RolloutWorkerData = { settings, workerIndex, envIndices, progress };
    this.#worker = spawn(workerData, resourceLimits);
    this.#worker.on('message', (reply: WorkerReply) => this.#receive(reply));
    this.#worker.on('error', (error) => this.#failAsWorker({ error }));
    this.#worker.on('messageerror', (cause) =>
      this.#fail(new InternalError('rollouts: an answer of a worker could not be read.', { cause })),
    );
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (exitCode) => {
        this.#failAsWorker({ exitCode });
        resolve();
      });
    });
    this.#watch();
  }

  /** Asks for the next chunk of an environment. */
  collect(envIndex: number): void {
    this.#answersDue++;
    if (this.#timer === undefined) this.#watch();
    this.#send({ kind: 'collect', envIndex });
  }

  /** Ends the thread; resolves when it has ended. It gets half a second to finish its step and close its environments, unless it hangs. */
  async stop(): Promise<void> {
    this.#silence();
    if (!this.#hangs) {
      requestStop(this.#progress);
      this.#send({ kind: 'close' });
      let limit: NodeJS.Timeout | undefined;
      const late = new Promise((resolve) => {
        limit = setTimeout(resolve, closeLimitMs);
      });
      await Promise.race([this.#exited, late]);
      clearTimeout(limit);
    }
    await this.#worker.terminate();
  }

  #send(request: WorkerRequest): void {
    this.#worker.postMessage(request);
  }

  #receive(reply: WorkerReply): void {
    if (this.#silent) return;
    this.#repliesSeen++;
    this.#answersDue--;
    this.#watch();
    if (reply.kind === 'failure') this.#fail(uncarryError(reply.error));
    else if (reply.kind === 'chunk') this.#options.onChunk(reply.envIndex, reply.chunk);
  }

  /** Restarts the clock, or stops it when nothing is due. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#answersDue === 0) return;
    const { timeoutMs } = this.#options;
    const limitMs = this.#repliesSeen === 0 ? Math.max(timeoutMs, startLimitMs) : timeoutMs;
    this.#timer = setTimeout(() => this.#suspect(limitMs), limitMs);
  }

  #suspect(limitMs: number): void {
    const seen = this.#repliesSeen;
    // After a long synchronous piece of work in this thread the timer fires before messages that have been here for ages: let them in first.
    setImmediate(() =>
      setImmediate(() => {
        if (this.#silent || this.#repliesSeen > seen) return;
        this.#hangs = true;
        const wayOut = 'Raise timeoutMs if the environment may be that slow.';
        this.#fail(new WorkerError(`${this.#position()}: nothing came from the worker for ${limitMs} ms. ${wayOut}`));
      }),
    );
  }

  #failAsWorker(end: { readonly error: unknown } | { readonly exitCode: number }): void {
    const { message, cause } = workerError('rollout-worker', end);
    this.#fail(new WorkerError(`${this.#position()}: ${message}`, { cause }));
  }

  #fail(error: unknown): void {
    if (this.#silent) return;
    this.#silence();
    this.#options.onFailure(error);
  }

  #silence(): void {
    this.#silent = true;
    clearTimeout(this.#timer);
  }

  #position(): string {
    const { settings, workerIndex } = this.#options;
    return describePosition(this.#progress, { id: settings.env.id, workerIndex });
  }
}

function spawn(workerData: RolloutWorkerData, resourceLimits: ResourceLimits | undefined): Worker {
  try {
    return spawnWorker(import.meta.url, 'rollout-worker', {
      workerData,
      ...(resourceLimits !== undefined && { resourceLimits }),
    });
  } catch (cause) {
    if (!(cause instanceof DOMException && cause.name === 'DataCloneError')) throw cause;
    throw new ConfigError(
      `rolloutSource: env.kwargs cannot be copied to a worker: ${cause.message} Use plain data, or inProcessRollouts.`,
      { cause },
    );
  }
}
