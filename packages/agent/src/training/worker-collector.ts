// Rounds played by a worker thread, which has an engine, an agent and environments of its own, while the learner trains in this one.
import type { Worker } from 'node:worker_threads';
import { CancelledError, ConfigError, InternalError } from '@tessera/core';
import { spawnWorker, workerError } from '@tessera/core/node';
import { uncarryError } from '@tessera/rollouts/node';
import type { PlayedRound, RoundCollector, RoundOrder, RoundPlayer } from './play-round.ts';
import type { RoundReply, RoundRequest, RoundWorkerData } from './round-messages.ts';

// A worker that is closed finishes the step it is in; one that takes longer is ended.
const closeLimitMs = 5000;

/** A player that somebody has to put away. */
export interface WorkerPlayer extends RoundPlayer {
  /** Called once, after the last round; frees what the player was made of. */
  dispose(): void;
}

/** What the module of a player exports. */
export interface PlayerModule {
  /** Makes, in the worker, an agent like the learner's and environments like those of its rollouts. */
  createPlayer(options: unknown): WorkerPlayer | Promise<WorkerPlayer>;
}

/** How to start a collector. */
export interface WorkerCollectorOptions {
  /** Address of a module that exports `createPlayer(options)`. */
  readonly module: URL;
  /** Handed to `createPlayer`; it has to survive being copied to a thread. */
  readonly options?: unknown;
}

interface Waiter {
  readonly resolve: (round: PlayedRound) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Plays rounds in a worker thread, one after another, in the order in which they are asked for. Each is what `playRound` would give here.
 *
 * A round fails with what `createPlayer`, agent and environments throw, with WorkerError when the thread dies, and with CancelledError when the collector is closed; so do
 * all after it.
 */
export class WorkerCollector implements RoundCollector {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #waiters: Waiter[] = [];
  #failure: { readonly error: unknown } | undefined;

  /** Starts the thread. Throws ConfigError for options that cannot be copied to it. */
  constructor({ module, options }: WorkerCollectorOptions) {
    this.#worker = spawn({ module: module.href, options });
    this.#worker.on('message', (reply: RoundReply) => {
      if (reply.kind === 'failure') this.#fail(uncarryError(reply.error));
      else this.#waiters.shift()?.resolve(reply.round);
    });
    this.#worker.on('error', (error) => this.#fail(workerError('round-worker', { error })));
    this.#worker.on('messageerror', (cause) =>
      this.#fail(new InternalError('collector: an answer of the worker could not be read.', { cause })),
    );
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (exitCode) => {
        this.#fail(workerError('round-worker', { exitCode }));
        resolve();
      });
    });
  }

  play(order: RoundOrder): Promise<PlayedRound> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure.error);
        return;
      }
      this.#waiters.push({ resolve, reject });
      this.#worker.postMessage({ kind: 'play', order } satisfies RoundRequest);
    });
  }

  /** Ends the thread, and the round that it plays; resolves when it has ended. It gets five seconds to finish its step and put its environments away. May be called again. */
  async close(): Promise<void> {
    this.#fail(new CancelledError('collector: closed before the round was played.'));
    this.#worker.postMessage({ kind: 'close' } satisfies RoundRequest);
    let limit: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      limit = setTimeout(resolve, closeLimitMs);
    });
    await Promise.race([this.#exited, late]);
    clearTimeout(limit);
    await this.#worker.terminate();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { reject } of this.#waiters.splice(0)) reject(this.#failure.error);
  }
}

function spawn(workerData: RoundWorkerData): Worker {
  try {
    return spawnWorker(import.meta.url, 'round-worker', { workerData });
  } catch (cause) {
    if (!(cause instanceof DOMException && cause.name === 'DataCloneError')) throw cause;
    throw new ConfigError(
      `WorkerCollector: its options cannot be copied to a worker: ${cause.message} Use plain data.`,
      {
        cause,
      },
    );
  }
}
